//! Lists that addresses are looked up in before the trees are: each is a bit of the key.
use super::key::MOST_LISTS;
use crate::linear::Version;
use crate::lists::{Lists, Set};
use crate::packet::Packet;
use crate::shape::lines;
use core::net::IpAddr;

/// As many packets as a network card hands over at once.
const BURST: usize = 64;

/// One of the two addresses of a packet, and the set that it is looked up in. Its bytes are a number, little-endian: twice
/// the number of the set, and one more for the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Asked {
    /// The number of the set in the table's [`lists`](crate::lists).
    pub set: u32,
    /// Whether it is the destination, not the source.
    pub destination: bool,
}

impl Asked {
    /// It as bytes.
    pub fn emit(self) -> [u8; 4] {
        (self.set << 1 | u32::from(self.destination)).to_le_bytes()
    }

    #[inline(always)]
    fn parse(bytes: [u8; 4]) -> Self {
        let number = u32::from_le_bytes(bytes);
        Self { set: number >> 1, destination: number & 1 == 1 }
    }

    #[inline(always)]
    fn address(self, packet: &Packet) -> &IpAddr {
        if self.destination { &packet.destination } else { &packet.source }
    }
}

/// Whether the sets are there, have addresses of this version, and are not too many.
pub(super) fn are_right(asked: &[[u8; 4]], lists: &Lists<'_>, version: Version) -> bool {
    let is_right = |bytes: &[u8; 4]| lists.set(Asked::parse(*bytes).set).is_some_and(|set| set.version() == version);
    asked.len() <= MOST_LISTS && asked.iter().all(is_right)
}

/// In which of the lists the packet's addresses are: a bit for each, the first lowest.
#[inline(never)]
pub(super) fn members(asked: &[[u8; 4]], lists: &Lists<'_>, packet: &Packet) -> u32 {
    let is_in = |asked: Asked| u32::from(lists.contains(asked.set, asked.address(packet)));
    asked.iter().rev().fold(0, |bits, asked| bits << 1 | is_in(Asked::parse(*asked)))
}

/// The most accesses to memory that looking all of them up takes: these numbers are in a line, and so is where each set stands.
pub(super) fn accesses(asked: &[[u8; 4]], lists: &Lists<'_>) -> usize {
    lines(size_of_val(asked)) + asked.iter().map(|asked| lists.accesses(Asked::parse(*asked).set)).sum::<usize>()
}

/// Asks for what looking IPv4 packets up in large sets will read.
pub(super) fn fetch(asked: &[[u8; 4]], lists: &Lists<'_>, packets: &[Packet]) {
    for asked in asked.iter().map(|asked| Asked::parse(*asked)) {
        let Some(Set::Ipv4(set)) = lists.set(asked.set) else { continue };
        for packets in packets.chunks(BURST) {
            let mut addresses = [0; BURST];
            for (address, packet) in addresses.iter_mut().zip(packets) {
                if let IpAddr::V4(own) = asked.address(packet) {
                    *address = own.to_bits();
                }
            }
            set.fetch(addresses.get(..packets.len()).unwrap_or_default());
        }
    }
}
