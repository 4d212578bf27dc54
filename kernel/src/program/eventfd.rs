//! A counter that threads wait on (eventfd(2)).
use crate::errno::Errno;
use crate::file::{Events, File, Status};
use crate::wait::WaitQueue;
use linux_raw_sys::general as linux;
use spin::Mutex;

/// The most that it counts to.
const MAX: u64 = u64::MAX - 1;

/// The counter.
pub struct Counter {
    value: Mutex<u64>,
    /// A read takes one, not all (EFD_SEMAPHORE).
    single: bool,
    changed: WaitQueue,
}

impl Counter {
    /// One that begins at `value`.
    pub fn new(value: u64, single: bool) -> Self {
        Counter { value: Mutex::new(value), single, changed: WaitQueue::new() }
    }
}

impl File for Counter {
    fn read(&self, buffer: &mut [u8], _offset: u64) -> Result<usize, Errno> {
        let to = buffer.first_chunk_mut::<8>().ok_or(Errno::EINVAL)?;
        let mut value = self.value.lock();
        let taken = match *value {
            0 => return Err(Errno::EAGAIN),
            _ if self.single => 1,
            all => all,
        };
        *value -= taken;
        drop(value);
        *to = taken.to_le_bytes();
        self.changed.wake_for(Events::OUT);
        Ok(8)
    }

    fn write(&self, bytes: &[u8], _offset: u64) -> Result<usize, Errno> {
        let more = u64::from_le_bytes(*bytes.first_chunk().ok_or(Errno::EINVAL)?);
        if more > MAX {
            return Err(Errno::EINVAL);
        }
        let mut value = self.value.lock();
        *value = value.checked_add(more).filter(|sum| *sum <= MAX).ok_or(Errno::EAGAIN)?;
        drop(value);
        self.changed.wake_for(Events::IN);
        Ok(8)
    }

    fn ready(&self) -> Events {
        let value = *self.value.lock();
        let mut events = Events::empty();
        events.set(Events::IN, value > 0);
        events.set(Events::OUT, value < MAX);
        events
    }

    fn changed(&self) -> Option<&WaitQueue> {
        Some(&self.changed)
    }

    fn status(&self) -> Status {
        Status { mode: linux::S_IFREG | 0o600, links: 1, ..Status::default() }
    }

    fn any(&self) -> &dyn core::any::Any {
        self
    }
}
