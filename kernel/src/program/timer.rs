//! Timers of a process that send signals (timer_create(2)), by the wall clock or by processor time.
use super::process::Process;
use super::signal::{Info, Signal};
use super::thread::Thread;
use super::timerfd::Schedule;
use crate::errno::Errno;
use crate::executor;
use alloc::collections::BTreeMap;
use alloc::sync::{Arc, Weak};
use alloc::task::Wake;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::Waker;
use core::time::Duration;
use spin::Mutex;

/// The most timers that a process has.
const MOST: usize = 1024;
/// A timer is not looked at more often, however short its interval; what was missed is counted.
const SHORTEST: Duration = Duration::from_micros(100);
const SI_TIMER: i32 = -2;

/// What a timer goes by.
#[derive(Clone)]
pub enum Clock {
    /// The time since the boot.
    Boot,
    /// The wall clock.
    Wall,
    /// What the process has used of the processors.
    Process,
    /// What a thread has used.
    Thread(Weak<Thread>),
}

impl Clock {
    /// What it shows, for a timer of this process.
    pub fn now(&self, process: &Process) -> Duration {
        match self {
            Clock::Boot | Clock::Wall => machine::time::now(),
            Clock::Process => process.processor_time(),
            Clock::Thread(thread) => thread.upgrade().map_or(Duration::ZERO, |thread| thread.processor_time()),
        }
    }

    fn is_of_processor(&self) -> bool {
        matches!(self, Clock::Process | Clock::Thread(_))
    }
}

/// What happens when a timer is due.
#[derive(Clone)]
pub enum Notify {
    /// Nothing: it is asked.
    Nothing,
    /// A signal to the process, or to a thread of it, with this value (`si_value`).
    Signal(Signal, Option<Weak<Thread>>, u64),
}

#[derive(Default)]
struct State {
    schedule: Schedule,
    timer: Option<executor::Timer>,
    /// How often it was due beyond the signal that was sent last.
    overrun: u64,
    /// The same of the one before, which was taken last while the other still waits.
    taken: u64,
}

/// A timer.
pub struct Timer {
    /// Its number, which its signals tell.
    id: u32,
    /// What it goes by.
    pub clock: Clock,
    notify: Notify,
    process: Weak<Process>,
    state: Mutex<State>,
}

impl Wake for Timer {
    fn wake(self: Arc<Self>) {
        self.look();
    }
}

impl Timer {
    /// Sets it; gives what it was set to.
    pub fn set(self: &Arc<Self>, schedule: Schedule) -> Schedule {
        let mut state = self.state.lock();
        let old = core::mem::replace(&mut state.schedule, schedule);
        (state.overrun, state.taken) = (0, 0);
        let ended = state.timer.take();
        self.arm(&mut state);
        drop(state);
        drop(ended);
        old
    }

    /// What it is set to.
    pub fn schedule(&self) -> Schedule {
        self.state.lock().schedule
    }

    /// timer_getoverrun(2): of the signal that was taken last.
    pub fn overrun(&self) -> u64 {
        let waits = self.process.upgrade().is_some_and(|process| self.waits(&process));
        let state = self.state.lock();
        let overrun = if waits { state.taken } else { state.overrun };
        overrun.min(i32::MAX as u64)
    }

    /// Whether its signal was sent and not yet taken.
    fn waits(&self, process: &Process) -> bool {
        let Notify::Signal(signal, thread, _) = &self.notify else { return false };
        let pending = match thread.as_ref().map(Weak::upgrade) {
            Some(Some(thread)) => thread.pending(),
            _ => process.pending(),
        };
        pending & super::signal::only(*signal) != 0
    }

    fn arm(self: &Arc<Self>, state: &mut State) {
        if self.clock.is_of_processor() || matches!(self.notify, Notify::Nothing) {
            return;
        }
        let earliest = if state.schedule.interval.is_zero() { Duration::ZERO } else { machine::time::now() + SHORTEST };
        let due = state.schedule.due.map(|due| if state.overrun > 0 { due.max(earliest) } else { due });
        state.timer = due.map(|due| executor::wake_at(due, Waker::from(self.clone())));
    }

