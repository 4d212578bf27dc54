//! The trees for one version of IP.
use super::decode::ForestError;
use super::group::{Answers, GROUP, Group, NO_RULE, Spread};
use super::key::Key;
use super::node::{MOST_BITS, Node, Slot, groups, parts, zero_word};
use crate::table::split_chunks;
use cpu::Extract;

/// Bytes before the trees.
pub const HEADER: usize = 16;
/// Bytes of a tree's [`Root`].
pub const ROOT: usize = size_of::<RootBytes>();

/// The trees for addresses of `W` words, with groups of `N` rows and keys of `K` words.
///
/// | bytes | what |
/// |---|---|
/// | 0..4, 4..8, 8..12 | how many trees, slots and groups of rules there are |
/// | 12..16 | zero |
/// | | the trees, by their first rules: see [`Root`] |
/// | | the slots, the trees' roots first, then the groups, then their answers, 4 bytes for each rule of each group |
#[derive(Clone, Copy, Debug)]
pub(super) struct Trees<'a, const W: usize, const N: usize, const K: usize> {
    roots: &'a [RootBytes],
    slots: &'a [Slot],
    groups: &'a [Group<N>],
    answers: &'a [Answers],
}

type RootBytes = [[u8; 4]; 4];

/// A tree as a whole: 4 bytes for each of these, little-endian, then zeroes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Root {
    /// The least answer that it has.
    pub least: u32,
    /// How many steps down most paths take. Fewer steps end at the same leaf.
    pub steps: u32,
    /// The most accesses to memory that a path takes.
    pub worst: u32,
}

impl Root {
    /// It as bytes.
    pub fn emit(&self) -> [u8; 16] {
        let numbers = [self.least, self.steps, self.worst, 0].map(u32::to_le_bytes);
        let mut bytes = [0; 16];
        bytes.copy_from_slice(numbers.as_flattened());
        bytes
    }

    #[inline(always)]
    fn parse(bytes: &RootBytes) -> Self {
        let [least, steps, worst, _] = bytes.map(u32::from_le_bytes);
        Self { least, steps, worst }
    }
}

/// A tree takes at most so many steps without looking whether it is at a leaf.
pub const MOST_STEPS: u32 = 16;

impl<'a, const W: usize, const N: usize, const K: usize> Trees<'a, W, N, K> {
    /// Decodes the trees at the start of these bytes; what follows them comes with them.
    pub(super) fn decode(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), ForestError> {
        let (header, rest) = bytes.split_first_chunk::<HEADER>().ok_or(ForestError::Length)?;
        let [roots, slots, groups, [0, 0, 0, 0]] = header.as_chunks::<4>().0 else { return Err(ForestError::Length) };
        let (roots, rest) = split_chunks::<16>(rest, u32::from_le_bytes(*roots)).ok_or(ForestError::Length)?;
        let (slots, rest) = split_chunks::<16>(rest, u32::from_le_bytes(*slots)).ok_or(ForestError::Length)?;
        let count = u32::from_le_bytes(*groups);
        let words = count.checked_mul((N * GROUP) as u32).ok_or(ForestError::Length)?;
        let (groups, rest) = split_chunks::<8>(rest, words).ok_or(ForestError::Length)?;
        let (answers, rest) = split_chunks::<16>(rest, count).ok_or(ForestError::Length)?;
        let trees = Self {
            roots: roots.as_flattened().as_chunks().0.as_chunks().0,
            slots: slots.as_flattened().as_chunks().0.as_chunks().0,
            groups: groups.as_chunks().0.as_chunks().0,
            answers: answers.as_flattened().as_chunks().0.as_chunks().0,
        };
        trees.check()?;
        Ok((trees, rest))
    }

    /// Whether every path ends.
    fn check(&self) -> Result<(), ForestError> {
        let roots = self.roots.iter().map(Root::parse);
        let zeroes = self.roots.iter().all(|[.., last]| *last == [0; 4]);
        let steps_right = zeroes && roots.clone().all(|root| root.steps <= MOST_STEPS);
        if self.roots.len() > self.slots.len() || !steps_right || !roots.is_sorted_by_key(|root| root.least) {
            return Err(ForestError::Root);
        }
        for (number, slot) in (0..).zip(self.slots) {
            self.check_slot(slot, number).ok_or(ForestError::Slot(number))?;
        }
        Ok(())
    }

    /// All answers that there are.
    pub(super) fn answers(&self) -> impl Iterator<Item = u32> + '_ {
        self.answers.as_flattened().iter().map(|answer| u32::from_le_bytes(*answer))
    }

    /// A node's children are there and come after it, so that no path is longer than there are slots. A leaf has a group at least.
    fn check_slot(&self, slot: &Slot, number: u32) -> Option<()> {
        match Node::parse(slot, number, W)? {
            Node::Inner { mask, first, .. } => {
                let bits = mask.count_ones();
                let end = first.checked_add(1_u32.checked_shl(bits)?)?;
                (bits <= MOST_BITS && first > number && end as usize <= self.slots.len()).then_some(())
            }
            Node::Leaf { first, groups } => {
                (groups > 0 && first.checked_add(groups)? as usize <= self.groups.len()).then_some(())
            }
        }
    }

    /// The answer of the first rule that a key meets; [`NO_RULE`] if there is none.
    #[inline(always)]
    pub(super) fn first_match(&self, key: &Key<K>, extract: impl Extract) -> u32 {
        let spread = Spread::of(key);
        let mut found = NO_RULE;
        for (number, root) in self.roots.iter().enumerate() {
            let root = Root::parse(root);
            if number & 1 == 1 && root.least > found {
                break;
            }
            found = found.min(self.descend(number, root.steps, key, &spread, extract));
        }
        found
    }

    /// The answer of one tree.
    #[inline(always)]
    fn descend(&self, root: usize, steps: u32, key: &Key<K>, spread: &Spread<W>, extract: impl Extract) -> u32 {
        let mut at = root;
        for _ in 0..steps {
            let Some(slot) = self.slots.get(at) else { return NO_RULE };
            let (mask, first, word) = parts(slot);
            at = first as usize + extract.extract(key.word(word as usize), mask) as usize;
        }
        let (first, count) = loop {
            let Some(slot) = self.slots.get(at) else { return NO_RULE };
            let (mask, first, word) = parts(slot);
            if word == zero_word(W) {
                break groups(mask);
            }
            at = first as usize + extract.extract(key.word(word as usize), mask) as usize;
        };
        let (first, end) = (first as usize, first as usize + count as usize);
        let mut found = self.search(first, spread);
        for group in first + 1..end {
            if found != NO_RULE {
                break;
            }
            found = self.search(group, spread);
        }
        found
    }

    /// The answer of one group.
    #[inline(always)]
    fn search(&self, group: usize, spread: &Spread<W>) -> u32 {
        match (self.groups.get(group), self.answers.get(group)) {
            (Some(group), Some(answers)) => spread.search(group, answers),
            _ => NO_RULE,
        }
    }

    /// How many trees there are.
    pub(super) fn len(&self) -> usize {
        self.roots.len()
    }

    /// The most accesses to memory for one key, as the compiler counted them.
    pub(super) fn worst(&self) -> usize {
        self.roots.iter().map(|root| Root::parse(root).worst as usize).sum()
    }
}
