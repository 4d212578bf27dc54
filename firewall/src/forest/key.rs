//! A packet as the trees see it.
use crate::packet::{Fragment, Packet};
use core::net::{Ipv4Addr, Ipv6Addr};

/// The bit of the kind of a fragment other than the first.
pub const KIND_LATER: u16 = 1 << 8;
/// The bit of the kind of a packet that has ports, or type and code.
pub const KIND_NUMBERS: u16 = 1 << 9;

/// A packet: `W` words of addresses, the source first and its first bits highest, and a word of the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key<const W: usize> {
    /// The addresses. IPv4: both in one word. IPv6: two words each.
    pub addresses: [u64; W],
    /// Bits 32 to 47 the kind: the protocol, [`KIND_LATER`], [`KIND_NUMBERS`]. Bits 16 to 31 the source port, or the type
    /// of an ICMP message; bits 0 to 15 the destination port, or the code; zeroes where there is neither.
    pub rest: u64,
}

impl Key<1> {
    /// Of an IPv4 packet.
    #[inline]
    pub fn v4(source: Ipv4Addr, destination: Ipv4Addr, packet: &Packet) -> Self {
        let addresses = u64::from(source.to_bits()) << 32 | u64::from(destination.to_bits());
        Self { addresses: [addresses], rest: rest(packet) }
    }
}

impl Key<4> {
    /// Of an IPv6 packet.
    #[inline]
    pub fn v6(source: Ipv6Addr, destination: Ipv6Addr, packet: &Packet) -> Self {
        let (source, destination) = (source.to_bits(), destination.to_bits());
        let addresses = [(source >> 64) as u64, source as u64, (destination >> 64) as u64, destination as u64];
        Self { addresses, rest: rest(packet) }
    }
}

impl<const W: usize> Key<W> {
    /// The word of this number: of the addresses, or from `W` on the rest.
    #[inline]
    pub fn word(&self, number: usize) -> u64 {
        self.addresses.get(number).copied().unwrap_or(self.rest)
    }
}

#[inline]
fn rest(packet: &Packet) -> u64 {
    let numbers = match (packet.ports, packet.icmp) {
        (Some(ports), _) => Some((ports.source, ports.destination)),
        (None, Some(icmp)) => Some((icmp.message_type.into(), icmp.code.into())),
        (None, None) => None,
    };
    let later = if packet.fragment == Fragment::Later { KIND_LATER } else { 0 };
    let present = if numbers.is_some() { KIND_NUMBERS } else { 0 };
    let (first, second) = numbers.unwrap_or((0, 0));
    let kind = u16::from(packet.protocol) | later | present;
    u64::from(kind) << 32 | u64::from(first) << 16 | u64::from(second)
}
