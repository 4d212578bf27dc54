//! What a policy accepts, and what decides about which packets.
use super::diagram::{Diagrams, FULL, Id, NONE, Op, TooLarge};
use super::field::Layout;
use super::{Set, Space, build};
use crate::policy::{Action, List, Policy, Rule};

/// What decides about a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Decider {
    /// The rule of this number, counted from 0.
    Rule(usize),
    /// No rule matches.
    Default,
}

/// Where rules drop, or accept; where none matches it is [`NONE`].
pub(super) const DROPS: Id = Id::end(2);
pub(super) const ACCEPTS: Id = Id::end(3);

pub(super) fn end(action: Action) -> Id {
    if action == Action::Accept { ACCEPTS } else { DROPS }
}

impl Space {
    /// The packets that a policy accepts.
    pub fn accepted(&mut self, policy: &Policy) -> Result<Set, TooLarge> {
        let first = self.diagrams.first(&policy.rules, policy)?;
        let accepted =
            self.diagrams.whose(first, |end| end == ACCEPTS || end == NONE && policy.default == Action::Accept)?;
        self.and(Set(accepted), self.possible)
    }

    /// The packets that a rule of a policy matches, whatever rules stand before it.
    pub fn matched(&mut self, rule: &Rule, policy: &Policy) -> Result<Set, TooLarge> {
        let set = build::rule(&mut self.diagrams, rule, &policy.lists, FULL)?;
        self.and(Set(set), self.possible)
    }

    /// What decides about packets of a set, in the order of the policy, each with its part of them.
    pub fn deciders(&mut self, policy: &Policy, set: Set) -> Result<Vec<(Decider, Set)>, TooLarge> {
        let (mut rest, mut found) = (set, Vec::new());
        for (number, rule) in policy.rules.iter().enumerate() {
            if self.is_empty(rest) {
                break;
            }
            let matched = self.matched(rule, policy)?;
            let own = self.and(rest, matched)?;
            if !self.is_empty(own) {
                found.push((Decider::Rule(number), own));
                rest = self.minus(rest, own)?;
            }
        }
        if !self.is_empty(rest) {
            found.push((Decider::Default, rest));
        }
        Ok(found)
    }
}

impl Diagrams {
    /// What the first rule that matches does, of rules that stand one after another.
    pub(super) fn first(&mut self, rules: &[Rule], policy: &Policy) -> Result<Id, TooLarge> {
        match rules {
            [] => Ok(NONE),
            [rule] => build::rule(self, rule, &policy.lists, end(rule.action)),
            _ => {
                let (before, after) = rules.split_at(rules.len() / 2);
                let before = self.first(before, policy)?;
                let after = self.first(after, policy)?;
                self.apply(Op::Else, before, after)
            }
        }
    }
}

/// A policy with fewer rules and addresses in lists than this is small in any layout.
const FEW: usize = 200;
/// How many rules layouts are tried with.
const SAMPLE: usize = 600;
/// How many nodes they may take for that.
const TRIAL: usize = 2_000_000;

/// The layout in which a part of the rules takes the fewest nodes.
pub(super) fn best_layout(policies: &[&Policy]) -> Layout {
    let listed = |list: &List| list.ipv4.len() + list.ipv6.len();
    let weight = |policy: &&&Policy| policy.rules.len() + policy.lists.iter().map(listed).sum::<usize>();
    let Some(policy) = policies.iter().max_by_key(weight).filter(|policy| weight(policy) > FEW) else {
        return Layout::TRIED[0];
    };
    let step = policy.rules.len().div_ceil(SAMPLE).max(1);
    let sample: Vec<Rule> = policy.rules.iter().step_by(step).cloned().collect();
    let cost = |layout: &Layout| {
        let mut diagrams = Diagrams::new(TRIAL, *layout);
        diagrams.first(&sample, policy).map_or(usize::MAX, |_| diagrams.len())
    };
    Layout::TRIED.into_iter().min_by_key(cost).unwrap_or(Layout::TRIED[0])
}
