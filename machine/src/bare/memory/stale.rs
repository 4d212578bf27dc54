//! Pages that were taken out of page tables: first every TLB forgets them, then their frames are free.
use super::frame::Frame;
use super::frames;
use crate::hardware::shootdown;
use alloc::sync::Arc;
use x86_64::VirtAddr;
use x86_64::instructions::tlb;

/// How many are forgotten together.
const MOST: usize = 64;
/// From so many pages on the whole TLB is flushed: one by one takes longer.
const MANY: usize = 32;

/// What an entry leaves behind.
pub enum Left {
    /// Nothing; the entry allows as much as before. Another processor that does not know it yet faults, and looks again.
    More,
    /// Nothing to free.
    Nothing,
    /// A frame that it alone had.
    Own(u64),
    /// Its part in a frame that others may have.
    Shared(Arc<Frame>),
}

/// Pages whose entries changed, each with what it left behind. Whoever adds any settles at the end.
pub struct Stale {
    /// The root of the page tables.
    root: u64,
    pages: [(u64, Left); MOST],
    count: usize,
}

impl Stale {
    /// None of the page tables under this root.
    pub fn new(root: u64) -> Self {
        Stale { root, pages: [const { (0, Left::Nothing) }; MOST], count: 0 }
    }

    /// Adds a page whose entry was replaced.
    ///
    /// # Safety
    /// A frame that is left came from `frames::allocate`, and no page table has it any more.
    pub unsafe fn push(&mut self, page: u64, left: Left) {
        if self.count == MOST {
            self.settle();
        }
        self.pages[self.count] = (page, left);
        self.count += 1;
    }

    /// Has every TLB forget the pages, and frees their frames.
    pub fn settle(&mut self) {
        let pages = &mut self.pages[..self.count];
        if pages.len() >= MANY {
            tlb::flush_all();
        } else {
            pages.iter().for_each(|(page, _)| tlb::flush(VirtAddr::new(*page)));
        }
        if pages.iter().any(|(_, left)| !matches!(left, Left::More)) {
            shootdown::forget(self.root);
        }
        for (_, left) in pages {
            match core::mem::replace(left, Left::Nothing) {
                // SAFETY: no page table has the frame (the promise to `push`), and no TLB.
                Left::Own(frame) => unsafe { frames::release(frame) },
                Left::Shared(frame) => drop(frame),
                Left::Nothing | Left::More => {}
            }
        }
        self.count = 0;
    }
}
