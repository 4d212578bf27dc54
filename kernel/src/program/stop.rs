//! Stopping and going on (signal(7)): SIGSTOP and its like stop all threads of a process, SIGCONT lets them go on.
use super::signal::Signal;
use core::sync::atomic::{AtomicBool, Ordering};
use spin::Mutex;

/// What a parent is told once of a child that lives (wait(2)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// This signal stopped it.
    Stopped(Signal),
    /// SIGCONT let it go on.
    WentOn,
}

/// Whether a process is stopped, and what its parent was not told yet.
#[derive(Default)]
pub struct Stop {
    stopped: AtomicBool,
    news: Mutex<Option<News>>,
}

impl Stop {
    /// Whether it is stopped.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// This signal stops it; `false` if it was stopped already.
    pub fn begin(&self, signal: Signal) -> bool {
        let begins = !self.stopped.swap(true, Ordering::Relaxed);
        if begins {
            *self.news.lock() = Some(News::Stopped(signal));
        }
        begins
    }

    /// It goes on; `false` if it was not stopped.
    pub fn end(&self) -> bool {
        let ends = self.stopped.swap(false, Ordering::Relaxed);
        if ends {
            *self.news.lock() = Some(News::WentOn);
        }
        ends
    }

    /// What its parent was not told yet.
    pub fn news(&self) -> Option<News> {
        *self.news.lock()
    }

    /// Its parent was told.
    pub fn told(&self) {
        *self.news.lock() = None;
    }
}
