//! Memory (mmap(2), mprotect(2), munmap(2), mremap(2), brk(2)).
use super::io::Pace;
use super::{Answer, Call};
use crate::errno::Errno;
use crate::file::File;
use crate::program::space::{Backing, Fault, Place, Protection, Space, is_obviously_too_much, page_up};
use crate::tree::{Kind, Node};
use alloc::sync::Arc;
use core::ops::Range;
use linux_raw_sys::general as linux;
use machine::memory::{PAGE, USER_END};

/// The lowest address that a program may map (Linux: vm.mmap_min_addr).
const LOWEST: u64 = 16 * PAGE;
/// Where MAP_32BIT puts mappings.
const LOW: Range<u64> = 1 << 30..1 << 31;

/// How much of a range is made ready before the clock is looked at.
const PART: u64 = 64 * PAGE;

const EVERYTHING: u32 = linux::PROT_READ | linux::PROT_WRITE | linux::PROT_EXEC;

/// A range of whole pages of the program, not empty.
pub fn pages(start: u64, length: u64) -> Result<Range<u64>, Errno> {
    let end = start.checked_add(length).and_then(page_up).filter(|end| *end <= USER_END).ok_or(Errno::ENOMEM)?;
    if start.is_multiple_of(PAGE) && start < end { Ok(start..end) } else { Err(Errno::EINVAL) }
}

/// Makes all pages of this range ready that can be. Others have their turn meanwhile: the range may be all of the memory.
pub async fn populate(call: &Call<'_>, range: Range<u64>, need: Protection) -> Result<(), Fault> {
    let mut pace = Pace::new();
    for start in range.clone().step_by(PART as usize) {
        let part = start..range.end.min(start.saturating_add(PART));
        call.memory().space.lock().populate(part, need)?;
        pace.keep(call.thread).await;
    }
    Ok(())
}

/// What a new mapping shows, and whether mprotect(2) may make it writable one day.
struct Shown {
    backing: Backing,
    writable: bool,
}

pub async fn mmap(call: &mut Call<'_>) -> Answer {
    let (hint, length, flags, offset) = (call.arg::<0>(), call.arg::<1>(), call.int::<3>(), call.arg::<5>());
    // Bits that mean nothing are ignored here, not so in mprotect(2).
    let protection = Protection::from_bits_truncate((call.int::<2>() & EVERYTHING) as u8);
    if !offset.is_multiple_of(PAGE) {
        return Err(Errno::EINVAL);
    }
    let open = if flags & linux::MAP_ANONYMOUS == 0 { Some(call.open::<4>()?) } else { None };
    if length == 0 {
        return Err(Errno::EINVAL);
    }
    if flags & linux::MAP_HUGETLB != 0 {
        // There is no pool of huge pages.
        return Err(Errno::ENOMEM);
    }
    let end = page_up(length).filter(|length| *length <= USER_END).ok_or(Errno::ENOMEM)?.checked_add(offset);
    end.filter(|end| *end <= i64::MAX as u64).ok_or(Errno::EOVERFLOW)?;
    let shown = match (flags & linux::MAP_TYPE, open) {
        (linux::MAP_PRIVATE, None) => Shown { backing: Backing::Zero, writable: true },
        (linux::MAP_SHARED | linux::MAP_SHARED_VALIDATE, None) => shared_zeroes(length)?,
        (kind @ (linux::MAP_PRIVATE | linux::MAP_SHARED | linux::MAP_SHARED_VALIDATE), Some(open)) => {
            open.readable().map_err(|_| Errno::EACCES)?;
            let writable = open.writable().is_ok();
            shown(&open.file, kind != linux::MAP_PRIVATE, writable, offset, length)?
        }
        _ => return Err(Errno::EINVAL),
    };
    if protection.contains(Protection::WRITE) && !shown.writable {
        return Err(Errno::EACCES);
    }
    let counts = protection.contains(Protection::WRITE) && flags & linux::MAP_NORESERVE == 0;
    if counts && matches!(shown.backing, Backing::Zero) && is_obviously_too_much(length) {
        return Err(Errno::ENOMEM);
    }
    let range = {
        let mut space = call.memory().space.lock();
        let range = choose(&mut space, hint, length, flags)?;
        match shown.writable {
            true => space.map(range.clone(), protection, shown.backing)?,
            false => space.map_for_reading(range.clone(), protection, shown.backing)?,
        }
        range
    };
    if flags & (linux::MAP_POPULATE | linux::MAP_LOCKED) != 0 {
        // What cannot be there yet comes when it is touched, or is an error then.
        let _ = populate(call, range.clone(), protection).await;
    }
    Ok(range.start)
}

