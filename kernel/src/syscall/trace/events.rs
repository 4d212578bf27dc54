//! What happens to a thread between its calls: signals, and its end.
use super::known;
use super::values::signal_name;
use crate::program::process::End;
use crate::program::signal::{Info, SIGBUS, SIGCHLD, SIGFPE, SIGILL, SIGSEGV, SIGTRAP, Signal};
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;

/// The line of a signal that arrives.
pub fn signal(signal: Signal, info: &Info) -> String {
    let (name, code) = (signal_name(u64::from(signal)), code(signal, info.code));
    let rest = match (signal, info.code) {
        (SIGCHLD, 1..) => {
            let status = match info.code {
                1 => format!("{}", info.status),
                _ => signal_name(info.status as u64),
            };
            format!(", si_pid={}, si_uid=0, si_status={status}, si_utime=0, si_stime=0", info.value as u32)
        }
        (SIGSEGV | SIGBUS | SIGILL | SIGFPE | SIGTRAP, 1..) => match info.value {
            0 => String::from(", si_addr=NULL"),
            at => format!(", si_addr={at:#x}"),
        },
        (_, KERNEL) => String::new(),
        _ => format!(", si_pid={}, si_uid=0", info.value as u32),
    };
    format!("--- {name} {{si_signo={name}, si_code={code}{rest}}} ---")
}

/// Sent by the kernel.
const KERNEL: i32 = 0x80;

/// The name of an `si_code`.
pub fn code(signal: Signal, code: i32) -> Cow<'static, str> {
    let name = match (signal, code) {
        (_, 0) => "SI_USER",
        (_, KERNEL) => "SI_KERNEL",
        (_, -1) => "SI_QUEUE",
        (_, -2) => "SI_TIMER",
        (_, -6) => "SI_TKILL",
        (SIGSEGV, 1) => "SEGV_MAPERR",
        (SIGSEGV, 2) => "SEGV_ACCERR",
        (SIGBUS, 1) => "BUS_ADRALN",
        (SIGBUS, 2) => "BUS_ADRERR",
        (SIGILL, 1) => "ILL_ILLOPC",
        (SIGILL, 2) => "ILL_ILLOPN",
        (SIGFPE, 1) => "FPE_INTDIV",
        (SIGFPE, 7) => "FPE_FLTINV",
        (SIGTRAP, 1) => "TRAP_BRKPT",
        (SIGCHLD, code) => match known::EXIT_CODE.name(code as u64) {
            Some(name) => name,
            None => return format!("{code}").into(),
        },
        _ => return format!("{code:#x}").into(),
    };
    name.into()
}

/// The line of the end of a thread.
pub fn end(end: &End) -> String {
    match end {
        End::Exited(code) => format!("+++ exited with {code} +++"),
        End::Killed { signal, .. } => format!("+++ killed by {} +++", signal_name(u64::from(*signal))),
    }
}
