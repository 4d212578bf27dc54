//! The page tables of an address space, for whoever runs the program in it.
use super::{frames, kernel};
use crate::hardware::{processor, shootdown};
use alloc::sync::Arc;
use core::sync::atomic::Ordering;

/// The page tables of an [`AddressSpace`](super::AddressSpace). Where the space is gone already nothing is mapped in them.
#[derive(Clone)]
pub struct Tables(Arc<Root>);

/// The frame of a root table.
struct Root(u64);

impl Tables {
    /// Those under this root.
    ///
    /// # Safety
    /// The frame came from `allocate` and is given away; it is the root of page tables whose upper half is the kernel's.
    pub(super) unsafe fn new(root: u64) -> Self {
        Tables(Arc::new(Root(root)))
    }

    /// The frame of the root table.
    pub(in crate::hardware) fn root(&self) -> u64 {
        self.0.0
    }

    /// Has every processor forget what it knows of them.
    pub(super) fn leave(&self) {
        self.0.leave();
    }
}

impl Root {
    fn leave(&self) {
        if processor::current().root.load(Ordering::Relaxed) == self.0 {
            kernel::leave_program();
        }
        shootdown::leave(self.0);
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        self.leave();
        // SAFETY: `new` was given the frame. Who runs the program in the tables keeps them, and nobody else uses them any
        // more; what was below them went with the address space.
        unsafe { frames::release(self.0) };
    }
}
