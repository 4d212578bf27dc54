//! Where what is: the addresses of the kernel's half.
use crate::memory::PAGE;

/// All memory, one to one.
pub const DIRECT: u64 = 0xffff_8000_0000_0000;
/// Registers of devices, one to one, not cached.
pub const DEVICES: u64 = 0xffff_8080_0000_0000;
/// The kernel's heap.
pub const HEAP: u64 = 0xffff_8100_0000_0000;
/// The stacks of the other processors.
pub const STACKS: u64 = 0xffff_8180_0000_0000;
/// Where the kernel is linked: the address of physical 0.
pub const IMAGE: u64 = 0xffff_ffff_8000_0000;

/// The early page tables map memory up to here.
pub const EARLY_END: u64 = 4 << 30;

/// Addresses `start..end`.
#[derive(Clone, Copy, Debug)]
pub struct Region {
    pub start: u64,
    pub end: u64,
}

impl Region {
    pub const EMPTY: Region = Region { start: 0, end: 0 };

    pub fn is_empty(&self) -> bool {
        self.start >= self.end
    }

    /// The part that does not lie before `start`.
    pub fn after(self, start: u64) -> Self {
        Region { start: self.start.max(start), end: self.end }
    }

    /// The parts before and after `other`.
    pub fn without(self, other: Region) -> (Self, Self) {
        if other.is_empty() {
            return (self, Region::EMPTY);
        }
        (Region { start: self.start, end: self.end.min(other.start) }, self.after(other.end))
    }

    /// The whole pages in it.
    pub fn whole_pages(self) -> Self {
        Region { start: self.start.next_multiple_of(PAGE), end: self.end / PAGE * PAGE }
    }
}

unsafe extern "C" {
    static image_start: u8;
    static text_start: u8;
    static text_end: u8;
    static rodata_end: u8;
    static image_end: u8;
    static boot_stack_guard: u8;
}

/// Where the direct map has this physical address.
pub fn direct(physical: u64) -> *mut u8 {
    (DIRECT + physical) as *mut u8
}

fn linked(symbol: *const u8) -> u64 {
    symbol as u64 - IMAGE
}

/// The kernel's image in physical memory.
pub fn image() -> Region {
    Region { start: (&raw const image_start) as u64, end: linked(&raw const image_end) }
}

/// Its code, its constants and its data in physical memory; they follow each other.
pub fn parts() -> [Region; 3] {
    let [text, rodata, data, end] =
        [&raw const text_start, &raw const text_end, &raw const rodata_end, &raw const image_end].map(linked);
    [Region { start: text, end: rodata }, Region { start: rodata, end: data }, Region { start: data, end }]
}

/// The page under the stack, which stays unmapped.
pub fn stack_guard() -> u64 {
    linked(&raw const boot_stack_guard)
}
