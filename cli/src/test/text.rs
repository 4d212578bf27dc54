//! What came of tests, for a reader.
use super::{Decider, count_failed, expected, found, verdict};
use crate::config::Loaded;
use crate::summary::shorten;
use clap::builder::styling::{AnsiColor, Style};
use firewall::{Decision, Matched, Packet};
use policy::diagnostic;
use policy::packet::describe;
use policy::test::{Claim, Outcome, Test};
use std::fmt::Write;

/// A line for each test, and why it fails; then how many there are.
pub fn tell(loaded: &Loaded, outcomes: &[Outcome], coloured: bool) -> String {
    let mut text = String::new();
    for (test, outcome) in loaded.config.tests.iter().zip(outcomes) {
        let (word, colour) = match outcome {
            Outcome::Fails { .. } => ("FAILED", AnsiColor::Red),
            _ => ("ok", AnsiColor::Green),
        };
        let style = if coloured { colour.on_default().bold() } else { Style::new() };
        let called = test.name.clone().unwrap_or_else(|| claim(test));
        // Writing to a string does not fail.
        let _ = writeln!(text, "{style}{word:6}{style:#}  {called}");
        for (what, how) in details(loaded, test, outcome) {
            let _ = writeln!(text, "        {what:<9} {how}");
        }
    }
    let _ = writeln!(text, "{}: {}", loaded.name, total(outcomes));
    text
}

fn total(outcomes: &[Outcome]) -> String {
    let tests = match outcomes.len() {
        0 => return "no tests; they stand in `tests` beside the policy's `rules`".into(),
        1 => "1 test".to_string(),
        count => format!("{count} tests"),
    };
    match count_failed(outcomes) {
        0 => format!("{tests}, none failed"),
        failed => format!("{tests}, {failed} failed"),
    }
}

/// The property, or the packet and what is expected of it.
fn claim(test: &Test) -> String {
    match (&test.claim, expected(test)) {
        (Claim::Packet(_), (Some(action), _)) => format!("{}: {}", test.text, verdict(action)),
        _ => test.text.clone(),
    }
}

/// What else there is to say, each by a word.
fn details(loaded: &Loaded, test: &Test, outcome: &Outcome) -> Vec<(&'static str, String)> {
    let (packet, decision) = match outcome {
        Outcome::Holds => return Vec::new(),
        Outcome::HoldsOfNothing => return vec![("note", "there is no such packet".into())],
        Outcome::Fails { packet, decision } => (packet, decision),
    };
    let line = diagnostic::line(&loaded.text, test.span.start);
    let mut details = vec![("at", format!("{}:{line}", loaded.name))];
    if test.name.is_some() {
        details.push(("test", claim(test)));
    }
    details.extend(why(loaded, test, packet, decision));
    details
}

fn why(loaded: &Loaded, test: &Test, packet: &Packet, decision: &Decision) -> [(&'static str, String); 3] {
    let by = |matched| decider(&Decider::of(matched, loaded));
    let (action, deciders) = expected(test);
    let deciders = deciders.map(|deciders| format!("by {}", either(deciders, by)));
    let parts: Vec<String> = action.map(|action| verdict(action).to_string()).into_iter().chain(deciders).collect();
    [
        ("packet", describe(packet)),
        ("expected", parts.join(", ")),
        ("found", format!("{}, by {}", found(decision), by(decision.cause))),
    ]
}

fn either(deciders: &[Matched], by: impl Fn(Matched) -> String) -> String {
    deciders.iter().map(|matched| by(*matched)).collect::<Vec<_>>().join(", or by ")
}

/// `rule 2 (line 9): web`.
fn decider(decider: &Decider) -> String {
    let Some(number) = decider.number else { return "the default: no rule matches".into() };
    let line = decider.line.map(|line| format!(" (line {line})")).unwrap_or_default();
    let label = decider.label.map(|label| format!(": {}", shorten(label))).unwrap_or_default();
    format!("rule {number}{line}{label}")
}
