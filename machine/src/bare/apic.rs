//! The local APIC: its timer, the end of interrupts; and the I/O APIC, which routes a device's line to a vector (Intel SDM
//! volume 3, 12; Intel 82093AA).
use super::processor::{self, Processor};
use super::{memory, time};
use crate::memory::PAGE;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;

const LOCAL: u64 = 0xfee0_0000;
const IO: u64 = 0xfec0_0000;

const END_OF_INTERRUPT: usize = 0xb0;
const SPURIOUS: usize = 0xf0;
const COMMAND: usize = 0x300;
const COMMAND_TO: usize = 0x310;
const TIMER: usize = 0x320;
const INITIAL_COUNT: usize = 0x380;
const CURRENT_COUNT: usize = 0x390;
const DIVIDE: usize = 0x3e0;
const MASKED: u32 = 1 << 16;
/// Of a command: its level is up, as it must be; it is still on its way.
const ASSERT: u32 = 1 << 14;
const PENDING: u32 = 1 << 12;
/// Commands: reset, and start.
const INIT: u32 = 5 << 8;
const STARTUP: u32 = 6 << 8;

/// The vector of the timer.
pub const TIMER_VECTOR: u8 = 32;
/// The vector of the network card.
pub const NIC_VECTOR: u8 = 33;
/// The vector of what another processor wants.
pub const PROCESSOR_VECTOR: u8 = 34;
/// The vector of interrupts that are none.
pub const SPURIOUS_VECTOR: u8 = 255;

static TIMER_FREQUENCY: AtomicU64 = AtomicU64::new(0);

fn local(register: usize) -> *mut u32 {
    // The page was mapped by `start_count` in the boot; the address is the same ever after.
    (memory::layout::DEVICES + LOCAL + register as u64) as *mut u32
}

fn write(register: usize, value: u32) {
    // SAFETY: a register of the local APIC, mapped in the boot; the values written keep to its specification.
    unsafe { local(register).write_volatile(value) };
}

fn read(register: usize) -> u32 {
    // SAFETY: as above; reading these registers has no effect.
    unsafe { local(register).read_volatile() }
}

/// Lets the timer count down from the most, without an interrupt, to be measured.
pub fn start_count() {
    memory::map_device(LOCAL, 4096);
    enable();
    write(INITIAL_COUNT, u32::MAX);
}

fn enable() {
    write(SPURIOUS, 0x100 | u32::from(SPURIOUS_VECTOR));
    write(DIVIDE, 0b1011);
    write(TIMER, MASKED);
}

/// Makes the local APIC of a processor that joins work as that of the first does.
pub fn join() {
    enable();
    write(TIMER, TIMER_VECTOR.into());
}

/// What it has counted since.
pub fn counted() -> u64 {
    (u32::MAX - read(CURRENT_COUNT)).into()
}

/// Stops it.
pub fn end_count() {
    write(INITIAL_COUNT, 0);
}

/// Sets the counts per second.
pub fn set_timer_frequency(frequency: u64) {
    TIMER_FREQUENCY.store(frequency.max(1), Ordering::Relaxed);
}

/// Lets the timer interrupt, and silences the two old interrupt controllers.
pub fn init() {
    // SAFETY: masking every line of the 8259s.
    unsafe {
        x86_64::instructions::port::Port::<u8>::new(0x21).write(0xff);
        x86_64::instructions::port::Port::<u8>::new(0xa1).write(0xff);
    }
    memory::map_device(IO, 4096);
    write(TIMER, TIMER_VECTOR.into());
}

/// Has the timer fire at `due` or before.
pub fn arm(due: Duration) {
    let due = due.as_nanos() as u64;
    let now = time::now().as_nanos() as u64;
    let own = processor::current();
    let armed = own.armed.load(Ordering::Relaxed);
    // Writing the register is slow on a virtual machine: an earlier end that is still to come will do.
    if armed > now && armed <= due {
        return;
    }
    let wait = due.saturating_sub(now).max(1_000);
    let counts = u128::from(wait) * u128::from(TIMER_FREQUENCY.load(Ordering::Relaxed)) / 1_000_000_000;
    own.armed.store(now + wait, Ordering::Relaxed);
    write(INITIAL_COUNT, counts.clamp(1, u32::MAX.into()) as u32);
}

/// The same, without a look at the clock where the timer is set already: a time that is over is told at once when
/// interrupts are on.
pub fn arm_by(due: Duration) {
    let armed = processor::current().armed.load(Ordering::Relaxed);
    if armed == 0 || armed > due.as_nanos() as u64 {
        arm(due);
    }
}

/// The timer fired.
pub fn fired() {
    processor::current().armed.store(0, Ordering::Relaxed);
}

/// Tells the local APIC that the interrupt has been taken.
pub fn end_of_interrupt() {
    write(END_OF_INTERRUPT, 0);
}

/// Interrupts another processor, at [`PROCESSOR_VECTOR`].
pub fn interrupt(other: &Processor) {
    command(other.apic.load(Ordering::Relaxed), ASSERT | u32::from(PROCESSOR_VECTOR));
}

/// Resets another processor: it waits to be started.
pub fn reset(number: u64) {
    command(number, ASSERT | INIT);
}

/// Starts another processor at the beginning of this page below 1 MiB, if it waits for that.
pub fn start(number: u64, page: u64) {
    command(number, ASSERT | STARTUP | (page / PAGE) as u32 & 0xff);
}

/// Sends a command to the local APIC of another processor (Intel SDM volume 3, 12.6.1).
fn command(to: u64, what: u32) {
    write(COMMAND_TO, (to as u32) << 24);
    write(COMMAND, what);
    while read(COMMAND) & PENDING != 0 {
        core::hint::spin_loop();
    }
}

/// Routes the line of a device to a vector of the first processor, edge-triggered, active high.
pub fn route(line: u32, vector: u8) {
    let select = (memory::layout::DEVICES + IO) as *mut u32;
    let register = 0x10 + 2 * line;
    // SAFETY: the I/O APIC's two registers, mapped in `init`; the entry is written whole, its destination first.
    unsafe {
        for (index, value) in [(register + 1, 0), (register, u32::from(vector))] {
            select.write_volatile(index);
            select.byte_add(0x10).write_volatile(value);
        }
    }
}
