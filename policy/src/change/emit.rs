//! All changes as a patch.
use super::live::Live;
use super::order::Numbers;
use super::overlay::Overlay;
use crate::compile::CompileError;
use crate::compile::lists::{self, Place, Set};
use crate::compile::ranges::Range;
use firewall::lists::Change;
use firewall::{patch, table};

/// Sets of lists as they are changed, after sets that there are.
struct Changed {
    changes: Vec<Change>,
    sets: Vec<Set>,
    before: usize,
}

impl Changed {
    /// A list and what is changed in it, if a rule names it.
    fn add(&mut self, place: Option<&Option<Place>>, ranges: [Vec<Range>; 2], set: fn(&[Range]) -> Set) {
        let Some(Some(Place::Set(number))) = place else { return };
        if ranges.iter().all(Vec::is_empty) {
            return;
        }
        // There are far fewer than 2^32: a table has no more bytes.
        let more = (self.before + self.sets.len()) as u32;
        self.changes.push(Change { set: *number, more, less: more + 1 });
        self.sets.extend(ranges.iter().map(|ranges| set(ranges)));
    }
}

impl Live {
    /// The patch that has all changes since the table was made.
    pub(super) fn emit(&self, numbers: &Numbers, fresh: Option<&Overlay>) -> Result<Vec<u8>, CompileError> {
        let before = self.placed.before as usize + self.placed.sets.len();
        let mut changed = Changed { changes: Vec::new(), sets: Vec::new(), before };
        for (list, edits) in &self.edits_v4 {
            changed.add(self.placed.ipv4.get(*list), edits.ranges(), Set::ipv4);
        }
        for (list, edits) in &self.edits_v6 {
            changed.add(self.placed.ipv6.get(*list), edits.ranges(), Set::ipv6);
        }
        changed.changes.sort_unstable_by_key(|change| change.set);
        let sets: Vec<&Set> = self.placed.sets.iter().chain(&changed.sets).collect();
        let sets = lists::emit(&sets).map_err(|_| CompileError::TooLarge)?;
        let overlays: Vec<&Overlay> = self.frozen.iter().chain(fresh).collect();
        let mut bytes = vec![0; patch::HEADER];
        bytes.extend(numbers.runs.iter().flat_map(|run| run.emit()));
        bytes.extend(changed.changes.iter().flat_map(|change| change.emit()));
        bytes.extend(&sets);
        for overlay in &overlays {
            overlay.emit(numbers, &mut bytes)?;
        }
        let number = |count: usize| u32::try_from(count).map_err(|_| CompileError::TooLarge);
        let length = number(bytes.len() + table::CHECKSUM)?;
        let counts =
            [number(numbers.runs.len())?, number(overlays.len())?, number(changed.changes.len())?, number(sets.len())?];
        let rules = number(self.order.len())?;
        let header = patch::emit_header(self.default.into(), length, self.bound_to, rules, counts);
        bytes[..patch::HEADER].copy_from_slice(&header);
        bytes.extend(table::emit_checksum(&bytes));
        Ok(bytes)
    }
}
