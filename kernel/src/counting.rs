//! Telling the host what the firewall counted: when it changed, but not all the time, and at the end.
use crate::host;
use crate::net::Net;
use core::time::Duration;
use image::report::Report;

/// The least time between two reports.
const PAUSE: Duration = Duration::from_millis(200);
/// How many counters there are in a report: its length is limited.
const MOST: usize = 1_000;

/// When to tell next.
#[derive(Default)]
pub struct Counting {
    next: Duration,
}

impl Counting {
    /// Reports if there is something new and the pause is over; tells when to ask again at the latest.
    pub fn report(&mut self, net: &Net, now: Duration) -> Option<Duration> {
        if now < self.next {
            return Some(self.next);
        }
        self.next = now + PAUSE;
        report_all(net).then_some(self.next)
    }
}

/// Reports what is new; tells whether anything was.
pub fn report_all(net: &Net) -> bool {
    let changed = net.take_changed_counters();
    changed.chunks(MOST).for_each(|counters| host::report(&Report::Counted(counters.to_vec())));
    !changed.is_empty()
}
