//! Clocks and sleeping (clock_gettime(2), nanosleep(2), setitimer(2)).
use super::{Answer, Call};
use crate::errno::Errno;
use crate::executor;
use crate::program::alarm::Alarm;
use crate::program::signal::Signal;
use crate::program::timer::{self, Clock, Timer};
use crate::program::timerfd::Schedule;
use alloc::sync::Arc;
use core::time::Duration;
use linux_raw_sys::general as linux;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// How long a sleep by processor time lasts before the clock is looked at again.
const SHORTEST_LOOK: Duration = Duration::from_millis(1);
const LONGEST_LOOK: Duration = Duration::from_millis(10);
const SIGVTALRM: Signal = 26;
const SIGPROF: Signal = 27;

/// `struct timespec`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Timespec {
    seconds: i64,
    nanoseconds: i64,
}

/// `struct timeval`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Timeval {
    seconds: i64,
    microseconds: i64,
}

impl Timespec {
    /// It as a duration; `EINVAL` for one that is none.
    pub fn duration(self) -> Result<Duration, Errno> {
        match (u64::try_from(self.seconds), u32::try_from(self.nanoseconds)) {
            (Ok(seconds), Ok(nanoseconds)) if nanoseconds < 1_000_000_000 => Ok(Duration::new(seconds, nanoseconds)),
            _ => Err(Errno::EINVAL),
        }
    }
}

impl From<Duration> for Timespec {
    fn from(time: Duration) -> Self {
        Timespec { seconds: time.as_secs() as i64, nanoseconds: i64::from(time.subsec_nanos()) }
    }
}

impl Timeval {
    /// It as a duration; `EINVAL` for one that is none.
    pub fn duration(self) -> Result<Duration, Errno> {
        let nanoseconds = self.microseconds.checked_mul(1000).ok_or(Errno::EINVAL)?;
        Timespec { seconds: self.seconds, nanoseconds }.duration()
    }
}

impl Timeval {
    /// It as the time limit of select(2), which takes microseconds beyond a second.
    pub fn limit(self) -> Result<Duration, Errno> {
        let (Ok(seconds), Ok(micros)) = (u64::try_from(self.seconds), u64::try_from(self.microseconds)) else {
            return Err(Errno::EINVAL);
        };
        Ok(Duration::from_secs(seconds).saturating_add(Duration::from_micros(micros)))
    }
}

impl From<Duration> for Timeval {
    fn from(time: Duration) -> Self {
        Timeval { seconds: time.as_secs() as i64, microseconds: i64::from(time.subsec_micros()) }
    }
}

/// The time since the boot at which the wall clock shows `time`.
pub fn since_boot(time: Duration) -> Duration {
    machine::time::now().saturating_add(time.saturating_sub(machine::time::wall()))
}

/// The bits of a clock's number that say which process or thread it is of (clock_getcpuclockid(3)).
const OF_THREAD: u32 = 4;
const WHICH: u32 = 3;

/// A clock as timers know it; `EINVAL` for one that is not there, or that no timer goes by.
pub fn clock_of(call: &Call<'_>, clock: u32) -> Result<Clock, Errno> {
    match clock {
        linux::CLOCK_REALTIME | linux::CLOCK_TAI | linux::CLOCK_REALTIME_ALARM => Ok(Clock::Wall),
        linux::CLOCK_MONOTONIC | linux::CLOCK_BOOTTIME | linux::CLOCK_BOOTTIME_ALARM => Ok(Clock::Boot),
        linux::CLOCK_PROCESS_CPUTIME_ID => Ok(Clock::Process),
        linux::CLOCK_THREAD_CPUTIME_ID => Ok(Clock::Thread(Arc::downgrade(call.thread))),
        of_another if (of_another as i32) < 0 && of_another & WHICH < 3 => {
            let id = !(of_another as i32 >> 3) as u32;
            let process = &call.thread.process;
            if of_another & OF_THREAD == 0 {
                return if id == 0 || id == process.id { Ok(Clock::Process) } else { Err(Errno::EINVAL) };
            }
            let thread = if id == 0 { Some(call.thread.clone()) } else { process.thread(id) };
            thread.map(|thread| Clock::Thread(Arc::downgrade(&thread))).ok_or(Errno::EINVAL)
        }
        _ => Err(Errno::EINVAL),
    }
}

