//! Waiting for something to happen.
use super::{apic, lock, processor, time};
use core::sync::atomic::Ordering;
use core::time::Duration;

/// The longest the processor halts at once.
const LONGEST: Duration = Duration::from_secs(1);

/// Halts until an interrupt, or until `due`, or for a second. Interrupts are on only in here, and others may have the kernel
/// meanwhile.
pub fn wait(due: Option<Duration>) {
    let now = time::now();
    let due = due.unwrap_or(now + LONGEST).min(now + LONGEST);
    if due <= now {
        return;
    }
    apic::arm(due);
    let own = processor::current();
    own.halts.store(true, Ordering::Relaxed);
    lock::give_up();
    // SAFETY: `sti` takes effect after the next instruction, so no interrupt is lost before `hlt`; handlers run on a
    // stack of their own and keep all registers but those that a function of C may change.
    unsafe { core::arch::asm!("sti", "hlt", "cli", clobber_abi("C")) };
    lock::take();
    own.halts.store(false, Ordering::Relaxed);
}
