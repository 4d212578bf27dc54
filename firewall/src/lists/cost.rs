//! The most that looking an address up costs, in accesses to memory, see [`Worst`](crate::shape::Worst).
use super::{Lists, Set};
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

    /// Of the set of this number, with finding it.
    pub(crate) fn accesses(&self, number: u32) -> usize {
        self.set(number).map_or(0, |set| 1 + set.accesses())
    }

    /// Of all sets of a version of IP.
    pub(crate) fn worst(&self, version: Version) -> usize {
        let sets = (0..).take(self.len()).filter_map(|number| self.set(number));
        sets.filter(|set| set.version() == version).map(|set| 1 + set.accesses()).sum()
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
