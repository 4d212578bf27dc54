//! One packet: its verdict, and why.
use super::input::Input;
use super::told;
use crate::args::Format;
use crate::paint::Paint;
use crate::rules::Rules;
use firewall::{Action, Cause, Inspected, Matched, Packet, inspect};
use policy::packet::describe;
use policy::trace::{Trace, trace};
use serde_json::{Value, json};
use std::fmt::Write;

/// As many of the rules that do not match as are shown unless all are asked for.
const MOST_SHOWN: usize = 30;

/// Why there is a verdict.
struct Explained {
    action: Action,
    cause: Cause,
    /// The packet, or what the frame is.
    what: String,
    packet: Option<Packet>,
    trace: Option<Trace>,
}

/// The answer, which ends in a line feed.
pub fn explain(rules: &Rules, input: &Input, format: Format, verbose: bool, paint: Paint) -> String {
    let (explained, taken_for) = match input {
        Input::Words(packet) => (of_packet(rules, *packet), None),
        Input::Frame { frame, taken_for } => (of_frame(rules, frame), Some(taken_for.as_str())),
        // It has many packets, and an answer of its own.
        Input::Capture(_) => return String::new(),
    };
    match format {
        Format::Text => text(rules, &explained, taken_for, verbose, paint),
        Format::Json => format!("{}\n", json(rules, &explained)),
    }
}

fn of_packet(rules: &Rules, packet: Packet) -> Explained {
    let trace = trace(&rules.policy, &packet);
    let cause = match trace.decision.cause {
        Matched::Rule(number) => Cause::Rule(number),
        Matched::Default => Cause::Default,
    };
    let what = describe(&packet);
    Explained { action: trace.decision.action, cause, what, packet: Some(packet), trace: Some(trace) }
}

fn of_frame(rules: &Rules, frame: &[u8]) -> Explained {
    let (action, cause) = match inspect(frame) {
        Ok(Inspected::Packet(packet)) => return of_packet(rules, packet),
        Ok(Inspected::Arp) => (Action::Accept, Cause::Arp),
        Ok(Inspected::Other) => (Action::Drop, Cause::NotIp),
        Err(reason) => (Action::Drop, Cause::Malformed(reason)),
    };
    let verdict = firewall::Verdict { action, cause, packet: None };
    Explained { action, cause, what: told::frame(frame, &verdict), packet: None, trace: None }
}

fn text(rules: &Rules, explained: &Explained, taken_for: Option<&str>, verbose: bool, paint: Paint) -> String {
    let mut lines = vec![("packet", paint.bold(&explained.what))];
    lines.extend(taken_for.map(|taken_for| ("", paint.dim(&format!("taken for {taken_for}")))));
    lines.push(("verdict", paint.verdict(explained.action, told::verdict(explained.action))));
    lines.push(("because", because(rules, explained)));
    if let Cause::Rule(number) = explained.cause {
        lines.push(("", rules.json(number as usize)));
    }
    let mut out: String = lines.iter().map(|(name, what)| format!("{name:<9}{what}\n")).collect();
    if let Some(trace) = explained.trace.as_ref().filter(|trace| !trace.passed.is_empty()) {
        out.push_str(&passed(rules, trace, explained.cause, verbose, paint));
    }
    out
}

fn because(rules: &Rules, explained: &Explained) -> String {
    match explained.cause {
        Cause::Rule(number) => {
            let name = rules.name(number as usize).map_or(String::new(), |name| format!(" \"{name}\""));
            let line = rules.line(number as usize).unwrap_or(1);
            format!("{}{name} matches, {}:{line}", told::cause(explained.cause), rules.file)
        }
        Cause::Default if !rules.is_configured => "no firewall is configured: everything is let in".into(),
        Cause::Default => format!("no rule matches; the default is {}", told::verdict(explained.action)),
        Cause::Malformed(_) => "malformed packets are dropped whatever the policy says".into(),
        Cause::NotIp => "what is neither IP nor ARP is dropped whatever the policy says".into(),
        Cause::Arp => "ARP passes whatever the policy says".into(),
    }
}

/// A line for each rule that was tried first.
fn passed(rules: &Rules, trace: &Trace, cause: Cause, verbose: bool, paint: Paint) -> String {
    let shown = if verbose { usize::MAX } else { MOST_SHOWN };
    let last = trace.passed.len().min(shown);
    let width = last.to_string().len();
    let line_width = last.checked_sub(1).and_then(|last| rules.line(last)).unwrap_or(1).to_string().len();
    let what = if matches!(cause, Cause::Rule(_)) {
        "Rules before it, and what they do not match:"
    } else {
        "Rules, and what they do not match:"
    };
    let mut out = format!("\n{what}\n");
    for (number, mismatch) in trace.passed.iter().take(shown).enumerate() {
        let line = rules.line(number).unwrap_or(1);
        let place = paint.dim(&format!("{:>width$}  line {line:<line_width$}", number + 1));
        // Writing to a string does not fail.
        let _ = writeln!(out, "  {place}  {mismatch}");
    }
    if trace.passed.len() > last {
        let _ = writeln!(out, "  ... and {} more; -v shows all", trace.passed.len() - last);
    }
    out
}

fn json(rules: &Rules, explained: &Explained) -> Value {
    let mut value = json!({
        "packet": explained.packet.map(|packet| describe(&packet)),
        "verdict": told::verdict(explained.action),
        "cause": told::kind(explained.cause),
    });
    match explained.cause {
        Cause::Rule(number) => {
            value["rule"] = json!(u64::from(number) + 1);
            value["line"] = json!(rules.line(number as usize));
            value["name"] = json!(rules.name(number as usize));
            value["text"] = json!(rules.json(number as usize));
        }
        Cause::Malformed(reason) => {
            value["reason"] = json!(reason.name());
            value["explanation"] = json!(reason.to_string());
        }
        Cause::NotIp => value["explanation"] = json!(explained.what),
        Cause::Default | Cause::Arp => (),
    }
    if let Some(trace) = &explained.trace {
        let passed = trace.passed.iter().enumerate().map(|(number, mismatch)| {
            json!({
                "rule": number + 1,
                "line": rules.line(number),
                "attribute": mismatch.attribute,
                "asked": mismatch.asked,
                "found": mismatch.found,
            })
        });
        value["passed"] = passed.collect();
    }
    value
}
