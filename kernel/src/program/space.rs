//! The program's memory as it asked for it: regions, whose pages are mapped when they are first touched.
use crate::errno::Errno;
use crate::file::File;
use crate::program::memory::{is_scarce, would_be_scarce};
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;
use bitflags::bitflags;
use core::ops::Range;
use machine::memory::{Access, AddressSpace, BadAddress, OutOfMemory, PAGE, USER_END};

/// The most regions a program may have (Linux: vm.max_map_count).
const MAX_REGIONS: usize = 65_530;

bitflags! {
    /// What the program may do with a region; the bits of mmap(2).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Protection: u8 {
        /// Read.
        const READ = 1;
        /// Write.
        const WRITE = 2;
        /// Execute.
        const EXECUTE = 4;
    }
}

impl Protection {
    /// How a page under this protection is mapped; `None`: not at all.
    fn access(self) -> Option<Access> {
        if self.contains(Self::WRITE) {
            Some(Access::Write)
        } else if self.contains(Self::EXECUTE) {
            Some(Access::Execute)
        } else {
            self.contains(Self::READ).then_some(Access::Read)
        }
    }

    /// Whether a page is writable or executable, not both.
    pub fn is_exclusive(self) -> bool {
        !self.contains(Self::WRITE | Self::EXECUTE)
    }

    fn allows(self, need: Self) -> bool {
        // A page that is mapped can always be read.
        !self.is_empty() && (self | Self::READ).contains(need)
    }
}

/// What a page holds before the program writes to it.
#[derive(Clone)]
pub enum Backing {
    /// Zeroes.
    Zero,
    /// Bytes of a file, the region's first byte at `offset`; from `end` on zeroes, and no page that is wholly behind it.
    File {
        /// The file.
        file: Arc<dyn File>,
        /// Where in the file the region begins.
        offset: u64,
        /// Where in the file its bytes end.
        end: u64,
    },
}

impl Backing {
    fn skip(&mut self, bytes: u64) {
        if let Backing::File { offset, .. } = self {
            *offset = offset.saturating_add(bytes);
        }
    }
}

#[derive(Clone)]
struct Region {
    end: u64,
    protection: Protection,
    backing: Backing,
    /// It is or was writable: its pages may differ from what backs them.
    dirty: bool,
}

/// Why an address cannot be made to work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is there.
    Unmapped,
    /// The region there does not allow it.
    Forbidden,
    /// The mapped file ends before it, or cannot be read.
    PastEnd,
    /// The machine has no memory left for it.
    OutOfMemory,
}

