//! The engine for short lists of rules: it tries one after the other. Bounded by their number, and cannot panic.
//!
//! | bytes | what |
//! |---|---|
//! | 0..12 | how many ranges of ports and protocols, of IPv4 addresses and of IPv6 addresses there are, 4 bytes each |
//! | | the rules: [`RECORD`] bytes each, see [`Record`] |
//! | | the ranges, first and last: of ports and protocols (2 + 2 bytes), IPv4 (4 + 4) and IPv6 addresses (16 + 16) |
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
pub use record::{RECORD, Record, RecordError, Set, Version};

use ranges::{Pool, contains};

/// Bytes before the rules.
pub const HEADER: usize = 12;

/// The rules and the ranges that they name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Linear<'a> {
    rules: &'a [[u8; RECORD]],
    numbers: Pool<'a, 2>,
    ipv4: Pool<'a, 4>,
    ipv6: Pool<'a, 16>,
}

impl Linear<'_> {
    /// The first rule that matches the packet, and its action.
    pub(crate) fn first_match(&self, packet: &Packet) -> Option<(u32, Action)> {
        (0..).zip(self.rules).find_map(|(number, bytes)| {
            let rule = Record::parse(bytes).ok()?;
            self.matches(&rule, packet).then_some((number, rule.action))
        })
    }

    /// The action of a rule.
    pub(crate) fn action(&self, rule: u32) -> Option<Action> {
        let bytes = self.rules.get(usize::try_from(rule).ok()?)?;
        Record::parse(bytes).ok().map(|rule| rule.action)
    }

    fn matches(&self, rule: &Record, packet: &Packet) -> bool {
        rule.version.is_none_or(|version| version == Version::of(packet.source))
            && rule.later.is_none_or(|later| later == (packet.fragment == Fragment::Later))
            && rule.transport.is_none_or(|protocol| protocol == packet.protocol)
            && rule.protocol.is_none_or(|set| contains(self.numbers, set, packet.protocol.into()))
            && rule.source_port.is_none_or(|set| self.has_port(set, packet.ports.map(|ports| ports.source)))
            && rule.destination_port.is_none_or(|set| self.has_port(set, packet.ports.map(|ports| ports.destination)))
            && rule.source.is_none_or(|set| self.has_address(set, packet.source))
            && rule.destination.is_none_or(|set| self.has_address(set, packet.destination))
    }

    fn has_port(&self, set: Set, port: Option<u16>) -> bool {
        port.is_some_and(|port| contains(self.numbers, set, port))
    }

    fn has_address(&self, set: Set, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => contains(self.ipv4, set, address.to_bits()),
            IpAddr::V6(address) => contains(self.ipv6, set, address.to_bits()),
        }
    }
}
