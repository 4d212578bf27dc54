//! Where a path through a tree goes on.

/// Bytes of a slot.
pub const SLOT: usize = size_of::<Slot>();
/// A node has at most two to the power of this children.
pub const MOST_BITS: u32 = 16;

/// A node or a leaf as bytes.
///
/// | bytes | what |
/// |---|---|
/// | 0..8 | a node: the bits that number its children, at least one and at most [`MOST_BITS`]; a leaf: zero |
/// | 8..12 | a node: the slot of its first child, which comes after its own; a leaf: its first group of rules |
/// | 12..16 | a node: the number of the word; a leaf: how many groups it has |
pub type Slot = [[u8; 8]; 2];

/// A slot, taken apart.
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

impl Node {
    /// It as bytes.
    pub fn emit(&self) -> Slot {
        let (mask, first, last) = match *self {
            Self::Inner { word, mask, first } => (mask, first, word),
            Self::Leaf { first, groups } => (0, first, groups),
        };
        [mask.to_le_bytes(), (u64::from(last) << 32 | u64::from(first)).to_le_bytes()]
    }

    /// It from bytes.
    #[inline]
    pub fn parse([mask, others]: &Slot) -> Self {
        let (mask, others) = (u64::from_le_bytes(*mask), u64::from_le_bytes(*others));
        let (first, last) = (others as u32, (others >> 32) as u32);
        if mask == 0 { Self::Leaf { first, groups: last } } else { Self::Inner { word: last, mask, first } }
    }
}
