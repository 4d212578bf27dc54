//! An address space of the program: which pages are mapped, how, and what they hold.
mod copy;
mod range;

use super::frame::Frame;
use super::stale::{Left, Stale};
use super::table::{Entry, Flags, Missing, entry, find};
use super::tables::Tables;
use super::{frames, kernel, layout};
use crate::memory::{Access, OutOfMemory, PAGE, USER_END};
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use core::ops::Range;

/// The entries of the root table that are the kernel's, the same in every address space.
const KERNEL_HALF: Range<usize> = 256..512;

/// An address space of the program: which pages are mapped, how, and what they hold.
pub struct AddressSpace {
    root: u64,
    /// How many pages it maps.
    mapped: u64,
    /// Its shares in frames that others may map, by page.
    shared: BTreeMap<u64, Arc<Frame>>,
    tables: Tables,
}

fn flags(access: Access) -> Flags {
    match access {
        Access::Read => Flags::USER | Flags::NO_EXECUTE,
        Access::Write => Flags::USER | Flags::WRITABLE | Flags::NO_EXECUTE,
        Access::Execute => Flags::USER,
        Access::WriteExecute => Flags::USER | Flags::WRITABLE,
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
        // SAFETY: the frame is new, and its upper half is the kernel's now.
        let tables = unsafe { Tables::new(root) };
        Ok(AddressSpace { root, tables, mapped: 0, shared: BTreeMap::new() })
    }

    /// Its page tables, to run the program in.
    pub fn tables(&self) -> &Tables {
        &self.tables
    }

    /// How many pages are mapped, those too that nobody may touch now.
    pub fn mapped(&self) -> u64 {
        self.mapped
    }

    fn find(&self, page: u64) -> Option<Entry> {
        if page >= USER_END {
            return None;
        }
        // SAFETY: the tables under `root` are this space's; `&self` keeps them from changing.
        unsafe { find(self.root, page) }
    }

    fn slot(&mut self, page: u64) -> Result<*mut Entry, OutOfMemory> {
        assert_page(page);
        if frames::only_for_kernel() {
            return Err(OutOfMemory);
        }
        // SAFETY: the tables under `root` are this space's; `&mut self` keeps others away.
        unsafe { entry(self.root, page, 1, Missing::User) }?.ok_or(OutOfMemory)
    }

    /// Maps the page at this address, which is a multiple of [`PAGE`] below [`USER_END`], to memory that holds `content`
    /// (at most a page) and then zeroes. What was mapped there before is gone.
    pub fn map(&mut self, page: u64, access: Access, content: &[u8]) -> Result<(), OutOfMemory> {
        assert!(content.len() as u64 <= PAGE);
        let slot = self.slot(page)?;
        let frame = frames::allocate()?;
        let bytes = layout::direct(frame);
        // SAFETY: the frame is new; the content is at most a page and does not lie in it.
        unsafe {
            bytes.copy_from_nonoverlapping(content.as_ptr(), content.len());
            bytes.add(content.len()).write_bytes(0, PAGE as usize - content.len());
        }
        // SAFETY: the slot is this page's, the frame is new.
        unsafe { self.replace(page, slot, Entry::new(frame, flags(access))) };
        Ok(())
    }

    /// Maps pages from this address on to `content` itself, which is never written, as many as it has whole; those that are
    /// mapped already stay. For reading or executing. `false` and nothing done where that cannot be: it is not whole pages of
    /// memory, or `access` is to write.
    pub fn map_borrowed(&mut self, page: u64, access: Access, content: &'static [u8]) -> Result<bool, OutOfMemory> {
        let address = content.as_ptr() as u64;
        let in_direct_map = (layout::DIRECT..layout::DEVICES).contains(&address);
        let count = content.len() as u64 / PAGE;
        if !in_direct_map || !address.is_multiple_of(PAGE) || count == 0 || access.writes() {
            return Ok(false);
        }
        for offset in (0..count).map(|index| index * PAGE) {
            let slot = self.slot(page + offset)?;
            let entry = Entry::new(address - layout::DIRECT + offset, flags(access) | Flags::BORROWED);
            // SAFETY: the slot is in this space's tables, which `&mut self` guards. The content lives for good, and ring 3
            // can only read it: `protect` never makes a borrowed page writable.
            unsafe {
                if (*slot).is_empty() {
                    self.replace(page + offset, slot, entry);
                }
            }
        }
        Ok(true)
    }

    /// Maps the page at this address to this frame, that others may map too.
    pub fn map_shared(&mut self, page: u64, access: Access, frame: &Arc<Frame>) -> Result<(), OutOfMemory> {
        let slot = self.slot(page)?;
        let entry = Entry::new(frame.address(), flags(access) | Flags::SHARED);
        // SAFETY: the slot is this page's; the frame lives as long as the share in it, that goes with the entry.
        unsafe { self.replace(page, slot, entry) };
        self.shared.insert(page, frame.clone());
        Ok(())
    }

    /// Writes an entry that was empty or stands for another page's memory, which is freed.
    ///
    /// # Safety
    /// `slot` is this page's in the space's tables. The memory of `new` is its own, or lasts as long as its share in it.
    unsafe fn replace(&mut self, page: u64, slot: *mut Entry, new: Entry) {
        // SAFETY: the slot is in this space's tables (the caller's promise), which `&mut self` guards.
        let before = unsafe { slot.replace(new) };
        if before.is_empty() {
            self.mapped += 1;
            return;
        }
        let mut stale = Stale::new(self.root);
        // SAFETY: the entry was replaced.
        unsafe { stale.push(page, self.leave(page, before)) };
        stale.settle();
    }

    /// What an entry of this page leaves behind, that is in the tables no more.
    fn leave(&mut self, page: u64, entry: Entry) -> Left {
        if entry.has(Flags::SHARED) {
            self.shared.remove(&page).map_or(Left::Nothing, Left::Shared)
        } else if entry.has(Flags::BORROWED) {
            Left::Nothing
        } else {
            Left::Own(entry.frame())
        }
    }
}

impl Drop for AddressSpace {
    fn drop(&mut self) {
        for index in 0..KERNEL_HALF.start {
            // SAFETY: the root's entries of the program's half, which `&mut self` guards.
            let below = unsafe { layout::direct(self.root).cast::<Entry>().add(index).replace(Entry::EMPTY) };
            if below.has(Flags::PRESENT) {
                self.tables.leave();
                // SAFETY: the root has the table no more, and nobody uses the root.
                unsafe { free_below(below.frame(), 3, 0..512) };
            }
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
        if found.is_empty() || level == 1 && (found.has(Flags::BORROWED) || found.has(Flags::SHARED)) {
            continue;
        }
        // SAFETY: below level 1 there are the program's pages, above it tables; nothing uses either any more.
        unsafe {
            if level == 1 { frames::release(found.frame()) } else { free_below(found.frame(), level - 1, 0..512) }
        }
    }
    // SAFETY: the same.
    unsafe { frames::release(table) };
}
