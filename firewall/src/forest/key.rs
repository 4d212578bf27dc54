//! A packet as the trees see it.
use crate::packet::{Fragment, Icmp, Packet, Ports};
use crate::plain::Plain;
use core::net::{Ipv4Addr, Ipv6Addr};

/// The bit of the kind of a fragment other than the first.
pub const KIND_LATER: u32 = 1 << 8;
/// The bit of the kind of a packet that has ports, or type and code.
pub const KIND_NUMBERS: u32 = 1 << 9;
/// The bits of the kind from this one on say in which of the lists that rules name an address is.
pub const KIND_LISTS: u32 = 16;
/// How many lists have a bit.
pub const MOST_LISTS: usize = 16;

/// A packet: the words of its addresses, the source first and its first bits highest; a word of the rest; then zeroes.
///
/// IPv4: both addresses in one word. IPv6: two words each. The rest: bits 32 to 63 the kind, which is the protocol,
/// [`KIND_LATER`], [`KIND_NUMBERS`] and from [`KIND_LISTS`] on a bit for each list that is asked; bits 16 to 31 the source port, or the type of an ICMP message; bits 0 to 15 the
/// destination port, or the code; zeroes where there is neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key<const K: usize> {
    words: [u64; K],
}

impl Key<4> {
    /// Of a plain IPv4 packet.
    #[inline(always)]
    pub(super) fn plain(plain: &Plain, lists: u32) -> Self {
        let kind = u32::from(plain.protocol) | KIND_NUMBERS | lists << KIND_LISTS;
        Self { words: [plain.addresses, u64::from(kind) << 32 | u64::from(plain.ports), 0, 0] }
    }

    /// Of an IPv4 packet.
    #[inline(always)]
    pub fn v4(source: &Ipv4Addr, destination: &Ipv4Addr, packet: &Packet, lists: u32) -> Self {
        let addresses = u64::from(source.to_bits()) << 32 | u64::from(destination.to_bits());
        Self { words: [addresses, rest(packet, lists), 0, 0] }
    }
}

impl Key<8> {
    /// Of an IPv6 packet.
    #[inline(always)]
    pub fn v6(source: &Ipv6Addr, destination: &Ipv6Addr, packet: &Packet, lists: u32) -> Self {
        let (source, destination) = (source.to_bits(), destination.to_bits());
        let words = [(source >> 64) as u64, source as u64, (destination >> 64) as u64, destination as u64];
        let [a, b, c, d] = words;
        Self { words: [a, b, c, d, rest(packet, lists), 0, 0, 0] }
    }
}

impl<const K: usize> Key<K> {
    /// The word of this number; zero beyond the last.
    #[inline(always)]
    pub fn word(&self, number: usize) -> u64 {
        // As many words as a power of two: the look is cheaper than a comparison.
        self.words.get(number & (K - 1)).copied().unwrap_or(0)
    }
}

#[inline(always)]
fn rest(packet: &Packet, lists: u32) -> u64 {
    let later = if packet.fragment == Fragment::Later { KIND_LATER } else { 0 };
    // Read where they stand: a copy would wait for what wrote it.
    let (present, first, second) = if let Some(Ports { source, destination }) = &packet.ports {
        (KIND_NUMBERS, u64::from(*source), u64::from(*destination))
    } else if let Some(Icmp { message_type, code }) = &packet.icmp {
        (KIND_NUMBERS, u64::from(*message_type), u64::from(*code))
    } else {
        (0, 0, 0)
    };
    let kind = u32::from(packet.protocol) | later | present | lists << KIND_LISTS;
    u64::from(kind) << 32 | first << 16 | second
}
