//! Signals that are read from a file (signalfd(2)).
use super::process::Process;
use super::signal::{Info, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP, Set, Signal};
use super::thread::Thread;
use crate::errno::Errno;
use crate::file::{Events, File, Status};
use crate::wait::WaitQueue;
use alloc::sync::{Arc, Weak};
use spin::Mutex;
use zerocopy::IntoBytes;

/// The length of `struct signalfd_siginfo`.
const LENGTH: usize = 128;
const SI_TIMER: i32 = -2;

/// A file that gives the signals of a set which wait for who reads it.
pub struct SignalFile {
    set: Mutex<Set>,
    process: Weak<Process>,
    changed: Arc<WaitQueue>,
}

impl SignalFile {
    /// One of this process.
    pub fn new(process: &Arc<Process>, set: Set) -> Self {
        let changed = process.signalled.clone();
        SignalFile { set: Mutex::new(set), process: Arc::downgrade(process), changed }
    }

    /// Changes which signals it gives.
    pub fn set(&self, set: Set) {
        *self.set.lock() = set;
        self.changed.wake();
    }

    /// Takes as many signals of this thread and its process as `buffer` has room for.
    pub fn take(&self, thread: &Thread, buffer: &mut [u8]) -> Result<usize, Errno> {
        if buffer.len() < LENGTH {
            return Err(Errno::EINVAL);
        }
        let set = *self.set.lock();
        let mut taken = 0;
        for place in buffer.chunks_exact_mut(LENGTH) {
            let Some((signal, info)) = thread.take_signal(set) else { break };
            place.copy_from_slice(encode(signal, &info).as_bytes());
            taken += LENGTH;
        }
        if taken == 0 { Err(Errno::EAGAIN) } else { Ok(taken) }
    }
}

/// `struct signalfd_siginfo`, in words.
fn encode(signal: Signal, info: &Info) -> [u32; LENGTH / 4] {
    let mut words = [0; LENGTH / 4];
    let (low, high) = (info.value as u32, (info.value >> 32) as u32);
    words[0] = u32::from(signal);
    words[2] = info.code as u32;
    if info.code == SI_TIMER {
        // ssi_tid, ssi_overrun
        (words[6], words[8]) = (low, high);
    } else if info.code > 0 && matches!(signal, SIGILL | SIGTRAP | SIGBUS | SIGFPE | SIGSEGV) {
        // ssi_addr
        (words[18], words[19]) = (low, high);
    } else {
        // ssi_pid, ssi_uid
        (words[3], words[4]) = (low, high);
    }
    if info.code < 0 {
        // ssi_int, ssi_ptr
        (words[11], words[12], words[13]) = (info.queued as u32, info.queued as u32, (info.queued >> 32) as u32);
    } else {
        words[10] = info.status as u32;
    }
    words
}

impl File for SignalFile {
    fn ready(&self) -> Events {
        let pending = self.process.upgrade().map_or(0, |process| process.pending_anywhere());
        if pending & *self.set.lock() != 0 { Events::IN } else { Events::empty() }
    }

    fn changed(&self) -> Option<&WaitQueue> {
        Some(&self.changed)
    }

    fn status(&self) -> Status {
        Status { mode: 0o600, links: 1, ..Status::default() }
    }

    fn any(&self) -> &dyn core::any::Any {
        self
    }
}
