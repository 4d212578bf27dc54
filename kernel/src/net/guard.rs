//! The gate around the network card: nothing goes in or out but through it.
//!
//! A received frame is judged in the card's own buffer, before anything is copied and before the stack knows of it; a
//! dropped one is given back at once and costs nothing but its counter. The guard owns the card, and opens it only once
//! it has the policy: a card without a policy has no receive buffers.
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;
use firewall::{Action, Cause, Counter, Counters, Packet, Table};
use image::report;
use machine::nic::{Frame, MAX_FRAME, Nic};
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant;

/// The firewall around the card.
pub struct Guard {
    nic: Nic,
    table: Table<'static>,
    /// [`Counters`] counts in these.
    slots: Vec<Counter>,
    /// A bit for each: whether it has changed since it was told.
    changed: Vec<u64>,
    sent: u64,
}

/// Of a policy with no more rules than this, those that have not counted yet are told, too.
const TOLD_AT_ONCE: u32 = 1_000;

/// A frame that may go in. Its buffer is the card's: give it back with [`Guard::recycle`].
pub struct Accepted {
    /// The frame.
    pub frame: Frame,
    /// What it carries; `None` is ARP.
    pub packet: Option<Packet>,
}

impl Guard {
    /// Puts the policy in force, then opens the card.
    pub fn new(nic: Nic, table: Table<'static>) -> Self {
        let slots = vec![Counter::default(); Counters::slots(table.rules())];
        let changed = vec![0; slots.len().div_ceil(64)];
        let mut guard = Guard { nic, table, slots, changed, sent: 0 };
        guard.mark(Cause::Default);
        (0..table.rules()).take_while(|_| table.rules() <= TOLD_AT_ONCE).for_each(|rule| guard.mark(Cause::Rule(rule)));
        guard.nic.open();
        guard
    }

    /// The card's hardware address.
    pub fn mac(&self) -> [u8; 6] {
        self.nic.mac()
    }

    /// The next frame that may go in. Every frame looked at takes one from `budget`; none is looked at without.
    pub fn receive(&mut self, budget: &mut u32) -> Option<Accepted> {
        while *budget > 0 {
            let frame = self.nic.receive()?;
            *budget -= 1;
            let verdict = firewall::judge(&frame, &self.table);
            if let Some(mut counters) = Counters::new(&mut self.slots, self.table.rules()) {
                counters.count(&verdict.cause, frame.len());
            }
            self.mark(verdict.cause);
            match verdict.action {
                Action::Accept => return Some(Accepted { frame, packet: verdict.packet }),
                Action::Drop => self.nic.recycle(frame),
            }
        }
        None
    }

    /// Gives an accepted frame's buffer back to the card.
    pub fn recycle(&mut self, accepted: Accepted) {
        self.nic.recycle(accepted.frame);
    }

    /// Has the card interrupt when a frame arrives; `false` if one is there already.
    pub fn listen(&mut self) -> bool {
        self.nic.listen()
    }

    /// Has the card send what waits.
    pub fn flush(&mut self) {
        self.nic.flush();
    }

    /// How many frames were sent.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// A counter has changed.
    fn mark(&mut self, cause: Cause) {
        let slot = cause.slot();
        if let Some(word) = self.changed.get_mut(slot / 64) {
            *word |= 1 << (slot % 64);
        }
    }

    /// What was counted so far for the causes whose counters have changed since this was asked last. Of many rules few
    /// have: all of them would take longer than the packets.
    pub fn take_changed(&mut self) -> Vec<report::Counter> {
        let mut counters = Vec::new();
        for (first, word) in (0..).step_by(64).zip(&mut self.changed) {
            let mut bits = core::mem::take(word);
            while bits != 0 {
                let slot = first + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                let counted = Cause::of_slot(slot).zip(self.slots.get(slot));
                counters.extend(counted.map(|(cause, counter)| entry(&self.table, cause, *counter)));
            }
        }
        counters
    }

    /// What was counted so far, one entry per cause.
    #[cfg(test)]
    pub fn counters(&mut self) -> Vec<report::Counter> {
        let Some(counters) = Counters::new(&mut self.slots, self.table.rules()) else { return Vec::new() };
        counters.iter().map(|(cause, counter)| entry(&self.table, cause, counter)).collect()
    }

    /// Everything that leaves, leaves here.
    fn send<R>(&mut self, length: usize, fill: impl FnOnce(&mut [u8]) -> R) -> R {
        self.sent = self.sent.wrapping_add(1);
        self.nic.send(length, fill)
    }
}

fn entry(table: &Table, cause: Cause, counter: Counter) -> report::Counter {
    report::Counter {
        cause: reported(cause),
        accepted: cause.action(table) == Some(Action::Accept),
        packets: counter.packets,
        bytes: counter.bytes,
    }
}

fn reported(cause: Cause) -> report::Cause {
    match cause {
        Cause::Rule(rule) => report::Cause::Rule(rule),
        Cause::Default => report::Cause::Default,
        Cause::Malformed(reason) => report::Cause::Malformed(reason.to_string()),
        Cause::NotIp => report::Cause::NotIp,
        Cause::Arp => report::Cause::Arp,
    }
}

/// The card as the stack sees it: at most one frame comes in, an accepted one; what the stack sends leaves by the guard.
pub struct Gate<'g> {
    guard: &'g mut Guard,
    frame: Option<&'g [u8]>,
}

impl<'g> Gate<'g> {
    /// With this frame coming in.
    pub fn receiving(guard: &'g mut Guard, frame: &'g [u8]) -> Self {
        Gate { guard, frame: Some(frame) }
    }

    /// With none coming in.
    pub fn sending(guard: &'g mut Guard) -> Self {
        Gate { guard, frame: None }
    }
}

impl Device for Gate<'_> {
    type RxToken<'a>
        = Incoming<'a>
    where
        Self: 'a;
    type TxToken<'a>
        = Outgoing<'a>
    where
        Self: 'a;

    fn receive(&mut self, _now: Instant) -> Option<(Incoming<'_>, Outgoing<'_>)> {
        Some((Incoming(self.frame.take()?), Outgoing(self.guard)))
    }

    fn transmit(&mut self, _now: Instant) -> Option<Outgoing<'_>> {
        self.guard.nic.can_send().then_some(Outgoing(self.guard))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = MAX_FRAME;
        capabilities
    }
}

/// The frame that comes in.
pub struct Incoming<'a>(&'a [u8]);

impl RxToken for Incoming<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(self.0)
    }
}

/// Leave to send one frame, also of replies.
pub struct Outgoing<'a>(&'a mut Guard);

impl TxToken for Outgoing<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, fill: F) -> R {
        self.0.send(length, fill)
    }
}