fn read_clock(call: &Call<'_>, clock: u32) -> Result<Duration, Errno> {
    match clock {
        linux::CLOCK_REALTIME_COARSE => Ok(machine::time::wall()),
        linux::CLOCK_MONOTONIC_RAW | linux::CLOCK_MONOTONIC_COARSE => Ok(machine::time::now()),
        _ => match clock_of(call, clock)? {
            Clock::Wall => Ok(machine::time::wall()),
            clock => Ok(clock.now(&call.thread.process)),
        },
    }
}

pub fn clock_gettime(call: &mut Call<'_>) -> Answer {
    let time = read_clock(call, call.int::<0>())?;
    call.memory().put(call.arg::<1>(), &Timespec::from(time))?;
    Ok(0)
}

pub fn clock_getres(call: &mut Call<'_>) -> Answer {
    read_clock(call, call.int::<0>())?;
    if call.arg::<1>() != 0 {
        call.memory().put(call.arg::<1>(), &Timespec { seconds: 0, nanoseconds: 1 })?;
    }
    Ok(0)
}

pub fn gettimeofday(call: &mut Call<'_>) -> Answer {
    if call.arg::<0>() != 0 {
        call.memory().put(call.arg::<0>(), &Timeval::from(machine::time::wall()))?;
    }
    if call.arg::<1>() != 0 {
        call.memory().put(call.arg::<1>(), &[0_u32; 2])?;
    }
    Ok(0)
}

pub fn time(call: &mut Call<'_>) -> Answer {
    let seconds = machine::time::wall().as_secs();
    if call.arg::<0>() != 0 {
        call.memory().put(call.arg::<0>(), &seconds)?;
    }
    Ok(seconds)
}

/// times(2): in ticks of 10 ms.
pub fn times(call: &mut Call<'_>) -> Answer {
    let ticks = |time: Duration| time.as_millis() as u64 / 10;
    if call.arg::<0>() != 0 {
        call.memory().put(call.arg::<0>(), &[ticks(call.thread.process.processor_time()), 0, 0, 0])?;
    }
    Ok(ticks(machine::time::now()))
}

pub async fn nanosleep(call: &mut Call<'_>) -> Answer {
    let time = call.memory().get::<Timespec>(call.arg::<0>())?.duration()?;
    sleep(call, machine::time::now().saturating_add(time), call.arg::<1>()).await
}

pub async fn clock_nanosleep(call: &mut Call<'_>) -> Answer {
    let clock = match call.int::<0>() {
        linux::CLOCK_MONOTONIC_RAW | linux::CLOCK_MONOTONIC_COARSE | linux::CLOCK_REALTIME_COARSE => {
            return Err(Errno::EOPNOTSUPP);
        }
        // It would wait for itself.
        linux::CLOCK_THREAD_CPUTIME_ID => return Err(Errno::EINVAL),
        clock => clock_of(call, clock)?,
    };
    let time = call.memory().get::<Timespec>(call.arg::<2>())?.duration()?;
    let absolute = call.int::<1>() & linux::TIMER_ABSTIME != 0;
    match clock {
        Clock::Process | Clock::Thread(_) => {
            let start = if absolute { Duration::ZERO } else { clock.now(&call.thread.process) };
            sleep_by(call, &clock, start.saturating_add(time)).await
        }
        _ if !absolute => sleep(call, machine::time::now().saturating_add(time), call.arg::<3>()).await,
        Clock::Wall => sleep(call, since_boot(time), 0).await,
        Clock::Boot => sleep(call, time, 0).await,
    }
}

