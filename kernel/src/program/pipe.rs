//! Pipes, and pairs of stream sockets, within the machine (pipe(7)).
use crate::errno::Errno;
use crate::file::{Events, File, Status};
use crate::program::memory::is_scarce;
use crate::wait::WaitQueue;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};
use linux_raw_sys::general as linux;
use spin::Mutex;

/// What a pipe holds at most, in bytes.
const CAPACITY: usize = 64 << 10;
/// What is written in one piece or not at all (PIPE_BUF).
const ATOMIC: usize = 4096;

#[derive(Default)]
struct Pipe {
    bytes: Mutex<VecDeque<u8>>,
    no_reader: AtomicBool,
    no_writer: AtomicBool,
}

impl Pipe {
    fn read(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        let mut bytes = self.bytes.lock();
        if bytes.is_empty() && !buffer.is_empty() {
            return if self.no_writer.load(Ordering::Relaxed) { Ok(0) } else { Err(Errno::EAGAIN) };
        }
        let count = bytes.len().min(buffer.len());
        buffer.iter_mut().zip(bytes.drain(..count)).for_each(|(to, from)| *to = from);
        Ok(count)
    }

    fn write(&self, from: &[u8]) -> Result<usize, Errno> {
        if self.no_reader.load(Ordering::Relaxed) {
            return Err(Errno::EPIPE);
        }
        let mut bytes = self.bytes.lock();
        let room = CAPACITY - bytes.len();
        if !from.is_empty() && (room == 0 || from.len() <= ATOMIC && room < from.len()) {
            return Err(Errno::EAGAIN);
        }
        if bytes.capacity() < bytes.len() + from.len().min(room) && is_scarce() {
            // Who reads makes room; where there is nothing to be read, nobody will.
            return Err(if bytes.is_empty() { Errno::ENOMEM } else { Errno::EAGAIN });
        }
        let count = from.len().min(room);
        bytes.extend(from.iter().take(count));
        Ok(count)
    }

    fn readable(&self) -> Events {
        let gone = self.no_writer.load(Ordering::Relaxed);
        let mut events = Events::empty();
        events.set(Events::IN, !self.bytes.lock().is_empty());
        events.set(Events::HUP, gone);
        events
    }

    fn writable(&self) -> Events {
        let mut events = Events::empty();
        events.set(Events::OUT, self.bytes.lock().len() + ATOMIC <= CAPACITY);
        events.set(Events::ERR, self.no_reader.load(Ordering::Relaxed));
        events
    }
}

/// One end: it reads from a pipe, writes to one, or both.
struct End {
    from: Option<Arc<Pipe>>,
    to: Option<Arc<Pipe>>,
    /// Woken for both ends.
    changed: Arc<WaitQueue>,
}

/// The ends of a pipe: the one to read from, the one to write to.
pub fn pipe() -> (Arc<dyn File>, Arc<dyn File>) {
    let (pipe, changed) = (Arc::new(Pipe::default()), Arc::new(WaitQueue::new()));
    let reader = End { from: Some(pipe.clone()), to: None, changed: changed.clone() };
    (Arc::new(reader), Arc::new(End { from: None, to: Some(pipe), changed }))
}

/// Two ends that each read what the other writes.
pub fn pair() -> (Arc<dyn File>, Arc<dyn File>) {
    let (one, other, changed) = (Arc::new(Pipe::default()), Arc::new(Pipe::default()), Arc::new(WaitQueue::new()));
    let first = End { from: Some(one.clone()), to: Some(other.clone()), changed: changed.clone() };
    (Arc::new(first), Arc::new(End { from: Some(other), to: Some(one), changed }))
}

fn as_end(file: &dyn File) -> Option<&End> {
    file.any().downcast_ref()
}

/// Whether this is an end of a pair.
pub fn is_pair(file: &dyn File) -> bool {
    as_end(file).is_some_and(|end| end.from.is_some() && end.to.is_some())
}

/// shutdown(2) for an end of a pair; `ENOTSOCK` for anything else.
pub fn shut(file: &dyn File, read: bool, write: bool) -> Result<(), Errno> {
    let end = as_end(file).filter(|_| is_pair(file)).ok_or(Errno::ENOTSOCK)?;
    end.close(read, write);
    Ok(())
}

impl End {
    fn close(&self, read: bool, write: bool) {
        if let Some(from) = self.from.as_ref().filter(|_| read) {
            from.no_reader.store(true, Ordering::Relaxed);
        }
        if let Some(to) = self.to.as_ref().filter(|_| write) {
            to.no_writer.store(true, Ordering::Relaxed);
        }
        self.changed.wake();
    }

    fn wake_if_some(&self, result: Result<usize, Errno>) -> Result<usize, Errno> {
        if matches!(result, Ok(1..)) {
            self.changed.wake();
        }
        result
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.close(true, true);
    }
}

impl File for End {
    fn read(&self, buffer: &mut [u8], _offset: u64) -> Result<usize, Errno> {
        let pipe = self.from.as_ref().ok_or(Errno::EBADF)?;
        self.wake_if_some(pipe.read(buffer))
    }

    fn write(&self, bytes: &[u8], _offset: u64) -> Result<usize, Errno> {
        let pipe = self.to.as_ref().ok_or(Errno::EBADF)?;
        self.wake_if_some(pipe.write(bytes))
    }

    fn ready(&self) -> Events {
        let mut events = self.from.as_ref().map_or(Events::empty(), |pipe| pipe.readable());
        events |= self.to.as_ref().map_or(Events::empty(), |pipe| pipe.writable());
        if is_pair(self) && events.contains(Events::HUP) {
            // A socket whose peer is gone can be read: it tells the end.
            events |= Events::IN | Events::RDHUP;
        }
        events
    }

    fn changed(&self) -> Option<&WaitQueue> {
        Some(&self.changed)
    }

    fn status(&self) -> Status {
        let size = self.from.as_ref().map_or(0, |pipe| pipe.bytes.lock().len() as u64);
        let kind = if is_pair(self) { linux::S_IFSOCK } else { linux::S_IFIFO };
        Status { mode: kind | 0o600, size, links: 1, ..Status::default() }
    }

    fn any(&self) -> &dyn core::any::Any {
        self
    }
}
