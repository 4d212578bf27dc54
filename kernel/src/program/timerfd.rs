//! Timers that are files (timerfd_create(2)).
use crate::errno::Errno;
use crate::executor;
use crate::file::{Events, File, Status};
use crate::wait::WaitQueue;
use alloc::sync::Arc;
use alloc::task::Wake;
use core::task::Waker;
use core::time::Duration;
use spin::Mutex;

/// When something is due, and how long after that again; zero for never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// Since the boot, or of the clock that is meant.
    pub due: Option<Duration>,
    /// The time between two.
    pub interval: Duration,
}

impl Schedule {
    /// How often it has been due by `now`.
    pub fn count(&self, now: Duration) -> u64 {
        let Some(late) = self.due.and_then(|due| now.checked_sub(due)) else { return 0 };
        1 + late.as_nanos().checked_div(self.interval.as_nanos()).map_or(0, |more| more as u64)
    }

    /// It after it has been due so often.
    pub fn after(&self, count: u64) -> Self {
        if count == 0 {
            return *self;
        }
        let due = self.due.filter(|_| !self.interval.is_zero());
        let passed = self.interval.as_nanos().saturating_mul(u128::from(count));
        let passed = Duration::from_nanos_u128(passed.min(u128::from(u64::MAX)));
        Schedule { due: due.map(|due| due.saturating_add(passed)), ..*self }
    }

    /// How long until it is due next; zero for never.
    pub fn left(&self, now: Duration) -> Duration {
        let next = self.after(self.count(now));
        next.due.map_or(Duration::ZERO, |due| due.saturating_sub(now).max(Duration::from_nanos(1)))
    }
}

#[derive(Default)]
struct Bell(WaitQueue);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.wake_for(Events::IN);
    }
}

#[derive(Default)]
struct State {
    schedule: Schedule,
    timer: Option<executor::Timer>,
}

/// A timer that is a file.
#[derive(Default)]
pub struct TimerFile {
    /// The wall clock's, not the time since the boot.
    pub realtime: bool,
    state: Mutex<State>,
    bell: Arc<Bell>,
}

impl TimerFile {
    /// One that is not set; `realtime`: of the wall clock.
    pub fn new(realtime: bool) -> Self {
        TimerFile { realtime, ..TimerFile::default() }
    }

    /// Sets it; gives what it was set to.
    pub fn set(&self, schedule: Schedule) -> Schedule {
        let mut state = self.state.lock();
        let old = core::mem::replace(&mut state.schedule, schedule);
        self.arm(&mut state);
        drop(state);
        // It may be due already, or no longer.
        self.bell.0.wake();
        old
    }

    /// What it is set to.
    pub fn schedule(&self) -> Schedule {
        self.state.lock().schedule
    }

    /// One that was missed is told at the next read; it is only woken for the first.
    fn arm(&self, state: &mut State) {
        let waker = Waker::from(self.bell.clone());
        state.timer = state.schedule.due.map(|due| executor::wake_at(due, waker));
    }
}

impl File for TimerFile {
    fn read(&self, buffer: &mut [u8], _offset: u64) -> Result<usize, Errno> {
        let to = buffer.first_chunk_mut::<8>().ok_or(Errno::EINVAL)?;
        let mut state = self.state.lock();
        let count = state.schedule.count(machine::time::now());
        if count == 0 {
            return Err(Errno::EAGAIN);
        }
        state.schedule = state.schedule.after(count);
        self.arm(&mut state);
        *to = count.to_le_bytes();
        Ok(8)
    }

    fn ready(&self) -> Events {
        let count = self.schedule().count(machine::time::now());
        if count > 0 { Events::IN } else { Events::empty() }
    }

    fn changed(&self) -> Option<&WaitQueue> {
        Some(&self.bell.0)
    }

    fn status(&self) -> Status {
        Status { mode: 0o600, links: 1, ..Status::default() }
    }

    fn any(&self) -> &dyn core::any::Any {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_missed_is_counted_and_the_next_is_on_time() {
        let ms = Duration::from_millis;
        let schedule = Schedule { due: Some(ms(10)), interval: ms(4) };
        assert_eq!([9, 10, 13, 14, 30].map(|now| schedule.count(ms(now))), [0, 1, 1, 2, 6]);
        assert_eq!(schedule.after(6).due, Some(ms(34)));
        assert_eq!([0, 10, 31].map(|now| schedule.left(ms(now))), [ms(10), ms(4), ms(3)]);
        let once = Schedule { due: Some(ms(10)), interval: Duration::ZERO };
        assert_eq!(once.left(ms(3)), ms(7));
        assert_eq!((once.count(ms(99)), once.after(1).due, once.left(ms(99))), (1, None, Duration::ZERO));
        assert_eq!(Schedule::default().count(Duration::MAX), 0);
    }
}
