//! What a file holds: the image's bytes, borrowed, and over them the pages that the program has written.
use crate::errno::Errno;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use core::ops::Range;
use machine::memory::{Frame, OutOfMemory, PAGE};

/// Memory that files leave to others, in bytes.
const RESERVE: u64 = 1 << 20;
/// The longest a file may be.
const MOST: u64 = i64::MAX as u64;
static ZEROES: [u8; PAGE as usize] = [0; PAGE as usize];

/// What a file holds. Where neither a page nor the image has a byte, it is zero: a hole takes no memory.
#[derive(Default)]
pub struct Content {
    image: &'static [u8],
    pages: BTreeMap<u64, Arc<Frame>>,
    length: u64,
}

impl Content {
    /// The image's bytes, as they are.
    pub fn borrowed(image: &'static [u8]) -> Self {
        Content { image, pages: BTreeMap::new(), length: image.len() as u64 }
    }

    /// How many bytes it has.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// How many bytes of memory it takes for itself.
    pub fn owned(&self) -> u64 {
        self.pages.len() as u64 * PAGE
    }

    /// The image's bytes from `offset` on, up to the first page that is not the image's any more.
    pub fn lasting(&self, offset: u64) -> Option<&'static [u8]> {
        let end = match self.pages.range(offset / PAGE..).next() {
            Some((page, _)) => (page * PAGE).min(self.image.len() as u64),
            None => self.image.len() as u64,
        };
        self.image.get(usize::try_from(offset).ok()?..usize::try_from(end).ok()?)
    }

    /// Copies bytes from `offset` on; tells how many there were.
    pub fn read(&self, buffer: &mut [u8], offset: u64) -> usize {
        let length = self.length.saturating_sub(offset).min(buffer.len() as u64) as usize;
        let mut done = 0;
        while done < length {
            let at = offset + done as u64;
            let rest = buffer.get_mut(done..length).unwrap_or_default();
            done += self.read_part(rest, at);
        }
        length
    }

    /// Copies as much as one piece of memory has; tells how much.
    fn read_part(&self, to: &mut [u8], at: u64) -> usize {
        if let Some(bytes) = self.lasting(at).filter(|bytes| !bytes.is_empty()) {
            let length = bytes.len().min(to.len());
            if let (Some(to), Some(from)) = (to.get_mut(..length), bytes.get(..length)) {
                to.copy_from_slice(from);
            }
            return length;
        }
        let start = (at % PAGE) as usize;
        let length = to.len().min(PAGE as usize - start);
        let to = to.get_mut(..length).unwrap_or_default();
        match self.pages.get(&(at / PAGE)) {
            Some(frame) => frame.read(start, to),
            None => to.fill(0),
        }
        length
    }

    /// Writes bytes at `offset`; tells how many were taken before the memory was full.
    pub fn write(&mut self, bytes: &[u8], offset: u64) -> Result<usize, Errno> {
        let room = MOST.checked_sub(offset).filter(|room| *room > 0 || bytes.is_empty()).ok_or(Errno::EFBIG)?;
        let length = (bytes.len() as u64).min(room) as usize;
        let mut done = 0;
        while done < length {
            let at = offset + done as u64;
            let start = (at % PAGE) as usize;
            let part = (length - done).min(PAGE as usize - start);
            let part = bytes.get(done..done + part).unwrap_or_default();
            match self.own(at / PAGE) {
                Ok(frame) => frame.write(start, part),
                Err(error) if done == 0 => return Err(error),
                Err(_) => break,
            }
            done += part.len();
            self.length = self.length.max(offset + done as u64);
        }
        Ok(done)
    }

    /// The page of this number as memory that can be written: a copy of what is there.
    fn own(&mut self, page: u64) -> Result<&Arc<Frame>, Errno> {
        if !self.pages.contains_key(&page) {
            if machine::memory::usage().free < RESERVE {
                return Err(Errno::ENOSPC);
            }
            let start = page.saturating_mul(PAGE).min(self.image.len() as u64) as usize;
            let content = self.image.get(start..self.image.len().min(start + PAGE as usize)).unwrap_or_default();
            let frame = Frame::new(content).map_err(|OutOfMemory| Errno::ENOSPC)?;
            self.pages.insert(page, Arc::new(frame));
        }
        self.pages.get(&page).ok_or(Errno::EIO)
    }

    /// The page that `offset` is in, as memory that the program may map; `ENXIO` behind the end.
    pub fn frame(&mut self, offset: u64) -> Result<Arc<Frame>, Errno> {
        if offset / PAGE * PAGE >= self.length {
            return Err(Errno::ENXIO);
        }
        self.own(offset / PAGE).cloned()
    }

    /// Makes it this long: what is cut off is gone, what is new is a hole.
    pub fn truncate(&mut self, length: u64) -> Result<(), Errno> {
        if length > MOST {
            return Err(Errno::EINVAL);
        }
        if length < self.length {
            self.image = self.image.get(..length.min(self.image.len() as u64) as usize).unwrap_or_default();
            self.clear(length..self.length.next_multiple_of(PAGE))?;
        }
        self.length = length;
        Ok(())
    }

    /// Makes this range zeroes, and gives back the memory of its whole pages (fallocate(2), FALLOC_FL_PUNCH_HOLE).
    pub fn clear(&mut self, range: Range<u64>) -> Result<(), Errno> {
        let image_end = range.end.min(self.image.len() as u64);
        if range.start < image_end {
            // What the image has there is hidden by pages of zeroes.
            for page in range.start / PAGE..image_end.div_ceil(PAGE) {
                self.own(page)?;
            }
        }
        let mut from = range.start / PAGE;
        while let Some((page, frame)) = self.pages.range(from..range.end.div_ceil(PAGE)).next() {
            let (page, start) = (*page, range.start.max(*page * PAGE));
            let length = range.end.min((page + 1) * PAGE) - start;
            if length == PAGE && page * PAGE >= self.image.len() as u64 {
                self.pages.remove(&page);
            } else {
                frame.write((start % PAGE) as usize, ZEROES.get(..length as usize).unwrap_or_default());
            }
            from = page + 1;
        }
        Ok(())
    }

    /// Takes the memory for this range now (fallocate(2)).
    pub fn allocate(&mut self, range: Range<u64>) -> Result<(), Errno> {
        for page in range.start / PAGE..range.end.div_ceil(PAGE) {
            if (page + 1) * PAGE > self.image.len() as u64 {
                self.own(page)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Step {
        Write(u64, Vec<u8>),
        Truncate(u64),
        Clear(u64, u64),
        Share(u64, u8),
    }

    const MAX: u64 = 4 * PAGE;

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..MAX, prop::collection::vec(1..255_u8, 0..9000)).prop_map(|(at, bytes)| Step::Write(at, bytes)),
            (0..MAX).prop_map(Step::Truncate),
            (0..MAX, 1..MAX).prop_map(|(at, length)| Step::Clear(at, length)),
            (0..MAX, 1..255_u8).prop_map(|(at, byte)| Step::Share(at, byte)),
        ]
    }

    proptest! {
        /// Against a vector of bytes.
        #[test]
        fn a_file_holds_what_was_written(steps in prop::collection::vec(step(), 1..20), image in 0..10_000_usize) {
            let image: &'static [u8] = Vec::leak((0..image).map(|at| (at % 251) as u8).collect());
            let (mut content, mut naive) = (Content::borrowed(image), image.to_vec());
            for step in steps {
                match &step {
                    Step::Write(at, bytes) => {
                        prop_assert_eq!(content.write(bytes, *at).unwrap(), bytes.len());
                        let end = *at as usize + bytes.len();
                        if !bytes.is_empty() && naive.len() < end {
                            naive.resize(end, 0);
                        }
                        if !bytes.is_empty() {
                            naive[*at as usize..end].copy_from_slice(bytes);
                        }
                    }
                    Step::Truncate(length) => {
                        content.truncate(*length).unwrap();
                        naive.resize(*length as usize, 0);
                    }
                    Step::Clear(at, length) => {
                        content.clear(*at..at + length).unwrap();
                        let end = naive.len().min((at + length) as usize);
                        naive[end.min(*at as usize)..end].fill(0);
                    }
                    Step::Share(at, byte) => {
                        if let Ok(frame) = content.frame(*at) && *at < content.length() {
                            frame.write((*at % PAGE) as usize, &[*byte]);
                            naive[*at as usize] = *byte;
                        }
                    }
                }
                prop_assert_eq!(content.length(), naive.len() as u64);
                let mut read = vec![0xff; naive.len()];
                prop_assert_eq!(content.read(&mut read, 0), naive.len());
                prop_assert!(read == naive, "after {:?}", step);
            }
        }
    }

    #[test]
    fn a_hole_takes_no_memory_and_a_file_has_an_end() {
        let mut content = Content::default();
        content.truncate(1 << 40).unwrap();
        assert_eq!(content.write(b"x", (1 << 40) - 1), Ok(1));
        assert_eq!(content.owned(), PAGE);
        assert_eq!(content.write(b"x", MOST), Err(Errno::EFBIG));
        assert_eq!(content.truncate(MOST + 1), Err(Errno::EINVAL));
        assert!(content.frame(1 << 40).is_err());
    }
}
