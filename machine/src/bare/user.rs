//! Running the program in ring 3.
use super::{apic, memory, time, trap};
use crate::memory::{AddressSpace, USER_END};
use crate::user::{Registers, Trap};
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use x86_64::VirtAddr;
use x86_64::registers::model_specific::{FsBase, KernelGsBase};

/// Flags the program may have set: arithmetic, direction, trap, resume, nested alignment check, identification.
const ALLOWED: u64 = 0x0024_0dd5;
/// Interrupts on, and the bit that is always one.
const FORCED: u64 = 0x202;

const GENERAL_PROTECTION: u8 = 13;

/// What the two bases hold now: writing them is slow on a virtual machine.
static FS_BASE: AtomicU64 = AtomicU64::new(0);
static GS_BASE: AtomicU64 = AtomicU64::new(0);

unsafe extern "C" {
    fn enter_user(registers: *mut Registers) -> u64;
}

/// Runs the program with these registers in this address space until it traps, or for `slice` at most.
pub fn run(registers: &mut Registers, space: &AddressSpace, slice: Duration) -> Trap {
    let bad = |address: u64| address >= USER_END;
    if bad(registers.rip) || bad(registers.fs_base) || bad(registers.gs_base) {
        return Trap::Exception { vector: GENERAL_PROTECTION, code: 0 };
    }
    registers.rflags = registers.rflags & ALLOWED | FORCED;
    // Reserved bits of MXCSR would fault in ring 0 (Intel SDM volume 1, 10.2.3).
    registers.fpu[26..28].fill(0);
    if FS_BASE.swap(registers.fs_base, Ordering::Relaxed) != registers.fs_base {
        FsBase::write(VirtAddr::new(registers.fs_base));
    }
    if GS_BASE.swap(registers.gs_base, Ordering::Relaxed) != registers.gs_base {
        KernelGsBase::write(VirtAddr::new(registers.gs_base));
    }
    apic::arm(time::now() + slice);
    // SAFETY: 1. The space's upper half is the kernel's. 2. `registers` is exclusive until `enter_user` returns, and laid
    // out as entry.s knows it. 3. What would fault in ring 0 on the way out was checked: rip and the bases are below
    // USER_END, rflags and MXCSR have no reserved bits. 4. The program can touch only pages mapped for ring 3, which are its own.
    let trapped = unsafe {
        memory::switch(space.root());
        enter_user(registers)
    };
    if trapped == 0 { Trap::Syscall } else { trap::last() }
}
