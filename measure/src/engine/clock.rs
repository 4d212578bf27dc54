//! Time, on one processor.
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;
use tests::Result;

/// How long to go without a look at the clock, which takes time itself.
const BLIND: Duration = Duration::from_millis(1);
/// At most so many items without a look at the clock; a multiple of every batch.
const MOST: usize = 1 << 14;

/// Stays on one of the processors that this process may run on, and returns its number. The processes that it starts
/// stay there too.
pub fn pin() -> Result<usize> {
    let allowed = sched_getaffinity(None)?;
    // The last: the first serves the interrupts of many machines.
    let last = (0..CpuSet::MAX_CPU).rev().find(|cpu| allowed.is_set(*cpu)).ok_or("there is no processor")?;
    let mut only = CpuSet::new();
    only.set(last);
    sched_setaffinity(None, &only)?;
    Ok(last)
}

/// The processor time that this process has taken: not that of others which the processor serves between.
pub fn taken() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    // It is never before zero.
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Nanoseconds of the processor that an item takes. Items are handled in slices, whose length is a multiple of `batch` but at the end,
/// from the one at `position` on and from the start again, until the time is over.
pub fn rate<T>(items: &[T], position: &mut usize, batch: usize, least: Duration, mut handle: impl FnMut(&[T])) -> f64 {
    let (mut slice, mut handled) = (batch, 0);
    let begun = taken();
    let mut now = begun;
    loop {
        let part = &items[*position..items.len().min(*position + slice)];
        handle(part);
        handled += part.len();
        *position = if *position + part.len() == items.len() { 0 } else { *position + part.len() };
        let before = std::mem::replace(&mut now, taken());
        if now - begun >= least {
            return (now - begun).as_nanos() as f64 / handled as f64;
        }
        if now - before < BLIND && slice < MOST {
            slice *= 2;
        }
    }
}

/// The shortest of up to three processor times that something takes, and what it made; one when that takes over a second.
pub fn shortest<T>(mut make: impl FnMut() -> Result<T>) -> Result<(T, Duration)> {
    let mut shortest: Option<Duration> = None;
    for left in (0..3).rev() {
        let begun = taken();
        let made = make()?;
        let time = taken() - begun;
        shortest = Some(shortest.map_or(time, |shortest| shortest.min(time)));
        if left == 0 || time > Duration::from_secs(1) {
            return Ok((made, shortest.unwrap_or(time)));
        }
    }
    Err("nothing was made".into())
}
