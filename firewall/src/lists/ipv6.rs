//! A large set of IPv6 addresses: a tree that skips the bits in which its addresses agree, and is seldom more than three
//! nodes deep, however many they are.
//!
//! | bytes | what |
//! |---|---|
//! | 0..8 | the [`entry`] of the root |
//! | 8..16 | how many entries follow |
//! | | entries of 8 bytes: those that a node has stand together |
//! | | what the leaves have: addresses of 16 bytes, or what they begin with, of 8 |
//!
//! A leaf names addresses in full, so that the bits that the nodes above it skip need not be looked at.
use super::Fault;

mod cost;

/// Bytes before the entries.
pub const HEADER: usize = 16;
/// The most nodes one below the other.
pub const DEEPEST: usize = 8;

type Word = [u8; 8];

/// What an entry is made of.
///
/// | bits | what |
/// |---|---|
/// | 0..3 | its kind, one of the constants here |
/// | 3..35 | where what it has starts: the number of an entry, or of 8 bytes of the leaves |
/// | 35..64 | of a node: how many bits it looks at (5), and where they end (7); of a few: the tags; of other leaves: how many there are |
pub mod entry {
    /// Up to four addresses. A set without any has an entry that is all zero.
    pub const FEW_HOSTS: u64 = 0;
    /// A node: the bits of the address that it looks at are the number of the entry to go on with.
    pub const NODE: u64 = 1;
    /// Addresses, in order.
    pub const HOSTS: u64 = 2;
    /// First and last address of ranges, in order and apart from each other.
    pub const RANGES: u64 = 3;
    /// The first 64 bits of addresses, in order.
    pub const NETWORKS: u64 = 4;
    /// The first 64 bits of first and last address of ranges, in order and apart from each other.
    pub const NETWORK_RANGES: u64 = 5;

    /// The first 64 bits of up to four addresses.
    pub const FEW_NETWORKS: u64 = 6;

    /// Puts a leaf together.
    pub const fn emit(kind: u64, start: u32, count: u32) -> u64 {
        kind | (start as u64) << 3 | (count as u64) << 35
    }

    /// Puts a node together that looks at so many bits, below which there are `shift`.
    pub const fn emit_node(start: u32, bits: u32, shift: u32) -> u64 {
        emit(NODE, start, bits | shift << 5)
    }

    pub(super) const fn kind(entry: u64) -> u64 {
        entry & 7
    }

    pub(super) const fn start(entry: u64) -> usize {
        (entry >> 3 & 0xffff_ffff) as usize
    }

    pub(super) const fn count(entry: u64) -> usize {
        (entry >> 35) as usize
    }

    pub(super) const fn tags(entry: u64) -> u32 {
        (entry >> 35) as u32
    }

    pub(super) const fn bits(entry: u64) -> u32 {
        (entry >> 35 & 31) as u32
    }

    pub(super) const fn shift(entry: u64) -> u32 {
        (entry >> 40 & 127) as u32
    }
}

/// What is known of a few addresses without reading them: 7 bits of each. An address that is not among them is seldom
/// looked for in memory, and one that is is compared with one.
pub mod tags {
    /// Of how many addresses there are tags.
    pub const MOST: usize = 4;
    /// Bits of a tag.
    pub const BITS: u32 = 7;
    /// One in each.
    const ONES: u32 = 0x0020_4081;

    /// The tag of an address: never zero.
    #[inline]
    pub const fn of_host(address: u128) -> u32 {
        of_network((address >> 64) as u64 ^ (address as u64).rotate_left(32))
    }

    /// The tag of what an address begins with: never zero.
    #[inline]
    pub const fn of_network(network: u64) -> u32 {
        let tag = (network.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - BITS)) as u32;
        if tag == 0 { 1 } else { tag }
    }

    /// The highest bit of each tag that is this one; perhaps of others, after the first that is.
    #[inline]
    pub(super) const fn equal(tags: u32, tag: u32) -> u32 {
        let differing = tags ^ (tag * ONES);
        differing.wrapping_sub(ONES) & !differing & (ONES << (BITS - 1))
    }

    /// Of how many there are tags.
    pub(super) const fn count(tags: u32) -> usize {
        (u32::BITS - tags.leading_zeros()).div_ceil(BITS) as usize
    }
}

