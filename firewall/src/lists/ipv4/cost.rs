//! The most that looking an address up costs.
use super::{Ipv4Set, entry};

impl Ipv4Set<'_> {
    /// Accesses to memory: of the index, and of no, one or two lines.
    pub fn accesses(&self) -> usize {
        let lines = |entry: &[u8; 4]| {
            let entry = u32::from_le_bytes(*entry);
            match entry::kind(entry) {
                entry::CONSTANT => 0,
                entry::POINTS | entry::TURNS if entry::blocks(entry) > 1 => 2,
                _ => 1,
            }
        };
        1 + self.index.iter().map(lines).max().unwrap_or(0)
    }
}
