use crate::memory::{Access, BadAddress, OutOfMemory, PAGE, USER_END, Usage};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

type Bytes = Box<[u8; PAGE as usize]>;

/// A page of memory that several address spaces may map.
pub struct Frame(Mutex<Bytes>);

impl Frame {
    /// A new one that holds `content`, at most a page, and then zeroes.
    pub fn new(content: &[u8]) -> Result<Self, OutOfMemory> {
        let mut bytes = Box::new([0; PAGE as usize]);
        bytes[..content.len()].copy_from_slice(content);
        Ok(Frame(Mutex::new(bytes)))
    }

    fn with<T>(&self, work: impl FnOnce(&mut Bytes) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Copies from it: `bytes` is filled from `offset` on. Both lie in the page.
    pub fn read(&self, offset: usize, bytes: &mut [u8]) {
        self.with(|page| bytes.copy_from_slice(&page[offset..offset + bytes.len()]));
    }

    /// Copies to it: `bytes` go to `offset` and on. Both lie in the page.
    pub fn write(&self, offset: usize, bytes: &[u8]) {
        self.with(|page| page[offset..offset + bytes.len()].copy_from_slice(bytes));
    }
}

#[derive(Clone)]
struct Page {
    access: Option<Access>,
    frame: Arc<Frame>,
    shared: bool,
    borrowed: bool,
}

/// An address space of the program: which pages are mapped, how, and what they hold.
#[derive(Default)]
pub struct AddressSpace {
    pages: BTreeMap<u64, Page>,
    tables: Tables,
}

/// The page tables of an address space; here there are none.
#[derive(Clone, Default)]
pub struct Tables;

pub fn usage() -> Usage {
    Usage { total: 1 << 30, free: 1 << 29 }
}

fn assert_page(page: u64) {
    assert!(page.is_multiple_of(PAGE) && (PAGE..USER_END).contains(&page), "no page of the program: {page:#x}");
}

impl AddressSpace {
    /// An empty address space.
    pub fn new() -> Result<Self, OutOfMemory> {
        Ok(Self::default())
    }

    /// How many pages are mapped, those too that nobody may touch now.
    pub fn mapped(&self) -> u64 {
        self.pages.len() as u64
    }

    /// Its page tables, to run the program in.
    pub fn tables(&self) -> &Tables {
        &self.tables
    }

    /// Maps the page at this address, which is a multiple of [`PAGE`] below [`USER_END`], to memory that holds `content`
    /// (at most a page) and then zeroes. What was mapped there before is gone.
    pub fn map(&mut self, page: u64, access: Access, content: &[u8]) -> Result<(), OutOfMemory> {
        assert_page(page);
        let frame = Arc::new(Frame::new(content)?);
        self.pages.insert(page, Page { access: Some(access), frame, shared: false, borrowed: false });
        Ok(())
    }

    /// Maps pages from this address on to `content` itself, as many as it has whole; those that are mapped already stay.
    pub fn map_borrowed(&mut self, page: u64, access: Access, content: &'static [u8]) -> Result<bool, OutOfMemory> {
        if content.len() < PAGE as usize || !(content.as_ptr() as u64).is_multiple_of(PAGE) || access.writes() {
            return Ok(false);
        }
        for (at, part) in (page..).step_by(PAGE as usize).zip(content.chunks_exact(PAGE as usize)) {
            assert_page(at);
            let frame = Arc::new(Frame::new(part)?);
            self.pages.entry(at).or_insert(Page { access: Some(access), frame, shared: false, borrowed: true });
        }
        Ok(true)
    }

    /// Maps the page at this address to this frame, that others may map too.
    pub fn map_shared(&mut self, page: u64, access: Access, frame: &Arc<Frame>) -> Result<(), OutOfMemory> {
        assert_page(page);
        let (access, frame) = (Some(access), frame.clone());
        self.pages.insert(page, Page { access, frame, shared: true, borrowed: false });
        Ok(())
    }

    /// Whether a page is mapped at this address, be it that nobody may touch it now.
    pub fn is_mapped(&self, page: u64) -> bool {
        self.pages.contains_key(&page)
    }

    /// How many pages of this range are mapped.
    pub fn mapped_in(&self, range: Range<u64>) -> u64 {
        self.pages.range(range).count() as u64
    }

    /// Changes what may be done with the pages of this range that are mapped; `None`: nothing, and they keep what they hold.
    /// A borrowed page that becomes writable is mapped no more: the next to touch it needs a copy.
    pub fn protect(&mut self, range: Range<u64>, access: Option<Access>) {
        let writes = access.is_some_and(Access::writes);
        self.pages.retain(|at, page| !(range.contains(at) && writes && page.borrowed));
        self.pages.range_mut(range).for_each(|(_, page)| page.access = access);
    }

    /// Takes away the pages of this range and frees their memory.
    pub fn unmap(&mut self, range: Range<u64>) {
        self.pages.retain(|at, _| !range.contains(at));
    }

    /// Moves the pages of a range to where another of its length begins, which has none. Fails before anything has moved.
    pub fn move_pages(&mut self, from: Range<u64>, to: u64) -> Result<(), OutOfMemory> {
        let moving: Vec<u64> = self.pages.range(from.clone()).map(|(at, _)| *at).collect();
        for at in moving {
            if let Some(page) = self.pages.remove(&at) {
                self.pages.insert(at - from.start + to, page);
            }
        }
        Ok(())
    }

    /// A copy of it: memory of its own is copied, memory that others may map is shared.
    pub fn fork(&self) -> Result<Self, OutOfMemory> {
        let mut pages = self.pages.clone();
        for page in pages.values_mut().filter(|page| !page.shared) {
            let copy = page.frame.with(|bytes| Frame::new(&bytes[..]))?;
            page.frame = Arc::new(copy);
        }
        Ok(AddressSpace { pages, tables: Tables })
    }

    /// Writes `new` to this word if it holds `expected`, in one step for all processors; tells what it held.
    pub fn exchange(&mut self, address: u64, expected: u32, new: u32) -> Result<u32, BadAddress> {
        let mut word = [0; 4];
        self.read(address, &mut word)?;
        let found = u32::from_ne_bytes(word);
        let value = if found == expected { new } else { found };
        self.write(address, &value.to_ne_bytes()).map(|()| found)
    }

    /// Copies from the program: `bytes` is filled from `address` on.
    pub fn read(&self, address: u64, bytes: &mut [u8]) -> Result<(), BadAddress> {
        for (at, byte) in (address..).zip(bytes) {
            match self.pages.get(&(at / PAGE * PAGE)) {
                Some(page) if page.access.is_some() => {
                    page.frame.read((at % PAGE) as usize, core::slice::from_mut(byte))
                }
                _ => return Err(BadAddress(at)),
            }
        }
        Ok(())
    }

    /// Copies to the program: `bytes` go to `address` and on. Pages that are not writable refuse.
    pub fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), BadAddress> {
        for (at, byte) in (address..).zip(bytes) {
            match self.pages.get(&(at / PAGE * PAGE)) {
                Some(page) if page.access.is_some_and(Access::writes) => {
                    page.frame.write((at % PAGE) as usize, &[*byte])
                }
                _ => return Err(BadAddress(at)),
            }
        }
        Ok(())
    }
}
