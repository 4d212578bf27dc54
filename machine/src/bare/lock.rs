//! The lock of the kernel: one processor at a time runs kernel code, and the others run the program or halt.
//!
//! It is taken on the way from the program or from halting into the kernel, and given up on the way back; the processor that
//! boots has it from the start. Whoever waits for it has interrupts off, and answers what others ask of it meanwhile.
//! It is not fair on purpose: the host may have taken the processor away whose turn it would be.
use super::shootdown;
use core::sync::atomic::{AtomicBool, Ordering};

static TAKEN: AtomicBool = AtomicBool::new(true);

/// Waits until no other processor runs kernel code.
pub fn take() {
    while TAKEN.compare_exchange_weak(false, true, Ordering::Acquire, Ordering::Relaxed).is_err() {
        while TAKEN.load(Ordering::Relaxed) {
            shootdown::answer();
            core::hint::spin_loop();
        }
    }
}

/// Lets others run kernel code. What follows until [`take`] may use only what is this processor's own.
pub fn give_up() {
    TAKEN.store(false, Ordering::Release);
}
