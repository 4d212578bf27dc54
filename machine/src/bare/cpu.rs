//! What the processor is told once, and what it is asked.
use core::arch::x86_64::{__cpuid, __cpuid_count};
use x86_64::registers::control::{Cr4, Cr4Flags};

/// Switches on what guards the kernel: no execution (SMEP) and no access (SMAP) of the program's pages in ring 0, no
/// reading of descriptor tables by the program (UMIP); and global pages.
pub fn enable_protections() {
    let mut flags = Cr4::read() | Cr4Flags::PAGE_GLOBAL;
    if __cpuid(0).eax >= 7 {
        let features = __cpuid_count(7, 0);
        for (bit, register, flag) in [
            (7, features.ebx, Cr4Flags::SUPERVISOR_MODE_EXECUTION_PROTECTION),
            (20, features.ebx, Cr4Flags::SUPERVISOR_MODE_ACCESS_PREVENTION),
            (2, features.ecx, Cr4Flags::USER_MODE_INSTRUCTION_PREVENTION),
        ] {
            if register & (1 << bit) != 0 {
                flags |= flag;
            }
        }
    }
    // SAFETY: the processor has each feature that is switched on, and the kernel never touches the program's pages by
    // their own addresses.
    unsafe { Cr4::write(flags) };
}

/// The number of this processor's local APIC.
pub fn apic() -> u64 {
    (__cpuid(1).ebx >> 24).into()
}

/// Eight random bytes from the processor, if it can.
pub fn random() -> Option<u64> {
    if __cpuid(1).ecx & (1 << 30) == 0 {
        return None;
    }
    // Intel's guide for software asks for ten tries before giving up.
    (0..10).find_map(|_| {
        let (value, ok): (u64, u8);
        // SAFETY: the processor has the instruction; it changes the two registers and the flags.
        unsafe { core::arch::asm!("rdrand {}", "setc {}", out(reg) value, out(reg_byte) ok, options(nomem, nostack)) };
        (ok == 1).then_some(value)
    })
}

/// How often the time stamp counter counts in a second, if the processor or the hypervisor tells (CPUID leaf 0x15; leaf
/// 0x4000_0010 in kHz, as VMware defined it and KVM gives it).
pub fn tsc_frequency() -> Option<u64> {
    let basic = __cpuid(0).eax;
    if basic >= 0x15 {
        let leaf = __cpuid(0x15);
        if leaf.eax != 0 && leaf.ebx != 0 && leaf.ecx != 0 {
            return Some(u64::from(leaf.ecx) * u64::from(leaf.ebx) / u64::from(leaf.eax));
        }
    }
    let hypervisor = __cpuid(1).ecx & (1 << 31) != 0;
    if hypervisor && (0x4000_0010..0x4001_0000).contains(&__cpuid(0x4000_0000).eax) {
        return Some(u64::from(__cpuid(0x4000_0010).eax) * 1000).filter(|frequency| *frequency != 0);
    }
    None
}
