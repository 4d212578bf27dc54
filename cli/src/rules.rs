//! The rules of a configuration as they are written.
use crate::config::Loaded;
use firewall::{Matched, Packet};
use policy::config::folded;
use policy::diagnostic::Lines;
use policy::policy::Policy;
use policy::reference::decide;
use serde_json::{Value, json};

/// The longest rule shown, in characters.
const LONGEST: usize = 200;

/// A policy, and where its rules stand.
pub struct Rules<'c> {
    /// What the reader calls the file.
    pub file: &'c str,
    /// The policy; open if the configuration has none.
    pub policy: Policy,
    /// Whether it has one.
    pub is_configured: bool,
    names: &'c [String],
    text: &'c str,
    lines: Vec<usize>,
}

impl<'c> Rules<'c> {
    /// Of a configuration.
    pub fn new(loaded: &'c Loaded) -> Self {
        let Loaded { config, name, text } = loaded;
        let policy = config.policy.clone().unwrap_or(Policy::OPEN);
        let lines = Lines::new(text);
        let lines = policy.rules.iter().map(|rule| lines.line(rule.span.start)).collect();
        Self { file: name, policy, is_configured: config.policy.is_some(), names: &config.rule_labels, text, lines }
    }

    /// The line of a rule, from 1.
    pub fn line(&self, rule: usize) -> Option<usize> {
        self.lines.get(rule).copied()
    }

    /// What decides about a packet, with its line: `rule 3 "web" (fw.json:12)`.
    pub fn decider(&self, packet: &Packet) -> String {
        match decide(&self.policy, packet).cause {
            Matched::Rule(number) => self.cite(number as usize),
            Matched::Default => self.default(),
        }
    }

    /// The same for scripts, as `explain` has it.
    pub fn decider_json(&self, packet: &Packet) -> Value {
        match decide(&self.policy, packet).cause {
            Matched::Rule(number) => self.cause_json(Some(number as usize)),
            Matched::Default => self.cause_json(None),
        }
    }

    /// A rule, or the default, for scripts.
    pub fn cause_json(&self, rule: Option<usize>) -> Value {
        match rule {
            Some(rule) => {
                json!({"cause": "rule", "rule": rule + 1, "line": self.line(rule), "name": self.name(rule)})
            }
            None => json!({"cause": "default"}),
        }
    }

    /// What decides where no rule matches.
    pub fn default(&self) -> String {
        let what = if self.is_configured { "the default: no rule matches" } else { "no firewall is configured" };
        format!("{what} ({})", self.file)
    }

    /// A rule by its number, from 1, with its name if it has one, and its line.
    pub fn cite(&self, rule: usize) -> String {
        let name = self.name(rule).map_or(String::new(), |name| format!(" \"{name}\""));
        format!("rule {}{name} ({}:{})", rule + 1, self.file, self.line(rule).unwrap_or(1))
    }

    /// The JSON of a rule, on one line.
    pub fn json(&self, rule: usize) -> String {
        let span = self.policy.rules.get(rule).map(|rule| rule.span.clone()).unwrap_or_default();
        cut(folded(self.text.get(span).unwrap_or_default()))
    }

    /// The name of a rule, or its JSON.
    pub fn label(&self, rule: usize) -> String {
        cut(self.names.get(rule).cloned().unwrap_or_default())
    }

    /// The name of a rule, if it has one.
    pub fn name(&self, rule: usize) -> Option<String> {
        Some(self.label(rule)).filter(|label| *label != self.json(rule))
    }
}

fn cut(text: String) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}...", text.get(..at).unwrap_or_default()),
        None => text,
    }
}
