//! What a processor has of its own.
use super::fpu::Area;
use crate::cpus::MOST;
use alloc::sync::Arc;
use core::arch::asm;
use core::mem::offset_of;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use spin::Mutex;

/// A processor's own block; `%gs` points to it in the kernel. entry.s knows the offsets of the first fields.
#[repr(C, align(64))]
pub struct Processor {
    /// The kernel's stack while the program runs.
    kernel_stack: AtomicU64,
    /// Where the program's registers are stored.
    registers: AtomicU64,
    scratch: AtomicU64,
    /// What the last trap was: its vector, code and address.
    pub vector: AtomicU64,
    pub code: AtomicU64,
    pub address: AtomicU64,
    /// Its place among all.
    number: AtomicU64,
    /// Its local APIC's number.
    pub apic: AtomicU64,
    /// What the program's two bases hold now: writing them is slow on a virtual machine.
    pub fs_base: AtomicU64,
    pub gs_base: AtomicU64,
    /// When its timer will fire, in nanoseconds since the boot; 0 when it is not set.
    pub armed: AtomicU64,
    /// The root of the page tables that it uses.
    pub root: AtomicU64,
    /// It runs the program, or is about to.
    pub runs_program: AtomicBool,
    /// It is to come back from the program.
    pub interrupted: AtomicBool,
    /// It halts, and nobody has woken it yet.
    pub halts: AtomicBool,
    /// How often it was asked to forget what it knows of page tables, and up to which of these times it has.
    pub asked: AtomicU64,
    pub answered: AtomicU64,
    /// The thread whose x87 state it has, if there is one.
    pub legacy: Mutex<Option<Arc<Area>>>,
}

const _: () = {
    assert!(offset_of!(Processor, kernel_stack) == 0 && offset_of!(Processor, registers) == 8);
    assert!(offset_of!(Processor, scratch) == 16 && offset_of!(Processor, vector) == 24);
    assert!(offset_of!(Processor, code) == 32 && offset_of!(Processor, address) == 40);
    assert!(offset_of!(Processor, number) == NUMBER);
};

/// Where the number stands.
const NUMBER: usize = 48;

static ALL: [Processor; MOST] = [const { Processor::new() }; MOST];
/// How many are used; they are the first ones.
static COUNT: AtomicU64 = AtomicU64::new(1);

impl Processor {
    const fn new() -> Self {
        Processor {
            kernel_stack: AtomicU64::new(0),
            registers: AtomicU64::new(0),
            scratch: AtomicU64::new(0),
            vector: AtomicU64::new(0),
            code: AtomicU64::new(0),
            address: AtomicU64::new(0),
            number: AtomicU64::new(0),
            apic: AtomicU64::new(0),
            fs_base: AtomicU64::new(0),
            gs_base: AtomicU64::new(0),
            armed: AtomicU64::new(0),
            root: AtomicU64::new(0),
            runs_program: AtomicBool::new(false),
            interrupted: AtomicBool::new(false),
            halts: AtomicBool::new(false),
            asked: AtomicU64::new(0),
            answered: AtomicU64::new(0),
            legacy: Mutex::new(None),
        }
    }

    /// Its place among all.
    pub fn number(&self) -> usize {
        self.number.load(Ordering::Relaxed) as usize
    }
}

/// The block of a processor that is to be: its number, its local APIC's, and the root of the page tables it begins with.
pub fn prepare(number: usize, apic: u64, root: u64) -> &'static Processor {
    let processor = &ALL[number];
    processor.number.store(number as u64, Ordering::Relaxed);
    processor.apic.store(apic, Ordering::Relaxed);
    processor.root.store(root, Ordering::Relaxed);
    processor
}

/// The one that runs this code. In the kernel a processor stays the same from the call of a function to its return.
pub fn current() -> &'static Processor {
    let number: u64;
    // SAFETY: `trap::init` has pointed %gs to this processor's block before anything asks; reading it has no effect.
    unsafe {
        asm!("mov {}, gs:[{}]", out(reg) number, const NUMBER, options(pure, readonly, nostack, preserves_flags));
    }
    &ALL[number as usize]
}

/// Those that are used.
pub fn all() -> &'static [Processor] {
    &ALL[..COUNT.load(Ordering::Acquire) as usize]
}

/// Those that are used, but for this one.
pub fn others() -> impl Iterator<Item = &'static Processor> {
    let own = current().number();
    all().iter().filter(move |processor| processor.number() != own)
}

/// From now on so many are used.
pub fn set_count(count: usize) {
    COUNT.store(count as u64, Ordering::Release);
}
