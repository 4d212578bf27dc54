//! Memory (mmap(2), mprotect(2), munmap(2), mremap(2), brk(2), madvise(2)).
use super::{Answer, Call};
use crate::errno::Errno;
use crate::program::space::{Backing, Protection, page_up};
use core::ops::Range;
use linux_raw_sys::general as linux;
use machine::memory::{PAGE, USER_END};

fn protection(bits: u32) -> Result<Protection, Errno> {
    let bits = bits & !(linux::PROT_GROWSDOWN | linux::PROT_GROWSUP);
    u8::try_from(bits).ok().and_then(Protection::from_bits).ok_or(Errno::EINVAL)
}

/// A range of whole pages of the program, not empty.
fn pages(start: u64, length: u64) -> Result<Range<u64>, Errno> {
    let end = start.checked_add(length).and_then(page_up).filter(|end| *end <= USER_END).ok_or(Errno::ENOMEM)?;
    if start.is_multiple_of(PAGE) && start < end { Ok(start..end) } else { Err(Errno::EINVAL) }
}

pub fn mmap(call: &mut Call<'_>) -> Answer {
    let (hint, length, flags, offset) = (call.arg::<0>(), call.arg::<1>(), call.int::<3>(), call.arg::<5>());
    let protection = protection(call.int::<2>())?;
    if length == 0 || !offset.is_multiple_of(PAGE) {
        return Err(Errno::EINVAL);
    }
    let backing = if flags & linux::MAP_ANONYMOUS != 0 {
        Backing::Zero
    } else {
        file_backing(call, offset, length, protection, flags)?
    };
    let mut space = call.memory().space.lock();
    let fixed = flags & (linux::MAP_FIXED | linux::MAP_FIXED_NOREPLACE) != 0;
    let wanted = pages(hint & !(PAGE - 1), length).ok().filter(|range| range.start >= PAGE * 16);
    let range = match wanted {
        Some(_) if fixed && !hint.is_multiple_of(PAGE) => return Err(Errno::EINVAL),
        Some(range) if flags & linux::MAP_FIXED_NOREPLACE != 0 && !space.is_free(&range) => return Err(Errno::EEXIST),
        Some(range) if fixed || space.is_free(&range) => range,
        None if fixed => return Err(Errno::ENOMEM),
        _ => space.find_free(length)?,
    };
    space.map(range.clone(), protection, backing)?;
    Ok(range.start)
}

fn file_backing(
    call: &Call<'_>,
    offset: u64,
    length: u64,
    protection: Protection,
    flags: u32,
) -> Result<Backing, Errno> {
    let open = call.open::<4>()?;
    open.readable().map_err(|_| Errno::EACCES)?;
    // Memory that two mappings of a file share is not there: writing to it would be lost.
    let shared = flags & linux::MAP_TYPE != linux::MAP_PRIVATE;
    if !open.file.seekable() || shared && protection.contains(Protection::WRITE) {
        return Err(Errno::ENODEV);
    }
    if offset.checked_add(length).is_none_or(|end| end > i64::MAX as u64) {
        return Err(Errno::EOVERFLOW);
    }
    Ok(Backing::File { file: open.file.clone(), offset, end: open.file.status().size })
}

pub fn mprotect(call: &mut Call<'_>) -> Answer {
    let protection = protection(call.int::<2>())?;
    if call.arg::<1>() == 0 {
        return Ok(0);
    }
    let range = pages(call.arg::<0>(), call.arg::<1>())?;
    call.memory().space.lock().protect(range, protection)?;
    Ok(0)
}

pub fn munmap(call: &mut Call<'_>) -> Answer {
    let range = pages(call.arg::<0>(), call.arg::<1>()).map_err(|_| Errno::EINVAL)?;
    if range.start >= PAGE {
        call.memory().space.lock().unmap(range)?;
    }
    Ok(0)
}

pub fn mremap(call: &mut Call<'_>) -> Answer {
    let flags = call.int::<3>();
    if flags & !linux::MREMAP_MAYMOVE != 0 {
        return Err(Errno::EINVAL);
    }
    let old = pages(call.arg::<0>(), call.arg::<1>()).map_err(|_| Errno::EINVAL)?;
    call.memory().space.lock().remap(old, call.arg::<2>(), flags & linux::MREMAP_MAYMOVE != 0)
}

pub fn brk(call: &mut Call<'_>) -> Answer {
    Ok(call.memory().space.lock().brk(call.arg::<0>()))
}

pub fn madvise(call: &mut Call<'_>) -> Answer {
    if call.arg::<1>() == 0 {
        return Ok(0);
    }
    let range = pages(call.arg::<0>(), call.arg::<1>())?;
    if call.int::<2>() == linux::MADV_DONTNEED {
        call.memory().space.lock().discard(range);
    }
    // All other advice may be ignored.
    Ok(0)
}

/// msync(2), mlock(2) and their like: nothing is ever written back or swapped out.
pub fn nothing_to_do(_call: &mut Call<'_>) -> Answer {
    Ok(0)
}
