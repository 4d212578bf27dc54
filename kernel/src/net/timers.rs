//! When which socket wants a turn.
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use smoltcp::time::Instant;

/// What wants a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// The DHCP client.
    Lease,
    /// A TCP connection.
    Connection(u64),
    /// A UDP endpoint.
    Endpoint(u64),
}

/// The turns that are wanted, in order.
#[derive(Default)]
pub struct Timers(BTreeSet<(Instant, Timer)>);

impl Timers {
    /// Changes when `timer` wants its turn; `entry` is what the owner keeps of it.
    pub fn set(&mut self, timer: Timer, entry: &mut Option<Instant>, due: Option<Instant>) {
        if *entry == due {
            return;
        }
        if let Some(before) = entry.take() {
            self.0.remove(&(before, timer));
        }
        if let Some(due) = due {
            self.0.insert((due, timer));
        }
        *entry = due;
    }

    /// When the next turn is wanted.
    pub fn next(&self) -> Option<Instant> {
        self.0.first().map(|(due, _)| *due)
    }

    /// Who wants a turn until then, the first `most` of them.
    pub fn until(&self, time: Instant, most: usize) -> Vec<Timer> {
        self.0.iter().take_while(|(due, _)| *due <= time).take(most).map(|(_, timer)| *timer).collect()
    }
}
