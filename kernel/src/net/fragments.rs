//! Where the fragments of a datagram go: only the first has ports.
use super::stack::Receiver;
use core::net::IpAddr;
use firewall::Packet;

/// Datagrams in fragments that are followed at a time; twice what the stack reassembles at a time.
const FOLLOWED: usize = 16;

/// What tells the fragments of one datagram from others (RFC 791, 2.3).
type Key = (IpAddr, IpAddr, u8, [u8; 2]);

/// The datagrams whose first fragment came.
#[derive(Default)]
pub struct Fragments {
    followed: [Option<(Key, Receiver)>; FOLLOWED],
    next: usize,
}

impl Fragments {
    /// Notes where the first fragment of a datagram went. The oldest is forgotten for it.
    pub fn remember(&mut self, frame: &[u8], packet: &Packet, receiver: Receiver) {
        let Some(key) = key(frame, packet) else { return };
        if let Some(slot) = self.followed.get_mut(self.next) {
            *slot = Some((key, receiver));
        }
        self.next = (self.next + 1) % FOLLOWED;
    }

    /// Where a later fragment goes.
    pub fn receiver(&self, frame: &[u8], packet: &Packet) -> Receiver {
        let Some(key) = key(frame, packet) else { return Receiver::Nobody };
        let found = self.followed.iter().flatten().find(|(followed, _)| *followed == key);
        found.map_or(Receiver::Nobody, |(_, receiver)| *receiver)
    }
}

/// `None` for IPv6, whose fragments the stack does not reassemble.
fn key(frame: &[u8], packet: &Packet) -> Option<Key> {
    // After the Ethernet header of 14 bytes: the identification is the header's third word.
    let identification = *frame.get(18..)?.first_chunk()?;
    packet.source.is_ipv4().then_some((packet.source, packet.destination, packet.protocol, identification))
}
