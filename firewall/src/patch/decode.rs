//! A patch, checked as a whole before anything is decided by it.
use super::run::{RUN, Runs};
use super::{GONE, HEADER, MAGIC, OVERLAYS, Overlay, Patched, VERSION};
use crate::classify::Action;
use crate::lists::{CHANGE, Lists, ListsError};
use crate::table::{self, CHECKSUM, DecodeError, Table, decode_action, emit_checksum, split_chunks};
use core::fmt;

impl<'a> Patched<'a> {
    /// Decodes a patch to this table and checks all of it. The table's own bytes are not looked at again.
    ///
    /// # Errors
    /// The first thing that is wrong with it; then the table is in force as it was.
    pub fn decode(table: Table<'a>, patch: &'a [u8]) -> Result<Self, PatchError> {
        let header = patch.first_chunk::<HEADER>().ok_or(PatchError::Length)?;
        let [magic, version, words @ ..] = header.as_chunks::<4>().0 else { return Err(PatchError::Length) };
        let &[v0, v1, zero, default] = version;
        if *magic != MAGIC || u16::from_le_bytes([v0, v1]) != VERSION || zero != 0 {
            return Err(PatchError::Version);
        }
        let &[length, checksum, base, rules, runs, overlays, changes, sets] = words else {
            return Err(PatchError::Length);
        };
        let [length, checksum, base, rules, runs, overlays, changes, sets] =
            [length, checksum, base, rules, runs, overlays, changes, sets].map(u32::from_le_bytes);
        let (sealed, seal) = patch.split_last_chunk::<CHECKSUM>().ok_or(PatchError::Length)?;
        if usize::try_from(length) != Ok(patch.len()) {
            return Err(PatchError::Length);
        }
        if *seal != emit_checksum(sealed) {
            return Err(PatchError::Checksum);
        }
        if (checksum, base) != (table.checksum(), table.rules()) {
            return Err(PatchError::OtherTable);
        }
        let default = decode_action(default).ok_or(PatchError::DefaultAction(default))?;
        let rest = sealed.get(HEADER..).ok_or(PatchError::Length)?;
        let (runs, rest) = split_chunks::<RUN>(rest, runs).ok_or(PatchError::Length)?;
        let (changes, rest) = split_chunks::<CHANGE>(rest, changes).ok_or(PatchError::Length)?;
        let (sets, mut rest) = split_chunks::<1>(rest, sets).ok_or(PatchError::Length)?;
        let runs = Runs::decode(runs, base, rules).ok_or(PatchError::Runs)?;
        let sets = Lists::decode(sets.as_flattened()).map_err(PatchError::Sets)?;
        let table = table.with_lists(table.lists.changed(sets, changes).ok_or(PatchError::Changes)?);
        let mut decoded = [None; OVERLAYS];
        if overlays as usize > OVERLAYS {
            return Err(PatchError::Overlays);
        }
        for overlay in decoded.iter_mut().take(overlays as usize) {
            let (found, after) = Overlay::decode(rest, table.lists, rules)?;
            (*overlay, rest) = (Some(found), after);
        }
        if !rest.is_empty() {
            return Err(PatchError::Length);
        }
        let has_rules = overlays > 0 || runs.len() > 1 || rules != base;
        let patched = Self { table, default, rules, has_rules, runs, overlays: decoded };
        patched.check_numbers()?;
        Ok(patched)
    }

    /// Each number of the changed policy is one rule's, and where several of table and overlays have it they do the same.
    fn check_numbers(&self) -> Result<(), PatchError> {
        let mut found = self.runs.remaining();
        // Each is in order, so that what has the same number comes together.
        let mut each = self.overlays.each_ref().map(|overlay| overlay.iter().flat_map(Overlay::iter).peekable());
        while let Some(least) = each.iter_mut().filter_map(|rules| rules.peek().map(|(number, _)| *number)).min() {
            let by_table = self.runs.rule(least);
            found = found.saturating_add(by_table.is_none().into());
            let mut said = by_table.and_then(|rule| self.table.action(rule));
            for (_, action) in each.iter_mut().filter_map(|rules| rules.next_if(|(number, _)| *number == least)) {
                if *said.get_or_insert(action) != action {
                    return Err(PatchError::Numbers);
                }
            }
        }
        if found == self.rules { Ok(()) } else { Err(PatchError::Numbers) }
    }
}

