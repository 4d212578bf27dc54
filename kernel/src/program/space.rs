//! The program's memory as it asked for it: regions, whose pages are mapped when they are first touched.
mod region;
mod remap;
mod touch;

use crate::errno::Errno;
use crate::host;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;
use core::ops::Range;
use core::sync::atomic::{AtomicBool, Ordering};
use image::report::Report;
use machine::memory::{AddressSpace, OutOfMemory, PAGE, USER_END};

pub use region::{Backing, Protection, Region};
pub use remap::Place;
pub use touch::Fault;

/// The most regions a program may have (Linux: vm.max_map_count).
const MAX_REGIONS: usize = 65_530;

/// Memory that regions leave to others, in bytes. The program's pages leave more: who has touched all that there is can still
/// map, and ends where it touches more.
const RESERVE: u64 = 192 << 10;

const MIB: u64 = 1 << 20;

/// Whether a refused mapping was told: a program could ask for any number.
static TOLD: AtomicBool = AtomicBool::new(false);

/// Whether a single mapping of this length is obviously more than there is (Linux: vm.overcommit_memory 0), and so refused;
/// the first is told. Less is had when it is touched.
pub fn is_obviously_too_much(length: u64) -> bool {
    let total = machine::memory::usage().total;
    if length > total && !TOLD.swap(true, Ordering::Relaxed) {
        host::report(&Report::Notice(format!(
            "a mapping of {} MiB was refused (ENOMEM): the machine has {} MiB for the program; `-m` gives it more; told \
             once",
            length.div_ceil(MIB),
            total / MIB
        )));
    }
    length > total
}

/// The regions and pages of a program.
pub struct Space {
    table: AddressSpace,
    regions: BTreeMap<u64, Region>,
    heap: Range<u64>,
    /// Where the vDSO begins; 0 for none.
    vdso: u64,
    top: u64,
    /// Free ranges are looked for below this address; those above are `skipped` bytes long at most.
    below: u64,
    skipped: u64,
}

/// The page an address is in.
pub fn page_of(address: u64) -> u64 {
    address & !(PAGE - 1)
}

/// The first page that begins at or after an address; `None` behind the last.
pub fn page_up(address: u64) -> Option<u64> {
    address.checked_add(PAGE - 1).map(page_of)
}

impl Space {
    /// An empty one, whose mappings are placed below `top`.
    pub fn new(top: u64) -> Result<Self, OutOfMemory> {
        Ok(Space {
            table: AddressSpace::new()?,
            regions: BTreeMap::new(),
            heap: 0..0,
            vdso: 0,
            top: page_of(top),
            below: page_of(top),
            skipped: 0,
        })
    }

    /// Its pages as the machine has them.
    pub fn table(&self) -> &AddressSpace {
        &self.table
    }

    /// Bytes of memory that its pages take.
    pub fn resident(&self) -> u64 {
        self.table.mapped() * PAGE
    }

