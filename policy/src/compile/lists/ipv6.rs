//! Many IPv6 addresses to a tree ([`firewall::lists::ipv6`]).
use firewall::lists::LINE;
use firewall::lists::ipv6::{DEEPEST, HEADER, entry, tags};

/// No more than these are told apart by looking at them one by one.
const MOST_IN_LEAF: usize = tags::MOST;

/// The most bits that a node looks at.
const MOST_BITS: u32 = 20;

/// First and last address.
type Range = (u128, u128);

/// Ranges of addresses, in order and apart from each other, as a set.
pub fn ipv6_set(ranges: &[(u128, u128)]) -> Vec<u8> {
    let mut tree = Tree::default();
    let root = tree.entry(ranges, (0, u128::MAX), DEEPEST);
    // What the leaves have starts with a line.
    while !(HEADER + tree.entries.len() * 8).is_multiple_of(LINE) {
        tree.entries.push(0);
    }
    let header = [root, tree.entries.len() as u64];
    header.iter().chain(&tree.entries).chain(&tree.leaves).flat_map(|word| word.to_le_bytes()).collect()
}

#[derive(Default)]
struct Tree {
    entries: Vec<u64>,
    leaves: Vec<u64>,
}

impl Tree {
    /// Of addresses within bounds, those in these ranges, which all have some: with so many nodes at most.
    fn entry(&mut self, ranges: &[Range], bounds: Range, nodes: usize) -> u64 {
        let (Some(first), Some(last)) = (ranges.first(), ranges.last()) else { return 0 };
        if ranges.len() <= MOST_IN_LEAF || nodes == 0 {
            return self.leaf(ranges);
        }
        let (low, high) = (first.0.max(bounds.0), last.1.min(bounds.1));
        // There are several ranges, so that the two differ.
        let differing = u128::BITS - (low ^ high).leading_zeros();
        let bits = ranges.len().ilog2().clamp(1, MOST_BITS).min(differing);
        let shift = differing - bits;
        let start = self.entries.len();
        self.entries.resize(start + (1 << bits), 0);
        let base = low.checked_shr(differing).unwrap_or(0).checked_shl(differing).unwrap_or(0);
        let mut rest = ranges;
        let mut before: Option<(Range, u64)> = None;
        for number in 0..1_usize << bits {
            let from = base | (number as u128) << shift;
            let to = from | ((1_u128 << shift) - 1);
            let past = rest.iter().take_while(|range| range.1 < from).count();
            rest = rest.get(past..).unwrap_or_default();
            let count = rest.iter().take_while(|range| range.0 <= to).count();
            let within = rest.get(..count).unwrap_or_default();
            let made = match (within, before) {
                (&[only], Some((range, made))) if range == only => made,
                _ => self.entry(within, (from.max(bounds.0), to.min(bounds.1)), nodes - 1),
            };
            before = if let &[only] = within { Some((only, made)) } else { None };
            if let Some(entry) = self.entries.get_mut(start + number) {
                *entry = made;
            }
        }
        entry::emit_node(start as u32, bits, shift)
    }

    fn leaf(&mut self, ranges: &[Range]) -> u64 {
        let halves = |address: u128| [(address >> 64) as u64, address as u64];
        // An address does not stand on two lines.
        self.leaves.resize(self.leaves.len().next_multiple_of(2), 0);
        let start = self.leaves.len() as u32;
        let is_few = ranges.len() <= tags::MOST;
        let tagged = |tag: fn(&Range) -> u32| {
            (0..).step_by(tags::BITS as usize).zip(ranges).fold(0, |all, (bit, range)| all | tag(range) << bit)
        };
        let are_networks = ranges.iter().all(|&(first, last)| first as u64 == 0 && last as u64 == u64::MAX);
        let kind = if are_networks && ranges.iter().all(|(first, last)| first >> 64 == last >> 64) {
            self.leaves.extend(ranges.iter().map(|(first, _)| (first >> 64) as u64));
            if is_few {
                return entry::emit(
                    entry::FEW_NETWORKS,
                    start,
                    tagged(|(first, _)| tags::of_network((first >> 64) as u64)),
                );
            }
            entry::NETWORKS
        } else if are_networks {
            self.leaves.extend(ranges.iter().flat_map(|(first, last)| [(first >> 64) as u64, (last >> 64) as u64]));
            entry::NETWORK_RANGES
        } else if ranges.iter().all(|(first, last)| first == last) {
            self.leaves.extend(ranges.iter().flat_map(|(first, _)| halves(*first)));
            if is_few {
                return entry::emit(entry::FEW_HOSTS, start, tagged(|(first, _)| tags::of_host(*first)));
            }
            entry::HOSTS
        } else {
            self.leaves.extend(ranges.iter().flat_map(|&(first, last)| [halves(first), halves(last)]).flatten());
            entry::RANGES
        };
        entry::emit(kind, start, ranges.len() as u32)
    }
}
