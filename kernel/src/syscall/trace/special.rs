//! Arguments whose meaning depends on the ones before them.
use super::known;
use super::printer::Printer;
use super::text::quote;
use super::values::{octal, pointer, put_timespec, signal_name};
use linux_raw_sys::general as linux;

/// The mode of an open that makes a file; the argument before has its flags.
pub fn open_mode(p: &mut Printer<'_>, index: usize) {
    let flags = p.arg(index - 1) as u32;
    if flags & linux::O_CREAT != 0 || flags & linux::O_TMPFILE == linux::O_TMPFILE {
        p.push(", ");
        octal(p, p.arg(index) as u32 & 0o7777);
    }
}

/// fcntl(2) from its command on.
pub fn fcntl(p: &mut Printer<'_>, index: usize) {
    let (command, value) = (p.arg(index), p.arg(index + 1));
    p.push(", ");
    p.one(&known::FCNTL, command);
    match command as u32 {
        linux::F_GETFD | linux::F_GETFL | linux::F_GETOWN | linux::F_GETSIG | 1032 | 1034 => {}
        linux::F_SETFD => {
            p.push(", ");
            p.flags(&known::DESCRIPTOR, value);
        }
        linux::F_SETFL => {
            p.push(", ");
            p.flags(&known::OPEN, value);
        }
        linux::F_DUPFD | linux::F_DUPFD_CLOEXEC | linux::F_SETOWN | 1031 => {
            p.put(format_args!(", {}", value as i32));
        }
        linux::F_GETLK | linux::F_SETLK | linux::F_SETLKW => {
            p.push(", ");
            p.pointed(value, |p, [kind, start, length]: [u64; 3]| {
                let name = ["F_RDLCK", "F_WRLCK", "F_UNLCK"].get(kind as usize & 0xffff).unwrap_or(&"F_???");
                p.put(format_args!("{{l_type={name}, l_whence="));
                p.one(&known::SEEK, kind >> 16 & 0xffff);
                p.put(format_args!(", l_start={start}, l_len={length}}}"));
            });
        }
        _ => p.put(format_args!(", {value:#x}")),
    }
}

/// ioctl(2) from its request on.
pub fn ioctl(p: &mut Printer<'_>, index: usize) {
    use linux_raw_sys::ioctl::{FIOASYNC, FIOCLEX, FIONBIO, FIONCLEX, FIONREAD};
    let (request, value) = (p.arg(index) as u32, p.arg(index + 1));
    p.push(", ");
    match known::IOCTL.name(u64::from(request)) {
        Some(name) => p.push(name),
        None => {
            let direction = ["_IOC_NONE", "_IOC_WRITE", "_IOC_READ", "_IOC_READ|_IOC_WRITE"];
            let direction = direction.get(request as usize >> 30).unwrap_or(&"_IOC_NONE");
            let (size, kind, number) = (request >> 16 & 0x3fff, request >> 8 & 0xff, request & 0xff);
            p.put(format_args!("_IOC({direction}, {kind:#x}, {number:#x}, {size:#x})"));
        }
    }
    match request {
        FIOCLEX | FIONCLEX => {}
        FIONBIO | FIOASYNC => {
            p.push(", ");
            p.pointed(value, |p, value: i32| p.put(format_args!("[{value}]")));
        }
        FIONREAD => {
            p.push(", ");
            p.filled(value, |p, value: i32| p.put(format_args!("[{value}]")));
        }
        _ if known::IOCTL.name(u64::from(request)).is_some() => {
            p.push(", ");
            p.pointer(value);
        }
        _ => p.put(format_args!(", {value:#x}")),
    }
}

/// futex(2) from its operation on.
pub fn futex(p: &mut Printer<'_>, index: usize) {
    let operation = p.arg(index) as u32;
    let command = operation & linux::FUTEX_CMD_MASK as u32;
    p.push(", ");
    match known::FUTEX.name(u64::from(command)) {
        Some(name) => p.push(name),
        None => p.put(format_args!("{operation:#x} /* FUTEX_??? */")),
    }
    if known::FUTEX.name(u64::from(command)).is_some() {
        p.push(if operation & linux::FUTEX_PRIVATE_FLAG != 0 { "_PRIVATE" } else { "" });
        p.push(if operation & linux::FUTEX_CLOCK_REALTIME != 0 { "|FUTEX_CLOCK_REALTIME" } else { "" });
    }
    let [_, _, value, time, second, last] = p.args;
    p.put(format_args!(", {}", value as u32));
    match command {
        linux::FUTEX_WAKE => {}
        linux::FUTEX_WAIT | linux::FUTEX_LOCK_PI => timeout(p, time),
        linux::FUTEX_WAIT_BITSET => {
            timeout(p, time);
            bits(p, last);
        }
        linux::FUTEX_WAKE_BITSET => bits(p, last),
        linux::FUTEX_REQUEUE => p.put(format_args!(", {}, {second:#x}", time as u32)),
        linux::FUTEX_CMP_REQUEUE => p.put(format_args!(", {}, {second:#x}, {}", time as u32, last as u32)),
        linux::FUTEX_WAKE_OP => wake_operation(p, time, second, last as u32),
        _ => p.put(format_args!(", {time:#x}, {second:#x}, {last:#x}")),
    }
}

fn timeout(p: &mut Printer<'_>, time: u64) {
    p.push(", ");
    p.pointed(time, put_timespec);
}

