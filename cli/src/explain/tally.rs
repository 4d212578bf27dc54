//! How many packets each cause decided about.
use super::told;
use crate::capture::{Captured, Link};
use crate::paint::Paint;
use crate::rules::Rules;
use crate::say::counted;
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use firewall::verdict::{Counter, Counters};
use firewall::{Action, Cause, InForce, Verdict};
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write;

/// As many packets of a cause as are named.
const NAMED: usize = 3;

/// So many rules that decided about no packet are shown; where there are more, only those that decided about some.
const IDLE: usize = 20;

/// As much of a rule as stands in the table, in characters.
const LABEL: usize = 60;

/// Counts by cause, and the first packets of each.
pub struct Tally {
    rules: u32,
    slots: Vec<Counter>,
    first: Vec<[u64; NAMED]>,
    all: Counter,
    /// Packets of which not everything was captured: how many, and the first.
    cut: Few,
    /// Those of which too little was captured for a verdict.
    unknown: Few,
    /// Those of link types that are not read.
    links: BTreeMap<u16, Few>,
}

/// How many packets, and the number of the first.
#[derive(Clone, Copy, Default)]
struct Few {
    packets: u64,
    first: u64,
}

impl Few {
    fn add(&mut self, number: u64) {
        if self.packets == 0 {
            self.first = number;
        }
        self.packets += 1;
    }
}

impl Tally {
    /// For a policy of so many rules.
    pub fn new(rules: usize) -> Self {
        let rules = u32::try_from(rules).unwrap_or(u32::MAX);
        let slots = Counters::slots(rules);
        Self {
            rules,
            slots: vec![Counter::default(); slots],
            first: vec![[0; NAMED]; slots],
            all: Counter::default(),
            cut: Few::default(),
            unknown: Few::default(),
            links: BTreeMap::new(),
        }
    }

    /// Counts a packet.
    pub fn count(&mut self, number: u64, bytes: usize, verdict: Option<&Verdict>, captured: &Captured) {
        self.all.packets += 1;
        self.all.bytes += bytes as u64;
        if captured.data.len() < captured.length {
            self.cut.add(number);
        }
        let Some(verdict) = verdict else {
            return match Link::of(captured.link) {
                Some(_) => self.unknown.add(number),
                None => self.links.entry(captured.link).or_default().add(number),
            };
        };
        if let Some(mut counters) = Counters::new(&mut self.slots, self.rules) {
            counters.count(&verdict.cause, bytes);
        }
        let named =
            self.first.get_mut(verdict.cause.slot()).and_then(|first| first.iter_mut().find(|named| **named == 0));
        if let Some(named) = named {
            *named = number;
        }
    }

    /// How many packets there were.
    pub fn packets(&self) -> u64 {
        self.all.packets
    }

