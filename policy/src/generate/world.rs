//! The numbers that rules and packets are made of.
use crate::policy::{Member, Network, Policy, Prefix, Prefixes, Transport, Values};
use arbitrary::{Result, Unstructured};
use core::net::{Ipv4Addr, Ipv6Addr};
use core::ops::RangeInclusive;

/// Ports with something beside them, both ends included.
pub(super) const PORTS: [u16; 16] =
    [0, 1, 2, 21, 22, 23, 67, 68, 8079, 8080, 8081, 0x7fff, 0x8000, u16::MAX - 2, u16::MAX - 1, u16::MAX];

/// Protocols: those that are parsed, IPv6 extension headers, their neighbours, and both ends.
pub(super) const PROTOCOLS: [u8; 20] = [0, 1, 2, 5, 6, 7, 16, 17, 18, 43, 44, 50, 51, 57, 58, 59, 60, 61, 254, 255];

/// Types and codes of ICMP: both ends, and what is beside the messages that are answered.
pub(super) const MESSAGES: [u8; 11] = [0, 1, 2, 7, 8, 127, 128, 135, 136, 254, 255];

/// Prefix lengths of IPv4 with their edges.
pub(super) const LENGTHS_V4: [u8; 10] = [0, 1, 7, 8, 9, 24, 30, 31, 32, 32];

/// Prefix lengths of IPv6 with their edges.
pub(super) const LENGTHS_V6: [u8; 12] = [0, 1, 10, 60, 63, 64, 65, 96, 126, 127, 128, 128];

const ADDRESSES_V4: [u32; 8] =
    [0, u32::MAX, 0x7fff_ffff, 0x8000_0000, 0x0a00_0202, 0x0a00_020f, 0x0aff_ffff, 0x0b00_0000];

const ADDRESSES_V6: [u128; 8] = [
    0,
    u128::MAX,
    u128::MAX >> 1,
    (u128::MAX >> 1) + 1,
    0xfe80_0000_0000_0000_5054_00ff_fe12_3456,
    0x2001_0db8_0000_0000_0000_0000_0000_0001,
    0x0000_0000_0000_0000_0000_ffff_0a00_0202,
    0x2001_0db7_ffff_ffff_ffff_ffff_ffff_ffff,
];

/// An IPv4 address, at times with one bit changed.
pub(super) fn ipv4(u: &mut Unstructured) -> Result<Ipv4Addr> {
    let address = *u.choose(&ADDRESSES_V4)?;
    Ok(Ipv4Addr::from_bits(if u.ratio(1, 4)? { address ^ 1 << u.int_in_range(0..=31)? } else { address }))
}

/// An IPv6 address, at times with one bit changed.
pub(super) fn ipv6(u: &mut Unstructured) -> Result<Ipv6Addr> {
    let address = *u.choose(&ADDRESSES_V6)?;
    Ok(Ipv6Addr::from_bits(if u.ratio(1, 4)? { address ^ 1 << u.int_in_range(0..=127)? } else { address }))
}

/// What the rules of a policy name, and the numbers one beside: where their answer changes.
#[derive(Default)]
pub(super) struct Edges {
    pub(super) ipv4: Vec<Ipv4Addr>,
    pub(super) ipv6: Vec<Ipv6Addr>,
    pub(super) protocols: Vec<u8>,
    pub(super) ports: Vec<u16>,
    pub(super) messages: Vec<u8>,
}

impl Edges {
    /// The edges of all rules.
    pub(super) fn of(policy: &Policy) -> Self {
        let mut edges = Self::default();
        for rule in &policy.rules {
            match &rule.network {
                None => (),
                Some(Network::Ipv4(asked)) => {
                    let list = |list: usize| &policy.lists[list].ipv4;
                    for prefix in prefixes(&asked.source, list).chain(prefixes(&asked.destination, list)) {
                        edges.ipv4.extend(around_ipv4(prefix));
                    }
                    edges.add_protocols(members(&asked.protocol));
                }
                Some(Network::Ipv6(asked)) => {
                    let list = |list: usize| &policy.lists[list].ipv6;
                    for prefix in prefixes(&asked.source, list).chain(prefixes(&asked.destination, list)) {
                        edges.ipv6.extend(around_ipv6(prefix));
                    }
                    edges.add_protocols(members(&asked.protocol));
                }
            }
            edges.add_transport(&rule.transport);
        }
        edges
    }

    fn add_transport(&mut self, transport: &Option<Transport>) {
        match transport {
            None => (),
            Some(Transport::Tcp(asked) | Transport::Udp(asked)) => {
                for range in members(&asked.source).chain(members(&asked.destination)) {
                    let (first, last) = (*range.start(), *range.end());
                    self.ports.extend([first.wrapping_sub(1), first, last, last.wrapping_add(1)]);
                }
            }
            Some(Transport::Icmp(asked) | Transport::Icmp6(asked)) => {
                for number in members(&asked.message_type).chain(members(&asked.code)) {
                    self.messages.extend([number.wrapping_sub(1), *number, number.wrapping_add(1)]);
                }
            }
        }
    }

    fn add_protocols<'a>(&mut self, ranges: impl Iterator<Item = &'a RangeInclusive<u8>>) {
        for range in ranges {
            let (first, last) = (*range.start(), *range.end());
            self.protocols.extend([first.wrapping_sub(1), first, last, last.wrapping_add(1)]);
        }
    }
}

fn members<T>(values: &Option<Values<T>>) -> impl Iterator<Item = &T> {
    values.iter().flat_map(|values| &values.members)
}

/// As many of a list's prefixes as edges are taken from, spread over all of it.
const OF_A_LIST: usize = 12;

/// The prefixes that are named, and some of those in lists.
fn prefixes<'a, A>(
    values: &'a Option<Values<Member<Prefix<A>>>>,
    list: impl Fn(usize) -> &'a Prefixes<A>,
) -> impl Iterator<Item = &'a Prefix<A>> {
    members(values).flat_map(move |member| match member {
        Member::Prefix(prefix) => vec![prefix],
        Member::List(number) => {
            let all = list(*number);
            all.iter().step_by(all.len().div_ceil(OF_A_LIST).max(1)).chain(all.last()).collect()
        }
    })
}

fn around_ipv4(prefix: &Prefix<Ipv4Addr>) -> [Ipv4Addr; 4] {
    let (first, last) = prefix.bounds();
    [first.wrapping_sub(1), first, last, last.wrapping_add(1)].map(Ipv4Addr::from_bits)
}

fn around_ipv6(prefix: &Prefix<Ipv6Addr>) -> [Ipv6Addr; 4] {
    let (first, last) = prefix.bounds();
    [first.wrapping_sub(1), first, last, last.wrapping_add(1)].map(Ipv6Addr::from_bits)
}
