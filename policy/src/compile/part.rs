//! Few rules by themselves, without a table around them.
use super::lists::{Lists, Place, Placed};
use super::pools::Pools;
use super::{CompileError, Strategy, ValueError, engine_part, record};
use crate::policy::{Action, List, Policy, Rule};

/// Rules as an engine has them.
pub(crate) struct Part {
    /// The engine's number.
    pub(crate) engine: u8,
    /// Its own part.
    pub(crate) bytes: Vec<u8>,
}

/// Compiles rules. Lists that they name and that have no place yet get one.
pub(crate) fn part(
    rules: Vec<Rule>,
    strategy: Strategy,
    lists: &[List],
    placed: &mut Placed,
) -> Result<Part, CompileError> {
    let policy = Policy { rules, default: Action::Drop, lists: Vec::new() };
    let mut lists = Lists::placed(lists, core::mem::replace(placed, Placed::none(0)));
    let compiled = engine_part(&policy, strategy, &mut lists, &mut ());
    *placed = lists.into_placed();
    let compiled = compiled?;
    Ok(Part { engine: compiled.engine, bytes: compiled.body })
}

/// Whether a rule can be compiled in a policy with so many lists. It makes nothing of the lists.
pub(crate) fn check_rule(rule: &Rule, lists: usize) -> Result<(), ValueError> {
    let places = vec![Some(Place::Set(0)); lists];
    let placed = Placed { ipv4: places.clone(), ipv6: places, sets: Vec::new(), before: 0, most_inline: None };
    let unread = vec![List::default(); lists];
    record(rule, &mut Pools::default(), &mut Lists::placed(&unread, placed)).map(|_| ())
}
