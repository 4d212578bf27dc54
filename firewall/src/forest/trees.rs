//! The trees for one version of IP.
use super::decode::ForestError;
use super::entry::{GROUP, is_met, rule};
use super::key::Key;
use super::node::{MOST_BITS, Node, SLOT, Slot};
use crate::table::split_chunks;
use cpu::Extract;

/// Bytes before the trees.
pub const HEADER: usize = 16;
/// Bytes of a tree's root.
pub const ROOT: usize = SLOT + 8;

/// The trees for addresses of `W` words, with rules of `N` words.
///
/// | bytes | what |
/// |---|---|
/// | 0..4, 4..8, 8..12 | how many trees, slots and groups of rules there are |
/// | 12..16 | zero |
/// | | the trees, by their first rules: a root's [`Slot`], the number of the tree's first rule in 4 bytes, then its worst path, in accesses to memory, in 4 bytes |
/// | | the slots, then the groups |
#[derive(Clone, Copy, Debug)]
pub(super) struct Trees<'a, const W: usize, const N: usize> {
    roots: &'a [[[u8; 8]; ROOT / 8]],
    slots: &'a [Slot],
    groups: &'a [[[[u8; 8]; N]; GROUP]],
}

/// A tree's root as bytes: its slot, its first rule, and its worst path, in accesses to memory.
pub fn emit_root(slot: Slot, first_rule: u32, worst: u32) -> [[u8; 8]; ROOT / 8] {
    let [mask, others] = slot;
    [mask, others, (u64::from(worst) << 32 | u64::from(first_rule)).to_le_bytes()]
}

fn parse_root([mask, others, last]: &[[u8; 8]; ROOT / 8]) -> (Slot, u32, u32) {
    let last = u64::from_le_bytes(*last);
    ([*mask, *others], last as u32, (last >> 32) as u32)
}

impl<'a, const W: usize, const N: usize> Trees<'a, W, N> {
    /// Decodes the trees at the start of these bytes; what follows them comes with them.
    pub(super) fn decode(bytes: &'a [u8], rules: u32) -> Result<(Self, &'a [u8]), ForestError> {
        let (header, rest) = bytes.split_first_chunk::<HEADER>().ok_or(ForestError::Length)?;
        let [roots, slots, groups, [0, 0, 0, 0]] = header.as_chunks::<4>().0 else { return Err(ForestError::Length) };
        let (roots, rest) = words(rest, u32::from_le_bytes(*roots))?;
        let (slots, rest) = words(rest, u32::from_le_bytes(*slots))?;
        let (entries, rest) = words::<N>(rest, u32::from_le_bytes(*groups).saturating_mul(GROUP as u32))?;
        let trees = Self { roots, slots, groups: entries.as_chunks().0 };
        trees.check(rules)?;
        Ok((trees, rest))
    }

    /// Whether every path ends, at rules that there are.
    fn check(&self, rules: u32) -> Result<(), ForestError> {
        let roots = self.roots.iter().map(|root| (parse_root(root).0, None));
        let slots = (0..).zip(self.slots).map(|(number, slot)| (*slot, Some(number)));
        for (slot, number) in roots.chain(slots) {
            self.check_slot(&slot, number).ok_or(ForestError::Slot(number))?;
        }
        let numbers = self.groups.as_flattened().iter().map(rule);
        let unknown = |number: &u32| *number >= rules && *number != u32::MAX;
        numbers.into_iter().find(unknown).map_or(Ok(()), |number| Err(ForestError::Rule(number)))
    }

    /// A node's children are there and come after it, so that no path is longer than there are slots.
    fn check_slot(&self, slot: &Slot, number: Option<u32>) -> Option<()> {
        match Node::parse(slot) {
            Node::Inner { word, mask, first } => {
                let bits = mask.count_ones();
                let end = first.checked_add(1_u32.checked_shl(bits)?)?;
                let right = bits <= MOST_BITS && word as usize <= W && number.is_none_or(|number| first > number);
                (right && end as usize <= self.slots.len()).then_some(())
            }
            Node::Leaf { first, groups } => (first.checked_add(groups)? as usize <= self.groups.len()).then_some(()),
        }
    }

    /// The first rule that a key meets; `u32::MAX` if there is none.
    #[inline(always)]
    pub(super) fn first_match(&self, key: &Key<W>, extract: impl Extract) -> u32 {
        let mut found = u32::MAX;
        for root in self.roots {
            let (slot, first_rule, _) = parse_root(root);
            if first_rule >= found {
                break;
            }
            found = found.min(self.descend(slot, key, extract));
        }
        found
    }

    /// The first rule of one tree that a key meets.
    #[inline(always)]
    fn descend(&self, root: Slot, key: &Key<W>, extract: impl Extract) -> u32 {
        let mut node = Node::parse(&root);
        let (start, count) = loop {
            match node {
                Node::Leaf { first, groups } => break (first as usize, groups as usize),
                Node::Inner { word, mask, first } => {
                    let child = first as usize + extract.extract(key.word(word as usize), mask) as usize;
                    let Some(slot) = self.slots.get(child) else { return u32::MAX };
                    node = Node::parse(slot);
                }
            }
        };
        self.search(start, count, key)
    }

    /// The first rule of a leaf that a key meets.
    #[inline(always)]
    fn search(&self, start: usize, count: usize, key: &Key<W>) -> u32 {
        for group in self.groups.get(start..start + count).unwrap_or_default() {
            let met = group.iter().rev().fold(0, |met, entry| met << 1 | u32::from(is_met(entry, key)));
            if met != 0 {
                return group.get(met.trailing_zeros() as usize).map_or(u32::MAX, rule);
            }
        }
        u32::MAX
    }

    /// How many trees there are.
    pub(super) fn len(&self) -> usize {
        self.roots.len()
    }

    /// The most accesses to memory for one key, as the compiler counted them.
    pub(super) fn worst(&self) -> usize {
        self.roots.iter().map(|root| parse_root(root).2 as usize).sum()
    }
}

/// Words of 8 bytes that belong together.
type Words<const M: usize> = [[u8; 8]; M];

/// The first `count` pieces of `M` words, and what follows them.
fn words<const M: usize>(bytes: &[u8], count: u32) -> Result<(&[Words<M>], &[u8]), ForestError> {
    let words = count.checked_mul(M as u32).and_then(|words| split_chunks::<8>(bytes, words));
    let (taken, rest) = words.ok_or(ForestError::Length)?;
    Ok((taken.as_chunks().0, rest))
}