impl From<OutOfMemory> for Fault {
    fn from(OutOfMemory: OutOfMemory) -> Self {
        Fault::OutOfMemory
    }
}

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

    /// mremap(2): makes the mapping `old` `length` bytes long, elsewhere if it must and `may_move`.
    pub fn remap(&mut self, old: Range<u64>, length: u64, may_move: bool) -> Result<u64, Errno> {
        check(&old)?;
        let length = page_up(length).filter(|length| *length > 0).ok_or(Errno::EINVAL)?;
        let Some((start, region)) = self.regions.range(..=old.start).next_back() else { return Err(Errno::EFAULT) };
        if region.end < old.end {
            return Err(Errno::EFAULT);
        }
        let (protection, dirty, mut backing) = (region.protection, region.dirty, region.backing.clone());
        backing.skip(old.start - start);
        let new_end = old.start.checked_add(length).filter(|end| *end <= USER_END).ok_or(Errno::ENOMEM)?;
        if new_end <= old.end {
            if new_end < old.end {
                self.unmap(new_end..old.end)?;
            }
            return Ok(old.start);
        }
        if self.is_free(&(old.end..new_end)) {
            backing.skip(old.end - old.start);
            self.insert(old.end..new_end, protection, backing)?;
            return Ok(old.start);
        }
        if !may_move {
            return Err(Errno::ENOMEM);
        }
        let target = self.find_free(length)?;
        self.insert_region(target.clone(), Region { end: target.end, protection, backing, dirty })?;
        self.move_pages(&old, target.start)?;
        self.unmap(old)?;
        Ok(target.start)
    }

    fn move_pages(&mut self, from: &Range<u64>, to: u64) -> Result<(), Errno> {
        let mut content = [0; PAGE as usize];
        for page in self.resident_in(from) {
            let target = page - from.start + to;
            let access = self.table.access(page).ok_or(Errno::EFAULT)?;
            self.table.read(page, &mut content).map_err(|_| Errno::EFAULT)?;
            self.table.map(target, access, &content).map_err(|_| Errno::ENOMEM)?;
            self.resident.insert(target);
        }
        let parked: Vec<u64> = self.parked.range(from.clone()).map(|(page, _)| *page).collect();
        for page in parked {
            if let Some(content) = self.parked.remove(&page) {
                self.parked.insert(page - from.start + to, content);
            }
        }
        Ok(())
    }

    /// A copy of it, for fork(2). Pages that still are what backs them are left to be read again.
    pub fn fork(&self) -> Result<Space, OutOfMemory> {
        if would_be_scarce(self.parked.len() as u64 * PAGE) {
            return Err(OutOfMemory);
        }
        let mut copy = Space {
            table: AddressSpace::new()?,
            regions: self.regions.clone(),
            resident: BTreeSet::new(),
            parked: self.parked.clone(),
            heap: self.heap.clone(),
            top: self.top,
        };
        let mut content = [0; PAGE as usize];
        for (start, region) in self.regions.iter().filter(|(_, region)| region.dirty) {
            for page in self.resident.range(*start..region.end) {
                let Some(access) = self.table.access(*page) else { continue };
                self.table.read(*page, &mut content).map_err(|BadAddress(_)| OutOfMemory)?;
                copy.table.map(*page, access, &content)?;
                copy.resident.insert(*page);
            }
        }
        Ok(copy)
    }

    /// Makes the page at this address ready for `need`.
    pub fn resolve(&mut self, address: u64, need: Protection) -> Result<(), Fault> {
        let page = page_of(address);
        let Some((start, region)) = self.regions.range(..=address).next_back().filter(|(_, found)| address < found.end)
        else {
            return Err(Fault::Unmapped);
        };
        let access = region.protection.access().filter(|_| region.protection.allows(need)).ok_or(Fault::Forbidden)?;
        if self.resident.contains(&page) {
            return Ok(self.table.protect(page, access)?);
        }
        match (self.parked.get(&page), &region.backing) {
            (Some(content), _) => self.table.map(page, access, content)?,
            (None, Backing::Zero) => self.table.map(page, access, &[])?,
            (None, Backing::File { file, offset, end }) => {
                let at = offset + (page - start);
                map_file(&mut self.table, page, access, &**file, at..*end)?;
            }
        }
        self.parked.remove(&page);
        self.resident.insert(page);
        Ok(())
    }

    /// Copies from the program; `EFAULT` where it has no readable memory.
    pub fn read(&mut self, address: u64, bytes: &mut [u8]) -> Result<(), Errno> {
        check_copy(address, bytes.len())?;
        let mut done = 0;
        while let Some(rest) = bytes.get_mut(done..) {
            let Err(BadAddress(at)) = self.table.read(address + done as u64, rest) else { break };
            self.resolve(at, Protection::READ).map_err(|_| Errno::EFAULT)?;
            done = at.saturating_sub(address) as usize;
        }
        Ok(())
    }

    /// Copies to the program; `EFAULT` where it has no writable memory.
    pub fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), Errno> {
        check_copy(address, bytes.len())?;
        let mut done = 0;
        while let Some(rest) = bytes.get(done..) {
            let Err(BadAddress(at)) = self.table.write(address + done as u64, rest) else { break };
            self.resolve(at, Protection::WRITE).map_err(|_| Errno::EFAULT)?;
            done = at.saturating_sub(address) as usize;
        }
        Ok(())
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

/// Maps a page to what the file holds in the first bytes of `range`: to the file's own memory where that can be, as it
/// is for the code of a program, else to a copy.
fn map_file(
    table: &mut AddressSpace,
    page: u64,
    access: Access,
    file: &dyn File,
    range: Range<u64>,
) -> Result<(), Fault> {
    let whole = range.end.saturating_sub(range.start) >= PAGE;
    if let Some(content) = file.lasting_page(range.start).filter(|_| whole)
        && table.map_borrowed(page, access, content)?
    {
        return Ok(());
    }
    let mut content = [0; PAGE as usize];
    let length = read_page(file, range.start, range.end, &mut content)?;
    Ok(table.map(page, access, content.get(..length).unwrap_or_default())?)
}

fn read_page(file: &dyn File, offset: u64, end: u64, content: &mut [u8]) -> Result<usize, Fault> {
    let length = end.checked_sub(offset).filter(|left| *left > 0).ok_or(Fault::PastEnd)?.min(PAGE) as usize;
    let mut done = 0;
    while done < length {
        let rest = content.get_mut(done..length).unwrap_or_default();
        match file.read(rest, offset + done as u64) {
            Ok(0) => break,
            Ok(count) => done += count,
            Err(_) => return Err(Fault::PastEnd),
        }
    }
    Ok(length)
}

fn check(range: &Range<u64>) -> Result<(), Errno> {
    let whole = range.start.is_multiple_of(PAGE) && range.end.is_multiple_of(PAGE);
    if whole && PAGE <= range.start && range.start < range.end && range.end <= USER_END {
        Ok(())
    } else {
        Err(Errno::EINVAL)
    }
}

fn check_copy(address: u64, length: usize) -> Result<(), Errno> {
    match address.checked_add(length as u64) {
        Some(end) if end <= USER_END => Ok(()),
        _ => Err(Errno::EFAULT),
    }
}

#[cfg(test)]
mod tests;