    /// Its regions in order, each with its addresses.
    pub fn regions(&self) -> impl Iterator<Item = (Range<u64>, &Region)> + '_ {
        self.regions.iter().map(|(start, region)| (*start..region.end, region))
    }

    /// The region that this address is in.
    pub fn region(&self, address: u64) -> Option<(Range<u64>, &Region)> {
        let (start, region) = self.regions.range(..=address).next_back().filter(|(_, found)| address < found.end)?;
        Some((*start..region.end, region))
    }

    /// Bytes of memory that the pages of this range take.
    pub fn resident_in(&self, range: Range<u64>) -> u64 {
        self.table.mapped_in(range) * PAGE
    }

    /// Whether the page at this address is in memory.
    pub fn is_resident(&self, page: u64) -> bool {
        self.table.is_mapped(page)
    }

    /// Its heap (brk(2)).
    pub fn heap(&self) -> Range<u64> {
        self.heap.clone()
    }

    /// Where the vDSO begins (vdso(7)); 0 for none.
    pub fn vdso(&self) -> u64 {
        self.vdso
    }

    /// Says where the vDSO begins.
    pub fn set_vdso(&mut self, start: u64) {
        self.vdso = start;
    }

    /// Says where the heap begins.
    pub fn set_heap(&mut self, start: u64) {
        self.heap = start..start;
    }

    /// brk(2): moves the end of the heap and tells where it is, the old one if it cannot be moved.
    pub fn brk(&mut self, end: u64) -> u64 {
        let (Some(old), Some(new)) = (page_up(self.heap.end), page_up(end)) else { return self.heap.end };
        if end < self.heap.start || new > USER_END || is_obviously_too_much(new.saturating_sub(old)) {
            return self.heap.end;
        }
        if new > old {
            let mine = Protection::READ | Protection::WRITE;
            if !self.is_free(&(old..new)) || self.insert(old..new, region(new, mine, Backing::Zero)).is_err() {
                return self.heap.end;
            }
        } else if new < old && self.unmap(new..old).is_err() {
            return self.heap.end;
        }
        self.heap.end = end;
        end
    }

    /// Whether nothing is mapped in this range.
    pub fn is_free(&self, range: &Range<u64>) -> bool {
        self.regions.range(..range.end).next_back().is_none_or(|(_, last)| last.end <= range.start)
    }

    /// The highest free range of this length, in bytes, below where mappings begin.
    pub fn find_free(&mut self, length: u64) -> Result<Range<u64>, Errno> {
        let length = page_up(length).ok_or(Errno::ENOMEM)?;
        if length <= self.skipped {
            (self.below, self.skipped) = (self.top, 0);
        }
        let found = self.search(length);
        if found.is_err() && self.below < self.top {
            // Several that were skipped may be one by now.
            (self.below, self.skipped) = (self.top, 0);
            return self.search(length);
        }
        found
    }

    fn search(&mut self, length: u64) -> Result<Range<u64>, Errno> {
        let mut end = self.below;
        for (start, region) in self.regions.range(..end).rev() {
            let free = end.saturating_sub(region.end);
            if free >= length {
                break;
            }
            self.skipped = self.skipped.max(free);
            end = end.min(*start);
        }
        let start = end.checked_sub(length).filter(|start| *start >= PAGE * 16).ok_or(Errno::ENOMEM)?;
        self.below = end;
        Ok(start..end)
    }

    /// The lowest free range of this length in `within`.
    pub fn find_free_in(&self, within: Range<u64>, length: u64) -> Result<Range<u64>, Errno> {
        let length = page_up(length).ok_or(Errno::ENOMEM)?;
        let mut start = self.region(within.start).map_or(within.start, |(first, _)| first.end);
        for (next, region) in self.regions.range(start..within.end.max(start)) {
            if next.saturating_sub(start) >= length {
                break;
            }
            start = region.end;
        }
        let end = start.checked_add(length).filter(|end| *end <= within.end).ok_or(Errno::ENOMEM)?;
        Ok(start..end)
    }

    /// Adds a region; what was there is gone. The range is whole pages of the program.
    pub fn map(&mut self, range: Range<u64>, protection: Protection, backing: Backing) -> Result<(), Errno> {
        self.map_region(range.clone(), region(range.end, protection, backing))
    }

    /// The same for memory that others see too and that may never be made writable: its file is open for reading alone.
    pub fn map_for_reading(
        &mut self,
        range: Range<u64>,
        protection: Protection,
        backing: Backing,
    ) -> Result<(), Errno> {
        let allowed = Protection::READ | Protection::EXECUTE;
        self.map_region(range.clone(), Region { allowed, ..region(range.end, protection, backing) })
    }

    fn map_region(&mut self, range: Range<u64>, region: Region) -> Result<(), Errno> {
        self.unmap(range.clone())?;
        self.insert(range, region)
    }

    /// Takes away whatever is mapped in this range of whole pages.
    pub fn unmap(&mut self, range: Range<u64>) -> Result<(), Errno> {
        check(&range)?;
        self.split(range.start)?;
        self.split(range.end)?;
        let gone: Vec<u64> = self.regions.range(range.clone()).map(|(start, _)| *start).collect();
        if gone.is_empty() {
            return Ok(());
        }
        for start in gone {
            self.regions.remove(&start);
        }
        if range.end > self.below {
            // What is free now is looked at again, with what was free above it.
            self.below = self.regions.range(range.end..).next().map_or(self.top, |(start, _)| *start).min(self.top);
        }
        self.discard(range);
        Ok(())
    }

    /// mprotect(2) on a range of whole pages.
    pub fn protect(&mut self, range: Range<u64>, protection: Protection) -> Result<(), Errno> {
        check(&range)?;
        if !self.is_covered(&range) {
            return Err(Errno::ENOMEM);
        }
        // Memory that was only reserved counts once it may be written.
        let too_much = |(part, region): (Range<u64>, &Region)| {
            let part = part.end.min(range.end) - part.start.max(range.start);
            matches!(region.backing, Backing::Zero)
                && !region.protection.contains(Protection::WRITE)
                && is_obviously_too_much(part)
        };
        if protection.contains(Protection::WRITE) && self.overlapping(&range).any(too_much) {
            return Err(Errno::ENOMEM);
        }
        if self.overlapping(&range).any(|(_, region)| !region.allowed.contains(protection)) {
            return Err(Errno::EACCES);
        }
        self.split(range.start)?;
        self.split(range.end)?;
        for (_, region) in self.regions.range_mut(range.clone()) {
            region.protection = protection;
        }
        self.table.protect(range.clone(), protection.access());
        self.merge(range);
        Ok(())
    }

    /// Forgets what the pages of this range hold: they are read or zeroed again when they are touched.
    pub fn discard(&mut self, range: Range<u64>) {
        let range = range.start.max(PAGE)..range.end;
        if !range.is_empty() {
            self.table.unmap(range);
        }
    }

    /// The regions that have a part in this range.
    pub fn overlapping(&self, range: &Range<u64>) -> impl Iterator<Item = (Range<u64>, &Region)> + '_ {
        let first = self.region(range.start).map_or(range.start, |(first, _)| first.start);
        self.regions.range(first..range.end.max(first)).map(|(start, region)| (*start..region.end, region))
    }

    fn insert(&mut self, range: Range<u64>, region: Region) -> Result<(), Errno> {
        check(&range)?;
        if self.regions.len() >= MAX_REGIONS || machine::memory::usage().free < RESERVE {
            return Err(Errno::ENOMEM);
        }
        self.regions.insert(range.start, region);
        self.merge(range);
        Ok(())
    }

    /// Makes a border at this address, if a region goes across it.
    fn split(&mut self, at: u64) -> Result<(), Errno> {
        let full = self.regions.len() >= MAX_REGIONS;
        let Some((start, region)) = self.regions.range_mut(..at).next_back() else { return Ok(()) };
        if region.end <= at {
            return Ok(());
        }
        if full {
            return Err(Errno::ENOMEM);
        }
        let mut upper = region.clone();
        upper.backing.skip(at - start);
        region.end = at;
        self.regions.insert(at, upper);
        Ok(())
    }

    /// Joins regions of zeroes that touch in or around this range and do not differ.
    fn merge(&mut self, range: Range<u64>) {
        let first = self.regions.range(..range.start).next_back().map_or(range.start, |(start, _)| *start);
        let starts: Vec<u64> = self.regions.range(first..=range.end).map(|(start, _)| *start).collect();
        let mut last = first;
        for start in starts.into_iter().skip_while(|start| *start == first) {
            if let (Some(lower), Some(upper)) = (self.regions.get(&last), self.regions.get(&start))
                && lower.end == start
                && lower.protection == upper.protection
                && matches!((&lower.backing, &upper.backing), (Backing::Zero, Backing::Zero))
            {
                let end = upper.end;
                self.regions.remove(&start);
                if let Some(lower) = self.regions.get_mut(&last) {
                    lower.end = end;
                }
            } else {
                last = start;
            }
        }
    }

    /// Whether every page of this range is mapped.
    pub fn is_covered(&self, range: &Range<u64>) -> bool {
        let mut at = range.start;
        while at < range.end {
            match self.regions.range(..=at).next_back() {
                Some((_, region)) if region.end > at => at = region.end,
                _ => return false,
            }
        }
        true
    }
}

fn region(end: u64, protection: Protection, backing: Backing) -> Region {
    Region { end, protection, allowed: Protection::all(), backing }
}

fn check(range: &Range<u64>) -> Result<(), Errno> {
    let whole = range.start.is_multiple_of(PAGE) && range.end.is_multiple_of(PAGE);
    if whole && PAGE <= range.start && range.start < range.end && range.end <= USER_END {
        Ok(())
    } else {
        Err(Errno::EINVAL)
    }
}

#[cfg(test)]
mod tests;
