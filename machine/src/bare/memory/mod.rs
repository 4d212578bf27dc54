//! Memory: frames, page tables, the heap, and the address spaces of the program.
mod frame;
mod frames;
mod heap;
mod kernel;
pub mod layout;
mod space;
mod stale;
mod table;
mod tables;

use crate::memory::Usage;
use layout::Region;

pub use frame::Frame;
pub use frames::{allocate_contiguous, allocate_contiguous_zeroed};
pub use kernel::{forget_all, leave_program, map_device, map_stack, root as kernel_root, switch};
pub use space::AddressSpace;
pub use tables::Tables;

/// Takes over the memory: frames, the final page tables, the heap.
///
/// # Safety
/// Called once, on the boot stack in the early page tables; nothing else uses the regions, which are whole pages.
pub unsafe fn init(free: &[Region; 16]) {
    // SAFETY: the caller's promise; first what the early direct map has, then the rest.
    unsafe {
        frames::init(free);
        kernel::init(free);
        frames::extend(free);
    }
}

/// How much memory is in use now.
pub fn usage() -> Usage {
    let usage = frames::usage();
    Usage { free: usage.free + heap::free(), ..usage }
}
