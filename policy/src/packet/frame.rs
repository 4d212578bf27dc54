//! A packet to an Ethernet frame (IEEE 802.3; RFC 791, RFC 8200; checksums: RFC 1071).
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use firewall::{Fragment, Packet, frame::ETHERNET_HEADER, protocol};

const DESTINATION: [u8; 6] = [0x52, 0x54, 0x00, 0x12, 0x34, 0x56];
const SOURCE: [u8; 6] = [0x52, 0x55, 0x0a, 0x00, 0x02, 0x02];
const IPV4_HEADER: usize = 20;
const IPV6_HEADER: usize = 40;
const FRAGMENT_HEADER: usize = 8;
const FRAGMENT: u8 = 44;
const IDENTIFICATION: u16 = 1;
const TIME_TO_LIVE: u8 = 64;
/// Where a later fragment's data stands in its datagram, in 8 bytes: behind as much as one Ethernet frame carries.
const OFFSET: u16 = 185;
/// Zeros behind a protocol's header; 8 is also the least that any but the last fragment can be cut to.
const DATA: usize = 8;

/// A frame that [`firewall::inspect`] reads this packet from, with right checksums and without options. Where the
/// packet's payload lies is not followed.
pub fn frame(packet: &Packet) -> Vec<u8> {
    let (ethertype, datagram) = match addresses(packet) {
        Addresses::V4(source, destination) => (0x0800_u16, ipv4(packet, source, destination)),
        Addresses::V6(source, destination) => (0x86dd, ipv6(packet, source, destination)),
    };
    [&DESTINATION, &SOURCE, ethertype.to_be_bytes().as_slice(), &datagram].concat()
}

/// Where the payload starts and ends in this packet's frame.
pub(super) fn extent(packet: &Packet) -> (u32, u32) {
    let start = ETHERNET_HEADER
        + match (packet.source, packet.fragment) {
            (IpAddr::V4(_), _) => IPV4_HEADER,
            (IpAddr::V6(_), Fragment::Whole) => IPV6_HEADER,
            (IpAddr::V6(_), _) => IPV6_HEADER + FRAGMENT_HEADER,
        };
    (start as u32, (start + payload(packet).0.len()) as u32)
}

enum Addresses {
    V4(Ipv4Addr, Ipv4Addr),
    V6(Ipv6Addr, Ipv6Addr),
}

/// Both are of one version, as [`Packet`] says; if they are not, an IPv4 address is written as IPv6 has it.
fn addresses(packet: &Packet) -> Addresses {
    let to_v6 = |address| match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    };
    match (packet.source, packet.destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => Addresses::V4(source, destination),
        (source, destination) => Addresses::V6(to_v6(source), to_v6(destination)),
    }
}

fn ipv4(packet: &Packet, source: Ipv4Addr, destination: Ipv4Addr) -> Vec<u8> {
    let payload = summed(packet, &source.octets(), &destination.octets());
    let [high, low] = ((IPV4_HEADER + payload.len()) as u16).to_be_bytes();
    let [id_high, id_low] = IDENTIFICATION.to_be_bytes();
    let [flags, offset] = match packet.fragment {
        Fragment::Whole => 0x4000,
        Fragment::First => 0x2000,
        Fragment::Later => OFFSET,
    }
    .to_be_bytes();
    let mut header = vec![0x45, 0, high, low, id_high, id_low, flags, offset, TIME_TO_LIVE, packet.protocol, 0, 0];
    header.extend(source.octets());
    header.extend(destination.octets());
    let sum = checksum(&[&header]);
    put(&mut header, 10, sum);
    [header, payload].concat()
}

fn ipv6(packet: &Packet, source: Ipv6Addr, destination: Ipv6Addr) -> Vec<u8> {
    let mut payload = summed(packet, &source.octets(), &destination.octets());
    let mut next = packet.protocol;
    if packet.fragment != Fragment::Whole {
        let field = if packet.fragment == Fragment::Later { OFFSET << 3 } else { 1 };
        let ([high, low], [id_high, id_low]) = (field.to_be_bytes(), IDENTIFICATION.to_be_bytes());
        payload.splice(0..0, [next, 0, high, low, 0, 0, id_high, id_low]);
        next = FRAGMENT;
    }
    let [high, low] = (payload.len() as u16).to_be_bytes();
    let header = [0x60, 0, 0, 0, high, low, next, TIME_TO_LIVE];
    [&header, source.octets().as_slice(), &destination.octets(), &payload].concat()
}

/// The payload with its checksum, as if a first fragment were all of its datagram.
fn summed(packet: &Packet, source: &[u8], destination: &[u8]) -> Vec<u8> {
    let (mut payload, checksum_at) = payload(packet);
    if let Some(at) = checksum_at {
        let [high, low] = (payload.len() as u16).to_be_bytes();
        let pseudo = [source, destination, &[0, packet.protocol, high, low]].concat();
        // That of ICMP in IPv4 is of its message alone.
        let pseudo = if packet.protocol == protocol::ICMP { &[] } else { pseudo.as_slice() };
        let sum = checksum(&[pseudo, &payload]);
        // To UDP zero says that there is none (RFC 768).
        put(&mut payload, at, if packet.protocol == protocol::UDP && sum == 0 { u16::MAX } else { sum });
    }
    payload
}

/// The protocol's header with some data, and where in it the checksum stands.
fn payload(packet: &Packet) -> (Vec<u8>, Option<usize>) {
    let (mut bytes, checksum_at) = match (packet.ports, packet.icmp) {
        (Some(ports), _) => {
            let ports = [ports.source.to_be_bytes(), ports.destination.to_be_bytes()].concat();
            match packet.tcp_flags {
                Some(flags) => {
                    let rest = [0, 0, 0, 1, 0, 0, 0, 0, 5 << 4, flags, 0xff, 0xff, 0, 0, 0, 0];
                    // With four bytes of data more it can be the part of a datagram that more follows.
                    let data = if packet.fragment == Fragment::First { 4 } else { 0 };
                    ([ports, rest.to_vec(), vec![0; data]].concat(), Some(16))
                }
                None => ([ports, vec![0, (8 + DATA) as u8, 0, 0], vec![0; DATA]].concat(), Some(6)),
            }
        }
        (None, Some(icmp)) => ([vec![icmp.message_type, icmp.code], vec![0; 6 + DATA]].concat(), Some(2)),
        (None, None) => (vec![0; DATA], None),
    };
    if packet.fragment == Fragment::Later {
        bytes = vec![0; DATA];
    }
    (bytes, checksum_at)
}

fn put(bytes: &mut [u8], at: usize, sum: u16) {
    for (byte, part) in bytes.iter_mut().skip(at).zip(sum.to_be_bytes()) {
        *byte = part;
    }
}

/// Over parts of which all but the last are of even length.
fn checksum(parts: &[&[u8]]) -> u16 {
    let byte = |word: &[u8], at| word.get(at).map_or(0, |&byte| u32::from(byte));
    let words = parts.iter().flat_map(|part| part.chunks(2));
    let sum: u32 = words.map(|word| byte(word, 0) << 8 | byte(word, 1)).sum();
    let folded = (sum >> 16) + (sum & 0xffff);
    !((folded >> 16) + (folded & 0xffff)) as u16
}
