//! The code that tells the program the time without a trap (vdso(7)), and before it the page that the code reads: what
//! the counter of the processor means. Both are the program's own copies.
use super::space::{Backing, Protection, Space, page_up};
use crate::errno::Errno;
use alloc::vec::Vec;
use machine::memory::PAGE;

/// Maps it where mappings go, which is by chance.
pub fn map(space: &mut Space) -> Result<(), Errno> {
    let Some(vdso) = machine::time::vdso() else { return Ok(()) };
    let length = page_up(vdso.image.len() as u64).ok_or(Errno::ENOMEM)?;
    let range = space.find_free(PAGE + length)?;
    let (page, image) = (range.start..range.start + PAGE, range.start + PAGE..range.end);
    space.map(range, Protection::READ | Protection::WRITE, Backing::Zero)?;
    let words: Vec<u8> = vdso.words.into_iter().flat_map(u64::to_le_bytes).collect();
    space.write(page.start, &words)?;
    space.write(image.start, vdso.image)?;
    space.protect(page, Protection::READ)?;
    space.protect(image.clone(), Protection::READ | Protection::EXECUTE)?;
    space.set_vdso(image.start);
    Ok(())
}
