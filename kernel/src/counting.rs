//! Telling the host what the firewall counted: when it changed, but not all the time, and at the end.
use crate::host;
use crate::net::Net;
use alloc::vec::Vec;
use core::time::Duration;
use image::report::{Cause, Counter, Report};

/// The least time between two reports.
const PAUSE: Duration = Duration::from_millis(200);

/// What was told last, and when.
#[derive(Default)]
pub struct Counting {
    told: Vec<Counter>,
    next: Duration,
}

impl Counting {
    /// Reports if there is something new and the pause is over; tells when to ask again at the latest.
    pub fn report(&mut self, net: &Net, now: Duration) -> Option<Duration> {
        if now < self.next {
            return Some(self.next);
        }
        self.next = now + PAUSE;
        self.report_all(net).then_some(self.next)
    }

    /// Reports if there is something new; tells whether there was.
    pub fn report_all(&mut self, net: &Net) -> bool {
        let mut counters = net.counters();
        // The policy's own are told as zeroes too; of the many others only what happened.
        counters.retain(|counter| counter.packets > 0 || matches!(counter.cause, Cause::Rule(_) | Cause::Default));
        if counters == self.told {
            return false;
        }
        host::report(&Report::Counted(counters.clone()));
        self.told = counters;
        true
    }
}
