//! A large set of IPv4 addresses: two or three memory accesses whatever the address, and two to four bytes a member.
//!
//! | bytes | what |
//! |---|---|
//! | 0..[`INDEX`] | for each value of an address's high 16 bits an [`entry`], 4 bytes each |
//! | | [`LINE`]s: what the entries point to |
//!
//! An entry says which values of the low 16 bits are in the set: none or all of them; the values themselves, when they
//! are few; where they begin and end, when they are ranges; or a bit for each, or for each 256 that come or go together.
use super::block::{Line, bit, is_among, rank};
use super::{Fault, LINE};

mod cost;

/// Bytes of the index.
pub const INDEX: usize = ENTRIES * 4;
const ENTRIES: usize = 1 << 16;

/// What an entry is made of.
///
/// | bits | what |
/// |---|---|
/// | 0..3 | its kind, one of the constants here |
/// | 3 | a flag, see there |
/// | 4..9 | how many blocks there are, less one |
/// | 9..32 | the first line |
///
/// A block is a line of 32 numbers of 2 bytes, sorted as a whole. Where there are several, a line comes before them:
/// after the number 0xffff, for each block but the first the number before its own first one; then 0xffff to the end.
pub mod entry {
    /// All values are in the set when the flag is set, and none when it is not. Everything else is zero.
    pub const CONSTANT: u32 = 0;
    /// Blocks of values that are in the set; the last one over again up to the end of its block.
    pub const POINTS: u32 = 1;
    /// Blocks of values after which it changes whether a value is in the set; 0xffff up to the end. The flag is set when
    /// the value 0 is in the set.
    pub const TURNS: u32 = 2;
    /// 256 bits: for each value of the next 8 bits whether all that begin with it are in the set. In the first half of
    /// its line, or with the flag in the second.
    pub const COARSE: u32 = 3;
    /// 65,536 bits, in 128 lines.
    pub const FINE: u32 = 4;

    /// Puts one together.
    pub const fn emit(kind: u32, flag: bool, blocks: u32, line: u32) -> u32 {
        kind | (flag as u32) << 3 | blocks.saturating_sub(1) << 4 | line << 9
    }

    pub(super) const fn kind(entry: u32) -> u32 {
        entry & 7
    }

    pub(super) const fn flag(entry: u32) -> bool {
        entry & 8 != 0
    }

    pub(super) const fn blocks(entry: u32) -> usize {
        (entry >> 4 & 31) as usize + 1
    }

    pub(super) const fn line(entry: u32) -> usize {
        (entry >> 9) as usize
    }
}

/// How many addresses are looked up together: enough to wait for memory once, and few enough to stay at hand.
const TOGETHER: usize = 32;

/// A set of IPv4 addresses.
#[derive(Clone, Copy, Debug)]
pub struct Ipv4Set<'a> {
    index: &'a [[u8; 4]; ENTRIES],
    lines: &'a [Line],
}