/// Where a new mapping goes.
fn choose(space: &mut Space, hint: u64, length: u64, flags: u32) -> Result<Range<u64>, Errno> {
    if flags & (linux::MAP_FIXED | linux::MAP_FIXED_NOREPLACE) == 0 {
        let wanted = page_up(hint).and_then(|start| pages(start, length).ok());
        return match wanted.filter(|range| range.start >= LOWEST && space.is_free(range)) {
            Some(range) => Ok(range),
            None if flags & linux::MAP_32BIT != 0 => space.find_free_in(LOW, length),
            None => space.find_free(length),
        };
    }
    let range = pages(hint, length)?;
    if range.start < LOWEST {
        return Err(Errno::EPERM);
    }
    if flags & linux::MAP_FIXED_NOREPLACE != 0 && !space.is_free(&range) {
        return Err(Errno::EEXIST);
    }
    Ok(range)
}

/// Memory that copies of the process share: a file without a name.
fn shared_zeroes(length: u64) -> Result<Shown, Errno> {
    let file = Node::new(Kind::file(), linux::S_IFREG | 0o777);
    file.truncate(page_up(length).ok_or(Errno::ENOMEM)?)?;
    Ok(Shown { backing: Backing::Shared { file, offset: 0 }, writable: true })
}

fn shown(file: &Arc<dyn File>, shared: bool, writable: bool, offset: u64, length: u64) -> Result<Shown, Errno> {
    let node = file.any().downcast_ref::<Node>();
    if node.is_some_and(Node::is_zero) {
        let zero = Shown { backing: Backing::Zero, writable: true };
        return if shared { shared_zeroes(length) } else { Ok(zero) };
    }
    if node.is_some_and(|node| !matches!(node.kind, Kind::File(_))) || !file.seekable() {
        return Err(Errno::ENODEV);
    }
    let file = file.clone();
    Ok(match shared {
        true => Shown { backing: Backing::Shared { file, offset }, writable },
        false => Shown { backing: Backing::File { file, offset, end: u64::MAX }, writable: true },
    })
}

pub fn mprotect(call: &mut Call<'_>) -> Answer {
    const GROWS: u32 = linux::PROT_GROWSDOWN | linux::PROT_GROWSUP;
    let (start, bits) = (call.arg::<0>(), call.int::<2>());
    if bits & !(EVERYTHING | linux::PROT_SEM | GROWS) != 0 || bits & GROWS == GROWS || !start.is_multiple_of(PAGE) {
        return Err(Errno::EINVAL);
    }
    if call.arg::<1>() == 0 {
        return Ok(0);
    }
    let mut range = pages(start, call.arg::<1>())?;
    let mut space = call.memory().space.lock();
    if bits & linux::PROT_GROWSDOWN != 0 {
        // From the start of the stack on, of which the caller knows only the part in use.
        range.start = space.region(start).ok_or(Errno::ENOMEM)?.0.start;
    }
    space.protect(range, Protection::from_bits_truncate((bits & EVERYTHING) as u8))?;
    Ok(0)
}

/// pkey_mprotect(2): there are no keys but none.
pub fn pkey_mprotect(call: &mut Call<'_>) -> Answer {
    if call.int::<3>() as i32 == -1 { mprotect(call) } else { Err(Errno::EINVAL) }
}

pub fn munmap(call: &mut Call<'_>) -> Answer {
    let range = pages(call.arg::<0>(), call.arg::<1>()).map_err(|_| Errno::EINVAL)?;
    if range.end > PAGE {
        call.memory().space.lock().unmap(range.start.max(PAGE)..range.end)?;
    }
    Ok(0)
}

pub fn mremap(call: &mut Call<'_>) -> Answer {
    let (start, old, flags) = (call.arg::<0>(), call.arg::<1>(), call.int::<3>());
    let flag = |bit: u32| flags & bit != 0;
    let known = linux::MREMAP_MAYMOVE | linux::MREMAP_FIXED | linux::MREMAP_DONTUNMAP;
    let (may_move, fixed, stays) =
        (flag(linux::MREMAP_MAYMOVE), flag(linux::MREMAP_FIXED), flag(linux::MREMAP_DONTUNMAP));
    if flags & !known != 0 || (fixed || stays) && !may_move || !start.is_multiple_of(PAGE) {
        return Err(Errno::EINVAL);
    }
    let end = page_up(start.checked_add(old).ok_or(Errno::EINVAL)?).ok_or(Errno::EINVAL)?;
    let place = match (fixed, stays) {
        (_, true) => Place::Leaving(fixed.then(|| call.arg::<4>())),
        (true, false) => Place::At(call.arg::<4>()),
        (false, false) if may_move => Place::Anywhere,
        (false, false) => Place::Here,
    };
    call.memory().space.lock().remap(start..end, call.arg::<2>(), place)
}

pub fn brk(call: &mut Call<'_>) -> Answer {
    Ok(call.memory().space.lock().brk(call.arg::<0>()))
}
