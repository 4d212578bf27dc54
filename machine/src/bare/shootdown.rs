//! Page tables that change under other processors: each keeps entries that it has used, and must be told to forget them
//! (Intel SDM volume 3, 5.10.5).
//!
//! Whoever asks has the kernel's lock. So the others run the program, halt, or wait for the lock, and which page tables each of
//! them uses stays as it is. Those that run the program are interrupted, and waited for. The others cannot use
//! the program's addresses before they run it again: they find on the way that they were asked.
use super::processor::{self, Processor};
use super::{apic, memory};
use core::sync::atomic::Ordering;

/// Has every other processor that uses the page tables under `root` forget their entries. What was behind entries that
/// are gone may be used for something else after this.
pub fn forget(root: u64) {
    ask(|other| other.root.load(Ordering::Relaxed) == root, runs_program);
}

/// Has every other processor that runs the program come here and forget all it can: it is serialized on the way. The others
/// are, when they take the kernel's lock.
pub fn barrier() {
    ask(runs_program, |_| true);
}

fn runs_program(processor: &Processor) -> bool {
    processor.runs_program.load(Ordering::Relaxed)
}

/// Has every other processor that still uses the page tables under `root` turn to the kernel's own. None runs the program in
/// them.
pub fn leave(root: u64) {
    ask(|other| other.root.load(Ordering::Relaxed) == root, |_| true);
}

/// Asks those that are meant, and waits for those of them that are waited for.
fn ask(meant: impl Fn(&Processor) -> bool, waits: impl Fn(&Processor) -> bool) {
    let mut waited_for = 0_u64;
    for other in processor::others().filter(|other| meant(other)) {
        // Also orders the change of the page tables before it.
        other.asked.fetch_add(1, Ordering::SeqCst);
        if waits(other) {
            apic::interrupt(other);
            waited_for |= 1 << other.number();
        }
    }
    for other in processor::others().filter(|other| waited_for & 1 << other.number() != 0) {
        while other.answered.load(Ordering::Acquire) < other.asked.load(Ordering::Relaxed) {
            core::hint::spin_loop();
        }
    }
}

/// Forgets the entries of the program's page tables, if another processor has asked this one to. One that does not run
/// the program leaves its page tables altogether: they may be about to go.
pub fn answer() {
    let own = processor::current();
    let asked = own.asked.load(Ordering::Acquire);
    if asked == own.answered.load(Ordering::Relaxed) {
        return;
    }
    if own.runs_program.load(Ordering::Relaxed) {
        memory::forget_all();
    } else {
        memory::leave_program();
    }
    own.answered.store(asked, Ordering::Release);
}
