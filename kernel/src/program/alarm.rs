//! A process's alarm: SIGALRM at a time, once or again and again (alarm(2), setitimer(2)).
use super::process::Process;
use super::signal::{Info, SIGALRM};
use crate::executor;
use crate::wait::WaitQueue;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;

#[derive(Default)]
struct Stop {
    now: AtomicBool,
    changed: WaitQueue,
}

/// An alarm that is set; its end stops it.
pub struct Alarm {
    /// When it goes off next, since the boot.
    pub due: Duration,
    /// How long after that it does so again; zero for never.
    pub interval: Duration,
    stop: Arc<Stop>,
}

impl Alarm {
    /// Sets the alarm of a process.
    pub fn set(process: &Arc<Process>, due: Duration, interval: Duration) {
        let stop = Arc::new(Stop::default());
        *process.alarm.lock() = Some(Alarm { due, interval, stop: stop.clone() });
        // The task does not keep the process: it may end long before.
        let (world, id) = (process.world.clone(), process.id);
        executor::spawn(async move {
            let mut due = due;
            loop {
                let stopped = stop.changed.until(|| stop.now.load(Ordering::Relaxed).then_some(()));
                if executor::timeout(Some(due), stopped).await.is_some() {
                    return;
                }
                let Some(process) = world.process(id) else { return };
                if interval.is_zero() {
                    *process.alarm.lock() = None;
                } else {
                    due = next(due, interval, machine::time::now());
                    if let Some(alarm) = process.alarm.lock().as_mut() {
                        alarm.due = due;
                    }
                }
                process.post(SIGALRM, Info { code: 0x80, ..Info::default() });
                if interval.is_zero() {
                    return;
                }
                // An interval may be over before it began.
                executor::give_way().await;
            }
        });
    }
}

/// When an alarm that was due at `due` goes off again. Those that were missed are one, as on Linux.
fn next(due: Duration, interval: Duration, now: Duration) -> Duration {
    let next = due.saturating_add(interval);
    if next > now { next } else { now.saturating_add(interval) }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.stop.now.store(true, Ordering::Relaxed);
        self.stop.changed.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alarms_that_were_missed_are_one() {
        let us = Duration::from_micros;
        assert_eq!(next(us(10), us(5), us(12)), us(15));
        assert_eq!(next(us(10), us(1), us(500)), us(501));
        assert_eq!(next(Duration::MAX, us(1), us(500)), Duration::MAX);
    }
}
