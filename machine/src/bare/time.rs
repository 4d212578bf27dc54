//! The clock: the processor's time stamp counter, measured against the timer chip where nobody tells its frequency.
use super::{apic, cpu, vdso};
use crate::time::Vdso;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use x86_64::instructions::port::Port;

/// The counter at the boot.
static START: AtomicU64 = AtomicU64::new(0);
/// Nanoseconds per count, as a fraction of 2^32.
static SCALE: AtomicU64 = AtomicU64::new(1 << 32);
/// Nanoseconds from 1970 to the boot.
static EPOCH: AtomicU64 = AtomicU64::new(0);

const NANOSECONDS: u64 = 1_000_000_000;
/// What the timer chip counts in a second.
const TIMER_CHIP: u64 = 1_193_182;
/// How long the counters are measured at once, in counts of the timer chip: 1.2 ms.
const MEASURED: u64 = 12 * TIMER_CHIP / 10_000;

/// The time stamp counter.
pub fn counter() -> u64 {
    // SAFETY: every x86_64 processor has it, and it reads only.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// Starts the clock. The command line may tell the time: `epoch=<seconds since 1970>[.<fraction>]`.
pub fn init(command_line: &str) {
    START.store(counter(), Ordering::Relaxed);
    // The host may take the processor away for long: the middle of three is right when one is not.
    let mut measured = [measure(), measure(), measure()];
    measured.sort_unstable();
    let [_, (measured, timer), _] = measured;
    let frequency = cpu::tsc_frequency().unwrap_or(measured).max(1_000_000);
    SCALE.store(((u128::from(NANOSECONDS) << 32) / u128::from(frequency)) as u64, Ordering::Relaxed);
    apic::set_timer_frequency(timer);
    let told = command_line.split_whitespace().find_map(|word| word.strip_prefix("epoch="));
    EPOCH.store(told.and_then(parse_epoch).unwrap_or(0), Ordering::Relaxed);
}

fn parse_epoch(text: &str) -> Option<u64> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut nanoseconds = 0;
    let mut unit = NANOSECONDS / 10;
    for digit in fraction.chars().take(9) {
        nanoseconds += u64::from(digit.to_digit(10)?) * unit;
        unit /= 10;
    }
    seconds.parse::<u64>().ok()?.checked_mul(NANOSECONDS)?.checked_add(nanoseconds)
}

/// What another clock showed, and the time stamp counter then.
#[derive(Clone, Copy)]
struct Sample {
    counter: u64,
    shown: u64,
}

/// The best of a few looks at another clock: the one that took least, since the host may take the processor away between
/// any two instructions.
fn sample(mut look: impl FnMut() -> u64) -> Sample {
    let mut best = (u64::MAX, Sample { counter: 0, shown: 0 });
    for _ in 0..5 {
        let before = counter();
        let shown = look();
        let took = counter() - before;
        if took < best.0 {
            best = (took, Sample { counter: before + took / 2, shown });
        }
    }
    best.1
}

/// Counts per second of the time stamp counter and of the local APIC's timer, by channel 2 of the timer chip (Intel 8254).
fn measure() -> (u64, u64) {
    let (mut gate, mut command, mut channel) = (Port::<u8>::new(0x61), Port::<u8>::new(0x43), Port::<u8>::new(0x42));
    // SAFETY: channel 2 drives only the speaker, which stays off.
    let before = unsafe { gate.read() };
    // SAFETY: the same; it counts down from 65,535, for 55 ms, and then on from there.
    unsafe {
        gate.write((before & !2) | 1);
        command.write(0xb0);
        channel.write(0xff);
        channel.write(0xff);
    }
    let mut chip = || {
        // SAFETY: the same; the command keeps the count for the two reads.
        let count = unsafe {
            command.write(0x80);
            u16::from_le_bytes([channel.read(), channel.read()])
        };
        u64::from(u16::MAX - count)
    };
    apic::start_count();
    let (chip_start, timer_start) = (sample(&mut chip), sample(apic::counted));
    // A machine without the chip would show the same for ever: a bound of turns keeps the boot from hanging.
    let mut turns = 0;
    while chip().wrapping_sub(chip_start.shown) < MEASURED && turns < 1_000_000 {
        turns += 1;
    }
    let (chip_end, timer_end) = (sample(&mut chip), sample(apic::counted));
    apic::end_count();
    // SAFETY: as above.
    unsafe { gate.write(before) };
    // The chip goes round after 65,536 counts.
    let chip_counts = (chip_end.shown.wrapping_sub(chip_start.shown) & 0xffff).max(1);
    let frequency = (chip_end.counter - chip_start.counter) * TIMER_CHIP / chip_counts;
    let timer_counts = u128::from(timer_end.shown.saturating_sub(timer_start.shown)) * u128::from(frequency);
    (frequency, (timer_counts / u128::from((timer_end.counter - timer_start.counter).max(1))) as u64)
}

/// Time since the boot.
pub fn now() -> Duration {
    let counted = counter().saturating_sub(START.load(Ordering::Relaxed));
    Duration::from_nanos(((u128::from(counted) * u128::from(SCALE.load(Ordering::Relaxed))) >> 32) as u64)
}

/// Time since 1970.
pub fn wall() -> Duration {
    Duration::from_nanos(EPOCH.load(Ordering::Relaxed)) + now()
}

/// What the program needs to read the clock by itself: the formula of [`now`] and [`wall`] on these words.
pub fn vdso() -> Option<Vdso> {
    let words = [&START, &SCALE, &EPOCH].map(|word| word.load(Ordering::Relaxed));
    Some(Vdso { words, image: vdso::IMAGE })
}
