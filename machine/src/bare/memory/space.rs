//! An address space of the program. Copies walk the page tables and go through the direct map: they need no access to
//! the program's addresses, so SMAP stays on, and no fault can happen in the kernel.
use super::table::{Entry, Flags, Missing, entry, find};
use super::{frames, kernel, layout};
use crate::memory::{Access, BadAddress, OutOfMemory, PAGE, USER_END};
use core::ops::Range;
use core::slice;
use x86_64::VirtAddr;
use x86_64::instructions::tlb;

/// The entries of the root table that are the kernel's, the same in every address space.
const KERNEL_HALF: Range<usize> = 256..512;

/// An address space of the program: which pages are mapped, how, and what they hold.
pub struct AddressSpace {
    root: u64,
}

fn flags(access: Access) -> Flags {
    match access {
        Access::Read => Flags::USER | Flags::NO_EXECUTE,
        Access::Write => Flags::USER | Flags::WRITABLE | Flags::NO_EXECUTE,
        Access::Execute => Flags::USER,
    }
}

fn assert_page(page: u64) {
    assert!(page.is_multiple_of(PAGE) && (PAGE..USER_END).contains(&page), "no page of the program: {page:#x}");
}

impl AddressSpace {
    /// An empty address space.
    pub fn new() -> Result<Self, OutOfMemory> {
        let root = frames::allocate_zeroed()?;
        let (from, to) = (layout::direct(kernel::root()).cast::<Entry>(), layout::direct(root).cast::<Entry>());
        // SAFETY: both are frames of page tables, `root` is new; the kernel's half of the root is never changed after the boot.
        unsafe {
            to.add(KERNEL_HALF.start).copy_from_nonoverlapping(from.add(KERNEL_HALF.start), KERNEL_HALF.len());
        }
        Ok(AddressSpace { root })
    }

    /// The frame of the root table.
    pub(in crate::hardware) fn root(&self) -> u64 {
        self.root
    }

    fn find(&self, page: u64) -> Option<Entry> {
        if page >= USER_END {
            return None;
        }
        // SAFETY: the tables under `root` are this space's; `&self` keeps them from changing.
        unsafe { find(self.root, page) }
    }

    fn slot(&mut self, page: u64, missing: Missing) -> Result<Option<*mut Entry>, OutOfMemory> {
        assert_page(page);
        if missing == Missing::User && frames::only_for_kernel() {
            return Err(OutOfMemory);
        }
        // SAFETY: the tables under `root` are this space's; `&mut self` keeps others away.
        unsafe { entry(self.root, page, 1, missing) }
    }

    /// Maps the page at this address, which is a multiple of [`PAGE`] below [`USER_END`], to memory that holds `content`
    /// (at most a page) and then zeroes. What was mapped there before is gone.
    pub fn map(&mut self, page: u64, access: Access, content: &[u8]) -> Result<(), OutOfMemory> {
        assert!(content.len() as u64 <= PAGE);
        let slot = self.slot(page, Missing::User)?.ok_or(OutOfMemory)?;
        let frame = frames::allocate()?;
        let bytes = layout::direct(frame);
        // SAFETY: the frame is new; the content is at most a page and does not lie in it.
        unsafe {
            bytes.copy_from_nonoverlapping(content.as_ptr(), content.len());
            bytes.add(content.len()).write_bytes(0, PAGE as usize - content.len());
        }
        // SAFETY: the slot is in this space's tables, which `&mut self` guards.
        let before = unsafe { slot.replace(Entry::new(frame, flags(access))) };
        self.forget(page, before);
        Ok(())
    }

    /// Maps the page at this address to `content` itself, which is never written: for reading or executing. `false` and nothing
    /// done where that cannot be: it is not one whole page of memory, or `access` is to write.
    pub fn map_borrowed(&mut self, page: u64, access: Access, content: &'static [u8]) -> Result<bool, OutOfMemory> {
        let address = content.as_ptr() as u64;
        let in_direct_map = (layout::DIRECT..layout::DEVICES).contains(&address);
        if !in_direct_map || !address.is_multiple_of(PAGE) || content.len() as u64 != PAGE || access == Access::Write {
            return Ok(false);
        }
        let slot = self.slot(page, Missing::User)?.ok_or(OutOfMemory)?;
        let entry = Entry::new(address - layout::DIRECT, flags(access) | Flags::BORROWED);
        // SAFETY: the slot is in this space's tables, which `&mut self` guards. The content lives for good, and ring 3 can
        // only read it: `protect` never makes a borrowed page writable.
        let before = unsafe { slot.replace(entry) };
        self.forget(page, before);
        Ok(true)
    }

    /// How the page at this address is mapped, if it is.
    pub fn access(&self, page: u64) -> Option<Access> {
        self.find(page).map(|entry| match (entry.has(Flags::WRITABLE), entry.has(Flags::NO_EXECUTE)) {
            (true, _) => Access::Write,
            (false, true) => Access::Read,
            (false, false) => Access::Execute,
        })
    }

