//! Packets that an instance needs and its policy drops.
mod judge;
mod table;

use super::finding::Finding;
use super::subject::{Subject, joined};
use crate::reference::decide;
use crate::space::{Decider, TooLarge};
use firewall::{Matched, Packet};
pub(super) use judge::unreached;
use judge::{Extent, Loss};
use table::Need;
pub(super) use table::OWN_PORTS;

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
    let witness = losses.first().and_then(|loss| example(subject, loss));
    // Before the rule that drops what usually comes, others may drop some of it for a reason.
    let decision = witness.as_ref().map(|packet| decide(subject.policy, packet));
    let main = decision.and_then(|decision| match decision.cause {
        Matched::Rule(number) => Some(number as usize),
        Matched::Default => None,
    });
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

/// One that usually comes, if it is among those that are lost.
fn example(subject: &Subject, loss: &Loss) -> Option<Packet> {
    let usual = crate::packet::parse(&loss.part.example).ok();
    let usual = usual.filter(|packet| subject.space.has(loss.dropped, packet));
    usual.or_else(|| subject.space.witness(loss.dropped))
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
