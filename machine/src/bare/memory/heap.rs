//! The kernel's heap: grows by mapping frames at its end.
use super::{frames, kernel, layout};
use crate::memory::PAGE;
use core::alloc::Layout;
use core::ptr::NonNull;
use talc::TalcLock;
use talc::base::{Talc, binning::Binning};
use talc::source::Source;

/// Grown by so much at once.
const STEP: u64 = 64 * 1024;
/// The heap never grows past this size.
const MOST: u64 = 64 << 30;

#[global_allocator]
static HEAP: TalcLock<spin::Mutex<()>, Grow> = TalcLock::new(Grow { end: layout::HEAP, claimed: None });

/// Where the heap ends now.
#[derive(Debug)]
struct Grow {
    end: u64,
    claimed: Option<NonNull<u8>>,
}

// SAFETY: the pointer is the end of memory that only the heap has; it goes where the heap goes.
unsafe impl Send for Grow {}

/// Bytes of the heap that nothing uses.
pub fn free() -> u64 {
    HEAP.lock().counters().available_bytes as u64
}

// SAFETY: `acquire` calls nothing that allocates from the heap: frames and page tables come from the frame allocator.
unsafe impl Source for Grow {
    fn acquire<B: Binning>(talc: &mut Talc<Self, B>, layout: Layout) -> Result<(), ()> {
        let start = talc.source.end;
        let wanted = (layout.size() as u64 + layout.align() as u64 + PAGE).next_multiple_of(PAGE);
        if frames::usage().free < wanted {
            // What it could get would not do, and never come back.
            return Err(());
        }
        let wanted = wanted.next_multiple_of(STEP);
        let target = start.checked_add(wanted).filter(|end| *end <= layout::HEAP + MOST).ok_or(())?;
        while talc.source.end < target {
            if kernel::map_heap(talc.source.end).is_err() {
                break;
            }
            talc.source.end += PAGE;
        }
        let end = talc.source.end;
        if end == start {
            return Err(());
        }
        // SAFETY: start..end was just mapped and is nobody's; it follows what the heap has, whose end `claimed` is.
        talc.source.claimed = unsafe {
            match talc.source.claimed {
                Some(heap_end) => Some(talc.extend(heap_end, end as *mut u8)),
                None => talc.claim(start as *mut u8, (end - start) as usize),
            }
        };
        // Memory that did not reach the target may still do; if not, the next call finds nothing to map and fails.
        Ok(())
    }
}
