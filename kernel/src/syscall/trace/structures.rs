//! Arguments that point at structures: status of files, actions, what is waited for.
use super::known;
use super::printer::Printer;
use super::values::{octal, pointer, signal_name, signals};
use linux_raw_sys::general as linux;

/// `struct stat`.
pub fn status_out(p: &mut Printer<'_>, index: usize) {
    p.filled(p.arg(index), |p, words: [u64; 7]| {
        let [_, _, _, mode, _, device, size] = words;
        p.push("{st_mode=");
        put_mode(p, mode as u32);
        match mode as u32 & linux::S_IFMT {
            linux::S_IFCHR | linux::S_IFBLK => {
                let (major, minor) = (device >> 8 & 0xfff, device & 0xff);
                p.put(format_args!(", st_rdev=makedev({major:#x}, {minor:#x})"));
            }
            _ => p.put(format_args!(", st_size={size}")),
        }
        p.push(", ...}");
    });
}

/// `struct statx`.
pub fn extended_status_out(p: &mut Printer<'_>, index: usize) {
    p.filled(p.arg(index), |p, words: [u64; 6]| {
        let [mask, attributes, _, mode, _, size] = words;
        p.push("{stx_mask=");
        p.flags(&known::STATX, mask);
        p.put(format_args!(", stx_attributes={attributes}, stx_mode="));
        put_mode(p, (mode >> 32) as u32 & 0xffff);
        p.put(format_args!(", stx_size={size}, ...}}"));
    });
}

fn put_mode(p: &mut Printer<'_>, mode: u32) {
    let kind = match mode & linux::S_IFMT {
        linux::S_IFREG => "S_IFREG|",
        linux::S_IFDIR => "S_IFDIR|",
        linux::S_IFLNK => "S_IFLNK|",
        linux::S_IFCHR => "S_IFCHR|",
        linux::S_IFBLK => "S_IFBLK|",
        linux::S_IFIFO => "S_IFIFO|",
        linux::S_IFSOCK => "S_IFSOCK|",
        _ => "",
    };
    p.push(kind);
    for (bit, name) in [(linux::S_ISUID, "S_ISUID|"), (linux::S_ISGID, "S_ISGID|"), (linux::S_ISVTX, "S_ISVTX|")] {
        p.push(if mode & bit != 0 { name } else { "" });
    }
    octal(p, mode & 0o777);
}

/// `struct sigaction`.
pub fn action(p: &mut Printer<'_>, index: usize) {
    p.pointed(p.arg(index), put_action);
}

pub fn action_out(p: &mut Printer<'_>, index: usize) {
    p.filled(p.arg(index), put_action);
}

fn put_action(p: &mut Printer<'_>, [handler, flags, restorer, mask]: [u64; 4]) {
    p.push("{sa_handler=");
    match handler {
        0 => p.push("SIG_DFL"),
        1 => p.push("SIG_IGN"),
        handler => p.put(format_args!("{handler:#x}")),
    }
    p.push(", sa_mask=");
    signals(p, mask);
    p.push(", sa_flags=");
    p.flags(&known::SIGACTION, flags);
    if flags & u64::from(linux::SA_RESTORER) != 0 {
        p.put(format_args!(", sa_restorer={restorer:#x}"));
    }
    p.push("}");
}

/// `stack_t`.
pub fn stack(p: &mut Printer<'_>, index: usize) {
    p.pointed(p.arg(index), put_stack);
}

pub fn stack_out(p: &mut Printer<'_>, index: usize) {
    p.filled(p.arg(index), put_stack);
}

fn put_stack(p: &mut Printer<'_>, [start, flags, length]: [u64; 3]) {
    p.push("{ss_sp=");
    p.pointer(start);
    p.push(", ss_flags=");
    p.flags(&known::SIGSTACK, flags);
    p.put(format_args!(", ss_size={length}}}"));
}

/// The `siginfo_t` of a signal that was waited for.
pub fn info_out(p: &mut Printer<'_>, index: usize) {
    p.filled(p.arg(index), |p, [signal, _, code, _, process, user]: [i32; 6]| {
        let signal = signal_name(signal as u64);
        p.put(format_args!("{{si_signo={signal}, si_code={}", super::events::code(0, code)));
        if code <= 0 {
            p.put(format_args!(", si_pid={process}, si_uid={user}"));
        }
        p.push("}");
    });
}

/// `struct epoll_event`.
pub fn event(p: &mut Printer<'_>, index: usize) {
    p.pointed(p.arg(index), put_event);
}

/// As many of them as the call gives.
pub fn events_out(p: &mut Printer<'_>, index: usize) {
    if !p.succeeded() {
        return pointer(p, index);
    }
    let at = p.arg(index);
    p.array(p.length() as u64, |p, number| {
        let event = p.value(at.wrapping_add(number * 12));
        event.inspect(|event| put_event(p, *event)).is_some()
    });
}

fn put_event(p: &mut Printer<'_>, [events, low, high]: [u32; 3]) {
    p.push("{events=");
    p.flags(&known::EPOLL_EVENTS, u64::from(events));
    let data = u64::from(high) << 32 | u64::from(low);
    p.put(format_args!(", data={{u32={low}, u64={data}}}}}"));
}

