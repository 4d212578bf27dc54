//! A shorter policy that decides alike.
mod join;

use crate::policy::{Policy, Rule};
use crate::progress::Observer;
use crate::space::{Effect, Space, TooLarge};
use crate::write;
use core::ops::Range;
use join::join;
use std::collections::HashMap;

/// What stands in place of some rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Their numbers, counted from 0, in order. More than one are now one.
    pub numbers: Vec<usize>,
    /// The rule: its place is that of the first of them.
    pub rule: Rule,
}

/// What a policy is shortened to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shorter {
    /// The rules that are left, in order.
    pub kept: Vec<Kept>,
    /// What all rules were for, when from the last to the first those that are not needed went.
    pub effects: Vec<Effect>,
    /// The policy with these rules.
    pub policy: Policy,
}

/// Takes away the rules that change nothing, and makes one of several that differ in one value. Rules that have more to them
/// than what they ask, a name or a comment, stay as they are: `is_plain` tells which have not.
///
/// # Errors
/// Diagrams that would be too large. That the result decides alike is proved, too: if it did not, it would be the same policy.
pub fn shorten(
    policy: &Policy,
    is_plain: impl Fn(usize) -> bool,
    observer: &mut dyn Observer,
) -> Result<Shorter, TooLarge> {
    let mut space = Space::new(&[policy])?;
    let effects = space.effects_in_turn(policy, observer)?;
    let all = policy.rules.iter().enumerate();
    let needed = all.clone().filter(|(number, _)| effects.get(*number) == Some(&Effect::Needed));
    let needed: Vec<Kept> = needed.map(|(number, rule)| Kept { numbers: vec![number], rule: rule.clone() }).collect();
    let kept = join(&needed, policy, is_plain);
    let shorter = with(policy, &kept);
    if space.accepted(&shorter)? == space.accepted(policy)? {
        return Ok(Shorter { kept, effects, policy: shorter });
    }
    let kept = all.map(|(number, rule)| Kept { numbers: vec![number], rule: rule.clone() }).collect();
    Ok(Shorter { kept, effects: vec![Effect::Needed; policy.rules.len()], policy: policy.clone() })
}

fn with(policy: &Policy, kept: &[Kept]) -> Policy {
    let rules = kept.iter().map(|kept| kept.rule.clone()).collect();
    Policy { rules, default: policy.default, lists: policy.lists.clone() }
}

/// The text of a configuration with the rules of a shorter policy, written where the old ones stand. What stands around the
/// rules stays.
pub fn rewrite(text: &str, policy: &Policy, kept: &[Kept]) -> String {
    let first: HashMap<usize, &Kept> = kept.iter().filter_map(|kept| Some((*kept.numbers.first()?, kept))).collect();
    let last = first.keys().max();
    let start = |number: usize| policy.rules.get(number).map(|rule| rule.span.start);
    let edit = |(number, rule): (usize, &Rule)| -> Option<(Range<usize>, String)> {
        match first.get(&number) {
            Some(kept) if kept.numbers.len() == 1 => None,
            Some(kept) => Some((rule.span.clone(), write::rule(&kept.rule, &policy.lists))),
            // With what parts it from the one before, behind the last that stays; from the next elsewhere.
            None if last.is_some_and(|last| number > *last) => {
                let before = number.checked_sub(1).and_then(|before| policy.rules.get(before));
                Some((before.map_or(rule.span.start, |rule| rule.span.end)..rule.span.end, String::new()))
            }
            None => Some((rule.span.start..start(number + 1).unwrap_or(rule.span.end), String::new())),
        }
    };
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for (place, written) in policy.rules.iter().enumerate().filter_map(edit) {
        out.push_str(text.get(at..place.start).unwrap_or_default());
        out.push_str(&written);
        at = place.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}
