//! Where a path through a tree goes on.

/// Bytes of a slot.
pub const SLOT: usize = size_of::<Slot>();
/// A node has at most two to the power of this children.
pub const MOST_BITS: u32 = 16;

/// A node or a leaf as bytes.
///
/// | bytes | what |
/// |---|---|
/// | 0..8 | a node: the bits that number its children, at least one and at most [`MOST_BITS`]; a leaf: its first group of rules and how many groups it has, 4 bytes each |
/// | 8..12 | a node: the slot of its first child, which comes after its own; a leaf: its own slot |
/// | 12..16 | the number of the key's word that the bits are of; a leaf: of the first that is always zero |
///
/// So a leaf has itself for a child, and a path may take steps beyond its end.
pub type Slot = [[u8; 8]; 2];

/// A slot, taken apart, of a tree for keys with `W` words of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Node {
    /// The bits of a word number the children, which stand together from `first` on.
    Inner {
        /// The word of the key.
        word: u32,
        /// Its bits.
        mask: u64,
        /// The slot of the first child.
        first: u32,
    },
    /// The rules that can match.
    Leaf {
        /// The first group.
        first: u32,
        /// How many groups.
        groups: u32,
    },
}

/// The word of a key that is always zero, after `w` words of addresses and the rest.
pub(super) const fn zero_word(w: usize) -> u32 {
    w as u32 + 1
}

/// A slot's two halves as numbers: the first word, and the two parts of the second.
#[inline(always)]
pub(super) fn parts([mask, others]: &Slot) -> (u64, u32, u32) {
    let (mask, others) = (u64::from_le_bytes(*mask), u64::from_le_bytes(*others));
    (mask, others as u32, (others >> 32) as u32)
}

/// A leaf's groups, out of its slot's first word: the first, and how many.
#[inline(always)]
pub(super) fn groups(mask: u64) -> (u32, u32) {
    (mask as u32, (mask >> 32) as u32)
}

impl Node {
    /// It as bytes in the slot of this number, for keys with `w` words of addresses.
    pub fn emit(&self, slot: u32, w: usize) -> Slot {
        let (mask, first, word) = match *self {
            Self::Inner { word, mask, first } => (mask, first, word),
            Self::Leaf { first, groups } => (u64::from(groups) << 32 | u64::from(first), slot, zero_word(w)),
        };
        [mask.to_le_bytes(), (u64::from(word) << 32 | u64::from(first)).to_le_bytes()]
    }

    /// It from the bytes of the slot of this number; `None` if they are of neither.
    pub(super) fn parse(bytes: &Slot, slot: u32, w: usize) -> Option<Self> {
        let (mask, first, word) = parts(bytes);
        if word == zero_word(w) {
            let (first_group, groups) = groups(mask);
            return (first == slot).then_some(Self::Leaf { first: first_group, groups });
        }
        (word < zero_word(w) && mask != 0).then_some(Self::Inner { word, mask, first })
    }
}
