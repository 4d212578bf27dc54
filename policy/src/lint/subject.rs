//! A policy that is looked at: its sets of packets, and names for its rules.
use super::Setting;
use crate::change::hull::Hull;
use crate::config::{Config, Places};
use crate::diagnostic::{Lines, Span};
use crate::policy::{Action, Policy, Rule};
use crate::space::{Decider, Set, Space, TooLarge};
use std::collections::HashMap;

/// A policy that is looked at.
pub(super) struct Subject<'a> {
    pub policy: &'a Policy,
    pub places: &'a Places,
    pub setting: &'a Setting,
    pub space: Space,
    hulls: Vec<Hull>,
    /// The line that each rule begins in, from 1.
    lines: Vec<usize>,
    accepted: Option<Set>,
    matched: HashMap<usize, Set>,
    /// How many more rules may be looked at for what decides about a set, before names are left out.
    left: usize,
}

/// As many rules of many are named.
const MOST_NAMED: usize = 3;

/// How many rules are looked at at most to name those that decide.
const MOST_LOOKED_AT: usize = 3_000_000;

impl<'a> Subject<'a> {
    /// Of the policy of a configuration whose text this is.
    pub fn new(config: &'a Config, policy: &'a Policy, text: &str, setting: &'a Setting) -> Result<Self, TooLarge> {
        let lines = Lines::new(text);
        Ok(Self {
            policy,
            places: &config.places,
            setting,
            space: Space::new(&[policy])?,
            hulls: policy.rules.iter().map(Hull::of).collect(),
            lines: policy.rules.iter().map(|rule| lines.line(rule.span.start)).collect(),
            accepted: None,
            matched: HashMap::new(),
            left: MOST_LOOKED_AT,
        })
    }

    /// What the policy accepts.
    pub fn accepted(&mut self) -> Result<Set, TooLarge> {
        match self.accepted {
            Some(set) => Ok(set),
            None => Ok(*self.accepted.insert(self.space.accepted(self.policy)?)),
        }
    }

    /// What a rule of the policy matches, whatever stands before it.
    pub fn matched(&mut self, number: usize) -> Result<Set, TooLarge> {
        if let Some(set) = self.matched.get(&number) {
            return Ok(*set);
        }
        let set = match self.policy.rules.get(number) {
            Some(rule) => self.space.matched(rule, self.policy)?,
            None => self.space.none(),
        };
        self.matched.insert(number, set);
        Ok(set)
    }

    /// What a rule that is none of the policy's matches.
    pub fn of(&mut self, rule: &Rule) -> Result<Set, TooLarge> {
        self.space.matched(rule, self.policy)
    }

    /// Which of the rules in a range decide about packets of a set, which lies in what a rule matches, each with its part of
    /// them; and what they leave. `None` if too much was looked at already.
    #[expect(clippy::type_complexity, reason = "it is taken apart at once")]
    pub fn deciders(
        &mut self,
        set: Set,
        within: &Rule,
        range: core::ops::Range<usize>,
    ) -> Result<Option<(Vec<(usize, Set)>, Set)>, TooLarge> {
        let hull = Hull::of(within);
        let (mut rest, mut found) = (set, Vec::new());
        for number in range {
            if self.space.is_empty(rest) {
                break;
            }
            if !self.hulls.get(number).is_some_and(|other| other.meets(&hull)) {
                continue;
            }
            // What names rules must leave room for what finds more.
            self.left = match self.left.checked_sub(1) {
                Some(left) if !self.space.is_half_full() => left,
                _ => return Ok(None),
            };
            let matched = self.matched(number)?;
            let part = self.space.and(rest, matched)?;
            if !self.space.is_empty(part) {
                found.push((number, part));
                rest = self.space.minus(rest, part)?;
            }
        }
        Ok(Some((found, rest)))
    }

    /// What a rule decides about. `None` as of [`deciders`](Self::deciders).
    pub fn own(&mut self, number: usize) -> Result<Option<Set>, TooLarge> {
        let Some(rule) = self.policy.rules.get(number) else { return Ok(None) };
        let matched = self.matched(number)?;
        Ok(self.deciders(matched, rule, 0..number)?.map(|(_, rest)| rest))
    }

    /// What decides about a set that lies in what a rule matches.
    pub fn causes(&mut self, set: Set, within: &Rule) -> Result<Vec<Decider>, TooLarge> {
        let Some((found, rest)) = self.deciders(set, within, 0..self.policy.rules.len())? else {
            return Ok(Vec::new());
        };
        let default = (!self.space.is_empty(rest)).then_some(Decider::Default);
        Ok(found.into_iter().map(|(number, _)| Decider::Rule(number)).chain(default).collect())
    }

    /// `rule 2 (line 9)`.
    pub fn name(&self, number: usize) -> String {
        format!("rule {} (line {})", number + 1, self.lines.get(number).copied().unwrap_or_default())
    }

    /// `rule 2 (line 9)`, `rules 2 (line 9) and 3 (line 10)`, and if there are many how many more.
    pub fn names(&self, numbers: &[usize]) -> String {
        let [_, _, ..] = numbers else { return numbers.first().map_or_else(String::new, |number| self.name(*number)) };
        let line = |number: &usize| self.lines.get(*number).copied().unwrap_or_default();
        let named = numbers.iter().take(MOST_NAMED).map(|number| format!("{} (line {})", number + 1, line(number)));
        let more = numbers.len().saturating_sub(MOST_NAMED);
        let parts: Vec<String> = named.chain((more > 0).then(|| format!("{more} more"))).collect();
        format!("rules {}", joined(&parts))
    }

    /// Where a rule stands.
    pub fn span(&self, number: usize) -> Span {
        self.policy.rules.get(number).map_or_else(|| self.places.firewall.clone(), |rule| rule.span.clone())
    }

    /// Where it is said what becomes of packets that no rule matches, or where that is not said.
    pub fn default_span(&self) -> Span {
        self.places.default.clone().unwrap_or_else(|| self.places.firewall.clone())
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn joined(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [only] => only.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// What an action does to packets, in a word.
pub(super) fn does(action: Action) -> &'static str {
    match action {
        Action::Accept => "accept",
        Action::Drop => "drop",
    }
}
