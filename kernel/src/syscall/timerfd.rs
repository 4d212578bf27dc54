//! Timers that are files (timerfd_create(2)).
use super::time::{Timespec, since_boot};
use super::{Answer, Call};
use crate::errno::Errno;
use crate::program::descriptors::Open;
use crate::program::timerfd::{Schedule, TimerFile};
use alloc::sync::Arc;
use core::time::Duration;
use linux_raw_sys::general as linux;

pub fn timerfd_create(call: &mut Call<'_>) -> Answer {
    let (clock, flags) = (call.int::<0>(), call.int::<1>());
    if flags & !(linux::TFD_NONBLOCK | linux::TFD_CLOEXEC) != 0 {
        return Err(Errno::EINVAL);
    }
    let realtime = match clock {
        linux::CLOCK_REALTIME | linux::CLOCK_REALTIME_ALARM => true,
        linux::CLOCK_MONOTONIC | linux::CLOCK_BOOTTIME | linux::CLOCK_BOOTTIME_ALARM => false,
        _ => return Err(Errno::EINVAL),
    };
    let file = Arc::new(TimerFile::new(realtime));
    let open = Open::new(file, linux::O_RDWR | flags & linux::O_NONBLOCK);
    call.thread.files.lock().add(Arc::new(open), flags & linux::O_CLOEXEC != 0, 0)
}

fn as_timer(open: &Open) -> Result<&TimerFile, Errno> {
    open.file.any().downcast_ref().ok_or(Errno::EINVAL)
}

/// The `struct itimerspec` at `at`: interval and value.
pub fn get_times(call: &Call<'_>, at: u64) -> Result<(Duration, Duration), Errno> {
    let [interval, value]: [Timespec; 2] = call.memory().get(at)?;
    Ok((interval.duration()?, value.duration()?))
}

/// Tells the program what a timer is set to, `now` by its clock.
pub fn put_schedule(call: &Call<'_>, at: u64, schedule: Schedule, now: Duration) -> Answer {
    let times = [Timespec::from(schedule.interval), Timespec::from(schedule.left(now))];
    call.memory().put(at, &times)?;
    Ok(0)
}

pub fn timerfd_settime(call: &mut Call<'_>) -> Answer {
    let flags = call.int::<1>();
    if flags & !(linux::TFD_TIMER_ABSTIME | linux::TFD_TIMER_CANCEL_ON_SET) != 0 {
        return Err(Errno::EINVAL);
    }
    let (interval, value) = get_times(call, call.arg::<2>())?;
    let open = call.open::<0>()?;
    let timer = as_timer(&open)?;
    let now = machine::time::now();
    let due = match flags & linux::TFD_TIMER_ABSTIME != 0 {
        _ if value.is_zero() => None,
        false => Some(now.saturating_add(value)),
        true if timer.realtime => Some(since_boot(value)),
        true => Some(value),
    };
    let old = timer.set(Schedule { due, interval });
    if call.arg::<3>() == 0 { Ok(0) } else { put_schedule(call, call.arg::<3>(), old, now) }
}

pub fn timerfd_gettime(call: &mut Call<'_>) -> Answer {
    let open = call.open::<0>()?;
    put_schedule(call, call.arg::<1>(), as_timer(&open)?.schedule(), machine::time::now())
}