impl<'a> Ipv4Set<'a> {
    /// Decodes a set and checks all of it.
    ///
    /// # Errors
    /// When an entry points past the end, or is none.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Fault> {
        let set = Self::of(bytes).ok_or(Fault::Length)?;
        set.check().map(|()| set)
    }

    pub(super) fn check(&self) -> Result<(), Fault> {
        let holds = |entry: &[u8; 4]| self.has(u32::from_le_bytes(*entry));
        if self.index.iter().all(holds) { Ok(()) } else { Err(Fault::Entry) }
    }

    /// A set of which nothing is checked but its length.
    #[inline]
    pub(super) fn of(bytes: &'a [u8]) -> Option<Self> {
        let (index, lines) = bytes.split_at_checked(INDEX)?;
        let (lines, []) = lines.as_chunks::<LINE>() else { return None };
        Some(Self { index: index.as_chunks().0.first_chunk()?, lines })
    }

    /// Whether the lines of an entry are there.
    fn has(&self, entry: u32) -> bool {
        let lines = match entry::kind(entry) {
            entry::CONSTANT => return entry & !8 == 0,
            entry::POINTS if entry::flag(entry) => return false,
            entry::POINTS | entry::TURNS if entry::blocks(entry) == 1 => 1,
            entry::POINTS | entry::TURNS => entry::blocks(entry) + 1,
            entry::COARSE if entry::blocks(entry) == 1 => 1,
            entry::FINE if entry::blocks(entry) == 1 && !entry::flag(entry) => FINE_LINES,
            _ => return false,
        };
        entry::line(entry) + lines <= self.lines.len()
    }

    /// Whether an address is in the set: at most three memory accesses.
    #[inline]
    pub fn contains(&self, address: u32) -> bool {
        self.has_low(self.entry(address), address)
    }

    /// Whether each address is in the set; what has no partner is left as it is. It waits for the memory of many of
    /// them at once.
    pub fn contains_many(&self, addresses: &[u32], found: &mut [bool]) {
        for (addresses, found) in addresses.chunks(TOGETHER).zip(found.chunks_mut(TOGETHER)) {
            let entries = self.fetched(addresses);
            for ((found, entry), address) in found.iter_mut().zip(&entries).zip(addresses) {
                *found = self.has_low(*entry, *address);
            }
        }
    }

    /// Brings near what looking these addresses up will read.
    pub(crate) fn fetch(&self, addresses: &[u32]) {
        addresses.chunks(TOGETHER).for_each(|addresses| {
            self.fetched(addresses);
        });
    }

    /// The entries of up to [`TOGETHER`] addresses. Asks for their lines, too, whose bytes come while the next ones are
    /// asked for.
    #[inline]
    fn fetched(&self, addresses: &[u32]) -> [u32; TOGETHER] {
        let mut entries = [0; TOGETHER];
        for (entry, address) in entries.iter_mut().zip(addresses) {
            *entry = self.entry(*address);
        }
        let asked = entries.iter().zip(addresses).map(|(entry, address)| self.first_byte(*entry, *address));
        core::hint::black_box(asked.fold(0, |all, byte| all ^ byte));
        entries
    }

    #[inline]
    fn entry(&self, address: u32) -> u32 {
        self.index.get((address >> 16) as usize).map_or(0, |entry| u32::from_le_bytes(*entry))
    }

    /// A byte of the line that an entry sends an address to first.
    #[inline]
    fn first_byte(&self, entry: u32, address: u32) -> u8 {
        let further = if entry::kind(entry) == entry::FINE { (address & 0xffff) as usize >> 9 } else { 0 };
        self.lines.get(entry::line(entry) + further).map_or(0, |[byte, ..]| *byte)
    }

    #[inline]
    fn has_low(&self, entry: u32, address: u32) -> bool {
        let (low, line, flag) = (address & 0xffff, entry::line(entry), entry::flag(entry));
        match entry::kind(entry) {
            entry::CONSTANT => flag,
            entry::COARSE => self.lines.get(line).is_some_and(|line| bit(line, low >> 8 | u32::from(flag) << 8)),
            entry::POINTS if entry::blocks(entry) == 1 => self.lines.get(line).is_some_and(|line| is_among(line, low)),
            _ => self.many_have(entry, low),
        }
    }

    /// Apart from what is common, so that little stands in the way of that.
    #[inline(never)]
    fn many_have(&self, entry: u32, low: u32) -> bool {
        match entry::kind(entry) {
            entry::POINTS => self.block(entry, low).is_some_and(|block| is_among(block, low)),
            entry::TURNS => {
                self.block(entry, low).is_some_and(|block| (rank(block, low) & 1 == 1) != entry::flag(entry))
            }
            _ => {
                let line = self.lines.get(entry::line(entry) + (low >> 9) as usize);
                line.is_some_and(|line| bit(line, low & 511))
            }
        }
    }

    /// The block that a value would be in.
    #[inline]
    fn block(&self, entry: u32, low: u32) -> Option<&'a Line> {
        let first = self.lines.get(entry::line(entry))?;
        if entry::blocks(entry) == 1 {
            return Some(first);
        }
        self.lines.get(entry::line(entry) + 1 + rank(first, low) as usize)
    }
}

/// Lines of 65,536 bits.
pub const FINE_LINES: usize = ENTRIES / 8 / LINE;
