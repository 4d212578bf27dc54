//! From the loader's hands to the kernel's main function.
pub(super) mod other;
mod pvh;

use super::{apic, cpu, memory, processor, time, trap};
use core::arch::global_asm;
use spin::Once;

global_asm!(include_str!("entry.s"), options(att_syntax));

/// What the loader left for the kernel.
pub struct BootInfo {
    /// The command line.
    pub command_line: &'static str,
    /// The first module: the image.
    pub image: Option<&'static [u8]>,
}

static COMMAND_LINE: Once<&'static str> = Once::new();

/// The command line; empty before the loader's has been read.
pub(super) fn command_line() -> &'static str {
    COMMAND_LINE.get().copied().unwrap_or("")
}

unsafe extern "Rust" {
    /// The kernel's main function, named by [`entry!`](crate::entry).
    fn kernel_main(info: BootInfo) -> !;
}

/// Names the function that the boot ends in: `fn(BootInfo) -> !`.
#[macro_export]
macro_rules! entry {
    ($main:path) => {
        const _: () = {
            #[unsafe(no_mangle)]
            fn kernel_main(info: $crate::boot::BootInfo) -> ! {
                let main: fn($crate::boot::BootInfo) -> ! = $main;
                main(info)
            }
        };
    };
}

/// Called by `entry.s` with the address of `hvm_start_info`, on the boot stack, in the early page tables.
#[unsafe(no_mangle)]
extern "C" fn boot_start(start_info: u64) -> ! {
    cpu::enable_protections();
    // SAFETY: the entry code passes on what the loader gave, and nothing has been overwritten since: no memory has been
    // handed out yet, and the kernel's own image is where the loader knows it.
    let left = unsafe { pvh::read(start_info) };
    if let Some(page) = left.low_page {
        other::set_page(page);
    }
    COMMAND_LINE.call_once(|| left.command_line);
    // SAFETY: called once, here; the regions are what the loader calls free, less the image and the module.
    unsafe { memory::init(&left.free) };
    trap::init(processor::prepare(0, cpu::apic(), memory::kernel_root()));
    time::init(left.command_line);
    apic::init();
    let info = BootInfo { command_line: left.command_line, image: left.module };
    // SAFETY: `entry!` defines the function with this signature; the linker finds exactly one.
    unsafe { kernel_main(info) }
}
