//! Headers to classify, made of the rules.
use crate::filter::{Filter, Network};
use crate::header::{Family, Header};
use crate::random::Random;
use firewall::Packet;
use firewall::protocol::{ICMP, TCP, UDP};

/// How many headers a trace has: more than a branch predictor remembers.
const HEADERS: usize = 1 << 16;

/// Headers in the order in which they come.
pub struct Trace {
    /// How they were made.
    pub name: &'static str,
    /// The headers.
    pub headers: Vec<Header>,
    ipv4: Vec<Packet>,
    ipv6: Vec<Packet>,
}

impl Trace {
    fn new(name: &'static str, headers: Vec<Header>) -> Self {
        let packets = |family| headers.iter().map(|header| header.packet(family)).collect();
        Self { name, ipv4: packets(Family::V4), ipv6: packets(Family::V6), headers }
    }

    /// The headers as packets.
    pub fn packets(&self, family: Family) -> &[Packet] {
        match family {
            Family::V4 => &self.ipv4,
            Family::V6 => &self.ipv6,
        }
    }
}

/// What traces there are, in the order of [`of`].
pub const NAMES: [&str; 4] = ["in order", "shuffled", "cross", "uniform"];

/// The traces for a set of rules:
/// - in order: a random point in one rule after the other
/// - shuffled: a random point in a random rule
/// - cross: each field from a random rule of its own
/// - uniform: any addresses and ports, TCP or UDP
pub fn of(filters: &[Filter]) -> [Trace; 4] {
    let mut random = Random::new(filters.len() as u64);
    let any = |random: &mut Random| filters[random.below(filters.len() as u64) as usize];
    let in_order = (0..HEADERS).map(|number| {
        // Where there are more rules than headers, from all over the set.
        let number = number * filters.len().div_ceil(HEADERS) % filters.len();
        point(&mut random, [filters[number]; 5])
    });
    let in_order = in_order.collect();
    let shuffled = (0..HEADERS).map(|_| {
        let filter = any(&mut random);
        point(&mut random, [filter; 5])
    });
    let shuffled = shuffled.collect();
    let cross = (0..HEADERS).map(|_| {
        let filters = std::array::from_fn(|_| any(&mut random));
        point(&mut random, filters)
    });
    let cross = cross.collect();
    let uniform = (0..HEADERS).map(|_| Header {
        source: random.next() as u32,
        destination: random.next() as u32,
        source_port: random.next() as u16,
        destination_port: random.next() as u16,
        protocol: random.choose(&[TCP, UDP]),
    });
    let uniform = uniform.collect();
    let mut names = NAMES.into_iter();
    [in_order, shuffled, cross, uniform].map(|headers| Trace::new(names.next().unwrap_or_default(), headers))
}

/// A header with each field from one rule.
fn point(random: &mut Random, of: [Filter; 5]) -> Header {
    let mut address = |network: Network| network.address | random.next() as u32 & !network.mask();
    let (source, destination) = (address(of[0].source), address(of[1].destination));
    let mut port = |(first, last): (u16, u16)| random.within(first.into(), last.into()) as u16;
    let (source_port, destination_port) = (port(of[2].source_ports), port(of[3].destination_ports));
    let protocol = of[4].protocol.unwrap_or_else(|| random.weighted(&[(5, TCP), (5, UDP), (1, ICMP)]));
    Header { source, destination, source_port, destination_port, protocol }.normal()
}

/// Headers that are checked and not measured: each field at an end of what a random rule asks, or one beside it.
pub fn edges(filters: &[Filter]) -> Trace {
    let mut random = Random::new(!(filters.len() as u64));
    let headers = (0..HEADERS).map(|_| {
        let filter = filters[random.below(filters.len() as u64) as usize];
        let mut edge = |first: u32, last: u32| match random.below(16) {
            0 => first.wrapping_sub(1),
            1 => last.wrapping_add(1),
            number if number % 2 == 0 => first,
            _ => last,
        };
        let mut address = |network: Network| edge(network.address, network.address | !network.mask());
        let (source, destination) = (address(filter.source), address(filter.destination));
        let mut port = |(first, last): (u16, u16)| edge(first.into(), last.into()) as u16;
        let (source_port, destination_port) = (port(filter.source_ports), port(filter.destination_ports));
        let protocol = filter.protocol.unwrap_or(TCP).into();
        let protocol = edge(protocol, protocol) as u8;
        Header { source, destination, source_port, destination_port, protocol }.normal()
    });
    Trace::new("edges", headers.collect())
}

/// Which rule each header meets first, by the plainest of scans: the rules one after the other, field by field.
pub fn first_matches(filters: &[Filter], headers: &[Header]) -> Vec<u32> {
    let first = |header: &Header| {
        let found = filters.iter().position(|filter| {
            (header.source ^ filter.source.address) & filter.source.mask() == 0
                && (header.destination ^ filter.destination.address) & filter.destination.mask() == 0
                && (filter.source_ports.0..=filter.source_ports.1).contains(&header.source_port)
                && (filter.destination_ports.0..=filter.destination_ports.1).contains(&header.destination_port)
                && filter.protocol.is_none_or(|protocol| protocol == header.protocol)
        });
        found.map_or(NONE, |number| number as u32)
    };
    headers.iter().map(first).collect()
}

/// Stands for the rule when no rule matches.
pub const NONE: u32 = u32::MAX;
