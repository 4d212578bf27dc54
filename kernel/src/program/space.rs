//! The program's memory as it asked for it: regions, whose pages are mapped when they are first touched.
mod region;
mod remap;
mod touch;

use crate::errno::Errno;
use crate::program::memory::is_scarce;
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::ops::Range;
use machine::memory::{AddressSpace, OutOfMemory, PAGE, USER_END};

pub use region::{Backing, Protection};
pub use touch::Fault;

use region::Region;

/// The most regions a program may have (Linux: vm.max_map_count).
const MAX_REGIONS: usize = 65_530;

/// The regions and pages of a program.
pub struct Space {
    table: AddressSpace,
    regions: BTreeMap<u64, Region>,
    resident: BTreeSet<u64>,
    /// Pages that are not accessible now and must come back as they were.
    parked: BTreeMap<u64, Box<[u8]>>,
    heap: Range<u64>,
    top: u64,
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
            resident: BTreeSet::new(),
            parked: BTreeMap::new(),
            heap: 0..0,
            top: page_of(top),
        })
    }

    /// What the machine runs the program in.
    pub fn table(&self) -> &AddressSpace {
        &self.table
    }

    /// Bytes of memory that its pages take.
    pub fn resident(&self) -> u64 {
        (self.resident.len() + self.parked.len()) as u64 * PAGE
    }

    /// Its regions in order: range, protection, and the file's offset for those that show one.
    pub fn regions(&self) -> impl Iterator<Item = (Range<u64>, Protection, Option<u64>)> + '_ {
        self.regions.iter().map(|(start, region)| {
            let offset = match region.backing {
                Backing::File { offset, .. } => Some(offset),
                Backing::Zero => None,
            };
            (*start..region.end, region.protection, offset)
        })
    }

    /// Its heap (brk(2)).
    pub fn heap(&self) -> Range<u64> {
        self.heap.clone()
    }

    /// Says where the heap begins.
    pub fn set_heap(&mut self, start: u64) {
        self.heap = start..start;
    }

    /// brk(2): moves the end of the heap and tells where it is, the old one if it cannot be moved.
    pub fn brk(&mut self, end: u64) -> u64 {
        let (Some(old), Some(new)) = (page_up(self.heap.end), page_up(end)) else { return self.heap.end };
        if end < self.heap.start || new > USER_END {
            return self.heap.end;
        }
        if new > old {
            let mine = Protection::READ | Protection::WRITE;
            if !self.is_free(&(old..new)) || self.insert(old..new, mine, Backing::Zero).is_err() {
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
    pub fn find_free(&self, length: u64) -> Result<Range<u64>, Errno> {
        let length = page_up(length).ok_or(Errno::ENOMEM)?;
        let mut end = self.top;
        for (start, region) in self.regions.range(..self.top).rev() {
            if end.saturating_sub(region.end) >= length {
                break;
            }
            end = end.min(*start);
        }
        match end.checked_sub(length) {
            Some(start) if start >= PAGE * 16 => Ok(start..end),
            _ => Err(Errno::ENOMEM),
        }
    }

    /// Adds a region; what was there is gone. The range is whole pages of the program.
    pub fn map(&mut self, range: Range<u64>, protection: Protection, backing: Backing) -> Result<(), Errno> {
        if !protection.is_exclusive() {
            return Err(Errno::EACCES);
        }
        self.unmap(range.clone())?;
        self.insert(range, protection, backing)
    }

    /// Takes away whatever is mapped in this range of whole pages.
    pub fn unmap(&mut self, range: Range<u64>) -> Result<(), Errno> {
        check(&range)?;
        self.split(range.start)?;
        self.split(range.end)?;
        let gone: Vec<u64> = self.regions.range(range.clone()).map(|(start, _)| *start).collect();
        for start in gone {
            self.regions.remove(&start);
        }
        self.discard(range);
        Ok(())
    }

    /// mprotect(2) on a range of whole pages.
    pub fn protect(&mut self, range: Range<u64>, protection: Protection) -> Result<(), Errno> {
        check(&range)?;
        if !protection.is_exclusive() {
            return Err(Errno::EACCES);
        }
        if !self.is_covered(&range) {
            return Err(Errno::ENOMEM);
        }
        self.split(range.start)?;
        self.split(range.end)?;
        for (_, region) in self.regions.range_mut(range.clone()) {
            region.protection = protection;
            region.dirty |= protection.contains(Protection::WRITE);
        }
        for page in self.resident_in(&range) {
            match protection.access() {
                Some(access) => self.table.protect(page, access).map_err(|OutOfMemory| Errno::ENOMEM)?,
                None => self.park(page),
            }
        }
        self.merge(range);
        Ok(())
    }

    /// Forgets what the pages of this range hold: they are read or zeroed again when they are touched.
    pub fn discard(&mut self, range: Range<u64>) {
        for page in self.resident_in(&range) {
            self.table.unmap(page);
            self.resident.remove(&page);
        }
        let parked: Vec<u64> = self.parked.range(range).map(|(page, _)| *page).collect();
        for page in parked {
            self.parked.remove(&page);
        }
    }

    fn insert(&mut self, range: Range<u64>, protection: Protection, backing: Backing) -> Result<(), Errno> {
        let dirty = protection.contains(Protection::WRITE);
        self.insert_region(range.clone(), Region { end: range.end, protection, backing, dirty })
    }

    fn insert_region(&mut self, range: Range<u64>, region: Region) -> Result<(), Errno> {
        check(&range)?;
        if self.regions.len() >= MAX_REGIONS || is_scarce() {
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
                && lower.dirty == upper.dirty
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

    fn is_covered(&self, range: &Range<u64>) -> bool {
        let mut at = range.start;
        while at < range.end {
            match self.regions.range(..=at).next_back() {
                Some((_, region)) if region.end > at => at = region.end,
                _ => return false,
            }
        }
        true
    }

    fn resident_in(&self, range: &Range<u64>) -> Vec<u64> {
        self.resident.range(range.clone()).copied().collect()
    }

    /// Takes a page out of the program's reach and keeps what it holds.
    fn park(&mut self, page: u64) {
        let mut content = [0; PAGE as usize];
        if self.table.read(page, &mut content).is_ok() {
            self.parked.insert(page, Box::from(content));
        }
        self.table.unmap(page);
        self.resident.remove(&page);
    }
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
