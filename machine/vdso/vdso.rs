//! What the program calls for the time without a trap (vdso(7)): linked on its own, mapped into each program behind a
//! page that says what the counter means. The formula is the kernel's own (`bare/time.rs`): the two never disagree.
#![no_std]
#![crate_type = "lib"]

use core::arch::{asm, global_asm};

const NANOSECONDS: u64 = 1_000_000_000;
const SYS_CLOCK_GETTIME: u64 = 228;
const SYS_CLOCK_GETRES: u64 = 229;

/// The page before this image: see `bare/time.rs`.
#[repr(C)]
struct Page {
    /// The counter at the boot.
    start: u64,
    /// Nanoseconds per count, as a fraction of 2^32.
    scale: u64,
    /// Nanoseconds from 1970 to the boot.
    epoch: u64,
}

/// Two words: `struct timespec`, `struct timeval`.
#[repr(C)]
pub struct Time(i64, i64);

// The linker script sets it.
global_asm!(".hidden time_page");

fn page() -> &'static Page {
    let page: *const Page;
    // SAFETY: the instruction only computes an address.
    unsafe { asm!("lea {}, [rip + time_page]", out(reg) page, options(nomem, nostack, preserves_flags)) };
    // SAFETY: the kernel has mapped the page, filled it, and changes it no more.
    unsafe { &*page }
}

/// Nanoseconds since the boot.
fn now(page: &Page) -> u64 {
    // SAFETY: every x86_64 processor has the counter, and the kernel lets ring 3 read it.
    let counter = unsafe { core::arch::x86_64::_rdtsc() };
    ((u128::from(counter.saturating_sub(page.start)) * u128::from(page.scale)) >> 32) as u64
}

fn wall(page: &Page) -> u64 {
    page.epoch.wrapping_add(now(page))
}

fn call(number: u64, first: u64, second: u64) -> i32 {
    let result: i64;
    // SAFETY: the two calls write at most to where `second` points, which is the caller's promise.
    unsafe {
        asm!("syscall", inlateout("rax") number => result, in("rdi") first, in("rsi") second,
            lateout("rcx") _, lateout("r11") _, options(nostack));
    }
    result as i32
}

fn read(clock: u32) -> Option<u64> {
    let page = page();
    match clock {
        // CLOCK_REALTIME, CLOCK_REALTIME_COARSE, CLOCK_TAI
        0 | 5 | 11 => Some(wall(page)),
        // CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME
        1 | 4 | 6 | 7 => Some(now(page)),
        _ => None,
    }
}

/// clock_gettime(2).
///
/// # Safety
/// `time` can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __vdso_clock_gettime(clock: u32, time: *mut Time) -> i32 {
    let Some(now) = read(clock) else { return call(SYS_CLOCK_GETTIME, u64::from(clock), time as u64) };
    // SAFETY: the caller's promise.
    unsafe { time.write(Time((now / NANOSECONDS) as i64, (now % NANOSECONDS) as i64)) };
    0
}

/// clock_getres(2).
///
/// # Safety
/// `time` can be written, or is null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __vdso_clock_getres(clock: u32, time: *mut Time) -> i32 {
    if read(clock).is_none() {
        return call(SYS_CLOCK_GETRES, u64::from(clock), time as u64);
    }
    if !time.is_null() {
        // SAFETY: the caller's promise.
        unsafe { time.write(Time(0, 1)) };
    }
    0
}

/// gettimeofday(2).
///
/// # Safety
/// `time` and `zone` can be written, or are null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __vdso_gettimeofday(time: *mut Time, zone: *mut [u32; 2]) -> i32 {
    let now = wall(page());
    if !time.is_null() {
        // SAFETY: the caller's promise.
        unsafe { time.write(Time((now / NANOSECONDS) as i64, (now % NANOSECONDS / 1000) as i64)) };
    }
    if !zone.is_null() {
        // SAFETY: the same.
        unsafe { zone.write([0; 2]) };
    }
    0
}

/// time(2).
///
/// # Safety
/// `time` can be written, or is null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __vdso_time(time: *mut i64) -> i64 {
    let seconds = (wall(page()) / NANOSECONDS) as i64;
    if !time.is_null() {
        // SAFETY: the caller's promise.
        unsafe { time.write(seconds) };
    }
    seconds
}