    /// Every rule, and of the other causes those that there were.
    fn causes(&self) -> impl Iterator<Item = (Cause, Counter, Vec<u64>)> + '_ {
        let fixed = Counters::slots(0);
        let order = (fixed..self.slots.len()).chain(0..fixed);
        order.filter_map(|slot| {
            let (cause, counter) = (Cause::of_slot(slot)?, *self.slots.get(slot)?);
            let first = self.first.get(slot)?.iter().copied().filter(|number| *number > 0).collect();
            (counter.packets > 0 || matches!(cause, Cause::Rule(_))).then_some((cause, counter, first))
        })
    }

    /// For people; `all` shows idle rules however many they are.
    pub fn text(&self, rules: &Rules, table: &impl InForce, all: bool, paint: Paint) -> String {
        let idle = self.causes().filter(|(_, counter, _)| counter.packets == 0).count();
        let hidden = if all || idle <= IDLE { 0 } else { idle };
        let mut drawn = Table::new();
        drawn.load_preset(NOTHING).set_header(["by", "line", "verdict", "packets", "bytes", "first packets", ""]);
        let mut actions = vec![];
        for (cause, counter, first) in self.causes().filter(|(_, counter, _)| hidden == 0 || counter.packets > 0) {
            let action = cause.action(table).unwrap_or(Action::Drop);
            let (line, label) = match cause {
                Cause::Rule(number) => (rules.line(number as usize), rules.label(number as usize)),
                Cause::Malformed(reason) => (None, reason.to_string()),
                Cause::Default if !rules.is_configured => (None, "no firewall is configured".into()),
                Cause::Default => (None, "no rule matched".into()),
                Cause::NotIp | Cause::Arp => (None, String::new()),
            };
            let more = if counter.packets > first.len() as u64 { ", ..." } else { "" };
            let first: Vec<String> = first.iter().map(u64::to_string).collect();
            drawn.add_row([
                told::cause(cause),
                line.map_or(String::new(), |line| line.to_string()),
                told::verdict(action).into(),
                counter.packets.to_string(),
                counter.bytes.to_string(),
                format!("{}{more}", first.join(", ")),
                cut(&label),
            ]);
            actions.push(action);
        }
        for column in [1, 3, 4] {
            drawn.column_mut(column).into_iter().for_each(|column| {
                column.set_cell_alignment(CellAlignment::Right);
            });
        }
        let mut out = format!("{}, {} bytes\n\n", counted(self.all.packets, "packet"), self.all.bytes);
        for (at, line) in drawn.lines().enumerate() {
            let line = line.trim_end();
            let line = match at.checked_sub(1).and_then(|row| actions.get(row)) {
                None => paint.dim(line),
                Some(action) => painted(line, *action, paint),
            };
            // Writing to a string does not fail.
            let _ = writeln!(out, "{}", line.trim_start());
        }
        if hidden > 0 {
            let _ = writeln!(out, "{hidden} other rules decided about no packet; -v shows them");
        }
        out
    }

    /// For scripts, with what there is to warn of.
    pub fn json(&self, rules: &Rules, table: &impl InForce, warnings: &[String]) -> String {
        let causes = self.causes().map(|(cause, counter, first)| {
            let mut value = json!({
                "cause": told::kind(cause),
                "verdict": told::verdict(cause.action(table).unwrap_or(Action::Drop)),
                "packets": counter.packets,
                "bytes": counter.bytes,
                "first": first,
            });
            match cause {
                Cause::Rule(number) => {
                    value["rule"] = json!(u64::from(number) + 1);
                    value["line"] = json!(rules.line(number as usize));
                    value["name"] = json!(rules.name(number as usize));
                }
                Cause::Malformed(reason) => value["reason"] = json!(reason.name()),
                _ => (),
            }
            value
        });
        let summary = json!({
            "packets": self.all.packets,
            "bytes": self.all.bytes,
            "causes": causes.collect::<Vec<_>>(),
            "warnings": warnings,
        });
        format!("{summary}\n")
    }

    /// What could not be judged, and what was only in part there.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = vec![];
        let mut warn = |few: Few, what: String| {
            if few.packets > 0 {
                warnings.push(format!("{} {what}, first packet {}", counted(few.packets, "packet"), few.first));
            }
        };
        warn(self.cut, "captured only in part".into());
        warn(self.unknown, "without a verdict, because their headers were not captured".into());
        for (link, few) in &self.links {
            warn(*few, format!("without a verdict, because link type {link} is not read"));
        }
        warnings
    }
}

/// A row with its verdict in colour: that is the first place of the word, behind cause and line.
fn painted(row: &str, action: Action, paint: Paint) -> String {
    let word = told::verdict(action);
    row.replacen(word, &paint.verdict(action, word), 1)
}

fn cut(label: &str) -> String {
    match label.char_indices().nth(LABEL) {
        Some((at, _)) => format!("{}...", label.get(..at).unwrap_or_default()),
        None => label.to_string(),
    }
}