    /// Changes what may be done with the page at this address; nothing if it is not mapped. A borrowed page that becomes
    /// writable becomes a copy.
    pub fn protect(&mut self, page: u64, access: Access) -> Result<(), OutOfMemory> {
        let Some(found) = self.find(page) else { return Ok(()) };
        let borrowed = found.has(Flags::BORROWED);
        if borrowed && access == Access::Write {
            // SAFETY: a borrowed frame is memory that is never written and lives for good.
            let content = unsafe { slice::from_raw_parts(layout::direct(found.frame()), PAGE as usize) };
            return self.map(page, access, content);
        }
        if let Some(slot) = self.slot(page, Missing::Stop)? {
            let kept = if borrowed { Flags::BORROWED } else { Flags::NONE };
            // SAFETY: the slot is in this space's tables, which `&mut self` guards.
            unsafe { slot.write(Entry::new(found.frame(), flags(access) | kept)) };
            tlb::flush(VirtAddr::new(page));
        }
        Ok(())
    }

    /// Takes away the page at this address and frees its memory; nothing if it is not mapped.
    pub fn unmap(&mut self, page: u64) {
        if let Ok(Some(slot)) = self.slot(page, Missing::Stop) {
            // SAFETY: the slot is in this space's tables, which `&mut self` guards.
            let before = unsafe { slot.replace(Entry::EMPTY) };
            self.forget(page, before);
        }
    }

    /// Frees the page of an entry that was replaced. One processor runs the program, so one TLB is flushed.
    fn forget(&mut self, page: u64, before: Entry) {
        if before.has(Flags::PRESENT) {
            tlb::flush(VirtAddr::new(page));
            // SAFETY: its one entry was replaced and the TLB forgot it.
            unsafe { release(before) };
        }
    }

    /// Copies from the program: `bytes` is filled from `address` on.
    pub fn read(&self, address: u64, bytes: &mut [u8]) -> Result<(), BadAddress> {
        self.parts(
            address,
            bytes.len(),
            |_| true,
            |memory, part| {
                // SAFETY: `memory` is as many bytes of a mapped page of the program; no reference to them exists, and the
                // program is not running on this processor.
                unsafe { bytes[part.clone()].as_mut_ptr().copy_from_nonoverlapping(memory, part.len()) };
            },
        )
    }

    /// Copies to the program: `bytes` go to `address` and on. Pages that are not writable refuse.
    pub fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), BadAddress> {
        self.parts(
            address,
            bytes.len(),
            |entry| entry.has(Flags::WRITABLE),
            |memory, part| {
                // SAFETY: as in `read`.
                unsafe { memory.copy_from_nonoverlapping(bytes[part.clone()].as_ptr(), part.len()) };
            },
        )
    }

    /// Cuts `length` bytes from `address` on at the ends of pages, and calls `copy` with the place of each part and its range.
    fn parts(
        &self,
        address: u64,
        length: usize,
        allowed: impl Fn(Entry) -> bool,
        mut copy: impl FnMut(*mut u8, Range<usize>),
    ) -> Result<(), BadAddress> {
        let mut done = 0;
        while done < length {
            let at = address.checked_add(done as u64).ok_or(BadAddress(address))?;
            let entry =
                self.find(at).filter(|entry| entry.has(Flags::USER) && allowed(*entry)).ok_or(BadAddress(at))?;
            let offset = at % PAGE;
            let part = (length - done).min((PAGE - offset) as usize);
            copy(layout::direct(entry.frame() + offset), done..done + part);
            done += part;
        }
        Ok(())
    }
}

/// Frees the frame of a page of the program, unless it is borrowed.
///
/// # Safety
/// The entry is in no page table any more, and in no TLB.
unsafe fn release(entry: Entry) {
    if !entry.has(Flags::BORROWED) {
        // SAFETY: the frame came from `allocate` in `map`, and had this one entry.
        unsafe { frames::release(entry.frame()) };
    }
}

impl Drop for AddressSpace {
    fn drop(&mut self) {
        // SAFETY: nothing runs in this space any more; the kernel's own tables take over if it was the last one used.
        unsafe {
            kernel::switch(kernel::root());
            free_below(self.root, 4, 0..KERNEL_HALF.start);
        }
    }
}

/// Frees a table of the program's half with all below it.
///
/// # Safety
/// `table` is the frame of a page table of this level that nothing uses any more; the entries in `which` are the program's.
unsafe fn free_below(table: u64, level: u32, which: Range<usize>) {
    for index in which {
        // SAFETY: `table` is a page table (the caller's promise).
        let found = unsafe { *layout::direct(table).cast::<Entry>().add(index) };
        if found.has(Flags::PRESENT) {
            // SAFETY: below level 1 there are the program's pages, above it tables; nothing uses either any more.
            unsafe { if level == 1 { release(found) } else { free_below(found.frame(), level - 1, 0..512) } }
        }
    }
    // SAFETY: the same.
    unsafe { frames::release(table) };
}
