//! Memory that moves, and memory that is copied for another process.
use super::region::Region;
use super::{Space, check, page_up};
use crate::errno::Errno;
use crate::program::memory::would_be_scarce;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::ops::Range;
use machine::memory::{AddressSpace, BadAddress, OutOfMemory, PAGE, USER_END};

impl Space {
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
}
