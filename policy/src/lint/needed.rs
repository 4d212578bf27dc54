//! Packets that an instance needs and its policy drops.
mod judge;
mod table;

use super::finding::Finding;
use super::subject::{Subject, joined};
use crate::reference::decide;
use crate::space::{Decider, Set, TooLarge};
use firewall::{Matched, Packet};
pub(super) use judge::unreached;
use judge::{Extent, Loss};
pub(super) use table::OWN_PORTS;
use table::{Need, Part};

pub(super) fn find(subject: &mut Subject) -> Result<Vec<Finding>, TooLarge> {
    let mut found = Vec::new();
    for need in table::needs(subject.setting) {
        let losses = judge::losses(subject, &need)?;
        if !losses.is_empty() {
            found.push(told(subject, &need, &losses)?);
        }
    }
    Ok(found)
}

fn told(subject: &mut Subject, need: &Need, losses: &[Loss]) -> Result<Finding, TooLarge> {
    let mut others: Vec<usize> = Vec::new();
    for loss in losses {
        others.extend(subject.causes(loss.dropped, &loss.part.rule)?.into_iter().filter_map(rule_of));
    }
    others.sort_unstable();
    others.dedup();
    let (main, witness) = main(subject, losses)?;
    others.retain(|number| Some(*number) != main);
    let besides = match others.len() {
        0 => String::new(),
        1 => format!("; {} drops some", subject.names(&others)),
        _ => format!("; {} drop some", subject.names(&others)),
    };
    let (span, label, place) = match main {
        Some(main) => {
            (subject.span(main), format!("this rule drops them{besides}"), format!("before {}", subject.name(main)))
        }
        None => {
            let label = format!("no rule accepts them, and the default is to drop{besides}");
            (subject.default_span(), label, "to the rules".to_string())
        }
    };
    let mut finding = Finding::new(need.lint, span, title(need, losses), label);
    finding.rules.extend(main);
    let mut accept: Vec<&str> = losses.iter().map(|loss| loss.part.accept).collect();
    accept.dedup();
    finding.help = Some(format!("{}, add {place}: {}", need.remedy, accept.join(", ")));
    finding.witness = witness.map(|packet| (packet, firewall::Action::Drop));
    Ok(finding)
}

/// The rule before which it is enough to let in what is lost, `None` for the default; and a packet that it drops.
///
/// Rules before it may drop some of it for a reason, such as a list of addresses that are not wanted: what is added stands behind
/// these. Only where all must come from one neighbour is it the rule that drops what comes from there.
fn main(subject: &mut Subject, losses: &[Loss]) -> Result<(Option<usize>, Option<Packet>), TooLarge> {
    let mut first: Option<(usize, Option<Packet>)> = None;
    for loss in losses {
        let mut dropped = loss.dropped;
        if loss.extent == Extent::Every && loss.part.neighbour.is_none() {
            let all = 0..subject.policy.rules.len();
            if let Some((found, rest)) = subject.deciders(dropped, &loss.part.rule, all)? {
                let last = found.last().map(|(_, part)| *part).filter(|_| subject.space.is_empty(rest));
                dropped = last.unwrap_or(rest);
            }
        }
        let Some(packet) = example(subject, loss.part, dropped) else { continue };
        let place = match decide(subject.policy, &packet).cause {
            Matched::Rule(number) => number as usize,
            Matched::Default => usize::MAX,
        };
        if first.as_ref().is_none_or(|(other, _)| place < *other) {
            first = Some((place, Some(packet)));
        }
    }
    let (place, packet) = first.unwrap_or((usize::MAX, None));
    Ok((Some(place).filter(|place| *place != usize::MAX), packet))
}

/// One that usually comes, if it is among those that are lost.
fn example(subject: &Subject, part: &Part, lost: Set) -> Option<Packet> {
    let usual = crate::packet::parse(&part.example).ok();
    let usual = usual.filter(|packet| subject.space.has(lost, packet));
    usual.or_else(|| subject.space.witness(lost))
}

/// All that is lost to the same extent in one breath.
fn title(need: &Need, losses: &[Loss]) -> String {
    let mut extents: Vec<&Extent> = losses.iter().map(|loss| &loss.extent).collect();
    extents.dedup();
    let told = extents.iter().map(|extent| {
        let names = losses.iter().filter(|loss| loss.extent == **extent).map(|loss| loss.part.name.to_string());
        let names = joined(&names.collect::<Vec<_>>());
        match extent {
            Extent::Every => format!("every {names}"),
            Extent::From(address, who) => format!("every {names} from {address}, {who},"),
            Extent::ToPorts => {
                format!("every {names} to some ports from {} to {}", OWN_PORTS.start(), OWN_PORTS.end())
            }
        }
    });
    let told = joined(&told.collect::<Vec<_>>());
    let is_in_part = losses.iter().any(|loss| loss.extent == Extent::ToPorts);
    let consequence = if is_in_part { "what is sent from these gets none" } else { need.consequence };
    format!("{told} is dropped: {consequence}")
}

fn rule_of(cause: Decider) -> Option<usize> {
    match cause {
        Decider::Rule(number) => Some(number),
        Decider::Default => None,
    }
}
