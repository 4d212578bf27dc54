//! Pipes within the machine (pipe(7)).
use crate::errno::Errno;
use crate::file::{Events, File, Status};
use crate::program::memory::{is_scarce, would_be_scarce};
use crate::wait::WaitQueue;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};
use linux_raw_sys::general as linux;
use spin::Mutex;

/// What a pipe holds at most unless the program changes that, in bytes.
const CAPACITY: usize = 64 << 10;
/// What it can be made to hold (`/proc/sys/fs/pipe-max-size`).
const MOST_CAPACITY: usize = 1 << 20;
/// What is written in one piece or not at all (PIPE_BUF).
pub const ATOMIC: usize = 4096;

struct Content {
    bytes: VecDeque<u8>,
    capacity: usize,
}

impl Content {
    fn room(&self) -> usize {
        self.capacity.saturating_sub(self.bytes.len())
    }

    fn is_writable(&self) -> bool {
        self.room() >= ATOMIC
    }
}

/// A pipe, which both ends have.
pub struct Pipe {
    content: Mutex<Content>,
    no_reader: AtomicBool,
    no_writer: AtomicBool,
    /// Woken for both ends.
    changed: WaitQueue,
}

impl Pipe {
    fn new() -> Self {
        Pipe {
            content: Mutex::new(Content { bytes: VecDeque::new(), capacity: CAPACITY }),
            no_reader: AtomicBool::new(false),
            no_writer: AtomicBool::new(false),
            changed: WaitQueue::new(),
        }
    }

    /// Copies what is at its front, without taking it; `EAGAIN` if there is nothing yet, 0 if there never will be.
    pub fn peek(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        let content = self.content.lock();
        if content.bytes.is_empty() && !buffer.is_empty() {
            return if self.no_writer.load(Ordering::Relaxed) { Ok(0) } else { Err(Errno::EAGAIN) };
        }
        let (first, second) = content.bytes.as_slices();
        let from_first = first.len().min(buffer.len());
        let from_second = second.len().min(buffer.len() - from_first);
        for (to, from) in [(0, first.get(..from_first)), (from_first, second.get(..from_second))] {
            let from = from.unwrap_or_default();
            buffer.get_mut(to..to + from.len()).unwrap_or_default().copy_from_slice(from);
        }
        Ok(from_first + from_second)
    }

    /// Takes so many bytes away from its front.
    pub fn skip(&self, count: usize) {
        let mut content = self.content.lock();
        let was_writable = content.is_writable();
        let count = count.min(content.bytes.len());
        content.bytes.drain(..count);
        let is_writable = content.is_writable();
        drop(content);
        if is_writable && !was_writable {
            self.changed.wake_for(Events::OUT);
        }
    }

    fn read(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        let count = self.peek(buffer)?;
        self.skip(count);
        Ok(count)
    }

    /// How many bytes it has room for; `EPIPE` if nobody reads it.
    pub fn room(&self) -> Result<usize, Errno> {
        if self.no_reader.load(Ordering::Relaxed) {
            return Err(Errno::EPIPE);
        }
        Ok(self.content.lock().room())
    }

    /// Writes as much of this as there is room for, in pieces if need be; `EAGAIN` if there is none.
    pub fn put(&self, from: &[u8]) -> Result<usize, Errno> {
        match self.room()? {
            _ if from.is_empty() => Ok(0),
            0 => Err(Errno::EAGAIN),
            room => self.force(from.get(..room).unwrap_or(from)),
        }
    }

    /// Writes all of this.
    pub fn force(&self, from: &[u8]) -> Result<usize, Errno> {
        self.room()?;
        if would_be_scarce(from.len() as u64) {
            return Err(Errno::ENOMEM);
        }
        self.content.lock().bytes.extend(from);
        if !from.is_empty() {
            self.changed.wake_for(Events::IN);
        }
        Ok(from.len())
    }

