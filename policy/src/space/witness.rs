//! A packet of a set.
use super::diagram::{Diagrams, FULL, Id, NONE, Op, TooLarge};
use super::field::Field;
use super::{Set, Space, build};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use firewall::protocol::{ICMP, ICMPV6, TCP, UDP};
use firewall::{Fragment, Icmp, Packet, Ports};

/// One value for each field, in the order of [`Field::ALL`]: an address in IPv4 is the first 32 of the 128 bits.
pub(super) type Point = [u128; Field::ALL.len()];

/// Values that say something to a reader, the best first. Addresses are of networks for documentation (RFC 5737, RFC 3849),
/// then private ones.
fn preferred(field: Field, before: &Point) -> Vec<u128> {
    let is_v6 = before[Field::Version.index()] == 1;
    let address = |v4: Ipv4Addr, v6: Ipv6Addr| if is_v6 { v6.to_bits() } else { u128::from(v4.to_bits()) << 96 };
    let net = |last| Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last);
    match field {
        Field::Version | Field::Later => vec![0],
        Field::Protocol => [TCP, UDP, if is_v6 { ICMPV6 } else { ICMP }].map(u128::from).into(),
        Field::Source => vec![
            address(Ipv4Addr::new(203, 0, 113, 7), net(7)),
            address(Ipv4Addr::new(10, 0, 2, 2), Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 2)),
        ],
        Field::Destination => vec![address(Ipv4Addr::new(10, 0, 2, 15), net(15))],
        // An ICMP message has its type and code in the first 8 bits: 8 is an echo request, 128 one of ICMPv6.
        Field::DestinationPort | Field::SourcePort => match (before[Field::Protocol.index()], field) {
            (protocol, Field::SourcePort) if protocol == u128::from(ICMP) && !is_v6 => vec![8 << 8],
            (protocol, Field::SourcePort) if protocol == u128::from(ICMPV6) && is_v6 => vec![128 << 8],
            (protocol, _) if protocol == u128::from(ICMP) || protocol == u128::from(ICMPV6) => vec![0],
            (_, Field::SourcePort) => vec![40_000],
            _ => vec![80, 8080, 443, 22, 53],
        },
    }
}

impl Space {
    /// A packet of the set, if it has any: one that is easy to read where there is a choice. It is whole, and a TCP segment
    /// among them is a SYN; its payload is nothing.
    pub fn witness(&self, set: Set) -> Option<Packet> {
        self.diagrams.point(set.0).map(|point| packet(&point))
    }

    /// The set of one packet and of all that no rule tells from it.
    pub fn singleton(&mut self, packet: &Packet) -> Result<Set, TooLarge> {
        let mut set = self.possible;
        for (field, value) in Field::ALL.into_iter().zip(of_packet(packet)) {
            if let Some(value) = value {
                let bits = match (field, packet.source.is_ipv4()) {
                    (Field::Source | Field::Destination, true) => 32,
                    _ => field.width(),
                };
                let value = value >> (field.width() - bits);
                let values = build::of_field(&mut self.diagrams, field, bits, vec![(value, value)])?;
                set = self.and(set, Set(values))?;
            }
        }
        Ok(set)
    }

    /// Whether a packet is in a set.
    pub fn has(&self, set: Set, packet: &Packet) -> bool {
        let point = of_packet(packet).map(Option::unwrap_or_default);
        self.diagrams.at(set.0, &point) != NONE
    }
}

impl Diagrams {
    /// Values that do not lead to [`NONE`]; `None` if all do.
    pub(super) fn point(&self, id: Id) -> Option<Point> {
        if id == NONE {
            return None;
        }
        let (mut point, mut id) = ([0; Field::ALL.len()], id);
        for field in self.layout.fields() {
            let wanted = preferred(field, &point);
            // What is not wanted takes the least value that there is.
            let found = wanted.iter().find_map(|value| Some((*value, self.follow(id, field, *value)?)));
            let (value, next) = found.unwrap_or_else(|| self.least(id, field));
            point[field.index()] = value;
            id = next;
        }
        Some(point)
    }

    /// Where values lead.
    pub(super) fn at(&self, id: Id, point: &Point) -> Id {
        let mut fields = self.layout.fields().into_iter();
        fields.try_fold(id, |id, field| self.follow(id, field, point[field.index()])).unwrap_or(NONE)
    }

    /// Where one value of a field leads, if not to [`NONE`]; no earlier field may be asked.
    fn follow(&self, mut id: Id, field: Field, value: u128) -> Option<Id> {
        let levels = self.layout.levels(field);
        while let Some(node) = self.node(id).filter(|node| node.level < levels.end) {
            let bit = value >> (levels.end - 1 - node.level) & 1;
            id = node.sides[bit as usize];
        }
        (id != NONE).then_some(id)
    }

    fn least(&self, mut id: Id, field: Field) -> (u128, Id) {
        let (levels, mut value) = (self.layout.levels(field), 0);
        while let Some(node) = self.node(id).filter(|node| node.level < levels.end) {
            let bit = usize::from(node.sides[0] == NONE);
            value |= (bit as u128) << (levels.end - 1 - node.level);
            id = node.sides[bit];
        }
        (value, id)
    }

    /// The set of one point.
    pub(super) fn pin(&mut self, field: Field, value: u128) -> Result<Id, TooLarge> {
        build::of_field(self, field, field.width(), vec![(value, value)])
    }

    /// A set without what another has.
    pub(super) fn without(&mut self, one: Id, other: Id) -> Result<Id, TooLarge> {
        self.apply(Op::Minus, one, other)
    }

    /// All values but those.
    pub(super) fn others(&mut self, id: Id) -> Result<Id, TooLarge> {
        self.without(FULL, id)
    }
}

/// What a packet has in each field; `None` where it does not count.
fn of_packet(packet: &Packet) -> [Option<u128>; Field::ALL.len()] {
    let address = |address: IpAddr| match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    };
    let byte = |byte: u8| u128::from(byte) << 8;
    let numbers = match (packet.ports, packet.icmp) {
        (Some(ports), _) => Some((ports.source.into(), ports.destination.into())),
        (_, Some(icmp)) => Some((byte(icmp.message_type), byte(icmp.code))),
        _ => None,
    };
    [
        Some(packet.source.is_ipv6().into()),
        Some(packet.protocol.into()),
        Some((packet.fragment == Fragment::Later).into()),
        Some(address(packet.source)),
        Some(address(packet.destination)),
        numbers.map(|(_, destination)| destination),
        numbers.map(|(source, _)| source),
    ]
}

/// The packet that has these values.
fn packet(point: &Point) -> Packet {
    let [version, protocol, later, source, destination, second, first] = *point;
    let is_v4 = version == 0;
    let address = |bits: u128| match is_v4 {
        true => IpAddr::V4(Ipv4Addr::from_bits((bits >> 96) as u32)),
        false => IpAddr::V6(Ipv6Addr::from_bits(bits)),
    };
    let (protocol, later) = (protocol as u8, later == 1);
    let has_ports = !later && matches!(protocol, TCP | UDP);
    let has_message = !later && protocol == if is_v4 { ICMP } else { ICMPV6 };
    Packet {
        source: address(source),
        destination: address(destination),
        protocol,
        fragment: if later { Fragment::Later } else { Fragment::Whole },
        ports: has_ports.then_some(Ports { source: first as u16, destination: second as u16 }),
        tcp_flags: (has_ports && protocol == TCP).then_some(2),
        icmp: has_message.then_some(Icmp { message_type: (first >> 8) as u8, code: (second >> 8) as u8 }),
        payload_start: 0,
        payload_end: 0,
    }
}
