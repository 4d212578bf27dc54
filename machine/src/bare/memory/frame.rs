//! A frame that several address spaces may map.
use super::{frames, layout};
use crate::memory::{OutOfMemory, PAGE};

/// A page of memory that the kernel reads and writes, and that address spaces map
/// ([`map_shared`](super::AddressSpace::map_shared)): what is written in one place is seen in all.
pub struct Frame(u64);

impl Frame {
    /// A new one that holds `content`, at most a page, and then zeroes.
    pub fn new(content: &[u8]) -> Result<Self, OutOfMemory> {
        assert!(content.len() as u64 <= PAGE);
        if frames::only_for_kernel() {
            return Err(OutOfMemory);
        }
        let frame = frames::allocate()?;
        let bytes = layout::direct(frame);
        // SAFETY: the frame is new; the content is at most a page and does not lie in it.
        unsafe {
            bytes.copy_from_nonoverlapping(content.as_ptr(), content.len());
            bytes.add(content.len()).write_bytes(0, PAGE as usize - content.len());
        }
        Ok(Frame(frame))
    }

    /// Where it is in physical memory.
    pub(super) fn address(&self) -> u64 {
        self.0
    }

    /// Copies from it: `bytes` is filled from `offset` on. Both lie in the page.
    pub fn read(&self, offset: usize, bytes: &mut [u8]) {
        let from = self.place(offset, bytes.len());
        // SAFETY: the frame is this one's for as long as it lives, and the range lies in it. No reference to its bytes ever
        // exists; the program may write them meanwhile, whose matter it then is which bytes are read.
        unsafe { bytes.as_mut_ptr().copy_from_nonoverlapping(from, bytes.len()) };
    }

    /// Copies to it: `bytes` go to `offset` and on. Both lie in the page.
    pub fn write(&self, offset: usize, bytes: &[u8]) {
        let to = self.place(offset, bytes.len());
        // SAFETY: as in `read`.
        unsafe { to.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
    }

    fn place(&self, offset: usize, length: usize) -> *mut u8 {
        assert!(offset.checked_add(length).is_some_and(|end| end as u64 <= PAGE), "not in the page");
        layout::direct(self.0 + offset as u64)
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        // SAFETY: the frame came from `allocate`; every page table that maps it keeps it (`AddressSpace::shared`), so none does.
        unsafe { frames::release(self.0) };
    }
}