fn bits(p: &mut Printer<'_>, bits: u64) {
    match bits as u32 {
        u32::MAX => p.push(", FUTEX_BITSET_MATCH_ANY"),
        bits => p.put(format_args!(", {bits:#x}")),
    }
}

fn wake_operation(p: &mut Printer<'_>, most: u64, second: u64, encoded: u32) {
    let operations = ["FUTEX_OP_SET", "FUTEX_OP_ADD", "FUTEX_OP_OR", "FUTEX_OP_ANDN", "FUTEX_OP_XOR"];
    let comparisons = ["EQ", "NE", "LT", "LE", "GT", "GE"];
    let operation = operations.get(encoded as usize >> 28 & 7).unwrap_or(&"FUTEX_OP_???");
    let comparison = comparisons.get(encoded as usize >> 24 & 0xf).unwrap_or(&"???");
    let number = |value: u32| if value == 0 { "0".into() } else { alloc::format!("{value:#x}") };
    let (argument, compared) = (number(encoded >> 12 & 0xfff), number(encoded & 0xfff));
    let shift = if encoded >> 31 != 0 { "FUTEX_OP_OPARG_SHIFT<<28|" } else { "" };
    p.put(format_args!(
        ", {}, {second:#x}, {shift}{operation}<<28|{argument}<<12|FUTEX_OP_CMP_{comparison}<<24|{compared}",
        most as u32
    ));
}

/// clone(2), whose arguments strace shows in another order.
pub fn clone(p: &mut Printer<'_>, _index: usize) {
    let [flags, stack, parent, child, tls, _] = p.args;
    p.push("child_stack=");
    p.pointer(stack);
    p.push(", flags=");
    if flags & !0xff != 0 {
        p.flags(&known::CLONE, flags & !0xff);
    }
    match flags & 0xff {
        0 if flags != 0 => {}
        signal => {
            let name = signal_name(signal);
            p.put(format_args!("{}{name}", if flags & !0xff != 0 { "|" } else { "" }));
        }
    }
    let has = |bit: u32| flags & u64::from(bit) != 0;
    if has(linux::CLONE_PARENT_SETTID) {
        p.put(format_args!(", parent_tid={parent:#x}"));
    }
    if has(linux::CLONE_SETTLS) {
        p.put(format_args!(", tls={tls:#x}"));
    }
    if has(linux::CLONE_CHILD_SETTID | linux::CLONE_CHILD_CLEARTID) {
        p.put(format_args!(", child_tidptr={child:#x}"));
    }
}

/// prctl(2) from its option on.
pub fn prctl(p: &mut Printer<'_>, index: usize) {
    use linux_raw_sys::prctl as option;
    let (option, value) = (p.arg(index), p.arg(index + 1));
    p.one(&known::PRCTL, option);
    match option as u32 {
        option::PR_SET_NAME | option::PR_GET_NAME => {
            p.push(", ");
            match p.bytes(value, 16) {
                Some(bytes) => {
                    let name = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
                    p.push(&quote(name.get(..15).unwrap_or(name)));
                }
                None => p.pointer(value),
            }
        }
        option::PR_GET_DUMPABLE | option::PR_GET_KEEPCAPS => {}
        option::PR_SET_PDEATHSIG => p.put(format_args!(", {}", signal_name(value))),
        option::PR_SET_DUMPABLE | option::PR_SET_KEEPCAPS | option::PR_SET_TIMERSLACK => {
            p.put(format_args!(", {value}"));
        }
        option::PR_SET_NO_NEW_PRIVS => {
            let [_, value, third, fourth, fifth, _] = p.args;
            p.put(format_args!(", {value}, {third}, {fourth}, {fifth}"));
        }
        _ => {
            let [_, value, third, fourth, fifth, _] = p.args;
            p.put(format_args!(", {value:#x}, {third:#x}, {fourth:#x}, {fifth:#x}"));
        }
    }
}

/// arch_prctl(2): what its second argument is depends on the first.
pub fn base(p: &mut Printer<'_>, index: usize) {
    p.push(", ");
    match p.arg(0) {
        0x1003 | 0x1004 => p.filled(p.arg(index), |p, value: u64| p.put(format_args!("[{value:#x}]"))),
        _ => pointer(p, index),
    }
}

/// The address that a mapping must have, and mremap(2)'s flags.
pub fn remap(p: &mut Printer<'_>, index: usize) {
    p.push(", ");
    p.flags(&known::MREMAP, p.arg(index));
    if p.arg(index) as u32 & linux::MREMAP_FIXED != 0 {
        p.put(format_args!(", {:#x}", p.arg(index + 1)));
    }
}

/// Entries of a directory that the kernel fills in: how many.
pub fn entries_out(p: &mut Printer<'_>, index: usize) {
    pointer(p, index);
    if !p.succeeded() {
        return;
    }
    let Some(bytes) = p.bytes(p.arg(index), p.length() as u64) else { return };
    let (mut at, mut count) = (0, 0);
    while let Some(length) = bytes.get(at + 16..at + 18).and_then(|part| part.try_into().ok()) {
        at += usize::from(u16::from_le_bytes(length)).max(1);
        count += 1;
    }
    let more = if p.length() > bytes.len() { " or more" } else { "" };
    p.put(format_args!(" /* {count} entries{more} */"));
}

/// What execve(2) is asked for: the arguments of the program stay an address.
pub fn program(p: &mut Printer<'_>, index: usize) {
    p.push(", ");
    pointer(p, index);
    p.push(", ");
    pointer(p, index + 1);
}
