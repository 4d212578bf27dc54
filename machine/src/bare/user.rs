//! Running the program in ring 3.
use super::{apic, fpu, lock, memory, processor, trap};
use crate::memory::{Tables, USER_END};
use crate::user::{Registers, Trap};
use core::ffi::c_void;
use core::sync::atomic::Ordering;
use core::time::Duration;
use x86_64::VirtAddr;
use x86_64::registers::model_specific::{FsBase, KernelGsBase};

/// Flags the program may have set: arithmetic, direction, trap, resume, nested alignment check, identification.
const ALLOWED: u64 = 0x0024_0dd5;
/// Interrupts on, and the bit that is always one.
const FORCED: u64 = 0x202;

const GENERAL_PROTECTION: u8 = 13;

unsafe extern "C" {
    fn enter_user(registers: *mut c_void) -> u64;
}

/// Runs the program with these registers in this address space until it traps, or until `due` at most. Others may have the
/// kernel meanwhile, and change the address space.
pub fn run(registers: &mut Registers, tables: &Tables, due: Duration) -> Trap {
    let bad = |address: u64| address >= USER_END;
    if bad(registers.rip) || bad(registers.fs_base) || bad(registers.gs_base) {
        return Trap::Exception { vector: GENERAL_PROTECTION, code: 0 };
    }
    registers.rflags = registers.rflags & ALLOWED | FORCED;
    fpu::load(&registers.legacy);
    let own = processor::current();
    if own.fs_base.load(Ordering::Relaxed) != registers.fs_base {
        own.fs_base.store(registers.fs_base, Ordering::Relaxed);
        FsBase::write(VirtAddr::new(registers.fs_base));
    }
    if own.gs_base.load(Ordering::Relaxed) != registers.gs_base {
        own.gs_base.store(registers.gs_base, Ordering::Relaxed);
        KernelGsBase::write(VirtAddr::new(registers.gs_base));
    }
    apic::arm_by(due);
    // SAFETY: the space's upper half is the kernel's; `tables` keeps it while it is used.
    unsafe { memory::switch(tables.root()) };
    own.runs_program.store(true, Ordering::Relaxed);
    lock::give_up();
    let trap = loop {
        // SAFETY: 1. `registers` is exclusive until `enter_user` returns, and laid out as entry.s knows it. 2. What would fault
        // in ring 0 on the way out was checked: rip and the bases are below USER_END, rflags has no reserved bits. 3. The program can touch only pages mapped for ring 3, which are its own.
        if unsafe { enter_user((&raw mut *registers).cast()) } == 0 {
            break Trap::Syscall;
        }
        match trap::last() {
            // What another processor wanted has been done, unless it wants this one in the kernel.
            Trap::Interrupt if trap::is_from_processor() && !own.interrupted.load(Ordering::Acquire) => {}
            trap => break trap,
        }
    };
    // Before the lock: nobody need wait for this processor from now on.
    own.runs_program.store(false, Ordering::Release);
    lock::take();
    own.interrupted.store(false, Ordering::Relaxed);
    trap
}
