//! What each rule let in and dropped, as a table.
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use image::report::{Cause, Counter};
use std::fmt::Write;

/// The longest label shown, in characters.
const LABEL: usize = 80;

/// Draws the counters; `labels` has one line per rule. Every rule is shown, and of the other causes those that counted.
pub fn draw(counters: &[Counter], labels: &[String]) -> String {
    let mut table = Table::new();
    table.load_preset(NOTHING).set_header(["rule", "", "verdict", "packets", "bytes"]);
    for (number, label) in (0..).zip(labels) {
        let counted: Vec<_> = counters.iter().filter(|counter| counter.cause == Cause::Rule(number)).collect();
        if counted.is_empty() {
            table.add_row([(number + 1).to_string(), shorten(label), "-".into(), "0".into(), "0".into()]);
        }
        for counter in counted {
            table.add_row(row((number + 1).to_string(), shorten(label), counter));
        }
    }
    for counter in counters.iter().filter(|counter| counter.packets > 0) {
        if let Some((name, label)) = other(&counter.cause, labels.len()) {
            table.add_row(row(name, label, counter));
        }
    }
    for column in table.column_iter_mut().skip(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let mut text = String::new();
    for line in table.lines() {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

fn row(name: String, label: String, counter: &Counter) -> [String; 5] {
    let verdict = if counter.accepted { "accepted" } else { "dropped" };
    [name, label, verdict.into(), counter.packets.to_string(), counter.bytes.to_string()]
}

/// The name and label of a cause that is no rule of the configuration.
fn other(cause: &Cause, rules: usize) -> Option<(String, String)> {
    Some(match cause {
        Cause::Rule(number) if usize::try_from(*number).is_ok_and(|number| number < rules) => return None,
        Cause::Rule(number) => (format!("{}", u64::from(*number) + 1), String::new()),
        Cause::Default => ("default".into(), "no rule matched".into()),
        Cause::Malformed(reason) => ("malformed".into(), reason.clone()),
        Cause::NotIp => ("not IP".into(), String::new()),
        Cause::Arp => ("ARP".into(), String::new()),
    })
}

/// A label that is not too long for a line.
pub fn shorten(label: &str) -> String {
    if label.chars().count() <= LABEL {
        return label.to_string();
    }
    label.chars().take(LABEL - 3).chain("...".chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counter(cause: Cause, accepted: bool, packets: u64) -> Counter {
        Counter { cause, accepted, packets, bytes: packets * 60 }
    }

    fn words(text: &str) -> Vec<Vec<&str>> {
        text.lines().map(|line| line.split_whitespace().collect()).collect()
    }

    #[test]
    fn every_rule_is_shown_and_other_causes_only_when_they_counted() {
        let counters = [
            counter(Cause::Rule(1), false, 3),
            counter(Cause::Default, true, 0),
            counter(Cause::Malformed("cut short".into()), false, 1),
            counter(Cause::Arp, true, 2),
        ];
        let text = draw(&counters, &["first".into(), "second".into()]);
        let expected: [&[&str]; 5] = [
            &["rule", "verdict", "packets", "bytes"],
            &["1", "first", "-", "0", "0"],
            &["2", "second", "dropped", "3", "180"],
            &["malformed", "cut", "short", "dropped", "1", "60"],
            &["ARP", "accepted", "2", "120"],
        ];
        assert_eq!(words(&text), expected, "{text}");
    }

    #[test]
    fn long_labels_are_cut() {
        let text = draw(&[], &["x".repeat(500)]);
        assert!(text.lines().all(|line| line.len() < 130), "{text}");
        assert!(text.contains("x..."), "{text}");
    }

    #[test]
    fn a_rule_that_has_no_label_is_shown_by_its_number() {
        let text = draw(&[counter(Cause::Rule(7), true, 1)], &[]);
        assert_eq!(words(&text)[1], ["8", "accepted", "1", "60"]);
    }
}
