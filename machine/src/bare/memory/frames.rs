//! Physical memory in frames of a page: handed out, taken back.
use super::layout::{self, Region};
use crate::memory::{OutOfMemory, PAGE, Usage};
use spin::Mutex;

/// Bytes that the program leaves to the kernel, which cannot go on without memory.
const KERNEL: u64 = 512 << 10;

/// Frames never handed out yet stand in `fresh`; those given back form a list whose links stand in the frames themselves.
struct Frames {
    fresh: [Region; 16],
    returned: Option<u64>,
    total: u64,
    free: u64,
}

static FRAMES: Mutex<Frames> = Mutex::new(Frames { fresh: [Region::EMPTY; 16], returned: None, total: 0, free: 0 });

/// Gives the free memory to this module.
///
/// # Safety
/// Called once; nothing else uses these regions, they are whole pages, and the direct map has those below 4 GiB now and
/// all of them before [`extend`].
pub unsafe fn init(free: &[Region; 16]) {
    let mut frames = FRAMES.lock();
    frames.fresh = free.map(|region| Region { end: region.end.min(1 << 32), ..region });
    frames.total = frames.fresh.iter().filter(|r| !r.is_empty()).map(|r| r.end - r.start).sum();
    frames.free = frames.total;
}

/// Adds what [`init`] held back: the memory from 4 GiB on, which the direct map has by now.
///
/// # Safety
/// As for [`init`], with the same regions; the direct map is complete.
pub unsafe fn extend(free: &[Region; 16]) {
    let mut frames = FRAMES.lock();
    for region in free.iter().map(|r| r.after(1 << 32)).filter(|r| !r.is_empty()) {
        if let Some(slot) = frames.fresh.iter_mut().find(|slot| slot.is_empty()) {
            *slot = region;
            frames.total += region.end - region.start;
            frames.free += region.end - region.start;
        }
    }
}

/// Whether the program may have no more: what is left is for the kernel's heap and page tables.
pub fn only_for_kernel() -> bool {
    FRAMES.lock().free <= KERNEL
}

/// A frame, its content undefined.
pub fn allocate() -> Result<u64, OutOfMemory> {
    let mut frames = FRAMES.lock();
    let frame = match frames.returned {
        Some(frame) => {
            // SAFETY: a frame in the list is free, and its first word is the link that `release` wrote.
            let next = unsafe { layout::direct(frame).cast::<u64>().read() };
            frames.returned = (next != 0).then_some(next);
            frame
        }
        None => frames.take_fresh(1).ok_or(OutOfMemory)?,
    };
    frames.free -= PAGE;
    Ok(frame)
}

/// A frame of zeroes.
pub fn allocate_zeroed() -> Result<u64, OutOfMemory> {
    let frame = allocate()?;
    // SAFETY: the frame was free and is the caller's now; the direct map has it.
    unsafe { layout::direct(frame).write_bytes(0, PAGE as usize) };
    Ok(frame)
}

/// Frames that follow each other, for devices; their content is undefined. They are never given back.
pub fn allocate_contiguous(count: u64) -> Result<u64, OutOfMemory> {
    let mut frames = FRAMES.lock();
    let start = frames.take_fresh(count).ok_or(OutOfMemory)?;
    frames.free -= count * PAGE;
    Ok(start)
}

/// The same, zeroed.
pub fn allocate_contiguous_zeroed(count: u64) -> Result<u64, OutOfMemory> {
    let start = allocate_contiguous(count)?;
    // SAFETY: as in `allocate_zeroed`.
    unsafe { layout::direct(start).write_bytes(0, (count * PAGE) as usize) };
    Ok(start)
}

/// Gives a frame back.
///
/// # Safety
/// It came from [`allocate`] or [`allocate_zeroed`], and nothing uses it any more: no page table, no reference.
pub unsafe fn release(frame: u64) {
    let mut frames = FRAMES.lock();
    // SAFETY: the frame is nobody's (the caller's promise); the direct map has it.
    unsafe { layout::direct(frame).cast::<u64>().write(frames.returned.unwrap_or(0)) };
    frames.returned = Some(frame);
    frames.free += PAGE;
}

/// How much there is.
pub fn usage() -> Usage {
    let frames = FRAMES.lock();
    Usage { total: frames.total, free: frames.free }
}

impl Frames {
    fn take_fresh(&mut self, count: u64) -> Option<u64> {
        let size = count * PAGE;
        let region = self.fresh.iter_mut().find(|r| !r.is_empty() && r.end - r.start >= size)?;
        let start = region.start;
        region.start += size;
        Some(start)
    }
}
