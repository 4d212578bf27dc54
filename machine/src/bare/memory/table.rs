//! Page tables of four levels (Intel SDM volume 3, 5.5).
use super::{frames, layout};
use crate::memory::{OutOfMemory, PAGE};
use core::ops::{BitOr, Range};

/// What an entry allows, as its bits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Flags(pub u64);

impl Flags {
    pub const PRESENT: Flags = Flags(1);
    pub const WRITABLE: Flags = Flags(1 << 1);
    pub const USER: Flags = Flags(1 << 2);
    pub const UNCACHED: Flags = Flags(1 << 3 | 1 << 4);
    pub const LARGE: Flags = Flags(1 << 7);
    pub const GLOBAL: Flags = Flags(1 << 8);
    /// Of the bits that the processor leaves to software: the frame is not the entry's to free.
    pub const BORROWED: Flags = Flags(1 << 9);
    /// As well: the frame is a `Frame`, that the address space has a share in.
    pub const SHARED: Flags = Flags(1 << 10);
    /// As well: nobody may touch the page now, so it is not present; its frame is kept.
    pub const KEPT: Flags = Flags(1 << 11);
    pub const NO_EXECUTE: Flags = Flags(1 << 63);
}

/// What stays of an entry when what may be done with its page changes.
pub const OWNERSHIP: Flags = Flags(Flags::BORROWED.0 | Flags::SHARED.0);

impl BitOr for Flags {
    type Output = Flags;
    fn bitor(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}

const FRAME: u64 = 0x000f_ffff_ffff_f000;

/// An entry of a page table.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Entry(u64);

impl Entry {
    pub const EMPTY: Entry = Entry(0);

    pub fn new(frame: u64, flags: Flags) -> Self {
        Entry(frame | flags.0 | Flags::PRESENT.0)
    }

    /// One that keeps a frame, and that the processor does not see.
    pub fn kept(frame: u64, flags: Flags) -> Self {
        Entry(frame | flags.0 | Flags::KEPT.0)
    }

    /// The same for another frame.
    pub fn with_frame(self, frame: u64) -> Self {
        Entry(self.0 & !FRAME | frame)
    }

    /// Whether it has no frame.
    pub fn is_empty(self) -> bool {
        self.0 & (Flags::PRESENT.0 | Flags::KEPT.0) == 0
    }

    /// Those of these flags that it has.
    pub fn only(self, flags: Flags) -> Flags {
        Flags(self.0 & flags.0)
    }

    pub fn has(self, flags: Flags) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// Whether what the program may do with the page by the other entry it may do by this one.
    pub fn allows_all_of(self, other: Entry) -> bool {
        self.has(Flags::PRESENT)
            && self.frame() == other.frame()
            && (self.has(Flags::WRITABLE) || !other.has(Flags::WRITABLE))
            && (!self.has(Flags::NO_EXECUTE) || other.has(Flags::NO_EXECUTE))
    }

    pub fn frame(self) -> u64 {
        self.0 & FRAME
    }
}

/// Which levels [`entry`] makes on its way.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// None: what is not there is not found.
    Stop,
    /// All, for the kernel's half.
    Kernel,
    /// All, for the program's half.
    User,
}

/// The entry for `address` at `level` (1: pages of 4 KiB, 2: of 2 MiB) under the table in frame `root`. `None` if a level is
/// missing, or a larger page stands above.
///
/// # Safety
/// `root` is the frame of a page table, all levels below it are page tables, and nobody else changes or refers to
/// them while the pointer is in use.
pub unsafe fn entry(root: u64, address: u64, level: u32, missing: Missing) -> Result<Option<*mut Entry>, OutOfMemory> {
    let mut table = root;
    let mut at = 4;
    loop {
        let index = (address >> (12 + 9 * (at - 1))) & 511;
        // SAFETY: `table` is the frame of a page table (the caller's promise), so the direct map has 512 entries there.
        let slot = unsafe { layout::direct(table).cast::<Entry>().add(index as usize) };
        if at == level {
            return Ok(Some(slot));
        }
        // SAFETY: the same.
        let mut found = unsafe { *slot };
        if !found.has(Flags::PRESENT) {
            let flags = match missing {
                Missing::Stop => return Ok(None),
                Missing::Kernel => Flags::WRITABLE,
                Missing::User => Flags::WRITABLE | Flags::USER,
            };
            found = Entry::new(frames::allocate_zeroed()?, flags);
            // SAFETY: the same.
            unsafe { slot.write(found) };
        }
        if found.has(Flags::LARGE) {
            return Ok(None);
        }
        table = found.frame();
        at -= 1;
    }
}

/// Calls `each` with every page of `range` whose entry is in use, and the entry. What has no table is skipped at once.
///
/// # Safety
/// As for [`entry`]; `each` changes no table but by the pointer it is given.
pub unsafe fn visit(root: u64, range: Range<u64>, mut each: impl FnMut(u64, *mut Entry)) {
    let mut page = range.start;
    while page < range.end {
        // SAFETY: the caller's promise.
        let table = match unsafe { lowest_table(root, page) } {
            Ok(table) => table,
            Err(hole) => {
                page = (page & !(hole - 1)) + hole;
                continue;
            }
        };
        let first = page >> 12 & 511;
        for index in first..512.min(first + (range.end - page).div_ceil(PAGE)) {
            // SAFETY: the direct map has the 512 entries of the table.
            let slot = unsafe { layout::direct(table).cast::<Entry>().add(index as usize) };
            // SAFETY: the same.
            if !unsafe { *slot }.is_empty() {
                each(page + (index - first) * PAGE, slot);
            }
        }
        page += (512 - first) * PAGE;
    }
}

/// The table whose entries are pages, for this address; or how many bytes around it have none.
///
/// # Safety
/// As for [`entry`].
unsafe fn lowest_table(root: u64, address: u64) -> Result<u64, u64> {
    let mut table = root;
    for level in [4, 3, 2] {
        let shift = 12 + 9 * (level - 1);
        let index = address >> shift & 511;
        // SAFETY: `table` is the frame of a page table (the caller's promise), so the direct map has 512 entries there.
        let found = unsafe { *layout::direct(table).cast::<Entry>().add(index as usize) };
        if !found.has(Flags::PRESENT) || found.has(Flags::LARGE) {
            return Err(1 << shift);
        }
        table = found.frame();
    }
    Ok(table)
}

/// The physical address behind `address`, where it is mapped by a page of 4 KiB.
///
/// # Safety
/// As for [`entry`].
pub unsafe fn find(root: u64, address: u64) -> Option<Entry> {
    // SAFETY: the caller's promise.
    let slot = unsafe { entry(root, address, 1, Missing::Stop) }.ok().flatten()?;
    // SAFETY: the slot is in a page table that nobody changes now.
    let found = unsafe { *slot };
    found.has(Flags::PRESENT).then_some(found)
}
