//! The kernel's half of every address space: its image, all memory, devices, the heap. Nothing in it is both writable
//! and executable, and nothing of it is the program's.
use super::frames;
use super::layout::{self, Region};
use super::table::{Entry, Flags, Missing, entry};
use crate::hardware::processor;
use crate::memory::{OutOfMemory, PAGE};
use core::sync::atomic::Ordering;
use spin::{Mutex, Once};
use x86_64::PhysAddr;
use x86_64::registers::control::{Cr3, Cr3Flags};
use x86_64::structures::paging::PhysFrame;

/// The size of a stack, as in entry.s.
const STACK: u64 = 256 << 10;
const LARGE: u64 = 2 << 20;
const DATA: Flags = Flags(Flags::WRITABLE.0 | Flags::NO_EXECUTE.0 | Flags::GLOBAL.0);
const CONSTANT: Flags = Flags(Flags::NO_EXECUTE.0 | Flags::GLOBAL.0);
const CODE: Flags = Flags::GLOBAL;

/// The root of the kernel's page tables: the upper half of it is in every address space.
static ROOT: Once<u64> = Once::new();
/// Held while the kernel's half is changed.
static CHANGING: Mutex<()> = Mutex::new(());

/// The frame of the root table.
pub fn root() -> u64 {
    *ROOT.get().expect("the boot makes the kernel's page tables first")
}

/// Builds the kernel's page tables and switches to them.
///
/// # Safety
/// Called once, on the boot stack, in the early page tables, with the regions of free memory.
pub unsafe fn init(free: &[Region]) {
    let root = frames::allocate_zeroed().expect("memory for the kernel's page tables");
    let highest = free.iter().filter(|r| !r.is_empty()).map(|r| r.end).max().unwrap_or(0).max(1 << 32);
    let parts = layout::parts();
    let image = Region { start: 0, end: layout::image().end.next_multiple_of(LARGE) };
    // SAFETY: for all that follows: the tables are new and nobody else's until the switch. What is mapped is what was mapped
    // before with fewer rights: the image where it is linked, and all memory in the direct map.
    unsafe {
        // The direct map, in large pages but for the image, whose code and constants are not writable there either.
        for address in (0..highest).step_by(LARGE as usize) {
            if address < image.end {
                (address..address + LARGE).step_by(PAGE as usize).for_each(|page| {
                    let constant = parts[..2].iter().any(|part| (part.start..part.end).contains(&page));
                    set(root, layout::DIRECT + page, 1, page, if constant { CONSTANT } else { DATA });
                });
            } else {
                set(root, layout::DIRECT + address, 2, address, DATA | Flags::LARGE);
            }
        }
        for (part, flags) in parts.into_iter().zip([CODE, CONSTANT, DATA]) {
            for page in (part.start..part.end).step_by(PAGE as usize).filter(|page| *page != layout::stack_guard()) {
                set(root, layout::IMAGE + page, 1, page, flags);
            }
        }
        // The tables above the devices, the heap and the stacks exist from now on, so that every address space shares them.
        for start in [layout::DEVICES, layout::HEAP, layout::STACKS] {
            entry(root, start, 3, Missing::Kernel).expect("memory for the kernel's page tables");
        }
        ROOT.call_once(|| root);
        load(root);
    }
}

/// # Safety
/// As in [`init`].
unsafe fn set(root: u64, address: u64, level: u32, frame: u64, flags: Flags) {
    // SAFETY: the caller's promise.
    let slot = unsafe { entry(root, address, level, Missing::Kernel) }.ok().flatten();
    // SAFETY: the slot is in tables that are the caller's.
    unsafe { slot.expect("memory for the kernel's page tables").write(Entry::new(frame, flags)) };
}

/// Uses the page tables under `root`, as they are now.
///
/// # Safety
/// Their upper half is the kernel's, and they live until this processor uses others.
pub unsafe fn switch(root: u64) {
    let own = processor::current();
    let asked = own.asked.load(Ordering::Acquire);
    if own.root.load(Ordering::Relaxed) != root || own.answered.load(Ordering::Relaxed) != asked {
        // SAFETY: the caller's promise.
        unsafe { load(root) };
        own.root.store(root, Ordering::Relaxed);
        own.answered.store(asked, Ordering::Release);
    }
}

/// Forgets what this processor knows of the program's page tables.
pub fn forget_all() {
    // SAFETY: these tables are the ones in use.
    unsafe { load(processor::current().root.load(Ordering::Relaxed)) };
}

/// Uses the kernel's own page tables.
pub fn leave_program() {
    // SAFETY: these are the kernel's, and live for good.
    unsafe { load(root()) };
    processor::current().root.store(root(), Ordering::Relaxed);
}

/// # Safety
/// The kernel's half is the same in these tables as in all: code and stack stay where they are.
unsafe fn load(root: u64) {
    // SAFETY: the caller's promise.
    unsafe { Cr3::write(PhysFrame::containing_address(PhysAddr::new(root)), Cr3Flags::empty()) };
}

/// Maps a new frame at `address` of the heap's region.
pub fn map_heap(address: u64) -> Result<(), OutOfMemory> {
    map_new(address)
}

/// Maps the stack of a processor, and tells where its top is. The page below it is not mapped.
pub fn map_stack(number: u64) -> Result<u64, OutOfMemory> {
    let start = layout::STACKS + number * 2 * STACK + PAGE;
    (start..start + STACK).step_by(PAGE as usize).try_for_each(map_new)?;
    Ok(start + STACK)
}

fn map_new(address: u64) -> Result<(), OutOfMemory> {
    let _changing = CHANGING.lock();
    let frame = frames::allocate()?;
    // SAFETY: only this function changes the parts of the heap and the stacks, under the lock; the address is new, so no
    // reference is in the way.
    match unsafe { entry(root(), address, 1, Missing::Kernel) } {
        Ok(Some(slot)) => {
            // SAFETY: the same.
            unsafe { slot.write(Entry::new(frame, DATA)) };
            Ok(())
        }
        _ => {
            // SAFETY: nothing has used the frame.
            unsafe { frames::release(frame) };
            Err(OutOfMemory)
        }
    }
}

/// Maps the registers of a device, `size` bytes from `physical` on, and tells where.
pub fn map_device(physical: u64, size: usize) -> *mut u8 {
    let _changing = CHANGING.lock();
    for page in (physical / PAGE * PAGE..physical + size as u64).step_by(PAGE as usize) {
        // SAFETY: only this function changes the devices' part, under the lock; mapping the same page again changes nothing.
        unsafe { set(root(), layout::DEVICES + page, 1, page, DATA | Flags::UNCACHED) };
    }
    (layout::DEVICES + physical) as *mut u8
}
