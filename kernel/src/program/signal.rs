//! Signals: what is pending, what is blocked, and what is to be done (signal(7)).
use alloc::collections::{BTreeMap, VecDeque};
use alloc::format;
use alloc::string::String;
use linux_raw_sys::general as linux;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The number of a signal, 1 to 64.
pub type Signal = u8;

pub use names::*;
#[allow(missing_docs)] // The names are signal(7)'s.
mod names {
    pub const SIGILL: u8 = 4;
    pub const SIGHUP: u8 = 1;
    pub const SIGBUS: u8 = 7;
    pub const SIGFPE: u8 = 8;
    pub const SIGKILL: u8 = 9;
    pub const SIGSEGV: u8 = 11;
    pub const SIGPIPE: u8 = 13;
    pub const SIGALRM: u8 = 14;
    pub const SIGCHLD: u8 = 17;
    pub const SIGCONT: u8 = 18;
    pub const SIGSTOP: u8 = 19;
    pub const SIGTSTP: u8 = 20;
    pub const SIGTTIN: u8 = 21;
    pub const SIGTTOU: u8 = 22;
    pub const SIGURG: u8 = 23;
    pub const SIGWINCH: u8 = 28;
    pub const SIGTRAP: u8 = 5;
}

/// A set of signals: bit 0 is signal 1.
pub type Set = u64;

/// The set of this one.
pub fn only(signal: Signal) -> Set {
    1_u64.checked_shl(u32::from(signal).wrapping_sub(1)).unwrap_or(0)
}

/// Those that cannot be blocked, caught or ignored.
pub const UNSTOPPABLE: Set = 1 << (SIGKILL - 1) | 1 << (SIGSTOP - 1);

/// Whether it stops a process that does nothing else with it.
pub fn stops(signal: Signal) -> bool {
    matches!(signal, SIGSTOP | SIGTSTP | SIGTTIN | SIGTTOU)
}

/// What to do with a signal: the kernel's `struct sigaction`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Action {
    /// 0 the default, 1 ignore, else the address of a handler.
    pub handler: u64,
    /// SA_ flags.
    pub flags: u64,
    /// Where the handler returns to.
    pub restorer: u64,
    /// What is blocked while the handler runs.
    pub mask: Set,
}

/// Where a signal comes from: what `siginfo_t` tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Info {
    /// `si_code`.
    pub code: i32,
    /// `si_pid`, or the low half of `si_addr`'s eight bytes.
    pub value: u64,
    /// `si_status` for SIGCHLD.
    pub status: i32,
    /// `si_value`, the value that was queued with it; 0 where `status` says something.
    pub queued: u64,
    /// In words, for the report if it ends the program.
    pub what: Option<String>,
}

/// The first real-time signal: from it on each one that is sent waits for itself.
const REAL_TIME: Signal = 32;
/// The most signals that wait at one place (Linux: RLIMIT_SIGPENDING).
const MOST_PENDING: usize = 1024;

/// Signals that were sent and not yet taken. Each is there once, the real-time ones as often as they were sent.
#[derive(Default)]
pub struct Pending(BTreeMap<Signal, VecDeque<Info>>);

impl Pending {
    /// Adds one; `false` if there are too many. The first of its number is always taken.
    pub fn add(&mut self, signal: Signal, info: Info) -> bool {
        let full = self.0.values().map(VecDeque::len).sum::<usize>() >= MOST_PENDING;
        let queue = self.0.entry(signal).or_default();
        if queue.is_empty() || signal >= REAL_TIME && !full {
            queue.push_back(info);
            return true;
        }
        signal < REAL_TIME
    }

    /// Forgets those of this number.
    pub fn forget(&mut self, signal: Signal) {
        self.0.remove(&signal);
    }

    /// Takes the first of these.
    pub fn take(&mut self, wanted: Set) -> Option<(Signal, Info)> {
        let signal = *self.0.keys().find(|signal| only(**signal) & wanted != 0)?;
        let queue = self.0.get_mut(&signal)?;
        let info = queue.pop_front();
        if queue.is_empty() {
            self.0.remove(&signal);
        }
        Some((signal, info?))
    }

    /// Which there are.
    pub fn set(&self) -> Set {
        self.0.keys().fold(0, |set, signal| set | only(*signal))
    }
}

/// The actions of a process.
#[derive(Clone)]
pub struct Actions([Action; 64]);

impl Default for Actions {
    fn default() -> Self {
        Actions([Action::default(); 64])
    }
}

impl Actions {
    /// What is done with this signal.
    pub fn get(&self, signal: Signal) -> Action {
        self.0.get(usize::from(signal).wrapping_sub(1)).copied().unwrap_or_default()
    }

    /// Changes what is done with this signal.
    pub fn set(&mut self, signal: Signal, action: Action) {
        if let Some(slot) = self.0.get_mut(usize::from(signal).wrapping_sub(1)) {
            *slot = action;
        }
    }

    /// Whether this signal changes nothing.
    pub fn ignores(&self, signal: Signal) -> bool {
        match self.get(signal).handler {
            0 => matches!(signal, SIGCHLD | SIGCONT | SIGURG | SIGWINCH),
            1 => only(signal) & UNSTOPPABLE == 0,
            _ => false,
        }
    }

    /// Those that change nothing.
    pub fn ignored(&self) -> Set {
        (1..=64).filter(|signal| self.ignores(*signal)).fold(0, |set, signal| set | only(signal))
    }
}

/// The name of a signal, and what it says when it ends a program.
pub fn describe(signal: Signal) -> String {
    let text = match u32::from(signal) {
        linux::SIGHUP => "SIGHUP",
        linux::SIGINT => "SIGINT",
        linux::SIGQUIT => "SIGQUIT",
        linux::SIGILL => "SIGILL: an instruction that the processor does not know",
        linux::SIGTRAP => "SIGTRAP: a breakpoint",
        linux::SIGABRT => "SIGABRT: the program aborted itself",
        linux::SIGBUS => "SIGBUS: memory that is not there",
        linux::SIGFPE => "SIGFPE: a division that has no result",
        linux::SIGKILL => "SIGKILL",
        linux::SIGSEGV => "SIGSEGV: segmentation fault",
        linux::SIGPIPE => "SIGPIPE: it wrote to a pipe or connection that the other side had closed",
        linux::SIGALRM => "SIGALRM: its alarm went off",
        linux::SIGTERM => "SIGTERM",
        number => return format!("signal {number}"),
    };
    String::from(text)
}
