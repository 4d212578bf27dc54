//! Rules that decide nothing, or nothing that would be decided otherwise without them.
use super::subject::{Subject, does};
use super::{Finding, Lint};
use crate::policy::{Action, Addresses, Member, Network, Policy, Rule, Values};
use crate::progress::Observer;
use crate::space::{Effect, TooLarge};

/// The effect of each rule. Of rules that are redundant because of one another only those are said to be that can be taken away
/// together.
pub(super) fn effects(subject: &mut Subject, observer: &mut dyn Observer) -> Result<Vec<Effect>, TooLarge> {
    let mut effects = subject.space.effects(subject.policy, observer)?;
    if effects.contains(&Effect::Redundant) {
        let is_redundant = |number: usize| effects.get(number) == Some(&Effect::Redundant);
        let in_turn = subject.space.effects_in_turn_of(subject.policy, is_redundant, observer)?;
        for (effect, in_turn) in effects.iter_mut().zip(in_turn) {
            if *effect == Effect::Redundant && in_turn == Effect::Needed {
                *effect = Effect::Needed;
            }
        }
    }
    Ok(effects)
}

/// `has_end` is false where it is told already that what no rule matches is accepted: then accept rules that lack a final drop
/// are not told to be redundant.
pub(super) fn find(subject: &mut Subject, effects: &[Effect], has_end: bool) -> Result<Vec<Finding>, TooLarge> {
    let mut found = Vec::new();
    for (number, (rule, effect)) in subject.policy.rules.iter().zip(effects).enumerate() {
        found.extend(match effect {
            Effect::Needed => None,
            Effect::Empty if only_lists_are_empty(rule, subject.policy) => None,
            Effect::Empty => Some(empty(number, rule)),
            Effect::Shadowed => Some(shadowed(subject, number, rule)?),
            Effect::Redundant if is_final(subject.policy, number) => None,
            Effect::Redundant => redundant(subject, number, rule, has_end)?,
        });
    }
    Ok(found)
}

/// A last rule that says what the default is: it is there to be read.
fn is_final(policy: &Policy, number: usize) -> bool {
    policy.rules.get(number).is_some_and(|rule| {
        number + 1 == policy.rules.len()
            && rule.network.is_none()
            && rule.transport.is_none()
            && rule.action == policy.default
    })
}

/// A list without addresses of a version may have some tomorrow.
fn only_lists_are_empty(rule: &Rule, policy: &Policy) -> bool {
    fn names_list<P>(values: &Option<Values<Member<P>>>, is_empty: impl Fn(usize) -> bool) -> bool {
        let members = values.iter().filter(|values| !values.negated).flat_map(|values| &values.members);
        members.into_iter().any(|member| matches!(member, Member::List(number) if is_empty(*number)))
    }
    fn of<P>(asked: &Addresses<P>, is_empty: impl Fn(usize) -> bool) -> bool {
        names_list(&asked.source, &is_empty) || names_list(&asked.destination, &is_empty)
    }
    let list = |number: usize| policy.lists.get(number);
    match &rule.network {
        None => false,
        Some(Network::Ipv4(asked)) => of(asked, |number| list(number).is_some_and(|list| list.ipv4.is_empty())),
        Some(Network::Ipv6(asked)) => of(asked, |number| list(number).is_some_and(|list| list.ipv6.is_empty())),
    }
}

fn empty(number: usize, rule: &Rule) -> Finding {
    let title = format!("rule {} matches no packet", number + 1);
    let mut finding = Finding::new(Lint::Empty, rule.span.clone(), title, "no packet has all of this");
    finding.rules.push(number);
    finding.help = Some("remove it, or one of the values that exclude each other".into());
    finding
}

fn shadowed(subject: &mut Subject, number: usize, rule: &Rule) -> Result<Finding, TooLarge> {
    let matched = subject.matched(number)?;
    let takers = subject.deciders(matched, rule, 0..number)?;
    let takers: Vec<usize> = takers.iter().flat_map(|(found, _)| found).map(|(taker, _)| *taker).collect();
    let label = match takers.len() {
        0 => "earlier rules take every packet that it matches".to_string(),
        1 => format!("{} takes every packet that it matches", subject.names(&takers)),
        _ => format!("{} take every packet that it matches", subject.names(&takers)),
    };
    let title = format!("rule {} never decides", number + 1);
    let mut finding = Finding::new(Lint::Shadowed, rule.span.clone(), title, label);
    finding.rules.push(number);
    let action = |taker: &usize| subject.policy.rules.get(*taker).map(|rule| rule.action);
    let first_other = takers.iter().find(|taker| action(taker) != Some(rule.action));
    finding.help = Some(match first_other {
        Some(other) => format!("move it before {}, or remove it", subject.name(*other)),
        None => "remove it".into(),
    });
    finding.witness = subject.space.witness(matched).map(|packet| {
        let action = firewall_action(subject, &packet);
        (packet, action)
    });
    Ok(finding)
}

fn firewall_action(subject: &Subject, packet: &firewall::Packet) -> firewall::Action {
    crate::reference::decide(subject.policy, packet).action
}

/// `None` where it is so only because a final drop is missing, and that is told.
fn redundant(subject: &mut Subject, number: usize, rule: &Rule, has_end: bool) -> Result<Option<Finding>, TooLarge> {
    let own = subject.own(number)?;
    let after = match own {
        Some(own) => subject.deciders(own, rule, number + 1..subject.policy.rules.len())?,
        None => None,
    };
    let verb = does(rule.action);
    let label = match after {
        None => format!("without it, later rules {verb} the same packets"),
        Some((_, rest)) if !has_end && rule.action == Action::Accept && !subject.space.is_empty(rest) => {
            return Ok(None);
        }
        Some((found, rest)) => {
            let later: Vec<usize> = found.iter().map(|(later, _)| *later).collect();
            let many = if later.len() > 1 { "" } else { "s" };
            match (later.is_empty(), subject.space.is_empty(rest)) {
                (true, _) => format!("without it, the default {verb}s the same packets"),
                (false, true) => format!("without it, {} {verb}{many} the same packets", subject.names(&later)),
                (false, false) => {
                    format!("without it, {} and the default {verb} the same packets", subject.names(&later))
                }
            }
        }
    };
    let title = format!("rule {} changes nothing", number + 1);
    let mut finding = Finding::new(Lint::Redundant, rule.span.clone(), title, label);
    finding.rules.push(number);
    finding.help = Some("remove it".into());
    let witness = own.and_then(|own| subject.space.witness(own));
    finding.witness = witness.map(|packet| (packet, rule.action.into()));
    Ok(Some(finding))
}
