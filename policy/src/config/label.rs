//! What a rule is called in a summary.
use super::written::Rule;

/// Its name, if it has one; else its JSON on one line.
pub(super) fn of(rule: &Rule, text: &str) -> String {
    match rule.name.as_deref().map(str::trim) {
        Some(name) if !name.is_empty() => one_line(name),
        _ => folded(text.get(rule.span.clone()).unwrap_or_default()),
    }
}

/// Text without what would move the cursor of a terminal.
pub(super) fn one_line(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// JSON with each run of white space outside its strings made one space.
pub fn folded(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let (mut in_string, mut escaped) = (false, false);
    for c in json.chars() {
        if !in_string && c.is_whitespace() {
            if !out.ends_with(' ') {
                out.push(' ');
            }
            continue;
        }
        if c == '"' && !escaped {
            in_string = !in_string;
        }
        escaped = in_string && c == '\\' && !escaped;
        out.push(c);
    }
    out
}