/// Waits until a clock of processor time shows this: until then at least so much time passes as is missing.
async fn sleep_by(call: &Call<'_>, clock: &Clock, until: Duration) -> Answer {
    loop {
        let left = until.saturating_sub(clock.now(&call.thread.process));
        if left.is_zero() {
            return Ok(0);
        }
        executor::sleep_until(machine::time::now().saturating_add(left.clamp(SHORTEST_LOOK, LONGEST_LOOK))).await;
    }
}

async fn sleep(call: &Call<'_>, due: Duration, remaining_at: u64) -> Answer {
    let _remaining = Remaining { call, due, at: remaining_at };
    executor::sleep_until(due).await;
    Ok(0)
}

/// Tells the program what was left of its sleep, also when a signal ends it.
struct Remaining<'a, 'b> {
    call: &'a Call<'b>,
    due: Duration,
    at: u64,
}

impl Drop for Remaining<'_, '_> {
    fn drop(&mut self) {
        let left = self.due.saturating_sub(machine::time::now());
        if self.at != 0 && !left.is_zero() {
            // A bad address changes nothing about the sleep, which is over.
            let _ = self.call.memory().put(self.at, &Timespec::from(left));
        }
    }
}

/// What is left of the alarm, and its interval.
fn alarm_left(call: &Call<'_>) -> (Duration, Duration) {
    let alarm = call.thread.process.alarm.lock();
    alarm.as_ref().map_or((Duration::ZERO, Duration::ZERO), |alarm| {
        (alarm.due.saturating_sub(machine::time::now()).max(Duration::from_micros(1)), alarm.interval)
    })
}

fn set_alarm(call: &Call<'_>, after: Duration, interval: Duration) {
    if after.is_zero() {
        *call.thread.process.alarm.lock() = None;
    } else {
        Alarm::set(&call.thread.process, machine::time::now().saturating_add(after), interval);
    }
}

pub fn alarm(call: &mut Call<'_>) -> Answer {
    let (left, _) = alarm_left(call);
    set_alarm(call, Duration::from_secs(u64::from(call.int::<0>())), Duration::ZERO);
    Ok(left.as_micros().div_ceil(1_000_000) as u64)
}

/// The timer of setitimer(2) that goes by processor time, if this is one.
fn of_processor(call: &Call<'_>, which: u32) -> Result<Option<Arc<Timer>>, Errno> {
    let process = &call.thread.process;
    match which {
        linux::ITIMER_REAL => Ok(None),
        linux::ITIMER_VIRTUAL => timer::interval(process, 0, SIGVTALRM).map(Some),
        linux::ITIMER_PROF => timer::interval(process, 1, SIGPROF).map(Some),
        _ => Err(Errno::EINVAL),
    }
}

/// What is left of a timer, and its interval.
fn timer_left(call: &Call<'_>, timer: Option<&Arc<Timer>>) -> (Duration, Duration) {
    let Some(timer) = timer else { return alarm_left(call) };
    let schedule = timer.schedule();
    (schedule.left(timer.clock.now(&call.thread.process)), schedule.interval)
}

pub fn setitimer(call: &mut Call<'_>) -> Answer {
    let timer = of_processor(call, call.int::<0>())?;
    let old = timer_left(call, timer.as_ref());
    if call.arg::<1>() != 0 {
        let [interval, value]: [Timeval; 2] = call.memory().get(call.arg::<1>())?;
        let (interval, value) = (interval.duration()?, value.duration()?);
        match &timer {
            None => set_alarm(call, value, interval),
            Some(timer) => {
                let due = timer.clock.now(&call.thread.process).saturating_add(value);
                timer.set(Schedule { due: Some(due).filter(|_| !value.is_zero()), interval });
            }
        }
    }
    put_timer(call, call.arg::<2>(), old)
}

pub fn getitimer(call: &mut Call<'_>) -> Answer {
    let timer = of_processor(call, call.int::<0>())?;
    put_timer(call, call.arg::<1>(), timer_left(call, timer.as_ref()))
}

fn put_timer(call: &Call<'_>, at: u64, (left, interval): (Duration, Duration)) -> Answer {
    if at != 0 {
        call.memory().put(at, &[Timeval::from(interval), Timeval::from(left)])?;
    }
    Ok(0)
}
