//! Arguments of one value: numbers, strings, buffers, small structures.
use super::known;
use super::printer::Printer;
use super::text::{quote, quote_hexadecimal, quote_start};
use alloc::vec::Vec;
use linux_raw_sys::general::AT_FDCWD;

pub fn int(p: &mut Printer<'_>, index: usize) {
    p.put(format_args!("{}", p.arg(index) as i32));
}

pub fn long(p: &mut Printer<'_>, index: usize) {
    p.put(format_args!("{}", p.arg(index) as i64));
}

pub fn size(p: &mut Printer<'_>, index: usize) {
    p.put(format_args!("{}", p.arg(index)));
}

pub fn unsigned(p: &mut Printer<'_>, index: usize) {
    p.put(format_args!("{}", p.arg(index) as u32));
}

pub fn hexadecimal(p: &mut Printer<'_>, index: usize) {
    match p.arg(index) {
        0 => p.push("0"),
        value => p.put(format_args!("{value:#x}")),
    }
}

pub fn mode(p: &mut Printer<'_>, index: usize) {
    octal(p, p.arg(index) as u32);
}

pub fn octal(p: &mut Printer<'_>, mode: u32) {
    let digits = alloc::format!("0{mode:o}");
    p.put(format_args!("{digits:0>3}"));
}

pub fn pointer(p: &mut Printer<'_>, index: usize) {
    p.pointer(p.arg(index));
}

/// The directory that a path begins at.
pub fn directory(p: &mut Printer<'_>, index: usize) {
    match p.arg(index) as i32 {
        AT_FDCWD => p.push("AT_FDCWD"),
        number => p.put(format_args!("{number}")),
    }
}

pub fn path(p: &mut Printer<'_>, index: usize) {
    let address = p.arg(index);
    match p.memory.path(address) {
        Ok(path) if address != 0 => p.push(&quote(path.as_bytes())),
        _ => p.pointer(address),
    }
}

/// The path that getcwd(2) fills in.
pub fn path_out(p: &mut Printer<'_>, index: usize) {
    if p.succeeded() { path(p, index) } else { pointer(p, index) }
}

/// A buffer whose length is the next argument.
pub fn buffer(p: &mut Printer<'_>, index: usize) {
    bytes(p, p.arg(index), p.arg(index + 1));
}

/// A buffer that the call fills: what it gives is the length.
pub fn buffer_out(p: &mut Printer<'_>, index: usize) {
    if p.succeeded() { bytes(p, p.arg(index), p.length() as u64) } else { pointer(p, index) }
}

/// The same, in hexadecimal.
pub fn random_out(p: &mut Printer<'_>, index: usize) {
    match p.bytes(p.arg(index), p.length() as u64).filter(|_| p.succeeded()) {
        Some(bytes) => p.push(&quote_hexadecimal(&bytes)),
        None => pointer(p, index),
    }
}

pub fn bytes(p: &mut Printer<'_>, address: u64, length: u64) {
    match p.bytes(address, length) {
        Some(bytes) => p.push(&quote_start(&bytes)),
        None => p.pointer(address),
    }
}

pub fn signal(p: &mut Printer<'_>, index: usize) {
    let text = signal_name(p.arg(index));
    p.push(&text);
}

/// The name of a signal with its `SIG`.
pub fn signal_name(number: u64) -> alloc::string::String {
    match (number as u32, known::SIGNALS.get((number as u32 as usize).wrapping_sub(1))) {
        (_, Some(name)) => alloc::format!("SIG{name}"),
        (32, None) => "SIGRTMIN".into(),
        (33..=64, None) => alloc::format!("SIGRT_{}", number as u32 - 32),
        _ => alloc::format!("{}", number as i32),
    }
}

/// A set of signals that is passed.
pub fn set(p: &mut Printer<'_>, index: usize) {
    p.pointed(p.arg(index), signals);
}

/// A set of signals that the kernel fills in.
pub fn set_out(p: &mut Printer<'_>, index: usize) {
    p.filled(p.arg(index), signals);
}

/// The signals of a set; those that are missing, where most are there.
pub fn signals(p: &mut Printer<'_>, set: u64) {
    let inverted = set.count_ones() >= 42;
    let shown = if inverted { !set } else { set };
    let names: Vec<_> = (1..=64_u64)
        .filter(|signal| shown & (1 << (signal - 1)) != 0)
        .map(|signal| signal_name(signal).split_off(3))
        .collect();
    p.put(format_args!("{}[{}]", if inverted { "~" } else { "" }, names.join(" ")));
}

