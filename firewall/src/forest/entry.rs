//! A rule in a leaf.
use super::key::Key;

/// Leaves have their rules in groups of so many.
pub const GROUP: usize = 4;
/// 64-bit words of a rule, of `w` words of addresses.
pub(super) const fn words(w: usize) -> usize {
    2 * w + 2
}

/// What a rule asks of a key with `W` words of addresses. A rule with several values is several of these.
///
/// | bytes | what |
/// |---|---|
/// | 0..8W | the addresses |
/// | 8W..16W | which of their bits count |
/// | +0..2, +2..4 | the least source port or type, and the least destination port or code |
/// | +4..6, +6..8 | how many more there are of each |
/// | +8..10, +10..12 | the kind, and which of its bits count |
/// | +12..16 | the rule's number |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Condition<const W: usize> {
    /// The addresses' bits that count; the others are zero.
    pub addresses: [u64; W],
    /// Which count.
    pub masks: [u64; W],
    /// The least of both numbers.
    pub least: [u16; 2],
    /// How many more numbers match.
    pub more: [u16; 2],
    /// The kind's bits that count.
    pub kind: u16,
    /// Which count.
    pub kind_mask: u16,
    /// The rule that it belongs to.
    pub rule: u32,
}

impl<const W: usize> Condition<W> {
    /// How many bytes it takes.
    pub const BYTES: usize = words(W) * 8;

    /// What no packet meets: no packet has all bits of the kind.
    pub const NEVER: Self = Self {
        addresses: [0; W],
        masks: [0; W],
        least: [0; 2],
        more: [0; 2],
        kind: u16::MAX,
        kind_mask: u16::MAX,
        rule: u32::MAX,
    };

    /// It as bytes, added to these.
    pub fn emit(&self, bytes: &mut impl Extend<u8>) {
        self.addresses.iter().chain(&self.masks).for_each(|word| bytes.extend(word.to_le_bytes()));
        let [least, more] = [self.least, self.more];
        for number in [least, more, [self.kind, self.kind_mask]].as_flattened() {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(self.rule.to_le_bytes());
    }
}

/// The last two words of a rule.
#[derive(Clone, Copy)]
struct Rest {
    numbers: u64,
    kind: u64,
}

/// The rule's number.
#[inline]
pub(super) fn rule<const N: usize>(entry: &[[u8; 8]; N]) -> u32 {
    (rest(entry).kind >> 32) as u32
}

#[inline]
fn rest<const N: usize>(entry: &[[u8; 8]; N]) -> Rest {
    // Every entry has two words and more.
    let [numbers, kind] = entry.last_chunk::<2>().copied().unwrap_or_default();
    Rest { numbers: u64::from_le_bytes(numbers), kind: u64::from_le_bytes(kind) }
}

/// Whether a key meets it. Without a branch: which of the parts fails is as good as random.
#[inline(always)]
pub(super) fn is_met<const W: usize, const N: usize>(entry: &[[u8; 8]; N], key: &Key<W>) -> bool {
    let (addresses, others) = entry.split_at(W);
    let mut differs = 0;
    for ((address, mask), is) in addresses.iter().zip(others).zip(&key.addresses) {
        differs |= (u64::from_le_bytes(*address) ^ is) & u64::from_le_bytes(*mask);
    }
    let Rest { numbers, kind } = rest(entry);
    differs |= (kind ^ key.rest >> 32) & (kind >> 16) & 0xffff;
    let within = |is: u64, least: u64, more: u64| (is as u16).wrapping_sub(least as u16) <= more as u16;
    let first = within(key.rest >> 16, numbers, numbers >> 32);
    let second = within(key.rest, numbers >> 16, numbers >> 48);
    (differs == 0) & first & second
}
