//! What is done with all pages of a range at once.
use super::super::stale::{Left, Stale};
use super::super::table::{Entry, Flags, Missing, OWNERSHIP, entry, visit};
use super::super::{frames, layout};
use super::{AddressSpace, assert_page, flags};
use crate::memory::{Access, OutOfMemory, PAGE, USER_END};
use core::ops::Range;

fn assert_range(range: &Range<u64>) {
    assert!(range.start <= range.end, "no range: {range:x?}");
    assert_page(range.start);
    assert!(range.end.is_multiple_of(PAGE) && range.end <= USER_END, "no page of the program: {:#x}", range.end);
}

impl AddressSpace {
    /// Whether a page is mapped at this address, be it that nobody may touch it now.
    pub fn is_mapped(&self, page: u64) -> bool {
        assert_page(page);
        let mut found = false;
        // SAFETY: the tables under `root` are this space's; `&self` keeps them from changing.
        unsafe { visit(self.root, page..page + PAGE, |_, _| found = true) };
        found
    }

    /// How many pages of this range are mapped.
    pub fn mapped_in(&self, range: Range<u64>) -> u64 {
        assert_range(&range);
        let mut count = 0;
        // SAFETY: as in `is_mapped`.
        unsafe { visit(self.root, range, |_, _| count += 1) };
        count
    }

    /// Changes what may be done with the pages of this range that are mapped; `None`: nothing, and they keep what they hold.
    /// A borrowed page that becomes writable is mapped no more: the next to touch it needs a copy.
    pub fn protect(&mut self, range: Range<u64>, access: Option<Access>) {
        assert_range(&range);
        let mut stale = Stale::new(self.root);
        let mut gone = 0;
        let changed = |found: Entry| match access {
            Some(access) if access.writes() && found.has(Flags::BORROWED) => Entry::EMPTY,
            Some(access) => Entry::new(found.frame(), flags(access) | found.only(OWNERSHIP)),
            None => Entry::kept(found.frame(), found.only(OWNERSHIP)),
        };
        // SAFETY: the tables under `root` are this space's, which `&mut self` guards. The frame stays the entry's own, or
        // it is borrowed, and never writable.
        unsafe {
            visit(self.root, range, |page, slot| {
                let new = changed(*slot);
                gone += u64::from(new.is_empty());
                let before = slot.replace(new);
                if before.has(Flags::PRESENT) {
                    stale.push(page, if new.allows_all_of(before) { Left::More } else { Left::Nothing });
                }
            });
        }
        self.mapped -= gone;
        stale.settle();
    }

    /// Takes away the pages of this range and frees their memory.
    pub fn unmap(&mut self, range: Range<u64>) {
        assert_range(&range);
        let mut stale = Stale::new(self.root);
        // SAFETY: the tables under `root` are this space's, which `&mut self` guards; what is pushed was replaced.
        unsafe {
            visit(self.root, range, |page, slot| {
                let left = self.leave(page, slot.replace(Entry::EMPTY));
                self.mapped -= 1;
                stale.push(page, left);
            });
        }
        stale.settle();
    }

    /// Moves the pages of a range to where another of its length begins, which has none. Fails before anything has moved.
    pub fn move_pages(&mut self, from: Range<u64>, to: u64) -> Result<(), OutOfMemory> {
        assert_range(&from);
        assert_range(&(to..to + (from.end - from.start)));
        let (root, start) = (self.root, from.start);
        let mut tables = Ok(());
        // SAFETY: the tables under `root` are this space's, which `&mut self` guards; those that are missing are made, and
        // no entry that is visited is changed by that.
        unsafe {
            visit(root, from.clone(), |page, _| {
                if tables.is_ok()
                    && (frames::only_for_kernel() || entry(root, page - start + to, 1, Missing::User).is_err())
                {
                    tables = Err(OutOfMemory);
                }
            });
        }
        tables?;
        let mut stale = Stale::new(self.root);
        // SAFETY: the same; each entry is in one place before and after, and its share in a frame goes with it.
        unsafe {
            visit(root, from, |page, slot| {
                let target = page - start + to;
                if let Ok(Some(free)) = entry(root, target, 1, Missing::Stop) {
                    free.write(slot.replace(Entry::EMPTY));
                    stale.push(page, Left::Nothing);
                    if let Some(frame) = self.shared.remove(&page) {
                        self.shared.insert(target, frame);
                    }
                }
            });
        }
        stale.settle();
        Ok(())
    }

    /// A copy of it: memory of its own is copied, memory that others may map is shared.
    pub fn fork(&self) -> Result<Self, OutOfMemory> {
        let mut copy = Self::new()?;
        let mut done = Ok(());
        // SAFETY: the tables under `root` are this space's; `&self` keeps them from changing.
        unsafe {
            visit(self.root, PAGE..USER_END, |page, slot| {
                if done.is_ok() {
                    done = copy.adopt(self, page, *slot);
                }
            });
        }
        done.map(|()| copy)
    }

    /// Maps a page as another space has it.
    fn adopt(&mut self, from: &Self, page: u64, found: Entry) -> Result<(), OutOfMemory> {
        let slot = self.slot(page)?;
        let frame =
            if found.has(Flags::BORROWED) || found.has(Flags::SHARED) { found.frame() } else { frames::allocate()? };
        if frame != found.frame() {
            // SAFETY: the new frame is nobody's yet, the other is a page of a program that does not run now.
            unsafe { layout::direct(frame).copy_from_nonoverlapping(layout::direct(found.frame()), PAGE as usize) };
        }
        if let Some(share) = from.shared.get(&page) {
            self.shared.insert(page, share.clone());
        }
        // SAFETY: the slot is this page's and empty; the frame is its own, or borrowed for good, or it has its share in it.
        unsafe { self.replace(page, slot, found.with_frame(frame)) };
        Ok(())
    }
}
