//! `test`: whether a policy is what its configuration expects of it.
mod json;
mod text;

use crate::args::Format;
use crate::config::{self, Loaded};
use crate::failure::Failure;
use crate::print;
use crate::progress::Progress;
use firewall::{Action, Decision, Matched};
use policy::diagnostic;
use policy::policy::Policy;
use policy::test::{Claim, Kind, Outcome, Test, run};
use std::io::IsTerminal;
use std::path::Path;

/// Runs the tests and tells what came of each. The code is 1 if some do not hold.
pub fn test(path: &Path, format: Format) -> Result<u8, Failure> {
    let loaded = config::load_whole(path)?;
    let outcomes = match &loaded.config.policy {
        Some(policy) => outcomes(policy, &loaded)?,
        None => Vec::new(),
    };
    let told = match format {
        Format::Text => text::tell(&loaded, &outcomes, std::io::stdout().is_terminal()),
        Format::Json => json::tell(&loaded, &outcomes),
    };
    print(told.as_bytes())?;
    Ok(u8::from(count_failed(&outcomes) > 0))
}

fn outcomes(policy: &Policy, loaded: &Loaded) -> Result<Vec<Outcome>, Failure> {
    let mut progress = Progress::start();
    let outcomes = run(policy, &loaded.config.tests, &mut progress);
    drop(progress);
    outcomes.map_err(|error| Failure::Usage(format!("{}: {error}", loaded.name)))
}

fn count_failed(outcomes: &[Outcome]) -> usize {
    outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Fails { .. })).count()
}

/// What decides about a packet, for a reader.
struct Decider<'a> {
    /// From 1, as in the summary of a run; `None` is the default.
    number: Option<usize>,
    /// The line that the rule begins in.
    line: Option<usize>,
    /// Its name, or its JSON.
    label: Option<&'a str>,
}

impl<'a> Decider<'a> {
    fn of(matched: Matched, loaded: &'a Loaded) -> Self {
        let Matched::Rule(index) = matched else { return Self { number: None, line: None, label: None } };
        let index = index as usize;
        let rule = loaded.config.policy.as_ref().and_then(|policy| policy.rules.get(index));
        Self {
            number: Some(index + 1),
            line: rule.map(|rule| diagnostic::line(&loaded.text, rule.span.start)),
            label: loaded.config.rule_labels.get(index).map(String::as_str),
        }
    }
}

/// What a test expects of the packet that it fails for.
fn expected(test: &Test) -> (Option<Action>, Option<&[Matched]>) {
    match &test.claim {
        Claim::Packet(expectation) => (expectation.verdict.map(Action::from), expectation.deciders.as_deref()),
        Claim::Property(property) => match property.kind {
            Kind::Only | Kind::Never => (Some(Action::Drop), None),
            Kind::Always => (Some(Action::Accept), None),
        },
    }
}

fn verdict(action: Action) -> &'static str {
    match action {
        Action::Accept => "accept",
        Action::Drop => "drop",
    }
}

fn found(decision: &Decision) -> &'static str {
    verdict(decision.action)
}
