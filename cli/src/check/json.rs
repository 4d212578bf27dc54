//! What was found, for a program.
use super::Report;
use super::told::{Kind, Told};
use policy::diagnostic::Lines;
use serde_json::{Value, json};

/// One JSON object on a line; docs/policy.md says what is in it.
pub fn tell(report: &Report) -> String {
    let lines = Lines::new(&report.text);
    let found: Vec<Value> = report.told.iter().map(|told| one(&report.name, &lines, told)).collect();
    let told = json!({
        "file": report.name,
        "rules": report.rules,
        "found": found,
        "errors": report.count(Kind::Error),
        "lints": report.count(Kind::Lint),
        "complete": report.count(Kind::NotDone) == 0,
    });
    format!("{told}\n")
}

fn one(file: &str, lines: &Lines, told: &Told) -> Value {
    let diagnostic = &told.diagnostic;
    let (line, column) = lines.place(diagnostic.span.start);
    let (end_line, end_column) = lines.place(diagnostic.span.end);
    json!({
        "name": told.name,
        "severity": told.kind.name(),
        "message": diagnostic.title,
        "label": diagnostic.label,
        "help": diagnostic.help,
        "file": file,
        "line": line,
        "column": column,
        "end": {"line": end_line, "column": end_column},
        "witness": told.witness.as_ref().map(|(packet, verdict)| json!({"packet": packet, "verdict": verdict})),
    })
}
