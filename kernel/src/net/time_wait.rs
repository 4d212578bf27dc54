//! Connections that are over on both sides, in TIME-WAIT (RFC 9293, 3.10.7.4): nothing is kept of them but their addresses.
//!
//! A peer that repeats its FIN has not got the last acknowledgment. All that this said follows from the FIN itself.
use super::connection::Flow;
use alloc::collections::VecDeque;
use hashbrown::HashMap;
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{TcpControl, TcpPacket, TcpRepr};

/// As many are kept; the oldest gives way.
const KEPT: usize = 512;
/// For how long.
const LASTS: Duration = Duration::from_secs(10);

/// The connections in TIME-WAIT.
#[derive(Default)]
pub struct TimeWait {
    until: HashMap<Flow, Instant>,
    order: VecDeque<(Flow, Instant)>,
}

impl TimeWait {
    /// Keeps one from now on.
    pub fn insert(&mut self, flow: Flow, now: Instant) {
        self.expire(now);
        if self.order.len() >= KEPT {
            self.drop_oldest();
        }
        let until = now + LASTS;
        self.until.insert(flow, until);
        self.order.push_back((flow, until));
    }

    /// Whether it is there.
    pub fn contains(&self, flow: &Flow, now: Instant) -> bool {
        self.until.get(flow).is_some_and(|until| *until > now)
    }

    /// Forgets one: a new connection takes its place.
    pub fn remove(&mut self, flow: &Flow) {
        self.until.remove(flow);
    }

    fn expire(&mut self, now: Instant) {
        while self.order.front().is_some_and(|(_, until)| *until <= now) {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        let Some((flow, until)) = self.order.pop_front() else { return };
        // It may be there again, from later on.
        if self.until.get(&flow) == Some(&until) {
            self.until.remove(&flow);
        }
    }

    /// How many there are, those included whose time is over.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.until.len()
    }
}

/// What a segment of a connection in TIME-WAIT is answered with: its FIN is acknowledged, all else is not for anybody.
pub fn answer(segment: &[u8], flow: Flow) -> Option<TcpRepr<'static>> {
    let packet = TcpPacket::new_checked(segment).ok()?;
    let (local, remote) = (flow.local.0.into(), flow.remote.0.into());
    let came = TcpRepr::parse(&packet, &remote, &local, &ChecksumCapabilities::default()).ok()?;
    (came.control == TcpControl::Fin).then_some(TcpRepr {
        src_port: flow.local.1,
        dst_port: flow.remote.1,
        control: TcpControl::None,
        seq_number: came.ack_number?,
        ack_number: Some(came.seq_number + came.segment_len()),
        window_len: 0,
        window_scale: None,
        max_seg_size: None,
        sack_permitted: false,
        sack_ranges: [None; 3],
        timestamp: None,
        payload: &[],
    })
}
