//! The start of the other processors, one after the other (Intel SDM volume 3, 10.4.4).
use crate::cpus::MOST;
use crate::hardware::memory::layout::{self, Region};
use crate::hardware::{apic, cpu, lock, memory, processor, time, trap};
use core::arch::global_asm;
use core::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use core::time::Duration;
use spin::Once;

global_asm!(include_str!("other.s"), options(att_syntax));

/// How long a processor may take to join. The host may have others to run.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long the first call has before a second is made; a processor that has begun takes no notice of that.
const SECOND_CALL: Duration = Duration::from_millis(10);

/// The page below 1 MiB where they begin.
static LOW_PAGE: Once<u64> = Once::new();
/// The local APIC's number of the processor that is expected; one that comes too late does not find its own.
static EXPECTED: AtomicU64 = AtomicU64::new(NOBODY);
const NOBODY: u64 = u64::MAX;
/// The one that was expected has come, and is not ready yet.
const COMES: u64 = u64::MAX - 1;
/// What the one that is expected uses for its traps.
static TABLES: AtomicPtr<trap::Tables> = AtomicPtr::new(core::ptr::null_mut());
/// What they all do then.
static MAIN: Once<fn() -> !> = Once::new();

unsafe extern "C" {
    static other_start: u8;
    static other_end: u8;
    static mut other_root: u64;
    static mut other_stacks: [u64; 256];
}

/// Says which page they begin in: it is memory, and nobody else uses it.
pub fn set_page(page: u64) {
    LOW_PAGE.call_once(|| page);
}

/// Starts processors until there are `wanted`, each of which calls `main` then, with the kernel's lock. Tells how many there
/// are. The first that does not come in time, or that there is no memory for, is the last that is tried.
pub fn start(wanted: usize, main: fn() -> !) -> usize {
    MAIN.call_once(|| main);
    let more = wanted.min(MOST).saturating_sub(1);
    let own = cpu::apic();
    if let Some(page) = LOW_PAGE.get() {
        let _ = (0..256).filter(|apic| *apic != own).take(more).all(|apic| start_one(*page, apic));
    }
    processor::all().len()
}

fn start_one(page: u64, apic: u64) -> bool {
    let Ok(stack) = memory::map_stack(apic) else { return false };
    // SAFETY: nobody is on the way, so nobody reads these; the code goes to memory below 1 MiB that nobody else uses.
    unsafe {
        (&raw mut other_root).write(memory::kernel_root());
        (&raw mut other_stacks).cast::<u64>().add(apic as usize).write(stack);
        let code = Region { start: (&raw const other_start) as u64, end: (&raw const other_end) as u64 };
        let length = (code.end - code.start) as usize;
        layout::direct(page).copy_from_nonoverlapping(layout::direct(code.start), length);
    }
    TABLES.store(trap::Tables::new(), Ordering::Relaxed);
    EXPECTED.store(apic, Ordering::Release);
    apic::reset(apic);
    apic::start(apic, page);
    let has_come = || EXPECTED.load(Ordering::Acquire) == NOBODY;
    if !wait(SECOND_CALL, has_come) {
        apic::start(apic, page);
    }
    let is_late = || EXPECTED.compare_exchange(apic, NOBODY, Ordering::AcqRel, Ordering::Acquire).is_ok();
    if !wait(PATIENCE, has_come) && is_late() {
        return false;
    }
    // It may just be coming.
    while !has_come() {
        core::hint::spin_loop();
    }
    processor::set_count(processor::all().len() + 1);
    true
}

fn wait(limit: Duration, done: impl Fn() -> bool) -> bool {
    let end = time::now() + limit;
    while !done() {
        if time::now() > end {
            return false;
        }
        core::hint::spin_loop();
    }
    true
}

/// Called by other.s with the number of the local APIC, on a stack of this processor's own, in the kernel's page tables.
#[unsafe(no_mangle)]
extern "C" fn boot_join(apic: u64) -> ! {
    if EXPECTED.compare_exchange(apic, COMES, Ordering::AcqRel, Ordering::Acquire).is_err() {
        // Too late: the others go on without it.
        loop {
            x86_64::instructions::hlt();
        }
    }
    cpu::enable_protections();
    let own = processor::prepare(processor::all().len(), apic, memory::kernel_root());
    // SAFETY: interrupts are off, and the tables were made for this processor.
    unsafe { trap::load(TABLES.load(Ordering::Relaxed), own) };
    apic::join();
    EXPECTED.store(NOBODY, Ordering::Release);
    lock::take();
    match MAIN.get() {
        Some(main) => main(),
        None => unreachable!("`start` sets it first"),
    }
}