    /// Sends its signal if it is due.
    fn look(self: &Arc<Self>) {
        let Some(process) = self.process.upgrade() else { return };
        let Notify::Signal(signal, thread, value) = &self.notify else { return };
        let mut state = self.state.lock();
        let count = state.schedule.count(self.clock.now(&process));
        if count == 0 {
            return;
        }
        state.schedule = state.schedule.after(count);
        let thread = thread.as_ref().map(Weak::upgrade);
        if self.waits(&process) {
            state.overrun = state.overrun.saturating_add(count);
        } else {
            (state.taken, state.overrun) = (state.overrun, count - 1);
        }
        let overrun = state.overrun;
        let ended = state.timer.take();
        self.arm(&mut state);
        drop(state);
        drop(ended);
        let info = Info {
            code: SI_TIMER,
            value: u64::from(self.id) | overrun.min(i32::MAX as u64) << 32,
            queued: *value,
            ..Info::default()
        };
        match thread {
            Some(Some(thread)) => {
                thread.post(*signal, info);
            }
            // Who was to be told has ended.
            Some(None) => {}
            None => {
                process.post(*signal, info);
            }
        }
    }

    fn stop(&self) {
        let ended = self.state.lock().timer.take();
        drop(ended);
    }
}

/// The timers of a process.
#[derive(Default)]
pub struct Timers {
    timers: Mutex<BTreeMap<u32, Arc<Timer>>>,
    /// ITIMER_VIRTUAL and ITIMER_PROF (setitimer(2)), which have no number.
    intervals: Mutex<[Option<Arc<Timer>>; 2]>,
    /// Whether there are any that go by processor time.
    of_processor: AtomicBool,
}

fn new(process: &Arc<Process>, id: u32, clock: Clock, notify: Notify) -> Arc<Timer> {
    if clock.is_of_processor() {
        process.timers.of_processor.store(true, Ordering::Relaxed);
    }
    Arc::new(Timer { id, clock, notify, process: Arc::downgrade(process), state: Mutex::default() })
}

/// Makes a timer; gives its number. `notify` is told it.
pub fn create(process: &Arc<Process>, clock: Clock, notify: impl FnOnce(u32) -> Notify) -> Result<u32, Errno> {
    let mut timers = process.timers.timers.lock();
    if timers.len() >= MOST {
        return Err(Errno::EAGAIN);
    }
    let id = (0..).find(|id| !timers.contains_key(id)).unwrap_or(0);
    timers.insert(id, new(process, id, clock, notify(id)));
    Ok(id)
}

/// The timer of setitimer(2) that goes by processor time, 0 for ITIMER_VIRTUAL, 1 for ITIMER_PROF.
pub fn interval(process: &Arc<Process>, which: usize, signal: Signal) -> Result<Arc<Timer>, Errno> {
    let mut intervals = process.timers.intervals.lock();
    let slot = intervals.get_mut(which).ok_or(Errno::EINVAL)?;
    Ok(slot.get_or_insert_with(|| new(process, 0, Clock::Process, Notify::Signal(signal, None, 0))).clone())
}

impl Timers {
    /// The timer of this number.
    pub fn get(&self, id: u32) -> Result<Arc<Timer>, Errno> {
        self.timers.lock().get(&id).cloned().ok_or(Errno::EINVAL)
    }

    /// timer_delete(2).
    pub fn delete(&self, id: u32) -> Result<(), Errno> {
        let timer = self.timers.lock().remove(&id).ok_or(Errno::EINVAL)?;
        timer.stop();
        Ok(())
    }

    /// Ends all: the process is over.
    pub fn clear(&self) {
        let timers = core::mem::take(&mut *self.timers.lock());
        timers.values().for_each(|timer| timer.stop());
    }

    /// Looks at those that go by processor time, of which a thread has just used some.
    pub fn look(&self) {
        if !self.of_processor.load(Ordering::Relaxed) {
            return;
        }
        let timers: Vec<Arc<Timer>> = self.timers.lock().values().cloned().collect();
        let intervals = self.intervals.lock().clone();
        let all = timers.into_iter().chain(intervals.into_iter().flatten());
        all.filter(|timer| timer.clock.is_of_processor()).for_each(|timer| timer.look());
    }
}
