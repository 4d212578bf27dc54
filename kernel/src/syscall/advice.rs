//! What the program says of its memory, and asks (madvise(2), mincore(2), msync(2), mlock(2)).
use super::io::Pace;
use super::memory::{pages, populate};
use super::{Answer, Call};
use crate::errno::Errno;
use crate::program::space::{Fault, Protection, Region};
use alloc::vec::Vec;
use linux_raw_sys::general as linux;
use machine::memory::PAGE;

/// The most pages that mincore(2) tells at once before it copies what it has.
const CHUNK: u64 = 4096;

pub async fn madvise(call: &mut Call<'_>) -> Answer {
    let (start, length, advice) = (call.arg::<0>(), call.arg::<1>(), call.int::<2>());
    if !is_known(advice) || !start.is_multiple_of(PAGE) || start.checked_add(length).is_none() {
        return Err(Errno::EINVAL);
    }
    if length == 0 {
        return Ok(0);
    }
    let range = pages(start, length)?;
    if let linux::MADV_POPULATE_READ | linux::MADV_POPULATE_WRITE = advice {
        let need = if advice == linux::MADV_POPULATE_READ { Protection::READ } else { Protection::WRITE };
        return populate(call, range, need).await.map(|()| 0).map_err(|fault| match fault {
            Fault::Unmapped | Fault::OutOfMemory => Errno::ENOMEM,
            Fault::Forbidden => Errno::EINVAL,
            Fault::PastEnd => Errno::EFAULT,
        });
    }
    let mut space = call.memory().space.lock();
    match advice {
        linux::MADV_FREE if !space.overlapping(&range).all(|(_, region)| is_private_memory(region)) => {
            return Err(Errno::EINVAL);
        }
        // What is free to be taken is taken at once.
        linux::MADV_DONTNEED | linux::MADV_FREE | linux::MADV_DONTNEED_LOCKED => space.discard(range.clone()),
        _ => {}
    }
    // What is mapped was advised, also where something is missing.
    if space.is_covered(&range) { Ok(0) } else { Err(Errno::ENOMEM) }
}

/// Advice that is followed or may be ignored. What must not be ignored, such as MADV_WIPEONFORK, is not in it.
fn is_known(advice: u32) -> bool {
    matches!(
        advice,
        linux::MADV_NORMAL
            | linux::MADV_RANDOM
            | linux::MADV_SEQUENTIAL
            | linux::MADV_WILLNEED
            | linux::MADV_DONTNEED
            | linux::MADV_FREE
            | linux::MADV_MERGEABLE
            | linux::MADV_UNMERGEABLE
            | linux::MADV_HUGEPAGE
            | linux::MADV_NOHUGEPAGE
            | linux::MADV_DONTDUMP
            | linux::MADV_DODUMP
            | linux::MADV_DOFORK
            | linux::MADV_KEEPONFORK
            | linux::MADV_COLD
            | linux::MADV_PAGEOUT
            | linux::MADV_POPULATE_READ
            | linux::MADV_POPULATE_WRITE
            | linux::MADV_DONTNEED_LOCKED
    )
}

fn is_private_memory(region: &Region) -> bool {
    region.backing.file().is_none()
}

/// mincore(2): which pages are in memory. Those of files all are.
pub async fn mincore(call: &mut Call<'_>) -> Answer {
    let (start, vector) = (call.arg::<0>(), call.arg::<2>());
    if !start.is_multiple_of(PAGE) {
        return Err(Errno::EINVAL);
    }
    if call.arg::<1>() == 0 {
        return Ok(0);
    }
    let range = pages(start, call.arg::<1>())?;
    covered(call, range.start, range.end - range.start)?;
    let mut pace = Pace::new();
    let count = (range.end - range.start) / PAGE;
    for first in (0..count).step_by(CHUNK as usize) {
        {
            let mut space = call.memory().space.lock();
            let told: Vec<u8> = (first..count.min(first + CHUNK))
                .map(|index| {
                    let page = range.start + index * PAGE;
                    let of_file = space.region(page).is_some_and(|(_, region)| !is_private_memory(region));
                    u8::from(of_file || space.is_resident(page))
                })
                .collect();
            space.write(vector.wrapping_add(first), &told)?;
        }
        pace.keep(call.thread).await;
    }
    Ok(0)
}

/// msync(2): what is written to a shared file is in it already.
pub fn msync(call: &mut Call<'_>) -> Answer {
    let (start, length, flags) = (call.arg::<0>(), call.arg::<1>(), call.int::<2>());
    let known = linux::MS_ASYNC | linux::MS_SYNC | linux::MS_INVALIDATE;
    let both = linux::MS_ASYNC | linux::MS_SYNC;
    if flags & !known != 0 || flags & both == both || !start.is_multiple_of(PAGE) {
        return Err(Errno::EINVAL);
    }
    covered(call, start, length)
}

/// Whether all pages from `start` on are mapped, as calls that change nothing must still tell.
fn covered(call: &Call<'_>, start: u64, length: u64) -> Answer {
    if length == 0 {
        return Ok(0);
    }
    let first = start & !(PAGE - 1);
    let range = pages(first, length.checked_add(start - first).ok_or(Errno::ENOMEM)?).map_err(|_| Errno::ENOMEM)?;
    if call.memory().space.lock().is_covered(&range) { Ok(0) } else { Err(Errno::ENOMEM) }
}

/// mlock(2): every page is in memory. It stays there: nothing is ever swapped out.
pub async fn mlock(call: &mut Call<'_>) -> Answer {
    let (start, length) = (call.arg::<0>(), call.arg::<1>());
    covered(call, start, length)?;
    let Ok(range) = pages(start & !(PAGE - 1), length.saturating_add(start % PAGE)) else { return Ok(0) };
    let parts: Vec<_> = {
        let space = call.memory().space.lock();
        space.overlapping(&range).map(|(part, region)| (part, region.protection, region.backing.is_shared())).collect()
    };
    for (part, protection, shared) in parts {
        let part = part.start.max(range.start)..part.end.min(range.end);
        let writes = protection.contains(Protection::WRITE) && !shared;
        let need = if writes { Protection::WRITE } else { Protection::READ };
        populate(call, part, need).await.map_err(|_| Errno::ENOMEM)?;
    }
    Ok(0)
}

pub async fn mlock2(call: &mut Call<'_>) -> Answer {
    match call.int::<2>() {
        0 => mlock(call).await,
        linux::MLOCK_ONFAULT => munlock(call),
        _ => Err(Errno::EINVAL),
    }
}

/// munlock(2): nothing to do.
pub fn munlock(call: &mut Call<'_>) -> Answer {
    covered(call, call.arg::<0>(), call.arg::<1>())
}

pub fn mlockall(call: &mut Call<'_>) -> Answer {
    let known = linux::MCL_CURRENT | linux::MCL_FUTURE | linux::MCL_ONFAULT;
    let flags = call.int::<0>();
    if flags & !known != 0 || flags & (linux::MCL_CURRENT | linux::MCL_FUTURE) == 0 {
        return Err(Errno::EINVAL);
    }
    Ok(0)
}

pub fn munlockall(_call: &mut Call<'_>) -> Answer {
    Ok(0)
}
