//! Copies to and from the program. They walk the page tables and go through the direct map: they need no access to the
//! program's addresses, so SMAP stays on, and no fault can happen in the kernel.
use super::super::layout;
use super::super::table::{Entry, Flags};
use super::AddressSpace;
use crate::memory::{BadAddress, PAGE};
use core::ops::Range;

impl AddressSpace {
    /// Copies from the program: `bytes` is filled from `address` on.
    pub fn read(&self, address: u64, bytes: &mut [u8]) -> Result<(), BadAddress> {
        self.parts(
            address,
            bytes.len(),
            |_| true,
            |memory, part| {
                // SAFETY: `memory` is as many bytes of a mapped page of the program; no reference to them exists, and the
                // program is not running on this processor.
                unsafe { bytes[part.clone()].as_mut_ptr().copy_from_nonoverlapping(memory, part.len()) };
            },
        )
    }

    /// Copies to the program: `bytes` go to `address` and on. Pages that are not writable refuse.
    pub fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), BadAddress> {
        self.parts(
            address,
            bytes.len(),
            |entry| entry.has(Flags::WRITABLE),
            |memory, part| {
                // SAFETY: as in `read`.
                unsafe { memory.copy_from_nonoverlapping(bytes[part.clone()].as_ptr(), part.len()) };
            },
        )
    }

    /// Cuts `length` bytes from `address` on at the ends of pages, and calls `copy` with the place of each part and its range.
    fn parts(
        &self,
        address: u64,
        length: usize,
        allowed: impl Fn(Entry) -> bool,
        mut copy: impl FnMut(*mut u8, Range<usize>),
    ) -> Result<(), BadAddress> {
        let mut done = 0;
        while done < length {
            let at = address.checked_add(done as u64).ok_or(BadAddress(address))?;
            let entry =
                self.find(at).filter(|entry| entry.has(Flags::USER) && allowed(*entry)).ok_or(BadAddress(at))?;
            let offset = at % PAGE;
            let part = (length - done).min((PAGE - offset) as usize);
            copy(layout::direct(entry.frame() + offset), done..done + part);
            done += part;
        }
        Ok(())
    }
}