    fn write(&self, from: &[u8]) -> Result<usize, Errno> {
        if self.no_reader.load(Ordering::Relaxed) {
            return Err(Errno::EPIPE);
        }
        let mut content = self.content.lock();
        let room = content.room();
        if !from.is_empty() && (room == 0 || from.len() <= ATOMIC && room < from.len()) {
            return Err(Errno::EAGAIN);
        }
        let from = from.get(..from.len().min(room)).unwrap_or(from);
        if content.bytes.capacity() < content.bytes.len() + from.len() && is_scarce() {
            // Who reads makes room; where there is nothing to be read, nobody will.
            return Err(if content.bytes.is_empty() { Errno::ENOMEM } else { Errno::EAGAIN });
        }
        content.bytes.extend(from);
        drop(content);
        if !from.is_empty() {
            self.changed.wake_for(Events::IN);
        }
        Ok(from.len())
    }

    /// How many bytes it holds.
    pub fn length(&self) -> usize {
        self.content.lock().bytes.len()
    }

    /// How many it can hold (F_GETPIPE_SZ).
    pub fn capacity(&self) -> usize {
        self.content.lock().capacity
    }

    /// Makes it hold so many, rounded up as Linux does (F_SETPIPE_SZ).
    pub fn set_capacity(&self, wanted: usize) -> Result<usize, Errno> {
        if wanted > 1 << 31 {
            return Err(Errno::EINVAL);
        }
        let capacity = wanted.max(ATOMIC).next_power_of_two();
        if capacity > MOST_CAPACITY {
            return Err(Errno::EPERM);
        }
        if would_be_scarce(capacity as u64) {
            return Err(Errno::ENOMEM);
        }
        let mut content = self.content.lock();
        if capacity < content.bytes.len() {
            return Err(Errno::EBUSY);
        }
        content.capacity = capacity;
        drop(content);
        self.changed.wake_for(Events::OUT);
        Ok(capacity)
    }
}

/// The end to read from, or the one to write to.
struct End {
    pipe: Arc<Pipe>,
    reads: bool,
}

/// The ends of a pipe: the one to read from, the one to write to.
pub fn pipe() -> (Arc<dyn File>, Arc<dyn File>) {
    let pipe = Arc::new(Pipe::new());
    (Arc::new(End { pipe: pipe.clone(), reads: true }), Arc::new(End { pipe, reads: false }))
}

/// The pipe that this is an end of.
pub fn of(file: &dyn File) -> Option<&Arc<Pipe>> {
    file.any().downcast_ref().map(|end: &End| &end.pipe)
}

impl Drop for End {
    fn drop(&mut self) {
        let gone = if self.reads { &self.pipe.no_reader } else { &self.pipe.no_writer };
        gone.store(true, Ordering::Relaxed);
        self.pipe.changed.wake();
    }
}

impl File for End {
    fn read(&self, buffer: &mut [u8], _offset: u64) -> Result<usize, Errno> {
        if self.reads { self.pipe.read(buffer) } else { Err(Errno::EBADF) }
    }

    fn write(&self, bytes: &[u8], _offset: u64) -> Result<usize, Errno> {
        if self.reads { Err(Errno::EBADF) } else { self.pipe.write(bytes) }
    }

    fn ready(&self) -> Events {
        let content = self.pipe.content.lock();
        let mut events = Events::empty();
        if self.reads {
            events.set(Events::IN, !content.bytes.is_empty());
            events.set(Events::HUP, self.pipe.no_writer.load(Ordering::Relaxed));
        } else {
            events.set(Events::OUT, content.is_writable());
            events.set(Events::ERR, self.pipe.no_reader.load(Ordering::Relaxed));
        }
        events
    }

    fn changed(&self) -> Option<&WaitQueue> {
        Some(&self.pipe.changed)
    }

    fn status(&self) -> Status {
        Status { mode: linux::S_IFIFO | 0o600, links: 1, ..Status::default() }
    }

    fn any(&self) -> &dyn core::any::Any {
        self
    }
}
