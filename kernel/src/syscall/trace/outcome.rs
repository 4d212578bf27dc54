//! What a call gave.
use super::errors;
use super::known;
use super::printer::Printer;
use super::structures::put_descriptors;
use super::values::signal_name;
use linux_raw_sys::general as linux;

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With this in `rax`.
    Returned(u64),
    /// A signal ended it; whether it is started again after a handler with SA_RESTART.
    Interrupted(bool),
    /// The thread does not come back from it.
    Never,
}

/// Adds what comes behind the arguments of the call of this name.
pub fn put(p: &mut Printer<'_>, name: &str, outcome: Outcome) {
    p.push(" = ");
    match outcome {
        Outcome::Never => p.push("?"),
        Outcome::Interrupted(restarts) => p.push(match (name, restarts) {
            (_, true) => "? ERESTARTSYS (To be restarted if SA_RESTART is set)",
            ("nanosleep" | "clock_nanosleep" | "poll", _) => "? ERESTART_RESTARTBLOCK (Interrupted by signal)",
            _ => "? ERESTARTNOHAND (To be restarted if no handler)",
        }),
        Outcome::Returned(rax) if p.succeeded() => value(p, name, rax),
        Outcome::Returned(rax) => match errors::describe(rax.wrapping_neg()) {
            Some((error, words)) => p.put(format_args!("-1 {error} ({words})")),
            None => p.put(format_args!("-1 (errno {})", rax.wrapping_neg())),
        },
    }
}

fn value(p: &mut Printer<'_>, name: &str, rax: u64) {
    match (name, p.arg(1) as u32) {
        ("mmap" | "mremap" | "brk" | "shmat", _) => p.put(format_args!("{rax:#x}")),
        ("umask", _) => super::values::octal(p, rax as u32),
        ("fcntl", linux::F_GETFL) => {
            hexadecimal(p, rax);
            p.push(" (flags ");
            p.flags(&known::OPEN, rax);
            p.push(")");
        }
        ("fcntl", linux::F_GETFD) if rax != 0 => {
            hexadecimal(p, rax);
            p.push(" (flags ");
            p.flags(&known::DESCRIPTOR, rax);
            p.push(")");
        }
        ("poll" | "ppoll" | "select" | "pselect6", _) if rax == 0 => p.push("0 (Timeout)"),
        ("poll" | "ppoll", _) => {
            p.put(format_args!("{rax} ("));
            ready(p);
            p.push(")");
        }
        ("select" | "pselect6", _) => {
            p.put(format_args!("{rax} ("));
            let mut any = false;
            for (index, what) in [(1, "in "), (2, "out "), (3, "except ")] {
                if p.value::<u8>(p.arg(index)).is_some() {
                    p.push(if any { ", " } else { "" });
                    p.push(what);
                    put_descriptors(p, p.arg(index));
                    any = true;
                }
            }
            p.push(")");
        }
        ("rt_sigtimedwait", _) => p.put(format_args!("{rax} ({})", signal_name(rax))),
        _ => p.put(format_args!("{}", rax as i64)),
    }
}

fn hexadecimal(p: &mut Printer<'_>, value: u64) {
    match value {
        0 => p.push("0"),
        value => p.put(format_args!("{value:#x}")),
    }
}

/// What poll(2) found.
fn ready(p: &mut Printer<'_>) {
    let at = p.arg(0);
    let mut any = false;
    p.push("[");
    for index in 0..p.arg(1).min(1024) {
        let Some([descriptor, events]) = p.value::<[u32; 2]>(at.wrapping_add(index * 8)) else { break };
        if events >> 16 != 0 {
            p.put(format_args!("{}{{fd={}, revents=", if any { ", " } else { "" }, descriptor as i32));
            p.flags(&known::POLL, u64::from(events >> 16));
            p.push("}");
            any = true;
        }
    }
    p.push("]");
}