impl<'a> Overlay<'a> {
    /// The first overlay of some, and what follows it.
    fn decode(bytes: &'a [u8], lists: Lists<'a>, rules: u32) -> Result<(Self, &'a [u8]), PatchError> {
        let (header, rest) = bytes.split_first_chunk::<12>().ok_or(PatchError::Length)?;
        let &[engine, count, length] = header.as_chunks::<4>().0 else { return Err(PatchError::Length) };
        let [engine, count, length] = [engine, count, length].map(u32::from_le_bytes);
        let (numbers, rest) = split_chunks::<4>(rest, count).ok_or(PatchError::Length)?;
        let (part, rest) = split_chunks::<1>(rest, length).ok_or(PatchError::Length)?;
        let engine = u8::try_from(engine).map_err(|_| PatchError::Overlays)?;
        let table = Table::of_part(engine, Action::Drop, part.as_flattened(), count, lists);
        let table = table.map_err(PatchError::Overlay)?;
        let numbered = || numbers.iter().map(|number| u32::from_le_bytes(*number)).filter(|number| *number != GONE);
        if !numbered().is_sorted_by(|one, other| one < other) || numbered().any(|number| number >= rules) {
            return Err(PatchError::Numbers);
        }
        Ok((Self { table, numbers }, rest))
    }
}

/// What comes before everything else of a patch to a table with this checksum and so many rules: see
/// [`patch`](super) for what the counts are.
pub fn emit_header(default: Action, length: u32, table: (u32, u32), rules: u32, counts: [u32; 4]) -> [u8; HEADER] {
    let [runs, overlays, changes, sets] = counts;
    let [v0, v1] = VERSION.to_le_bytes();
    let words = [length, table.0, table.1, rules, runs, overlays, changes, sets].map(u32::to_le_bytes);
    let mut header = [0; HEADER];
    let parts = [MAGIC, [v0, v1, 0, table::emit_action(default)]].into_iter().chain(words);
    for (bytes, part) in header.as_chunks_mut().0.iter_mut().zip(parts) {
        *bytes = part;
    }
    header
}

/// Why bytes are not a patch to a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchError {
    /// It is shorter or longer than what it says that it has.
    Length,
    /// It starts with other bytes than [`MAGIC`] and [`VERSION`].
    Version,
    /// It was changed after it was made.
    Checksum,
    /// It belongs to another table.
    OtherTable,
    /// The action for a packet that no rule matches is none that is known.
    DefaultAction(u8),
    /// Its runs are not all rules of the table, in order.
    Runs,
    /// Its sets are wrong.
    Sets(ListsError),
    /// It changes lists that are not there, or in no order, or by sets of another version.
    Changes,
    /// It has more overlays than are looked at, or one for an engine that is not known.
    Overlays,
    /// An overlay is wrong.
    Overlay(DecodeError),
    /// The numbers of its rules are not in order, or not all numbers, or of rules that do something else.
    Numbers,
}

impl fmt::Display for PatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length => f.write_str("the change to the policy is not as long as it says"),
            Self::Version => f.write_str("this is not a change to a policy of the version that is known here"),
            Self::Checksum => f.write_str("the change to the policy is damaged: its checksum is another"),
            Self::OtherTable => f.write_str("the change was made to another policy than the one in force"),
            Self::DefaultAction(byte) => write!(f, "the change to the policy has a default action {byte}, not 0 or 1"),
            Self::Runs => f.write_str("the change to the policy does not say what becomes of every rule"),
            Self::Sets(error) => write!(f, "the change to the policy does not hold together: {error}"),
            Self::Changes => f.write_str("the change to the policy names address lists that are not there"),
            Self::Overlays => f.write_str("the change to the policy has rules for no engine that is known"),
            Self::Overlay(error) => write!(f, "the rules of a change to the policy are wrong: {error}"),
            Self::Numbers => f.write_str("the change to the policy does not number every rule once"),
        }
    }
}

impl core::error::Error for PatchError {}
