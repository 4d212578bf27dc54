//! Clocks and sleeping (clock_gettime(2), nanosleep(2), setitimer(2)).
use super::{Answer, Call};
use crate::errno::Errno;
use crate::executor;
use crate::program::alarm::Alarm;
use core::time::Duration;
use linux_raw_sys::general as linux;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

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

impl From<Duration> for Timeval {
    fn from(time: Duration) -> Self {
        Timeval { seconds: time.as_secs() as i64, microseconds: i64::from(time.subsec_micros()) }
    }
}

/// The time since the boot at which the wall clock shows `time`.
pub fn since_boot(time: Duration) -> Duration {
    machine::time::now().saturating_add(time.saturating_sub(machine::time::wall()))
}

fn read_clock(clock: u32) -> Result<Duration, Errno> {
    match clock {
        linux::CLOCK_REALTIME | linux::CLOCK_REALTIME_COARSE | linux::CLOCK_TAI => Ok(machine::time::wall()),
        linux::CLOCK_MONOTONIC
        | linux::CLOCK_MONOTONIC_RAW
        | linux::CLOCK_MONOTONIC_COARSE
        | linux::CLOCK_BOOTTIME
        // The one program has the one processor: what has passed is what it took.
        | linux::CLOCK_PROCESS_CPUTIME_ID
        | linux::CLOCK_THREAD_CPUTIME_ID => Ok(machine::time::now()),
        _ => Err(Errno::EINVAL),
    }
}

pub fn clock_gettime(call: &mut Call<'_>) -> Answer {
    let time = read_clock(call.int::<0>())?;
    call.memory().put(call.arg::<1>(), &Timespec::from(time))?;
    Ok(0)
}

pub fn clock_getres(call: &mut Call<'_>) -> Answer {
    read_clock(call.int::<0>())?;
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
    let ticks = machine::time::now().as_millis() as u64 / 10;
    if call.arg::<0>() != 0 {
        call.memory().put(call.arg::<0>(), &[ticks, 0, 0, 0])?;
    }
    Ok(ticks)
}

pub async fn nanosleep(call: &mut Call<'_>) -> Answer {
    let time = call.memory().get::<Timespec>(call.arg::<0>())?.duration()?;
    sleep(call, machine::time::now().saturating_add(time), call.arg::<1>()).await
}

pub async fn clock_nanosleep(call: &mut Call<'_>) -> Answer {
    read_clock(call.int::<0>())?;
    let time = call.memory().get::<Timespec>(call.arg::<2>())?.duration()?;
    if call.int::<1>() & linux::TIMER_ABSTIME == 0 {
        return sleep(call, machine::time::now().saturating_add(time), call.arg::<3>()).await;
    }
    let realtime = call.int::<0>() == linux::CLOCK_REALTIME;
    sleep(call, if realtime { since_boot(time) } else { time }, 0).await
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

pub fn setitimer(call: &mut Call<'_>) -> Answer {
    if call.int::<0>() != linux::ITIMER_REAL {
        return Err(Errno::EINVAL);
    }
    let old = alarm_left(call);
    if call.arg::<1>() != 0 {
        let [interval, value]: [Timeval; 2] = call.memory().get(call.arg::<1>())?;
        set_alarm(call, value.duration()?, interval.duration()?);
    }
    put_timer(call, call.arg::<2>(), old)
}

pub fn getitimer(call: &mut Call<'_>) -> Answer {
    if call.int::<0>() != linux::ITIMER_REAL {
        return Err(Errno::EINVAL);
    }
    put_timer(call, call.arg::<1>(), alarm_left(call))
}

fn put_timer(call: &Call<'_>, at: u64, (left, interval): (Duration, Duration)) -> Answer {
    if at != 0 {
        call.memory().put(at, &[Timeval::from(interval), Timeval::from(left)])?;
    }
    Ok(0)
}
