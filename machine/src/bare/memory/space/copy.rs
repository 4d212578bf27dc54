//! Copies to and from the program. They walk the page tables and go through the direct map: they need no access to the
//! program's addresses, so SMAP stays on, and no fault can happen in the kernel.
use super::super::layout;
use super::super::table::{Entry, Flags};
use super::AddressSpace;
use crate::memory::{BadAddress, PAGE};
use core::ops::Range;
use core::sync::atomic::{AtomicU32, Ordering};

impl AddressSpace {
    /// Copies from the program: `bytes` is filled from `address` on.
    pub fn read(&self, address: u64, bytes: &mut [u8]) -> Result<(), BadAddress> {
        self.parts(
            address,
            bytes.len(),
            |_| true,
            |memory, part| {
                // SAFETY: `memory` is as many bytes of a mapped page of the program; no reference to them exists. The program
                // may write them meanwhile on another processor, whose matter it then is which bytes are read.
                unsafe { copy_words(bytes[part.clone()].as_mut_ptr(), memory, part.len()) };
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
                unsafe { copy_words(memory, bytes[part.clone()].as_ptr(), part.len()) };
            },
        )
    }

    /// Writes `new` to this word if it holds `expected`, in one step for all processors; tells what it held. The address is a
    /// multiple of four.
    pub fn exchange(&mut self, address: u64, expected: u32, new: u32) -> Result<u32, BadAddress> {
        assert!(address.is_multiple_of(4), "no word: {address:#x}");
        let allowed = |entry: &Entry| entry.has(Flags::USER) && entry.has(Flags::WRITABLE);
        let entry = self.find(address).filter(allowed).ok_or(BadAddress(address))?;
        let word = layout::direct(entry.frame() + address % PAGE).cast::<u32>();
        // SAFETY: the word lies in a mapped page of the program, aligned; all that goes on with it at the same time is atomic.
        let word = unsafe { AtomicU32::from_ptr(word) };
        let exchanged = word.compare_exchange(expected, new, Ordering::SeqCst, Ordering::SeqCst);
        Ok(exchanged.unwrap_or_else(|found| found))
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

/// Copies `length` bytes. A word of four or eight bytes is copied in one step: the program may use it to speak with its other
/// threads.
///
/// # Safety
/// As for `copy_nonoverlapping`.
unsafe fn copy_words(to: *mut u8, from: *const u8, length: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        match length {
            4 => to.cast::<u32>().write_unaligned(from.cast::<u32>().read_unaligned()),
            8 => to.cast::<u64>().write_unaligned(from.cast::<u64>().read_unaligned()),
            _ => to.copy_from_nonoverlapping(from, length),
        }
    }
}
