//! Traps: the tables that lead to the kernel, and what happens on the way in.
mod tables;

use super::{apic, exit, nic, processor, report, shootdown};
use crate::user::{Registers, Trap};
use core::arch::global_asm;
use core::mem::offset_of;
use core::sync::atomic::Ordering::Relaxed;

pub use tables::{Tables, init, load};

global_asm!(include_str!("entry.s"), options(att_syntax));

// The offsets that entry.s uses.
const _: () = {
    assert!(offset_of!(Registers, sse) == 0);
    assert!(offset_of!(Registers, rax) == 256 && offset_of!(Registers, rsp) == 312);
    assert!(offset_of!(Registers, r15) == 376 && offset_of!(Registers, rip) == 384);
    assert!(offset_of!(Registers, rflags) == 392);
};

const PAGE_FAULT: u64 = 14;
/// Bits of a page fault's code (Intel SDM volume 3, 5.7).
const WRITE: u64 = 1 << 1;
const EXECUTE: u64 = 1 << 4;

/// What the trap that `enter_user` came back from with 1 was. It needs nothing but what is this processor's own, so not the
/// kernel's lock.
pub fn last() -> Trap {
    let own = processor::current();
    let code = own.code.load(Relaxed);
    match own.vector.load(Relaxed) {
        PAGE_FAULT => Trap::PageFault {
            address: own.address.load(Relaxed),
            write: code & WRITE != 0,
            execute: code & EXECUTE != 0,
        },
        vector @ 0..32 => Trap::Exception { vector: vector as u8, code },
        vector => {
            interrupt(vector as u8);
            Trap::Interrupt
        }
    }
}

/// Whether the last trap was another processor's doing.
pub fn is_from_processor() -> bool {
    processor::current().vector.load(Relaxed) == u64::from(apic::PROCESSOR_VECTOR)
}

fn interrupt(vector: u8) {
    match vector {
        apic::TIMER_VECTOR => apic::fired(),
        apic::NIC_VECTOR => nic::interrupted(),
        apic::PROCESSOR_VECTOR => shootdown::answer(),
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
