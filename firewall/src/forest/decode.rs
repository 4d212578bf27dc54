//! The engine's part of a table, checked as a whole before anything is decided by it.
use super::Forest;
use super::asked::are_right;
use super::group::read_answer;
use super::trees::Trees;
use crate::linear::{Linear, LinearError, Version};
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
        let (asked_v4, rest) = split_asked(rest)?;
        let (asked_v6, rest) = split_asked(rest)?;
        if !are_right(asked_v4, &lists, Version::V4) || !are_right(asked_v6, &lists, Version::V6) {
            return Err(ForestError::Asked);
        }
        let (v4, rest) = Trees::decode(rest)?;
        let (v6, rest) = Trees::decode(rest)?;
        let agrees = |answer| match read_answer(answer) {
            Some((rule, action)) => actions.get(rule as usize).copied().and_then(decode_action) == Some(action),
            None => true,
        };
        if let Some(answer) = v4.answers().chain(v6.answers()).find(|answer| !agrees(*answer)) {
            return Err(ForestError::Rule(answer >> 1));
        }
        if !rest.is_empty() {
            return Err(ForestError::Length);
        }
        Ok(Self { numbers, list, actions, v4, v6, asked: [asked_v4, asked_v6], bmi2: Bmi2::find() })
    }
}

/// The lists that are asked of one version of IP, and what follows them.
fn split_asked(bytes: &[u8]) -> Result<(&[[u8; 4]], &[u8]), ForestError> {
    let (count, rest) = bytes.split_first_chunk().ok_or(ForestError::Length)?;
    split_chunks(rest, u32::from_le_bytes(*count)).ok_or(ForestError::Length)
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
    /// The lists that are asked are too many, not there, or of another version of IP.
    Asked,
    /// The list is wrong.
    List(LinearError),
    /// The trees are not in order, or one has no root, too many steps, or bits set that have no meaning.
    Root,
    /// The slot of this number names children or rules that are not there.
    Slot(u32),
    /// A leaf names a rule of this number, which there is not or which has another action.
    Rule(u32),
}

impl fmt::Display for ForestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length => f.write_str("it is not as long as its trees and rules take"),
            Self::Numbers => f.write_str("the rules of its list are not in order"),
            Self::Action(rule) => write!(f, "the action of rule {rule} is not 0 or 1"),
            Self::Asked => f.write_str("the lists that it asks are too many, not there, or of another version of IP"),
            Self::List(error) => write!(f, "its list is wrong: {error}"),
            Self::Slot(slot) => write!(f, "slot {slot} names children or rules that are not there"),
            Self::Root => f.write_str("its trees are not in order, or one has no root or too many steps"),
            Self::Rule(rule) => write!(f, "a leaf names rule {rule}, which is not there or has another action"),
        }
    }
}