pub fn timespec(p: &mut Printer<'_>, index: usize) {
    p.pointed(p.arg(index), put_timespec);
}

pub fn timespec_out(p: &mut Printer<'_>, index: usize) {
    p.filled(p.arg(index), put_timespec);
}

/// The time that was left of a sleep, if a signal ended it.
pub fn timespec_left(p: &mut Printer<'_>, index: usize) {
    if p.succeeded() { pointer(p, index) } else { timespec(p, index) }
}

pub fn timeval(p: &mut Printer<'_>, index: usize) {
    p.pointed(p.arg(index), put_timeval);
}

pub fn timeval_out(p: &mut Printer<'_>, index: usize) {
    p.filled(p.arg(index), put_timeval);
}

pub fn itimerval(p: &mut Printer<'_>, index: usize) {
    p.pointed(p.arg(index), |p, times: [u64; 4]| timer(p, times, put_timeval));
}

pub fn itimerval_out(p: &mut Printer<'_>, index: usize) {
    p.filled(p.arg(index), |p, times: [u64; 4]| timer(p, times, put_timeval));
}

pub fn itimerspec(p: &mut Printer<'_>, index: usize) {
    p.pointed(p.arg(index), |p, times: [u64; 4]| timer(p, times, put_timespec));
}

pub fn itimerspec_out(p: &mut Printer<'_>, index: usize) {
    p.filled(p.arg(index), |p, times: [u64; 4]| timer(p, times, put_timespec));
}

fn timer(p: &mut Printer<'_>, [a, b, c, d]: [u64; 4], time: fn(&mut Printer<'_>, [u64; 2])) {
    p.push("{it_interval=");
    time(p, [a, b]);
    p.push(", it_value=");
    time(p, [c, d]);
    p.push("}");
}

pub fn put_timespec(p: &mut Printer<'_>, [seconds, nanoseconds]: [u64; 2]) {
    p.put(format_args!("{{tv_sec={}, tv_nsec={nanoseconds}}}", seconds as i64));
}

fn put_timeval(p: &mut Printer<'_>, [seconds, microseconds]: [u64; 2]) {
    p.put(format_args!("{{tv_sec={}, tv_usec={}}}", seconds as i64, microseconds as i64));
}

/// Two times of utimensat(2).
pub fn two_times(p: &mut Printer<'_>, index: usize) {
    let time = |p: &mut Printer<'_>, time: [u64; 2]| match time[1] {
        0x3fff_ffff => p.push("UTIME_NOW"),
        0x3fff_fffe => p.push("UTIME_OMIT"),
        _ => put_timespec(p, time),
    };
    p.pointed(p.arg(index), |p, [a, b, c, d]: [u64; 4]| {
        p.push("[");
        time(p, [a, b]);
        p.push(", ");
        time(p, [c, d]);
        p.push("]");
    });
}

/// One `int` that the kernel fills in.
pub fn int_out(p: &mut Printer<'_>, index: usize) {
    p.filled(p.arg(index), |p, value: i32| p.put(format_args!("[{value}]")));
}

/// Two descriptors that the kernel fills in.
pub fn two_out(p: &mut Printer<'_>, index: usize) {
    p.filled(p.arg(index), |p, [first, second]: [i32; 2]| p.put(format_args!("[{first}, {second}]")));
}

/// A position that the call reads and changes.
pub fn position(p: &mut Printer<'_>, index: usize) {
    p.pointed(p.arg(index), |p, value: i64| p.put(format_args!("[{value}]")));
}

/// `struct rlimit`.
pub fn limit(p: &mut Printer<'_>, index: usize) {
    p.pointed(p.arg(index), put_limit);
}

pub fn limit_out(p: &mut Printer<'_>, index: usize) {
    p.filled(p.arg(index), put_limit);
}

fn put_limit(p: &mut Printer<'_>, [soft, hard]: [u64; 2]) {
    let one = |p: &mut Printer<'_>, value: u64| match value {
        u64::MAX => p.push("RLIM64_INFINITY"),
        value if value > 1024 && value % 1024 == 0 => p.put(format_args!("{}*1024", value / 1024)),
        value => p.put(format_args!("{value}")),
    };
    p.push("{rlim_cur=");
    one(p, soft);
    p.push(", rlim_max=");
    one(p, hard);
    p.push("}");
}
