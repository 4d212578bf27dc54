//! The processors: how many there are, and how they call each other. Whoever calls these has the kernel's lock.
use super::{apic, processor, shootdown};
use core::sync::atomic::Ordering;

pub use super::boot::other::start;
pub use super::lock::let_others;

pub fn count() -> usize {
    processor::all().len()
}

pub fn current() -> usize {
    processor::current().number()
}

pub fn interrupt(number: usize) {
    let runs = |other: &&processor::Processor| other.number() == number && other.runs_program.load(Ordering::Relaxed);
    if let Some(other) = processor::others().find(runs) {
        other.interrupted.store(true, Ordering::Release);
        apic::interrupt(other);
    }
}

pub fn barrier() {
    shootdown::barrier();
}

pub fn wake(allowed: u64) {
    let fits =
        |other: &&processor::Processor| allowed & 1 << other.number() != 0 && other.halts.load(Ordering::Relaxed);
    if let Some(other) = processor::others().find(fits) {
        // It is woken once; until it has the kernel again nobody need do it again.
        other.halts.store(false, Ordering::Relaxed);
        apic::interrupt(other);
    }
}
