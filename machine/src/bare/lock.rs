//! The lock of the kernel: one processor at a time runs kernel code, and the others run the program or halt.
//!
//! It is taken on the way from the program or from halting into the kernel, and given up on the way back; the processor that
//! boots has it from the start. Whoever waits for it has interrupts off, and answers what others ask of it meanwhile.
//! It is not fair on purpose: the host may have taken the processor away whose turn it would be.
use super::shootdown;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

static TAKEN: AtomicBool = AtomicBool::new(true);
/// How many processors wait for it.
static WAITING: AtomicUsize = AtomicUsize::new(0);
/// Whether it was given up since [`let_others`] looked.
static GIVEN: AtomicBool = AtomicBool::new(false);

/// How long [`let_others`] waits for another to take it: enough for one that is awake, and little if the host has stopped it.
const TURNS: u32 = 1000;

/// Waits until no other processor runs kernel code.
pub fn take() {
    if try_take() {
        return;
    }
    WAITING.fetch_add(1, Ordering::Relaxed);
    while !try_take() {
        while TAKEN.load(Ordering::Relaxed) {
            shootdown::answer();
            core::hint::spin_loop();
        }
    }
    WAITING.fetch_sub(1, Ordering::Relaxed);
}

fn try_take() -> bool {
    TAKEN.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok()
}

/// Lets others run kernel code. What follows until [`take`] may use only what is this processor's own.
pub fn give_up() {
    GIVEN.store(true, Ordering::Relaxed);
    TAKEN.store(false, Ordering::Release);
}

/// Lets one that waits have a turn, unless this was given up anyway since the last call: for loops that may stay in the kernel.
pub fn let_others() {
    if !GIVEN.swap(false, Ordering::Relaxed) && WAITING.load(Ordering::Relaxed) > 0 {
        TAKEN.store(false, Ordering::Release);
        for _ in 0..TURNS {
            if TAKEN.load(Ordering::Relaxed) {
                break;
            }
            shootdown::answer();
            core::hint::spin_loop();
        }
        take();
    }
}