/// How many addresses are looked up together: enough to wait for memory once, and few enough to stay at hand.
const TOGETHER: usize = 32;

/// A leaf with no more ranges than this is looked at as a whole; a larger one is searched by halves.
const FEW: usize = 4;

/// A set of IPv6 addresses.
#[derive(Clone, Copy, Debug)]
pub struct Ipv6Set<'a> {
    root: u64,
    entries: &'a [Word],
    leaves: &'a [Word],
}

impl<'a> Ipv6Set<'a> {
    /// Decodes a set and checks all of it.
    ///
    /// # Errors
    /// When an entry points past the end, or is none.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Fault> {
        let set = Self::of(bytes).ok_or(Fault::Length)?;
        set.check().map(|()| set)
    }

    pub(super) fn check(&self) -> Result<(), Fault> {
        let holds = |entry: &Word| self.has(u64::from_le_bytes(*entry));
        if self.has(self.root) && self.entries.iter().all(holds) { Ok(()) } else { Err(Fault::Entry) }
    }

    /// A set of which nothing is checked but its length.
    #[inline]
    pub(super) fn of(bytes: &'a [u8]) -> Option<Self> {
        let (words, []) = bytes.as_chunks() else { return None };
        let ([root, count], rest) = words.split_first_chunk()?;
        let (entries, leaves) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*count)).ok()?)?;
        Some(Self { root: u64::from_le_bytes(*root), entries, leaves })
    }

    /// Whether what an entry has is there.
    fn has(&self, entry: u64) -> bool {
        let (length, there) = match entry::kind(entry) {
            entry::FEW_HOSTS => (tags::count(entry::tags(entry)) * 2, self.leaves.len()),
            entry::FEW_NETWORKS => (tags::count(entry::tags(entry)), self.leaves.len()),
            entry::NODE => (1 << entry::bits(entry), self.entries.len()),
            kind => match words_each(kind) {
                Some(each) => (entry::count(entry) * each, self.leaves.len()),
                None => return false,
            },
        };
        entry::start(entry).checked_add(length).is_some_and(|end| end <= there)
    }

    /// Whether an address is in the set. It goes through at most [`DEEPEST`] nodes, and searches one leaf.
    #[inline]
    pub fn contains(&self, address: u128) -> bool {
        let mut entry = self.root;
        for _ in 0..DEEPEST {
            if entry::kind(entry) != entry::NODE {
                break;
            }
            entry = self.below(entry, address);
        }
        self.leaf_has(entry, address)
    }

    /// Whether each address is in the set; what has no partner is left as it is. It waits for the memory of many of
    /// them at once.
    pub fn contains_many(&self, addresses: &[u128], found: &mut [bool]) {
        for (addresses, found) in addresses.chunks(TOGETHER).zip(found.chunks_mut(TOGETHER)) {
            let mut entries = [self.root; TOGETHER];
            if entry::kind(self.root) == entry::NODE {
                for (entry, address) in entries.iter_mut().zip(addresses) {
                    *entry = self.below(self.root, *address);
                }
            }
            for _ in 1..DEEPEST {
                let mut is_deeper = false;
                for (entry, address) in entries.iter_mut().zip(addresses) {
                    if entry::kind(*entry) == entry::NODE {
                        *entry = self.below(*entry, *address);
                        is_deeper = true;
                    }
                }
                if !is_deeper {
                    break;
                }
            }
            // Asks for the leaves, whose bytes come while the next ones are asked for.
            let asked = entries.iter().zip(addresses).map(|(entry, address)| self.first_byte(*entry, *address));
            core::hint::black_box(asked.fold(0, |all, byte| all ^ byte));
            for ((found, entry), address) in found.iter_mut().zip(&entries).zip(addresses) {
                *found = self.leaf_has(*entry, *address);
            }
        }
    }

    /// The entry of a node that an address leads to.
    #[inline]
    fn below(&self, node: u64, address: u128) -> u64 {
        let looked_at = (address >> entry::shift(node)) as usize & ((1 << entry::bits(node)) - 1);
        self.entries.get(entry::start(node) + looked_at).map_or(0, |entry| u64::from_le_bytes(*entry))
    }

    /// A byte of the leaf that is read, or any byte where none is.
    #[inline]
    fn first_byte(&self, entry: u64, address: u128) -> u8 {
        let is_read = match entry::kind(entry) {
            entry::FEW_HOSTS => tags::equal(entry::tags(entry), tags::of_host(address)) != 0,
            _ => true,
        };
        self.leaves.get(if is_read { entry::start(entry) } else { 0 }).map_or(0, |[byte, ..]| *byte)
    }

    #[inline]
    fn leaf_has(&self, entry: u64, address: u128) -> bool {
        let network = (address >> 64) as u64;
        match entry::kind(entry) {
            entry::FEW_HOSTS => has_few(entry, tags::of_host(address), |number| {
                let start = entry::start(entry) + number * 2;
                let words = self.leaves.get(start..).and_then(<[Word]>::first_chunk);
                words.is_some_and(|words| whole(words) == address)
            }),
            entry::FEW_NETWORKS => has_few(entry, tags::of_network(network), |number| {
                let word = self.leaves.get(entry::start(entry) + number);
                word.is_some_and(|word| u64::from_le_bytes(*word) == network)
            }),
            _ => self.many_have(entry, address),
        }
    }

    fn many_have(&self, entry: u64, address: u128) -> bool {
        let kind = entry::kind(entry);
        let Some(each) = words_each(kind) else { return false };
        let start = entry::start(entry);
        let words = self.leaves.get(start..start + entry::count(entry) * each).unwrap_or_default();
        let network = (address >> 64) as u64;
        match kind {
            entry::HOSTS => has_point(words.as_chunks().0, whole, address),
            entry::RANGES => {
                let ranges: &[[[Word; 2]; 2]] = words.as_chunks().0.as_chunks().0;
                has_range(ranges, |[first, last]| (whole(first), whole(last)), address)
            }
            entry::NETWORKS => has_point(words, |word| u64::from_le_bytes(*word), network),
            _ => has_range(
                words.as_chunks().0,
                |[first, last]| (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
                network,
            ),
        }
    }
}

