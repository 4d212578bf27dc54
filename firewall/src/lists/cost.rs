//! The most that looking an address up costs, in accesses to memory, see [`Worst`](crate::shape::Worst).
use super::{CHANGE, Lists, Set};
use crate::linear::Version;
use crate::shape::halves;

impl Lists<'_> {
    /// How many sets there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// How many bytes they take, with what says where each is.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Of the set of this number, with finding it and with what a patch changes in it.
    pub(crate) fn accesses(&self, number: u32) -> usize {
        let found = |number| self.set(number).map_or(0, |set| 1 + set.accesses());
        let changes = self.changes();
        let changed = changes.of(number).map_or(0, |change| found(change.more) + found(change.less));
        found(number) + halves(changes.len(), CHANGE) + changed
    }

    /// Of all sets of a version of IP, those of a patch too.
    pub(crate) fn worst(&self, version: Version) -> usize {
        let numbers = (0..).take(self.len() + self.changes().sets());
        let own = |number: &u32| self.set(*number).is_some_and(|set| set.version() == version);
        numbers.filter(own).map(|number| self.accesses(number)).sum()
    }
}

impl Set<'_> {
    /// Of any address.
    pub fn accesses(&self) -> usize {
        match self {
            Self::RangesV4(ranges) => halves(ranges.len(), 8),
            Self::RangesV6(ranges) => halves(ranges.len(), 32),
            Self::Ipv4(set) => set.accesses(),
            Self::Ipv6(set) => set.accesses(),
        }
    }
}
