//! The engine's part of a table, checked as a whole before anything is decided by it.
use super::Forest;
use super::trees::Trees;
use crate::linear::{Linear, LinearError};
use crate::lists::Lists;
use crate::table::decode_action;
use core::fmt;
use cpu::Bmi2;

impl<'a> Forest<'a> {
    /// Decodes the engine's part of a table with this many rules.
    pub(crate) fn decode(body: &'a [u8], rules: u32, lists: Lists<'a>) -> Result<Self, ForestError> {
        let (header, rest) = body.split_first_chunk::<8>().ok_or(ForestError::Length)?;
        let [listed, length] = header.as_chunks::<4>().0 else { return Err(ForestError::Length) };
        let listed = u32::from_le_bytes(*listed);
        let (numbers, rest) = split(rest, listed, 4)?;
        let (list, rest) = split(rest, u32::from_le_bytes(*length), 1)?;
        let (actions, rest) = split(rest, rules, 1)?;
        let (_, rest) = rest.split_at_checked(actions.len().wrapping_neg() % 4).ok_or(ForestError::Length)?;
        let numbers = numbers.as_chunks::<4>().0;
        let in_order = numbers.iter().is_sorted_by(|a, b| u32::from_le_bytes(**a) < u32::from_le_bytes(**b));
        if !in_order || numbers.last().is_some_and(|last| u32::from_le_bytes(*last) >= rules) {
            return Err(ForestError::Numbers);
        }
        if let Some(wrong) = actions.iter().position(|action| decode_action(*action).is_none()) {
            return Err(ForestError::Action(wrong));
        }
        let list = Linear::decode(list, listed, lists).map_err(ForestError::List)?;
        let (v4, rest) = Trees::decode(rest, rules)?;
        let (v6, rest) = Trees::decode(rest, rules)?;
        if !rest.is_empty() {
            return Err(ForestError::Length);
        }
        Ok(Self { numbers, list, actions, v4, v6, bmi2: Bmi2::find() })
    }
}

/// The first `count` pieces of `size` bytes, and what follows them.
fn split(bytes: &[u8], count: u32, size: usize) -> Result<(&[u8], &[u8]), ForestError> {
    let length = usize::try_from(count).ok().and_then(|count| count.checked_mul(size)).ok_or(ForestError::Length)?;
    bytes.split_at_checked(length).ok_or(ForestError::Length)
}

/// Why bytes are not the forest's part of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForestError {
    /// It is shorter or longer than what it says that it has.
    Length,
    /// The numbers of the rules in the list are not in order or not of rules.
    Numbers,
    /// The action of the rule of this number is none.
    Action(usize),
    /// The list is wrong.
    List(LinearError),
    /// The slot of this number, or without one a root, names children or rules that are not there.
    Slot(Option<u32>),
    /// A leaf names a rule of this number, which there is not.
    Rule(u32),
}

impl fmt::Display for ForestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length => f.write_str("it is not as long as its trees and rules take"),
            Self::Numbers => f.write_str("the rules of its list are not in order"),
            Self::Action(rule) => write!(f, "the action of rule {rule} is not 0 or 1"),
            Self::List(error) => write!(f, "its list is wrong: {error}"),
            Self::Slot(Some(slot)) => write!(f, "slot {slot} names children or rules that are not there"),
            Self::Slot(None) => f.write_str("a tree's root names children or rules that are not there"),
            Self::Rule(rule) => write!(f, "a leaf names rule {rule}, which is not there"),
        }
    }
}
