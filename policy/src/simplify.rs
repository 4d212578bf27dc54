//! A shorter policy that decides alike.
use crate::policy::{Addresses, Network, Policy, Rule, Transport, Values};
use crate::progress::Observer;
use crate::space::{Effect, Space, TooLarge};
use crate::write;
use core::ops::Range;
use std::collections::HashMap;

/// What stands in place of some rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Their numbers, counted from 0, in order. More than one are now one.
    pub numbers: Vec<usize>,
    /// The rule: its place is that of the first of them.
    pub rule: Rule,
}

/// What a policy is shortened to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shorter {
    /// The rules that are left, in order.
    pub kept: Vec<Kept>,
    /// What all rules were for, when from the last to the first those that are not needed went.
    pub effects: Vec<Effect>,
    /// The policy with these rules.
    pub policy: Policy,
}

/// Takes away the rules that change nothing, and makes one of several that differ in one value. Rules that have more to them
/// than what they ask, a name or a comment, stay as they are: `is_plain` tells which have not.
///
/// # Errors
/// Diagrams that would be too large. That the result decides alike is proved, too: if it did not, it would be the same policy.
pub fn shorten(
    policy: &Policy,
    is_plain: impl Fn(usize) -> bool,
    observer: &mut dyn Observer,
) -> Result<Shorter, TooLarge> {
    let mut space = Space::new(&[policy])?;
    let effects = space.effects_in_turn(policy, observer)?;
    let all = policy.rules.iter().enumerate();
    let needed = all.clone().filter(|(number, _)| effects.get(*number) == Some(&Effect::Needed));
    let kept = join(needed.map(|(number, rule)| Kept { numbers: vec![number], rule: rule.clone() }), policy, is_plain);
    let shorter = with(policy, &kept);
    if space.accepted(&shorter)? == space.accepted(policy)? {
        return Ok(Shorter { kept, effects, policy: shorter });
    }
    let kept = all.map(|(number, rule)| Kept { numbers: vec![number], rule: rule.clone() }).collect();
    Ok(Shorter { kept, effects: vec![Effect::Needed; policy.rules.len()], policy: policy.clone() })
}

fn with(policy: &Policy, kept: &[Kept]) -> Policy {
    let rules = kept.iter().map(|kept| kept.rule.clone()).collect();
    Policy { rules, default: policy.default, lists: policy.lists.clone() }
}

/// Rules that stand one after another and do the same can stand in any order, so that any two of them may become one.
fn join(rules: impl Iterator<Item = Kept>, policy: &Policy, is_plain: impl Fn(usize) -> bool) -> Vec<Kept> {
    let mut all: Vec<Kept> = Vec::new();
    let mut alike: HashMap<(usize, String), usize> = HashMap::new();
    for kept in rules {
        if all.last().is_some_and(|last| last.rule.action != kept.rule.action) {
            alike.clear();
        }
        if !kept.numbers.iter().all(|number| is_plain(*number)) {
            all.push(kept);
            continue;
        }
        let keys = keys(&kept.rule, policy);
        let found = keys.iter().find_map(|key| alike.get(key).copied());
        let place = match found.and_then(|at| Some((at, all.get_mut(at)?))) {
            Some((at, other)) if let Some(rule) = joint(&other.rule, &kept.rule) => {
                other.rule = rule;
                other.numbers.extend(kept.numbers);
                at
            }
            _ => {
                all.push(kept);
                all.len() - 1
            }
        };
        let joined = all.get(place).map(|kept| self::keys(&kept.rule, policy)).unwrap_or_default();
        alike.extend(joined.into_iter().map(|key| (key, place)));
    }
    all
}

/// For each member of a rule the rule without it: two rules that have one in common may differ in that member only.
fn keys(rule: &Rule, policy: &Policy) -> Vec<(usize, String)> {
    let without = |member: usize| {
        let mut rest = rule.clone();
        let had = match (&mut rest.network, member) {
            (Some(Network::Ipv4(asked)), 0..3) => blank_address(asked, member),
            (Some(Network::Ipv6(asked)), 0..3) => blank_address(asked, member),
            _ => match (&mut rest.transport, member) {
                (Some(Transport::Tcp(asked) | Transport::Udp(asked)), 3) => asked.source.take().is_some(),
                (Some(Transport::Tcp(asked) | Transport::Udp(asked)), 4) => asked.destination.take().is_some(),
                (Some(Transport::Icmp(asked) | Transport::Icmp6(asked)), 3) => asked.message_type.take().is_some(),
                (Some(Transport::Icmp(asked) | Transport::Icmp6(asked)), 4) => asked.code.take().is_some(),
                _ => false,
            },
        };
        had.then(|| (member, write::rule(&rest, &policy.lists)))
    };
    (0..5).filter_map(without).collect()
}

