//! Touching the program's memory: pages are made ready when they are needed, by the program or by a copy.
use super::region::{Backing, Protection};
use super::{Space, page_of};
use crate::errno::Errno;
use crate::file::File;
use core::ops::Range;
use machine::memory::{Access, AddressSpace, BadAddress, OutOfMemory, PAGE, USER_END};

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

impl Space {
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
fn check_copy(address: u64, length: usize) -> Result<(), Errno> {
    match address.checked_add(length as u64) {
        Some(end) if end <= USER_END => Ok(()),
        _ => Err(Errno::EFAULT),
    }
}
