//! The descriptor tables and the registers that lead traps to entry.s (Intel SDM volume 3, 3.5, 7.10, 9.7).
use crate::hardware::processor::Processor;
use alloc::boxed::Box;
use core::arch::asm;
use x86_64::VirtAddr;
use x86_64::registers::model_specific::{GsBase, KernelGsBase, LStar, Msr, SFMask};
use x86_64::registers::rflags::RFlags;

const KERNEL_CODE: u16 = 0x08;
const KERNEL_DATA: u16 = 0x10;
const TASK: u16 = 0x38;
/// MSR that says which selectors `syscall` and `sysret` use.
const STAR: u32 = 0xc000_0081;

/// Null, kernel code, kernel data, unused, (base of sysret:) nothing, user data, user code, task (two entries). Where
/// `sysret` would have code of 32 bits there is none: a `syscall` from such code enters the kernel another way.
const SEGMENTS: [u64; 9] =
    [0, 0x00af_9b00_0000_ffff, 0x00cf_9300_0000_ffff, 0, 0, 0x00cf_f300_0000_ffff, 0x00af_fb00_0000_ffff, 0, 0];

const STACK: usize = 16 * 1024;

#[repr(C, align(16))]
struct Stack([u8; STACK]);

#[repr(C, packed(4))]
struct Task {
    reserved: u32,
    ring_stacks: [u64; 3],
    reserved2: u64,
    interrupt_stacks: [u64; 7],
    reserved3: [u16; 5],
    io_map: u16,
}

/// What a processor's traps go through.
#[repr(C, align(16))]
pub struct Tables {
    segments: [u64; 9],
    task: Task,
    /// Stacks for exceptions, interrupts and the double fault. Each is used afresh by every trap: the kernel's own stack is
    /// never touched, because compiled code keeps data below its stack pointer (the red zone).
    stacks: [Stack; 3],
}

static mut FIRST: Tables = Tables {
    segments: SEGMENTS,
    task: Task {
        reserved: 0,
        ring_stacks: [0; 3],
        reserved2: 0,
        interrupt_stacks: [0; 7],
        reserved3: [0; 5],
        io_map: size_of::<Task>() as u16,
    },
    stacks: [const { Stack([0; STACK]) }; 3],
};

impl Tables {
    /// Those of a processor that will join; they live for good.
    pub fn new() -> *mut Tables {
        // SAFETY: all of it is plain numbers, for which zero is a value.
        let mut tables = unsafe { Box::<Tables>::new_zeroed().assume_init() };
        tables.segments = SEGMENTS;
        tables.task.io_map = size_of::<Task>() as u16;
        Box::into_raw(tables)
    }
}

#[derive(Clone, Copy)]
#[repr(C)]
struct Gate {
    low: u64,
    high: u64,
}

static mut GATES: [Gate; 256] = [Gate { low: 0, high: 0 }; 256];

unsafe extern "C" {
    static trap_stubs: u8;
    fn syscall_entry();
}

fn gate(vector: usize) -> Gate {
    let address = (&raw const trap_stubs) as u64 + 16 * vector as u64;
    // A breakpoint (3) and an overflow (4) are the program's to cause; all other vectors only the processor's.
    let ring: u64 = if vector == 3 || vector == 4 { 3 } else { 0 };
    let stack: u64 = match vector {
        8 => 3,
        0..32 => 1,
        _ => 2,
    };
    Gate {
        low: (address & 0xffff)
            | u64::from(KERNEL_CODE) << 16
            | stack << 32
            | 0xe << 40
            | ring << 45
            | 1 << 47
            | (address >> 16 & 0xffff) << 48,
        high: address >> 32,
    }
}

#[repr(C, packed)]
struct Pointer {
    limit: u16,
    base: u64,
}

/// Makes the table of all processors, and loads those of the first.
pub fn init(processor: &'static Processor) {
    // SAFETY: called once, in the boot, before any trap can come, so nothing else uses these statics.
    unsafe {
        let gates = (&raw mut GATES).cast::<Gate>();
        (0..256).for_each(|vector| gates.add(vector).write(gate(vector)));
        load(&raw mut FIRST, processor);
    }
}

/// Has this processor use these tables, and `%gs` point to its block.
///
/// # Safety
/// The table of gates is there, no trap can come now, and `tables` are this processor's alone and live for good.
pub unsafe fn load(tables: *mut Tables, processor: &'static Processor) {
    // SAFETY: the caller's promise. The tables are as the manual wants them; the selectors loaded are those of `SEGMENTS`.
    unsafe {
        let stacks = (&raw mut (*tables).stacks).cast::<Stack>();
        let task = &raw mut (*tables).task;
        let tops = [0, 1, 2].map(|index| stacks.add(index + 1) as u64);
        (*task).interrupt_stacks = [tops[0], tops[1], tops[2], 0, 0, 0, 0];
        let (base, limit) = (task as u64, size_of::<Task>() as u64 - 1);
        let segments = (&raw mut (*tables).segments).cast::<u64>();
        segments.add(7).write(limit | (base & 0xff_ffff) << 16 | 0x89 << 40 | (base >> 24 & 0xff) << 56);
        segments.add(8).write(base >> 32);

        let table = Pointer { limit: size_of::<[u64; 9]>() as u16 - 1, base: segments as u64 };
        asm!(
            "lgdt [{table}]",
            "push {code}",
            "lea {scratch}, [rip + 2f]",
            "push {scratch}",
            "retfq",
            "2:",
            // As a system call leaves it, see `trap_entry`.
            "mov ss, {data:e}",
            "ltr {task:x}",
            // A processor starts with a local table at address 0, which the program could fill: a gate to ring 0.
            "lldt {none:x}",
            table = in(reg) &raw const table,
            code = const KERNEL_CODE,
            scratch = out(reg) _,
            data = in(reg) u32::from(KERNEL_DATA),
            task = in(reg) TASK,
            none = in(reg) 0_u16,
        );
        let table = Pointer { limit: size_of::<[Gate; 256]>() as u16 - 1, base: (&raw const GATES) as u64 };
        asm!("lidt [{}]", in(reg) &raw const table, options(nostack));

        // syscall: kernel code 0x08, stack 0x10; sysret: code 0x20 + 16, stack 0x20 + 8, both ring 3.
        Msr::new(STAR).write(0x0023_0008 << 32);
        LStar::write(VirtAddr::new(syscall_entry as *const () as u64));
        SFMask::write(
            RFlags::INTERRUPT_FLAG
                | RFlags::DIRECTION_FLAG
                | RFlags::TRAP_FLAG
                | RFlags::ALIGNMENT_CHECK
                | RFlags::NESTED_TASK
                | RFlags::IOPL_LOW
                | RFlags::IOPL_HIGH,
        );
        GsBase::write(VirtAddr::new((&raw const *processor) as u64));
        KernelGsBase::write(VirtAddr::new(0));
    }
}
