use crate::memory::{Access, BadAddress, OutOfMemory, PAGE, USER_END, Usage};
use std::collections::BTreeMap;

/// An address space of the program: which pages are mapped, how, and what they hold.
#[derive(Default)]
pub struct AddressSpace {
    pages: BTreeMap<u64, (Access, Box<[u8; PAGE as usize]>)>,
}

pub fn usage() -> Usage {
    Usage { total: 1 << 30, free: 1 << 29 }
}

impl AddressSpace {
    /// An empty address space.
    pub fn new() -> Result<Self, OutOfMemory> {
        Ok(Self::default())
    }

    /// Maps the page at this address, which is a multiple of [`PAGE`] below [`USER_END`], to memory that holds `content`
    /// (at most a page) and then zeroes. What was mapped there before is gone.
    pub fn map(&mut self, page: u64, access: Access, content: &[u8]) -> Result<(), OutOfMemory> {
        assert!(page.is_multiple_of(PAGE) && (PAGE..USER_END).contains(&page), "no page of the program: {page:#x}");
        let mut bytes = Box::new([0; PAGE as usize]);
        bytes[..content.len()].copy_from_slice(content);
        self.pages.insert(page, (access, bytes));
        Ok(())
    }

    /// How the page at this address is mapped, if it is.
    pub fn access(&self, page: u64) -> Option<Access> {
        self.pages.get(&page).map(|(access, _)| *access)
    }

    /// Maps the page at this address to `content` itself, which is never written: for reading or executing. `false` and nothing
    /// done where that cannot be: it is not one whole page of memory, or `access` is to write.
    pub fn map_borrowed(&mut self, page: u64, access: Access, content: &'static [u8]) -> Result<bool, OutOfMemory> {
        let whole = content.len() as u64 == PAGE && (content.as_ptr() as u64).is_multiple_of(PAGE);
        if !whole || access == Access::Write {
            return Ok(false);
        }
        self.map(page, access, content)?;
        Ok(true)
    }

    /// Changes what may be done with the page at this address; nothing if it is not mapped. A borrowed page that becomes
    /// writable becomes a copy.
    pub fn protect(&mut self, page: u64, access: Access) -> Result<(), OutOfMemory> {
        if let Some(entry) = self.pages.get_mut(&page) {
            entry.0 = access;
        }
        Ok(())
    }

    /// Takes away the page at this address and frees its memory; nothing if it is not mapped.
    pub fn unmap(&mut self, page: u64) {
        self.pages.remove(&page);
    }

    /// Copies from the program: `bytes` is filled from `address` on.
    pub fn read(&self, address: u64, bytes: &mut [u8]) -> Result<(), BadAddress> {
        for (at, byte) in (address..).zip(bytes) {
            let (_, page) = self.pages.get(&(at / PAGE * PAGE)).ok_or(BadAddress(at))?;
            *byte = page[(at % PAGE) as usize];
        }
        Ok(())
    }

    /// Copies to the program: `bytes` go to `address` and on. Pages that are not writable refuse.
    pub fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), BadAddress> {
        for (at, byte) in (address..).zip(bytes) {
            match self.pages.get_mut(&(at / PAGE * PAGE)) {
                Some((Access::Write, page)) => page[(at % PAGE) as usize] = *byte,
                _ => return Err(BadAddress(at)),
            }
        }
        Ok(())
    }
}
