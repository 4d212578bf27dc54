//! What was found, as SARIF 2.1.0: "Static Analysis Results Interchange Format", an OASIS standard.
use super::Report;
use super::told::{Kind, Told};
use policy::diagnostic::Lines;
use policy::lint::Lint;
use serde_json::{Value, json};
use std::path::Path;

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// One log of one run.
pub fn tell(report: &Report) -> String {
    let lines = Lines::new(&report.text);
    let rules = Rules::of(&report.told);
    let results: Vec<Value> = report.told.iter().map(|told| result(report, &lines, &rules, told)).collect();
    let driver = json!({
        "name": "portcullis",
        "semanticVersion": env!("CARGO_PKG_VERSION"),
        "rules": rules.0.iter().map(|(name, about, level)| rule(name, about, level)).collect::<Vec<Value>>(),
    });
    // Where not all lints were looked for, the run says that of itself.
    let is_complete = report.count(Kind::NotDone) == 0;
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": driver},
            "invocations": [{"executionSuccessful": is_complete}],
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    format!("{log:#}\n")
}

/// What results are about: a name, a sentence and a level for each. All lints stand there, and of errors and warnings those
/// that there are.
struct Rules(Vec<(&'static str, String, &'static str)>);

impl Rules {
    fn of(told: &[Told]) -> Self {
        let mut rules: Vec<_> = Lint::ALL.map(|lint| (lint.name(), lint.about().to_string(), "warning")).into();
        for one in told {
            if !rules.iter().any(|(name, ..)| *name == one.name) {
                rules.push((one.name, one.diagnostic.title.clone(), level(one.kind)));
            }
        }
        Self(rules)
    }

    fn index(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|(known, ..)| *known == name)
    }
}

fn level(kind: Kind) -> &'static str {
    match kind {
        Kind::Error => "error",
        Kind::Lint | Kind::NotDone => "warning",
        Kind::Warning => "note",
    }
}

fn rule(name: &str, about: &str, level: &str) -> Value {
    let mut rule = json!({
        "id": name,
        "shortDescription": {"text": about},
        "defaultConfiguration": {"level": level},
    });
    if let (Some(_), Some(rule)) = (Lint::named(name), rule.as_object_mut()) {
        let help = format!("{about} \"allow\": \"{name}\" in a rule or beside `rules` silences this.");
        rule.insert("help".into(), json!({"text": help}));
    }
    rule
}

fn result(report: &Report, lines: &Lines, rules: &Rules, told: &Told) -> Value {
    let diagnostic = &told.diagnostic;
    let (start_line, start_column) = lines.place(diagnostic.span.start);
    let (end_line, end_column) = lines.place(diagnostic.span.end);
    let witness = told.witness.as_ref().map(|(packet, verdict)| format!("For example: {packet} ({verdict})."));
    let help = diagnostic.help.as_ref().map(|help| format!("Help: {help}."));
    let message = [format!("{}: {}.", diagnostic.title, diagnostic.label)].into_iter().chain(witness).chain(help);
    let mut result = json!({
        "ruleId": told.name,
        "ruleIndex": rules.index(told.name),
        "level": level(told.kind),
        "message": {"text": message.collect::<Vec<_>>().join("\n")},
        "locations": [{"physicalLocation": {
            "artifactLocation": {"uri": uri(&report.name)},
            "region": {
                "startLine": start_line,
                "startColumn": start_column,
                "endLine": end_line,
                "endColumn": end_column,
            },
        }}],
    });
    if let (Some((packet, verdict)), Some(result)) = (&told.witness, result.as_object_mut()) {
        result.insert("properties".into(), json!({"witness": {"packet": packet, "verdict": verdict}}));
    }
    result
}

/// A path as a reference of RFC 3986, where all but unreserved characters and slashes are escaped.
fn uri(path: &str) -> String {
    let escape = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    let escaped: String = path.bytes().map(escape).collect();
    if Path::new(path).is_absolute() { format!("file://{escaped}") } else { escaped }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_becomes_a_reference() {
        assert_eq!(uri("a b/c:d.json"), "a%20b/c%3Ad.json");
        assert_eq!(uri("/tmp/\u{fc}.json"), "file:///tmp/%C3%BC.json");
    }
}
