//! The most that the list of rules costs: for a packet that no rule matches until all that each asks was looked at.
use super::{Linear, RECORD, Record, Set, Version, members};
use crate::shape::{halves, lines};

/// Reads of what rules share. However many rules name it, there is no more of it than all.
#[derive(Default)]
struct Reads {
    numbers: usize,
    addresses: usize,
    references: usize,
    lists: usize,
}

impl Linear<'_> {
    /// The most accesses to memory for a packet of this version of IP, see [`Worst`](crate::shape::Worst).
    pub(crate) fn worst(&self, version: Version) -> usize {
        let (mut reads, mut by_source, mut by_destination) = (Reads::default(), false, false);
        let all = self.rules.iter().filter_map(|rule| Record::parse(rule).ok());
        for record in all.filter(|record| record.version.is_none_or(|own| own == version)) {
            let numbers = [record.protocol, record.source_port_or_type, record.destination_port_or_code];
            reads.numbers += numbers.into_iter().flatten().map(|set| halves(set.count as usize, 4)).sum::<usize>();
            let addresses = [record.source, record.destination];
            let size = size(version);
            reads.addresses +=
                addresses.into_iter().flatten().map(|set| halves(set.count as usize, size)).sum::<usize>();
            for set in [record.source_lists, record.destination_lists].into_iter().flatten() {
                reads.references += lines(set.count as usize * 4);
                reads.lists += self.accesses_of(set);
            }
            by_source |= record.source_lists.is_some();
            by_destination |= record.destination_lists.is_some();
        }
        let addresses = match version {
            Version::V4 => self.ipv4.len(),
            Version::V6 => self.ipv6.len(),
        };
        // The same address in the same set is the same memory.
        let sides = usize::from(by_source) + usize::from(by_destination);
        lines(self.rules.len() * RECORD)
            + reads.numbers.min(lines(self.numbers.len() * 4))
            + reads.addresses.min(lines(addresses * size(version)))
            + reads.references.min(lines(self.references.len() * 4))
            + reads.lists.min(self.lists.worst(version).saturating_mul(sides))
    }

    /// Of looking an address up in each of the sets that these references name.
    fn accesses_of(&self, references: Set) -> usize {
        let references = members(self.references, references).unwrap_or_default();
        references.iter().map(|reference| self.lists.accesses(u32::from_le_bytes(*reference))).sum()
    }
}

/// Bytes of a range of addresses.
const fn size(version: Version) -> usize {
    match version {
        Version::V4 => 8,
        Version::V6 => 32,
    }
}
