//! The engine for short lists of rules: it tries one after the other. Bounded by their number, and cannot panic.
//!
//! | bytes | what |
//! |---|---|
//! | 0..12 | how many ranges of small numbers, of IPv4 addresses and of IPv6 addresses there are, 4 bytes each |
//! | | the rules: [`RECORD`] bytes each, see [`Record`] |
//! | | the ranges, first and last: of small numbers (2 + 2 bytes), IPv4 (4 + 4) and IPv6 addresses (16 + 16) |
//!
//! Small numbers are protocols, ports, and types and codes of ICMP messages.
//!
//! What a rule names is a [`Set`]: ranges that stand together, in order and apart from each other, so that a search by
//! halves finds a value. There is no negation: a negated value is compiled to the ranges of all others.
use crate::classify::Action;
use crate::packet::{Fragment, Packet};
use core::net::IpAddr;

mod decode;
mod ranges;
mod record;

pub use decode::LinearError;
pub use record::{Bytes, RECORD, Record, RecordError, Set, Version};

use ranges::{Pool, contains};
use record::{parse_set, present};

/// Bytes before the rules.
pub const HEADER: usize = 12;

/// The rules and the ranges that they name, all of which [`Record::parse`] has found right.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Linear<'a> {
    rules: &'a [Bytes],
    numbers: Pool<'a, 2>,
    ipv4: Pool<'a, 4>,
    ipv6: Pool<'a, 16>,
}

impl Linear<'_> {
    /// The first rule that matches the packet, and its action.
    pub(crate) fn first_match(&self, packet: &Packet) -> Option<(u32, Action)> {
        let version = Version::of(packet.source).code();
        let later = record::later_code(packet.fragment == Fragment::Later);
        let codes = [version, later, packet.protocol];
        let header = header(packet);
        let matching = (0..).zip(self.rules).find(|(_, rule)| self.matches(rule, codes, header, packet));
        matching.and_then(|(number, rule)| Some((number, record::action(rule)?)))
    }

    /// The action of a rule.
    pub(crate) fn action(&self, rule: u32) -> Option<Action> {
        record::action(self.rules.get(usize::try_from(rule).ok()?)?)
    }

    /// Reads a rule's bytes where they stand: it is done for every rule and packet.
    fn matches(&self, rule: &Bytes, codes: [u8; 3], header: [Option<u16>; 2], packet: &Packet) -> bool {
        let &[head, source, destination, protocol, port_or_type, port_or_code] = rule;
        let [source_port_or_type, destination_port_or_code] = header;
        let [version, later, transport, _, present, ..] = head;
        let free = |bit| present & bit == 0;
        [version, later, transport].iter().zip(&codes).all(|(asked, is)| *asked == 0 || asked == is)
            && (free(present::PROTOCOL) || contains(self.numbers, parse_set(protocol), packet.protocol.into()))
            && (free(present::SOURCE_PORT_OR_TYPE) || self.has_number(port_or_type, source_port_or_type))
            && (free(present::DESTINATION_PORT_OR_CODE) || self.has_number(port_or_code, destination_port_or_code))
            && (free(present::SOURCE) || self.has_address(source, packet.source))
            && (free(present::DESTINATION) || self.has_address(destination, packet.destination))
    }

    fn has_number(&self, set: [u8; 8], number: Option<u16>) -> bool {
        number.is_some_and(|number| contains(self.numbers, parse_set(set), number))
    }

    fn has_address(&self, set: [u8; 8], address: IpAddr) -> bool {
        let set = parse_set(set);
        match address {
            IpAddr::V4(address) => contains(self.ipv4, set, address.to_bits()),
            IpAddr::V6(address) => contains(self.ipv6, set, address.to_bits()),
        }
    }
}

/// The two numbers of the protocol's header that a rule can name: source and destination port, or type and code.
fn header(packet: &Packet) -> [Option<u16>; 2] {
    match (packet.ports, packet.icmp) {
        (Some(ports), _) => [Some(ports.source), Some(ports.destination)],
        (None, Some(icmp)) => [Some(icmp.message_type.into()), Some(icmp.code.into())],
        (None, None) => [None, None],
    }
}
