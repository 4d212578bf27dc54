//! Timers that send signals (timer_create(2)).
use super::time::{clock_of, since_boot};
use super::timerfd::{get_times, put_schedule};
use super::{Answer, Call};
use crate::errno::Errno;
use crate::program::signal::{SIGALRM, Signal};
use crate::program::timer::{self, Clock, Notify};
use crate::program::timerfd::Schedule;
use alloc::sync::Arc;
use linux_raw_sys::general as linux;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// `struct sigevent`, as far as it is looked at.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Event {
    value: u64,
    signal: u32,
    notify: u32,
    thread: u32,
    padding: u32,
}

pub fn timer_create(call: &mut Call<'_>) -> Answer {
    let clock = clock_of(call, call.int::<0>())?;
    let process = &call.thread.process;
    let notify = match call.arg::<1>() {
        0 => None,
        at => Some(notify_of(call, call.memory().get::<Event>(at)?)?),
    };
    // Without an event it is SIGALRM, with the timer's number.
    let id = timer::create(process, clock, |id| notify.unwrap_or(Notify::Signal(SIGALRM, None, u64::from(id))))?;
    if let Err(error) = call.memory().put(call.arg::<2>(), &id) {
        process.timers.delete(id)?;
        return Err(error);
    }
    Ok(0)
}

fn notify_of(call: &Call<'_>, event: Event) -> Result<Notify, Errno> {
    if event.notify == linux::SIGEV_NONE {
        return Ok(Notify::Nothing);
    }
    let signal: Signal =
        u8::try_from(event.signal).ok().filter(|signal| (1..=64).contains(signal)).ok_or(Errno::EINVAL)?;
    match event.notify {
        // The library makes a thread of it that waits for the signal.
        linux::SIGEV_SIGNAL | linux::SIGEV_THREAD => Ok(Notify::Signal(signal, None, event.value)),
        linux::SIGEV_THREAD_ID => {
            let thread = call.thread.process.thread(event.thread).ok_or(Errno::EINVAL)?;
            Ok(Notify::Signal(signal, Some(Arc::downgrade(&thread)), event.value))
        }
        _ => Err(Errno::EINVAL),
    }
}

pub fn timer_settime(call: &mut Call<'_>) -> Answer {
    let (interval, value) = get_times(call, call.arg::<2>())?;
    let timer = call.thread.process.timers.get(call.int::<0>())?;
    let now = timer.clock.now(&call.thread.process);
    let due = match call.int::<1>() & linux::TIMER_ABSTIME != 0 {
        _ if value.is_zero() => None,
        false => Some(now.saturating_add(value)),
        true if matches!(timer.clock, Clock::Wall) => Some(since_boot(value)),
        true => Some(value),
    };
    let old = timer.set(Schedule { due, interval });
    if call.arg::<3>() == 0 { Ok(0) } else { put_schedule(call, call.arg::<3>(), old, now) }
}

pub fn timer_gettime(call: &mut Call<'_>) -> Answer {
    let timer = call.thread.process.timers.get(call.int::<0>())?;
    put_schedule(call, call.arg::<1>(), timer.schedule(), timer.clock.now(&call.thread.process))
}

pub fn timer_getoverrun(call: &mut Call<'_>) -> Answer {
    Ok(call.thread.process.timers.get(call.int::<0>())?.overrun())
}

pub fn timer_delete(call: &mut Call<'_>) -> Answer {
    call.thread.process.timers.delete(call.int::<0>()).map(|()| 0)
}
