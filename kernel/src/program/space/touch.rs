//! Touching the program's memory: pages are made ready when they are needed, by the program or by a copy.
use super::region::{Backing, Protection};
use super::{Space, page_of};
use crate::errno::Errno;
use crate::file::File;
use alloc::sync::Arc;
use core::ops::Range;
use machine::memory::{Access, AddressSpace, BadAddress, OutOfMemory, PAGE, USER_END};

/// Pages of a file that are in memory already are mapped so many together, at a multiple of so many: a fault takes longer.
const AROUND: u64 = 16 * PAGE;

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
        let table = &mut self.table;
        if table.is_mapped(page) {
            // Somebody else was here first.
            table.protect(page..page + PAGE, Some(access));
            return Ok(());
        }
        match &region.backing {
            Backing::Zero => Ok(table.map(page, access, &[])?),
            Backing::File { file, offset, end } => {
                let whole = *start..region.end;
                map_file(table, page, access, &**file, Part { whole, offset: *offset, end: *end })
            }
            Backing::Shared { file, offset } => map_shared(table, page, access, file, offset + (page - start)),
        }
    }

    /// Makes all pages of a range ready that can be, for MAP_POPULATE and MADV_POPULATE_READ, MADV_POPULATE_WRITE.
    pub fn populate(&mut self, range: Range<u64>, need: Protection) -> Result<(), Fault> {
        for page in range.step_by(PAGE as usize) {
            self.resolve(page, need)?;
        }
        Ok(())
    }

    fn resolve_for_copy(&mut self, address: u64, need: Protection) -> Result<(), Errno> {
        self.resolve(address, need).map_err(|fault| match fault {
            Fault::OutOfMemory => Errno::EXHAUSTED,
            _ => Errno::EFAULT,
        })
    }

    /// Copies from the program; `EFAULT` where it has no readable memory, `EXHAUSTED` where the machine has none.
    pub fn read(&mut self, address: u64, bytes: &mut [u8]) -> Result<(), Errno> {
        check_copy(address, bytes.len())?;
        let mut done = 0;
        while let Some(rest) = bytes.get_mut(done..) {
            let Err(BadAddress(at)) = self.table.read(address + done as u64, rest) else { break };
            self.resolve_for_copy(at, Protection::READ)?;
            done = at.saturating_sub(address) as usize;
        }
        Ok(())
    }

    /// Writes `new` to this word if it holds `expected`, in one step for all processors; tells what it held. The address is a
    /// multiple of four; `EFAULT` where it has no writable memory, `EXHAUSTED` where the machine has none.
    pub fn exchange(&mut self, address: u64, expected: u32, new: u32) -> Result<u32, Errno> {
        check_copy(address, 4)?;
        if let Ok(found) = self.table.exchange(address, expected, new) {
            return Ok(found);
        }
        self.resolve_for_copy(address, Protection::WRITE)?;
        self.table.exchange(address, expected, new).map_err(|BadAddress(_)| Errno::EFAULT)
    }

    /// Copies to the program; `EFAULT` where it has no writable memory, `EXHAUSTED` where the machine has none.
    pub fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), Errno> {
        check_copy(address, bytes.len())?;
        let mut done = 0;
        while let Some(rest) = bytes.get(done..) {
            let Err(BadAddress(at)) = self.table.write(address + done as u64, rest) else { break };
            self.resolve_for_copy(at, Protection::WRITE)?;
            done = at.saturating_sub(address) as usize;
        }
        Ok(())
    }
}

/// A region that shows a file: its addresses, where in the file it begins, and where its bytes end.
struct Part {
    whole: Range<u64>,
    offset: u64,
    end: u64,
}

/// Maps a page to what the file holds there: to the file's own memory where that can be, as it is for the code of a
/// program, and its neighbours with it; else to a copy.
fn map_file(table: &mut AddressSpace, page: u64, access: Access, file: &dyn File, part: Part) -> Result<(), Fault> {
    let offset_of = |at: u64| part.offset + (at - part.whole.start);
    let end = part.end.min(file.status().size);
    if !access.writes() {
        let window = page / AROUND * AROUND;
        // The neighbours, or the page alone where what comes before it in the file is not in memory.
        for first in [part.whole.start.max(window), page] {
            let last = part.whole.end.min(window + AROUND);
            let length = (last - first).min(end.saturating_sub(offset_of(first)));
            let content =
                file.lasting(offset_of(first)).and_then(|bytes| bytes.get(..bytes.len().min(length as usize)));
            let covered = |content: &&[u8]| content.len() as u64 >= page - first + PAGE;
            if let Some(content) = content.filter(covered)
                && table.map_borrowed(first, access, content)?
            {
                return Ok(());
            }
        }
    }
    let mut content = [0; PAGE as usize];
    let length = read_page(file, offset_of(page), end, &mut content)?;
    Ok(table.map(page, access, content.get(..length).unwrap_or_default())?)
}

fn map_shared(
    table: &mut AddressSpace,
    page: u64,
    access: Access,
    file: &Arc<dyn File>,
    offset: u64,
) -> Result<(), Fault> {
    let frame = file.frame(offset).map_err(|error| match error {
        Errno::ENOSPC => Fault::OutOfMemory,
        _ => Fault::PastEnd,
    })?;
    Ok(table.map_shared(page, access, &frame)?)
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
