//! The most that looking an address up costs.
use super::{DEEPEST, Ipv6Set, entry, tags, words_each};
use crate::lists::LINE;
use crate::shape::halves;

/// 8-byte words in a line.
const WORDS: usize = LINE / 8;

impl Ipv6Set<'_> {
    /// Accesses to memory: of the root, of an entry for each node on the way, and of a leaf's lines.
    pub fn accesses(&self) -> usize {
        // In a tree each entry is below one node. What was not made by the compiler may be none: then as deep as can be.
        let mut left = self.entries.len() + 1;
        let deepest =
            || DEEPEST + self.entries.iter().map(|entry| self.leaf(u64::from_le_bytes(*entry))).max().unwrap_or(0);
        1 + self.below_entry(self.root, DEEPEST, &mut left).unwrap_or_else(deepest)
    }

    /// Of what is below an entry, with so many nodes at most; `None` when more entries were met than there are.
    fn below_entry(&self, entry: u64, nodes: usize, left: &mut usize) -> Option<usize> {
        *left = left.checked_sub(1)?;
        if entry::kind(entry) != entry::NODE || nodes == 0 {
            return Some(self.leaf(entry));
        }
        let start = entry::start(entry);
        let mut most = 0;
        for below in self.entries.get(start..start + (1 << entry::bits(entry)))? {
            most = most.max(self.below_entry(u64::from_le_bytes(*below), nodes - 1, left)?);
        }
        Some(1 + most)
    }

    /// Of a leaf; nothing of a node.
    fn leaf(&self, entry: u64) -> usize {
        match entry::kind(entry) {
            entry::NODE => 0,
            // Of those whose tags are equal all are read, which may be each of them.
            entry::FEW_HOSTS => spanned(entry::start(entry), tags::count(entry::tags(entry)) * 2),
            entry::FEW_NETWORKS => spanned(entry::start(entry), tags::count(entry::tags(entry))),
            kind => {
                let (count, each) = (entry::count(entry), words_each(kind).unwrap_or(0));
                halves(count, each * 8).max(1).min(spanned(entry::start(entry), count * each))
            }
        }
    }
}

/// The lines that so many words take, which start at the word of this number.
fn spanned(start: usize, words: usize) -> usize {
    if words == 0 { 0 } else { (start + words - 1) / WORDS - start / WORDS + 1 }
}
