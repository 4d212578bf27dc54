//! The engine for short lists of rules: it tries one after the other. Bounded by their number, and cannot panic.
//!
//! | bytes | what |
//! |---|---|
//! | 0..16 | how many ranges of small numbers, of IPv4 addresses and of IPv6 addresses, and references to lists there are, 4 bytes each |
//! | | the rules: [`RECORD`] bytes each, see [`Record`] |
//! | | the ranges, first and last: of small numbers (2 + 2 bytes), IPv4 (4 + 4) and IPv6 addresses (16 + 16) |
//! | | the references: numbers of sets in the table's [`lists`](crate::lists), 4 bytes each |
//!
//! Small numbers are protocols, ports, and types and codes of ICMP messages.
//!
//! What a rule names is a [`Set`]: ranges that stand together, in order and apart from each other, so that a search by
//! halves finds a value. A negated value is compiled to the ranges of all others; only where a rule names a list that is
//! not among the ranges, it says whether that is negated.
use crate::classify::Action;
use crate::lists::Lists;
use crate::packet::{Fragment, Packet};
use crate::ranges::{self, Pool};
use core::net::IpAddr;

mod cost;
mod decode;
mod record;

pub use decode::LinearError;
pub use record::{Bytes, RECORD, Record, RecordError, Set, Version};

use record::{negated, parse_set, present};

/// Bytes before the rules.
pub const HEADER: usize = 16;

/// The rules and the ranges that they name, all of which [`Record::parse`] has found right.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Linear<'a> {
    rules: &'a [Bytes],
    numbers: Pool<'a, 2>,
    ipv4: Pool<'a, 4>,
    ipv6: Pool<'a, 16>,
    references: &'a [[u8; 4]],
    lists: Lists<'a>,
}

impl<'a> Linear<'a> {
    /// The same rules with other lists, which have all sets that these have.
    pub(crate) fn with_lists(self, lists: Lists<'a>) -> Self {
        Self { lists, ..self }
    }

    /// The lists that its rules name.
    pub(crate) fn lists(&self) -> &Lists<'a> {
        &self.lists
    }

    /// The first rule that matches the packet, and its action.
    pub(crate) fn first_match(&self, packet: &Packet) -> Option<(u32, Action)> {
        let number = u32::try_from(self.first_match_of(self.rules.len(), packet)?).ok()?;
        Some((number, self.action(number)?))
    }

    /// The first of the first `count` rules that matches the packet.
    pub(crate) fn first_match_of(&self, count: usize, packet: &Packet) -> Option<usize> {
        let version = Version::of(packet.source).code();
        let later = record::later_code(packet.fragment == Fragment::Later);
        let codes = [version, later, packet.protocol];
        let header = header(packet);
        self.rules.get(..count)?.iter().position(|rule| self.matches(rule, codes, header, packet))
    }

    /// The action of a rule.
    pub(crate) fn action(&self, rule: u32) -> Option<Action> {
        record::action(self.rules.get(usize::try_from(rule).ok()?)?)
    }

    /// Reads a rule's bytes where they stand: it is done for every rule and packet.
    fn matches(&self, rule: &Bytes, codes: [u8; 3], header: [Option<u16>; 2], packet: &Packet) -> bool {
        let &[head, source, destination, protocol, port_or_type, port_or_code, source_lists, destination_lists] = rule;
        let [source_port_or_type, destination_port_or_code] = header;
        let [version, later, transport, _, present, negated, ..] = head;
        let free = |bit| present & bit == 0;
        let ranges = |bit, set| if free(bit) { None } else { Some(parse_set(set)) };
        [version, later, transport].iter().zip(&codes).all(|(asked, is)| *asked == 0 || asked == is)
            && (free(present::PROTOCOL) || contains(self.numbers, parse_set(protocol), packet.protocol.into()))
            && (free(present::SOURCE_PORT_OR_TYPE) || self.has_number(port_or_type, source_port_or_type))
            && (free(present::DESTINATION_PORT_OR_CODE) || self.has_number(port_or_code, destination_port_or_code))
            && (free(present::SOURCE | present::SOURCE_LISTS)
                || self.has_address(
                    ranges(present::SOURCE, source),
                    ranges(present::SOURCE_LISTS, source_lists),
                    &packet.source,
                ) != (negated & negated::SOURCE != 0))
            && (free(present::DESTINATION | present::DESTINATION_LISTS)
                || self.has_address(
                    ranges(present::DESTINATION, destination),
                    ranges(present::DESTINATION_LISTS, destination_lists),
                    &packet.destination,
                ) != (negated & negated::DESTINATION != 0))
    }

    fn has_number(&self, set: [u8; 8], number: Option<u16>) -> bool {
        number.is_some_and(|number| contains(self.numbers, parse_set(set), number))
    }

    /// Whether an address is in one of the ranges or in one of the lists. It is read where it stands: a copy would wait
    /// for what wrote it.
    #[inline]
    fn has_address(&self, set: Option<Set>, lists: Option<Set>, address: &IpAddr) -> bool {
        let in_ranges = set.is_some_and(|set| match address {
            IpAddr::V4(address) => contains(self.ipv4, set, address.to_bits()),
            IpAddr::V6(address) => contains(self.ipv6, set, address.to_bits()),
        });
        in_ranges || lists.is_some_and(|lists| self.in_lists(lists, address))
    }

    #[inline(never)]
    fn in_lists(&self, lists: Set, address: &IpAddr) -> bool {
        let references = members(self.references, lists).unwrap_or_default();
        references.iter().any(|reference| self.lists.contains(u32::from_le_bytes(*reference), address))
    }
}

/// The members of a set; `None` when the pool does not have them all.
fn members<R>(pool: &[R], set: Set) -> Option<&[R]> {
    let first = usize::try_from(set.first).ok()?;
    let end = first.checked_add(usize::try_from(set.count).ok()?)?;
    pool.get(first..end)
}

fn contains<R: ranges::Bounds>(pool: &[R], set: Set, number: R::Number) -> bool {
    ranges::contains(members(pool, set).unwrap_or_default(), number)
}

/// The two numbers of the protocol's header that a rule can name: source and destination port, or type and code.
fn header(packet: &Packet) -> [Option<u16>; 2] {
    match (packet.ports, packet.icmp) {
        (Some(ports), _) => [Some(ports.source), Some(ports.destination)],
        (None, Some(icmp)) => [Some(icmp.message_type.into()), Some(icmp.code.into())],
        (None, None) => [None, None],
    }
}
