//! Memory that moves, and memory that is copied for another process.
use super::region::Region;
use super::{Backing, Protection, Space, check, is_obviously_too_much, page_up};
use crate::errno::Errno;
use core::ops::Range;
use machine::memory::{OutOfMemory, USER_END};

/// What mremap(2) may do to make a mapping fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It stays where it is.
    Here,
    /// It may go elsewhere (MREMAP_MAYMOVE).
    Anywhere,
    /// It goes to this address (MREMAP_FIXED).
    At(u64),
    /// It goes elsewhere, and the old range stays, without its pages (MREMAP_DONTUNMAP); to this address, if that is given.
    Leaving(Option<u64>),
}

impl Space {
    /// mremap(2): makes the mapping `old` `length` bytes long and tells where it is.
    pub fn remap(&mut self, old: Range<u64>, length: u64, place: Place) -> Result<u64, Errno> {
        let length = page_up(length).filter(|length| *length > 0).ok_or(Errno::EINVAL)?;
        // An empty range stands for all of a shared mapping, seen once more.
        let again = old.is_empty();
        if !again {
            check(&old)?;
        }
        let Some((start, region)) = self.regions.range(..=old.start).next_back().filter(|(_, r)| old.start < r.end)
        else {
            return Err(Errno::EFAULT);
        };
        if again && (!region.backing.is_shared() || place == Place::Here) {
            return Err(Errno::EINVAL);
        }
        let counts = matches!(region.backing, Backing::Zero) && region.protection.contains(Protection::WRITE);
        if counts && is_obviously_too_much(length.saturating_sub(old.end - old.start)) {
            return Err(Errno::ENOMEM);
        }
        let mut moved = region.clone();
        moved.backing.skip(old.start - start);
        let single = region.end >= old.end;
        match place {
            Place::At(to) => self.clear_target(&old, to, length)?,
            Place::Leaving(_) if length != old.end - old.start => return Err(Errno::EINVAL),
            Place::Leaving(Some(to)) => self.clear_target(&old, to, length)?,
            _ => {}
        }
        if let Place::Here | Place::Anywhere = place {
            let new_end = old.start.checked_add(length).filter(|end| *end <= USER_END).ok_or(Errno::ENOMEM)?;
            if !again && new_end <= old.end {
                if new_end < old.end {
                    self.unmap(new_end..old.end)?;
                }
                return Ok(old.start);
            }
            if !single {
                return Err(Errno::EFAULT);
            }
            if !again && self.is_free(&(old.end..new_end)) {
                moved.backing.skip(old.end - old.start);
                self.insert(old.end..new_end, Region { end: new_end, ..moved })?;
                return Ok(old.start);
            }
        }
        if !single {
            return Err(Errno::EFAULT);
        }
        let target = match place {
            Place::Here => return Err(Errno::ENOMEM),
            Place::At(to) | Place::Leaving(Some(to)) => to..to + length,
            Place::Anywhere | Place::Leaving(None) => self.find_free(length)?,
        };
        self.move_to(old, target, moved, matches!(place, Place::Leaving(_)))
    }

    /// Makes room at the place that the caller names for a mapping.
    fn clear_target(&mut self, old: &Range<u64>, to: u64, length: u64) -> Result<(), Errno> {
        let target = to..to.checked_add(length).ok_or(Errno::EINVAL)?;
        check(&target)?;
        if target.start < old.end && old.start < target.end {
            return Err(Errno::EINVAL);
        }
        self.unmap(target)
    }

    fn move_to(&mut self, old: Range<u64>, target: Range<u64>, region: Region, stays: bool) -> Result<u64, Errno> {
        self.insert(target.clone(), Region { end: target.end, ..region })?;
        let kept = old.start..old.end.min(old.start + (target.end - target.start));
        if self.table.move_pages(kept, target.start).is_err() {
            self.unmap(target)?;
            return Err(Errno::ENOMEM);
        }
        if !stays && !old.is_empty() {
            self.unmap(old)?;
        }
        Ok(target.start)
    }

    /// A copy of it, for fork(2): private memory is copied, shared memory is the same.
    pub fn fork(&self) -> Result<Space, OutOfMemory> {
        Ok(Space {
            table: self.table.fork()?,
            regions: self.regions.clone(),
            heap: self.heap.clone(),
            vdso: self.vdso,
            top: self.top,
            below: self.below,
            skipped: self.skipped,
        })
    }
}