/// Whether one of a few is what is wanted, of those whose tag says that they may be.
#[inline]
fn has_few(entry: u64, tag: u32, is_wanted: impl Fn(usize) -> bool) -> bool {
    let mut equal = tags::equal(entry::tags(entry), tag);
    while equal != 0 {
        if is_wanted((equal.trailing_zeros() / tags::BITS) as usize) {
            return true;
        }
        // There are at most four.
        equal &= equal - 1;
    }
    false
}

/// How many times 8 bytes one of a leaf takes; `None` for what is no leaf.
#[inline]
fn words_each(kind: u64) -> Option<usize> {
    match kind {
        entry::HOSTS | entry::NETWORK_RANGES => Some(2),
        entry::RANGES => Some(4),
        entry::NETWORKS => Some(1),
        _ => None,
    }
}

/// An address, the high half first.
#[inline]
fn whole([high, low]: &[Word; 2]) -> u128 {
    u128::from(u64::from_le_bytes(*high)) << 64 | u128::from(u64::from_le_bytes(*low))
}

#[inline]
fn has_point<P, N: Ord + Copy>(points: &[P], number: impl Fn(&P) -> N, wanted: N) -> bool {
    points.binary_search_by_key(&wanted, number).is_ok()
}

#[inline]
fn has_range<R, N: Ord + Copy>(ranges: &[R], bounds: impl Fn(&R) -> (N, N), wanted: N) -> bool {
    let holds = |range: &R| {
        let (first, last) = bounds(range);
        first <= wanted && wanted <= last
    };
    if ranges.len() <= FEW {
        // The last one over again, so that the processor need not guess how many there are.
        let last = ranges.len().saturating_sub(1);
        return (0..FEW).fold(false, |any, number| any | ranges.get(number.min(last)).is_some_and(holds));
    }
    ranges.get(ranges.partition_point(|range| bounds(range).1 < wanted)).is_some_and(holds)
}
