//! Traps: the tables that lead to the kernel, and what happens on the way in.
mod tables;

use super::{apic, exit, nic, report};
use crate::user::{Registers, Trap};
use core::arch::global_asm;
use core::mem::offset_of;

pub use tables::init;

global_asm!(include_str!("entry.s"), options(att_syntax));

// The offsets that entry.s uses.
const _: () = {
    assert!(offset_of!(Registers, fpu) == 0);
    assert!(offset_of!(Registers, rax) == 512 && offset_of!(Registers, rsp) == 568);
    assert!(offset_of!(Registers, r15) == 632 && offset_of!(Registers, rip) == 640);
    assert!(offset_of!(Registers, rflags) == 648);
};

/// What a processor has of its own; `%gs` points to it in the kernel. The offsets are known to entry.s.
#[repr(C)]
pub struct Processor {
    kernel_stack: u64,
    registers: u64,
    scratch: u64,
    vector: u64,
    code: u64,
    address: u64,
}

impl Processor {
    pub const fn new() -> Self {
        Processor { kernel_stack: 0, registers: 0, scratch: 0, vector: 0, code: 0, address: 0 }
    }
}

const PAGE_FAULT: u64 = 14;
/// Bits of a page fault's code (Intel SDM volume 3, 5.7).
const WRITE: u64 = 1 << 1;
const EXECUTE: u64 = 1 << 4;

/// What the trap that `enter_user` came back from with 1 was.
pub fn last() -> Trap {
    let processor = tables::processor();
    match processor.vector {
        PAGE_FAULT => Trap::PageFault {
            address: processor.address,
            write: processor.code & WRITE != 0,
            execute: processor.code & EXECUTE != 0,
        },
        vector @ 0..32 => Trap::Exception { vector: vector as u8, code: processor.code },
        vector => {
            interrupt(vector as u8);
            Trap::Interrupt
        }
    }
}

fn interrupt(vector: u8) {
    match vector {
        apic::TIMER_VECTOR => apic::fired(),
        apic::NIC_VECTOR => nic::interrupted(),
        _ => return, // A spurious interrupt wants no end (Intel SDM volume 3, 12.9).
    }
    apic::end_of_interrupt();
}

/// Called by entry.s for what happens while the kernel itself runs.
#[unsafe(no_mangle)]
extern "C" fn kernel_trap(vector: u64, code: u64, rip: u64, address: u64) {
    if vector >= 32 {
        return interrupt(vector as u8);
    }
    // Nothing that allocates or locks: the kernel may be in the middle of either.
    let mut line = Line::default();
    let _ = core::fmt::write(
        &mut line,
        format_args!("kernel fault: exception {vector}, code {code:#x}, instruction {rip:#x}, address {address:#x}\n"),
    );
    report::serial(line.text());
    exit(1)
}

/// A line of text on the stack.
struct Line {
    bytes: [u8; 160],
    length: usize,
}

impl Default for Line {
    fn default() -> Self {
        Line { bytes: [0; 160], length: 0 }
    }
}

impl Line {
    fn text(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl core::fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        let room = &mut self.bytes[self.length..];
        let part = text.len().min(room.len());
        room[..part].copy_from_slice(&text.as_bytes()[..part]);
        self.length += part;
        Ok(())
    }
}
