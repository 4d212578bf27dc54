//! Memory of the program: page tables, and checked copies to and from it.

pub use crate::hardware::memory::{AddressSpace, Frame, Tables};

/// The size of a page in bytes.
pub const PAGE: u64 = 4096;
/// The first address that is not the program's: ring 3 has `PAGE..USER_END`, and never page 0.
pub const USER_END: u64 = 0x0000_7fff_ffff_f000;

/// What the program may do with a page. A page that is mapped can always be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Read.
    Read,
    /// Read and write.
    Write,
    /// Read and execute.
    Execute,
    /// Read, write and execute. The kernel has no such page; a program that makes code at run time may.
    WriteExecute,
}

impl Access {
    /// Whether the page can be written.
    pub fn writes(self) -> bool {
        matches!(self, Access::Write | Access::WriteExecute)
    }
}

/// A copy met an address that is not mapped for the access that was wanted. The copy was done up to there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadAddress(pub u64);

/// No frame is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory;

/// How much memory there is, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Usage {
    /// All memory the machine has.
    pub total: u64,
    /// What nothing uses: neither the program, nor the kernel, nor its heap.
    pub free: u64,
}

/// How much memory is in use now.
pub fn usage() -> Usage {
    crate::hardware::memory::usage()
}
