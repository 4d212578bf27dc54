//! What was found, for a reader.
use super::told::Kind;
use super::{Report, Told};
use crate::say::counted;
use policy::diagnostic::render;

/// Every message with its line, and then a line that counts them.
pub fn tell(report: &Report, coloured: bool) -> String {
    let drawn =
        render(&report.name, &report.text, report.told.iter().map(|told: &Told| told.diagnostic.clone()), coloured);
    let gap = if drawn.is_empty() { "" } else { "\n" };
    format!("{drawn}{gap}{}: {}\n", report.name, summary(report))
}

fn summary(report: &Report) -> String {
    let (errors, lints) = (report.count(Kind::Error), report.count(Kind::Lint));
    if errors > 0 {
        return counted(errors, "error");
    }
    let Some(rules) = report.rules else {
        return "no errors; no firewall: everything is let in".into();
    };
    let lints = match (lints, report.count(Kind::NotDone)) {
        (0, 0) => "no lints".to_string(),
        (0, _) => "not all lints were looked for".to_string(),
        (_, 0) => counted(lints, "lint"),
        (_, _) => format!("{}, and not all were looked for", counted(lints, "lint")),
    };
    format!("{}, no errors, {lints}", counted(rules, "rule"))
}
