//! Policies that let in everything, or what nobody wrote about.
use super::subject::Subject;
use super::{Finding, Lint};
use crate::policy::{Action, Policy};
use crate::space::{Effect, Set, TooLarge};

/// No more regions than this are told.
const MOST_REGIONS: usize = 3;

/// What is found, and whether it is not told that the end of the rules is open.
pub(super) fn find(subject: &mut Subject, effects: &[Effect]) -> Result<(Vec<Finding>, bool), TooLarge> {
    let all = subject.space.all();
    let accepted = subject.accepted()?;
    let open = left_to_default(subject)?;
    if subject.policy.default == Action::Accept && !subject.space.is_empty(open) {
        // Who writes what the default is knows it; of a policy without rules everybody is warned.
        let is_known = subject.places.default.is_some() || subject.policy.rules.is_empty();
        let found = if is_known { None } else { Some(no_final_drop(subject, open, accepted == all)?) };
        return Ok((found.into_iter().collect(), is_known));
    }
    let found = if accepted == all { opens_everything(subject, effects) } else { None };
    Ok((found.into_iter().collect(), true))
}

/// The packets that no rule matches.
fn left_to_default(subject: &mut Subject) -> Result<Set, TooLarge> {
    let accepted = subject.accepted()?;
    let default = if subject.policy.default == Action::Accept { Action::Drop } else { Action::Accept };
    let other = subject.space.accepted(&Policy { default, ..subject.policy.clone() })?;
    match default {
        Action::Drop => subject.space.minus(accepted, other),
        Action::Accept => subject.space.minus(other, accepted),
    }
}

fn no_final_drop(subject: &mut Subject, open: Set, is_everything: bool) -> Result<Finding, TooLarge> {
    let last = subject.policy.rules.len().saturating_sub(1);
    let title = match is_everything {
        true => "every packet is accepted: what no rule matches is, too",
        false => "what no rule matches is accepted",
    };
    let label = "no rule after this one drops the rest";
    let mut finding = Finding::new(Lint::NoFinalDrop, subject.span(last), title, label);
    finding.rules.push(last);
    finding.help = Some(
        "end the rules with {\"action\": \"drop\"}; if it is meant, say so: \"default\": \"accept\" beside `rules`"
            .into(),
    );
    let regions = subject.space.regions(open, MOST_REGIONS)?;
    if regions.is_all && regions.regions.len() <= MOST_REGIONS {
        let words: Vec<String> = regions.regions.iter().map(ToString::to_string).collect();
        finding.notes.push(format!("no rule matches: {}", words.join("; ")));
    }
    finding.witness = subject.space.witness(open).map(|packet| (packet, firewall::Action::Accept));
    Ok(finding)
}

fn opens_everything(subject: &Subject, effects: &[Effect]) -> Option<Finding> {
    let decides = |effect: &Effect| matches!(effect, Effect::Needed | Effect::Redundant);
    let rules = subject.policy.rules.iter().zip(effects).enumerate();
    let accepting = rules.filter(|(_, (rule, effect))| rule.action == Action::Accept && decides(effect));
    let accepting: Vec<usize> = accepting.map(|(number, _)| number).collect();
    let last = *accepting.last()?;
    let (title, label) = match accepting.as_slice() {
        [only] => {
            (format!("rule {} accepts every packet", only + 1), "there is nothing that this does not match".to_string())
        }
        all => (
            "together the rules accept every packet".to_string(),
            format!("with this one, {} leave nothing out", subject.names(all)),
        ),
    };
    let mut finding = Finding::new(Lint::OpensEverything, subject.span(last), title, label);
    finding.help = Some("accept only what is meant to come in, and end the rules with {\"action\": \"drop\"}".into());
    finding.rules = vec![last];
    Some(finding)
}