/// `struct pollfd`s; the next argument tells how many.
pub fn polled(p: &mut Printer<'_>, index: usize) {
    let at = p.arg(index);
    if p.value::<u64>(at).is_none() {
        return pointer(p, index);
    }
    p.array(p.arg(index + 1), |p, number| {
        let Some([descriptor, events]) = p.value::<[i32; 2]>(at.wrapping_add(number * 8)) else { return false };
        p.put(format_args!("{{fd={descriptor}"));
        if descriptor >= 0 {
            p.push(", events=");
            p.flags(&known::POLL, events as u64 & 0xffff);
        }
        p.push("}");
        true
    });
}

/// A set of descriptors (select(2)); the first argument of the call tells how many.
pub fn descriptors(p: &mut Printer<'_>, index: usize) {
    let at = p.arg(index);
    put_descriptors(p, at);
}

pub fn put_descriptors(p: &mut Printer<'_>, at: u64) {
    let count = p.arg(0).min(1024);
    let Some(bits) = p.bytes(at, count.div_ceil(64) * 8) else { return p.pointer(at) };
    let mut first = true;
    p.push("[");
    for number in 0..count as usize {
        if bits.get(number / 8).is_some_and(|byte| byte >> (number % 8) & 1 != 0) {
            p.put(format_args!("{}{number}", if first { "" } else { " " }));
            first = false;
        }
    }
    p.push("]");
}

/// `struct utsname`: its first two names.
pub fn names_out(p: &mut Printer<'_>, index: usize) {
    let Some(bytes) = p.bytes(p.arg(index), 130).filter(|_| p.succeeded()) else { return pointer(p, index) };
    let mut names = bytes.chunks(65).map(|name| name.split(|byte| *byte == 0).next().unwrap_or_default());
    let [system, node] = [names.next(), names.next()].map(|name| super::text::quote(name.unwrap_or_default()));
    p.put(format_args!("{{sysname={system}, nodename={node}, ...}}"));
}

/// The status of a child (wait(2)).
pub fn wait_status_out(p: &mut Printer<'_>, index: usize) {
    if p.length() == 0 {
        return pointer(p, index);
    }
    p.pointed(p.arg(index), |p, status: u32| match status & 0x7f {
        0 => p.put(format_args!("[{{WIFEXITED(s) && WEXITSTATUS(s) == {}}}]", status >> 8 & 0xff)),
        signal => {
            let name = signal_name(u64::from(signal));
            p.put(format_args!("[{{WIFSIGNALED(s) && WTERMSIG(s) == {name}}}]"));
        }
    });
}

/// `struct rusage`: its times.
pub fn usage_out(p: &mut Printer<'_>, index: usize) {
    p.filled(p.arg(index), |p, [user, user_micro, system, system_micro]: [u64; 4]| {
        p.put(format_args!(
            "{{ru_utime={{tv_sec={user}, tv_usec={user_micro}}}, ru_stime={{tv_sec={system}, \
             tv_usec={system_micro}}}, ...}}"
        ));
    });
}

/// Processors, as bits in words; the argument before tells how many bytes.
pub fn processors(p: &mut Printer<'_>, index: usize) {
    p.pointed(p.arg(index), put_processors);
}

pub fn processors_out(p: &mut Printer<'_>, index: usize) {
    p.filled(p.arg(index), put_processors);
}

fn put_processors(p: &mut Printer<'_>, bits: u64) {
    let mut first = true;
    p.push("[");
    for number in (0..64).filter(|number| bits >> number & 1 != 0) {
        p.put(format_args!("{}{number}", if first { "" } else { " " }));
        first = false;
    }
    p.push("]");
}

/// The mask in the frame that a handler returns through: the fourth argument stands for the stack pointer.
pub fn frame_mask(p: &mut Printer<'_>, _index: usize) {
    /// Where `uc_sigmask` is in `struct ucontext`.
    const MASK: u64 = 296;
    let at = p.arg(3).wrapping_add(MASK);
    p.push("{mask=");
    p.pointed(at, signals);
    p.push("}");
}

/// `struct clone_args` (clone3(2)).
pub fn clone_arguments(p: &mut Printer<'_>, index: usize) {
    p.pointed(p.arg(index), |p, words: [u64; 8]| {
        let [flags, _, child, parent, exit_signal, stack, stack_size, tls] = words;
        p.push("{flags=");
        p.flags(&known::CLONE, flags);
        for (name, address) in [("child_tid", child), ("parent_tid", parent)] {
            if address != 0 {
                p.put(format_args!(", {name}={address:#x}"));
            }
        }
        let exit_signal = signal_name(exit_signal);
        p.put(format_args!(", exit_signal={exit_signal}, stack="));
        p.pointer(stack);
        p.put(format_args!(", stack_size={stack_size:#x}"));
        if flags & u64::from(linux::CLONE_SETTLS) != 0 {
            p.put(format_args!(", tls={tls:#x}"));
        }
        p.push("}");
    });
}
