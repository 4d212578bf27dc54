//! One rule in place of several that differ in the values of one member.
use super::Kept;
use crate::policy::{Addresses, Network, Policy, Rule, Transport, Values};
use crate::write;
use core::hash::Hash;
use std::collections::{HashMap, HashSet};

/// What a rule can give several values for, as numbers: `src`, `dest` and `proto` of `ip` and `ip6`; then `src` and `dest` of
/// `tcp` and `udp`, `type` and `code` of `icmp` and `icmp6`.
const MEMBERS: usize = 5;

/// Rules that stand one after another and do the same can stand in any order, so that any of them may become one. Those that are
/// not plain stay as they are.
pub(super) fn join(rules: &[Kept], policy: &Policy, is_plain: impl Fn(usize) -> bool) -> Vec<Kept> {
    let runs = rules.chunk_by(|one, next| one.rule.action == next.rule.action);
    runs.flat_map(|run| join_run(run.to_vec(), policy, &is_plain)).collect()
}

/// Joins rules that do the same until they get no fewer.
fn join_run(mut run: Vec<Kept>, policy: &Policy, is_plain: &impl Fn(usize) -> bool) -> Vec<Kept> {
    loop {
        let before = run.len();
        for member in 0..MEMBERS {
            run = join_by(member, run, policy, is_plain);
        }
        if run.len() == before {
            return run;
        }
    }
}

/// Makes one of all rules that differ in the values of this member only.
fn join_by(member: usize, run: Vec<Kept>, policy: &Policy, is_plain: &impl Fn(usize) -> bool) -> Vec<Kept> {
    let mut alike: HashMap<String, Vec<Kept>> = HashMap::new();
    let mut all = Vec::with_capacity(run.len());
    for kept in run {
        let is_plain = kept.numbers.iter().all(|number| is_plain(*number));
        match is_plain.then(|| without(member, &kept.rule, policy)).flatten() {
            Some(rest) => alike.entry(rest).or_default().push(kept),
            None => all.push(kept),
        }
    }
    all.extend(alike.into_values().filter_map(|group| one_of(member, group)));
    all.sort_by_key(|kept| kept.numbers.first().copied());
    all
}

/// A rule without a member, written out: what rules have alike that differ in it only. `None` if it does not give values for it,
/// or says which it must not have.
fn without(member: usize, rule: &Rule, policy: &Policy) -> Option<String> {
    let mut rest = rule.clone();
    let is_given = match (&mut rest.network, member) {
        (Some(Network::Ipv4(asked)), 0..3) => take_of_addresses(asked, member),
        (Some(Network::Ipv6(asked)), 0..3) => take_of_addresses(asked, member),
        _ => match (&mut rest.transport, member) {
            (Some(Transport::Tcp(asked) | Transport::Udp(asked)), 3) => take(&mut asked.source),
            (Some(Transport::Tcp(asked) | Transport::Udp(asked)), 4) => take(&mut asked.destination),
            (Some(Transport::Icmp(asked) | Transport::Icmp6(asked)), 3) => take(&mut asked.message_type),
            (Some(Transport::Icmp(asked) | Transport::Icmp6(asked)), 4) => take(&mut asked.code),
            _ => false,
        },
    };
    is_given.then(|| write::rule(&rest, &policy.lists))
}

fn take_of_addresses<P>(asked: &mut Addresses<P>, member: usize) -> bool {
    match member {
        0 => take(&mut asked.source),
        1 => take(&mut asked.destination),
        _ => take(&mut asked.protocol),
    }
}

fn take<T>(values: &mut Option<Values<T>>) -> bool {
    values.take().is_some_and(|values| !values.negated)
}

/// One rule in place of rules that differ in one member only.
fn one_of(member: usize, group: Vec<Kept>) -> Option<Kept> {
    let mut rest = group.into_iter();
    let mut found = rest.next()?;
    if rest.len() == 0 {
        return Some(found);
    }
    let others: Vec<Rule> = rest
        .map(|kept| {
            found.numbers.extend(kept.numbers);
            kept.rule
        })
        .collect();
    found.numbers.sort_unstable();
    add(member, &mut found.rule, &others);
    Some(found)
}

/// Adds the values that other rules of the kind give for a member.
fn add(member: usize, rule: &mut Rule, others: &[Rule]) {
    let networks = || others.iter().filter_map(|other| other.network.as_ref());
    let transports = || others.iter().filter_map(|other| other.transport.as_ref());
    let ipv4 = || networks().filter_map(|other| if let Network::Ipv4(other) = other { Some(other) } else { None });
    let ipv6 = || networks().filter_map(|other| if let Network::Ipv6(other) = other { Some(other) } else { None });
    let ports = || {
        transports().filter_map(|other| match other {
            Transport::Tcp(other) | Transport::Udp(other) => Some(other),
            _ => None,
        })
    };
    let messages = || {
        transports().filter_map(|other| match other {
            Transport::Icmp(other) | Transport::Icmp6(other) => Some(other),
            _ => None,
        })
    };
    match (&mut rule.network, &mut rule.transport, member) {
        (Some(Network::Ipv4(one)), _, 0..3) => add_to_addresses(one, ipv4(), member),
        (Some(Network::Ipv6(one)), _, 0..3) => add_to_addresses(one, ipv6(), member),
        (_, Some(Transport::Tcp(one) | Transport::Udp(one)), 3) => {
            extend(&mut one.source, ports().map(|other| &other.source));
        }
        (_, Some(Transport::Tcp(one) | Transport::Udp(one)), _) => {
            extend(&mut one.destination, ports().map(|other| &other.destination));
        }
        (_, Some(Transport::Icmp(one) | Transport::Icmp6(one)), 3) => {
            extend(&mut one.message_type, messages().map(|other| &other.message_type));
        }
        (_, Some(Transport::Icmp(one) | Transport::Icmp6(one)), _) => {
            extend(&mut one.code, messages().map(|other| &other.code));
        }
        _ => {}
    }
}

fn add_to_addresses<'a, P: Clone + Eq + Hash + 'a>(
    one: &mut Addresses<P>,
    others: impl Iterator<Item = &'a Addresses<P>>,
    member: usize,
) {
    match member {
        0 => extend(&mut one.source, others.map(|other| &other.source)),
        1 => extend(&mut one.destination, others.map(|other| &other.destination)),
        _ => extend(&mut one.protocol, others.map(|other| &other.protocol)),
    }
}

/// Adds the members of others, each once.
fn extend<'a, T: Clone + Eq + Hash + 'a>(
    one: &mut Option<Values<T>>,
    others: impl Iterator<Item = &'a Option<Values<T>>>,
) {
    let Some(values) = one else { return };
    values.members.extend(others.flatten().flat_map(|other| other.members.iter().cloned()));
    let mut seen = HashSet::with_capacity(values.members.len());
    values.members.retain(|value| seen.insert(value.clone()));
}
