//! The engine's part of a table, checked as a whole before anything is decided by it.
use super::Forest;
use super::trees::Trees;
use crate::linear::{Linear, LinearError};
use crate::lists::Lists;
use crate::table::{decode_action, split_chunks};
use core::fmt;
use cpu::Bmi2;

impl<'a> Forest<'a> {
    /// Decodes the engine's part of a table with this many rules.
    pub(crate) fn decode(body: &'a [u8], rules: u32, lists: Lists<'a>) -> Result<Self, ForestError> {
        let (header, rest) = body.split_first_chunk::<8>().ok_or(ForestError::Length)?;
        let [listed, length] = header.as_chunks::<4>().0 else { return Err(ForestError::Length) };
        let listed = u32::from_le_bytes(*listed);
        let (numbers, rest) = split_chunks::<4>(rest, listed).ok_or(ForestError::Length)?;
        let (list, rest) = split_chunks::<1>(rest, u32::from_le_bytes(*length)).ok_or(ForestError::Length)?;
        let (actions, rest) = split_chunks::<1>(rest, rules).ok_or(ForestError::Length)?;
        let (list, actions) = (list.as_flattened(), actions.as_flattened());
        let (_, rest) = rest.split_at_checked(actions.len().wrapping_neg() % 4).ok_or(ForestError::Length)?;
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