fn blank_address<P>(asked: &mut Addresses<P>, member: usize) -> bool {
    match member {
        0 => asked.source.take().is_some(),
        1 => asked.destination.take().is_some(),
        _ => asked.protocol.take().is_some(),
    }
}

/// One rule for two that differ in the values of one member only, if there is one.
fn joint(one: &Rule, other: &Rule) -> Option<Rule> {
    let mut found = one.clone();
    let mut members = 0;
    match (&mut found.network, &other.network) {
        (None, None) => {}
        (Some(Network::Ipv4(one)), Some(Network::Ipv4(other))) => members += addresses(one, other)?,
        (Some(Network::Ipv6(one)), Some(Network::Ipv6(other))) => members += addresses(one, other)?,
        _ => return None,
    }
    members += match (&mut found.transport, &other.transport) {
        (None, None) => 0,
        (Some(Transport::Tcp(one)), Some(Transport::Tcp(other)))
        | (Some(Transport::Udp(one)), Some(Transport::Udp(other))) => {
            member(&mut one.source, &other.source)? + member(&mut one.destination, &other.destination)?
        }
        (Some(Transport::Icmp(one)), Some(Transport::Icmp(other)))
        | (Some(Transport::Icmp6(one)), Some(Transport::Icmp6(other))) => {
            member(&mut one.message_type, &other.message_type)? + member(&mut one.code, &other.code)?
        }
        _ => return None,
    };
    (members == 1).then_some(found)
}

fn addresses<P: Clone + PartialEq>(one: &mut Addresses<P>, other: &Addresses<P>) -> Option<usize> {
    let is_alike = one.fragment == other.fragment;
    let count = member(&mut one.source, &other.source)?
        + member(&mut one.destination, &other.destination)?
        + member(&mut one.protocol, &other.protocol)?;
    is_alike.then_some(count)
}

/// Puts the values together. How many members have changed, 0 or 1; `None` if they cannot be one.
fn member<T: Clone + PartialEq>(one: &mut Option<Values<T>>, other: &Option<Values<T>>) -> Option<usize> {
    match (one, other) {
        (None, None) => Some(0),
        (Some(one), Some(other)) if one == other => Some(0),
        (Some(one), Some(other)) if !one.negated && !other.negated => {
            let new: Vec<T> = other.members.iter().filter(|value| !one.members.contains(value)).cloned().collect();
            one.members.extend(new);
            Some(1)
        }
        _ => None,
    }
}

/// The text of a configuration with the rules of a shorter policy, written where the old ones stand. What stands around the
/// rules stays.
pub fn rewrite(text: &str, policy: &Policy, kept: &[Kept]) -> String {
    let first: HashMap<usize, &Kept> = kept.iter().filter_map(|kept| Some((*kept.numbers.first()?, kept))).collect();
    let last = first.keys().max();
    let start = |number: usize| policy.rules.get(number).map(|rule| rule.span.start);
    let edit = |(number, rule): (usize, &Rule)| -> Option<(Range<usize>, String)> {
        match first.get(&number) {
            Some(kept) if kept.numbers.len() == 1 => None,
            Some(kept) => Some((rule.span.clone(), write::rule(&kept.rule, &policy.lists))),
            // With what parts it from the one before, behind the last that stays; from the next elsewhere.
            None if last.is_some_and(|last| number > *last) => {
                let before = number.checked_sub(1).and_then(|before| policy.rules.get(before));
                Some((before.map_or(rule.span.start, |rule| rule.span.end)..rule.span.end, String::new()))
            }
            None => Some((rule.span.start..start(number + 1).unwrap_or(rule.span.end), String::new())),
        }
    };
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for (place, written) in policy.rules.iter().enumerate().filter_map(edit) {
        out.push_str(text.get(at..place.start).unwrap_or_default());
        out.push_str(&written);
        at = place.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}
