//! The processors (CPUs) that run the program.
//!
//! The kernel is one, ring 3 is many: a processor has the kernel for itself while it runs kernel code. It gives the kernel
//! up in three places only, while it runs the program ([`user::run`](crate::user::run)), while it halts (`idle::wait`), and
//! where it lets the others have a turn ([`let_others`]).

/// The most processors that are used.
pub const MOST: usize = 64;

/// How many there are. They are numbered from 0.
pub fn count() -> usize {
    crate::hardware::cpus::count()
}

/// The one that runs this code.
pub fn current() -> usize {
    crate::hardware::cpus::current()
}

/// Has a processor that runs the program come back to the kernel soon ([`Trap::Interrupt`](crate::user::Trap)).
/// Nothing if it is this one, or does not run the program.
pub fn interrupt(number: usize) {
    crate::hardware::cpus::interrupt(number);
}

/// Wakes one of the processors that halt, of those whose bit is set in `allowed`.
pub fn wake(allowed: u64) {
    crate::hardware::cpus::wake(allowed);
}

/// Has every other processor that runs the program come into the kernel, and waits for that: what any of them did with memory
/// before it is done, and what it does after it sees what was done here (membarrier(2)).
pub fn barrier() {
    crate::hardware::cpus::barrier();
}

/// Lets a processor that waits for the kernel have it first, unless it was given up anyway since the last call of this. For loops that
/// may go on without the program's running and without halting, so that they don't keep the kernel for themselves.
pub fn let_others() {
    crate::hardware::cpus::let_others();
}

#[cfg(feature = "bare")]
pub use crate::hardware::cpus::start;
