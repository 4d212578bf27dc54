//! What a patch changes in sets of a table, kept beside them: no set is copied or built anew.
//!
//! A changed set has the addresses of a set of its own, `more`, and those it had before except the ones in another, `less`.
//! An address in both is in it, so that `less` may name what was taken away and `more` what was added, whichever of it
//! overlaps.
use super::{Entry, Lists, Set};
use core::net::IpAddr;

/// Bytes of a [`Change`].
pub const CHANGE: usize = size_of::<Entry>();

/// Changes to a table's sets, and the sets that a patch has.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Changes<'a> {
    changes: &'a [Entry],
    entries: &'a [Entry],
    bytes: &'a [u8],
}

/// One changed set. All three are numbers of sets: first the table's, then the patch's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which set it is.
    pub set: u32,
    /// What it has besides.
    pub more: u32,
    /// What it does not have any more.
    pub less: u32,
}

impl Change {
    /// It as bytes.
    pub fn emit(&self) -> [u8; CHANGE] {
        let mut bytes = [0; CHANGE];
        for (bytes, number) in bytes.as_chunks_mut().0.iter_mut().zip([self.set, self.more, self.less]) {
            *bytes = number.to_le_bytes();
        }
        bytes
    }

    #[inline]
    fn parse(entry: &Entry) -> Self {
        let [set, more, less] = entry.map(u32::from_le_bytes);
        Self { set, more, less }
    }
}

impl Changes<'_> {
    /// Whether no set is changed.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// How many sets are changed.
    pub(crate) fn len(&self) -> usize {
        self.changes.len()
    }

    /// How many sets the patch has.
    pub(super) fn sets(&self) -> usize {
        self.entries.len()
    }

    /// What is changed in the set of this number.
    #[inline]
    pub(super) fn of(&self, set: u32) -> Option<Change> {
        let index = self.changes.binary_search_by_key(&set, |entry| Change::parse(entry).set).ok()?;
        self.changes.get(index).map(Change::parse)
    }
}

impl<'a> Lists<'a> {
    /// These lists with those of a patch after them, and some changed. `None` when the changes are not in the order of their
    /// sets, or name what is not there or of another version.
    pub(crate) fn changed(self, patch: Lists<'a>, changes: &'a [[u8; CHANGE]]) -> Option<Self> {
        let changes = changes.as_flattened().as_chunks().0.as_chunks().0;
        let lists = Self { changes: Changes { changes, entries: patch.entries, bytes: patch.bytes }, ..self };
        let in_order = changes.is_sorted_by(|one, other| Change::parse(one).set < Change::parse(other).set);
        let holds = |entry: &Entry| {
            let Change { set, more, less } = Change::parse(entry);
            let [set, more, less] = [set, more, less].map(|number| lists.set(number).map(|set| set.version()));
            set.is_some() && set == more && set == less
        };
        (in_order && changes.iter().all(holds)).then_some(lists)
    }

    /// What a patch changes in them.
    pub(crate) fn changes(&self) -> Changes<'a> {
        self.changes
    }

    /// A set of the patch.
    #[cold]
    pub(super) fn added(&self, number: u32) -> Option<Set<'a>> {
        let Changes { entries, bytes, .. } = self.changes;
        let index = usize::try_from(number).ok()?.checked_sub(self.entries.len())?;
        let patch = Lists { entries, bytes, changes: Changes::default() };
        patch.of_entry(entries.get(index)?)
    }

    /// Whether an address is in a set, with what a patch changes in it.
    #[inline(never)]
    pub(super) fn contains_changed(&self, number: u32, address: &IpAddr) -> bool {
        let has = |number| self.set(number).is_some_and(|set: Set<'_>| set.contains(address));
        match self.changes.of(number) {
            Some(Change { more, less, .. }) => has(more) || has(number) && !has(less),
            None => has(number),
        }
    }
}
