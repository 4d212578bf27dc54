//! What a frame of the machine says, by a parser that is not the machine's own. Wrong checksums are told as such.
use etherparse::{ArpOperation, Icmpv4Slice, Icmpv6Slice, NetSlice, SlicedPacket, TcpSlice, TransportSlice, UdpSlice};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A frame of the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// ARP (RFC 826).
    Arp {
        /// Whether it asks; else it answers.
        asks: bool,
        /// The address of the sender.
        from: Ipv4Addr,
        /// The address asked for, or the one answered to.
        target: Ipv4Addr,
    },
    /// IPv4 or IPv6.
    Ip {
        /// The source.
        from: IpAddr,
        /// The destination.
        to: IpAddr,
        /// What it carries.
        what: What,
    },
    /// Anything else, or a frame that does not parse: why.
    Broken(String),
}

/// What an IP packet carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A TCP segment.
    Tcp(Segment),
    /// A UDP datagram.
    Udp {
        /// Source port.
        from: u16,
        /// Destination port.
        to: u16,
        /// Its payload.
        payload: Vec<u8>,
    },
    /// The answer to an echo request: identifier and sequence number.
    EchoReply(u16, u16),
    /// A neighbour solicitation for this address.
    NeighborSolicitation(Ipv6Addr),
    /// A neighbour advertisement of this address.
    NeighborAdvertisement(Ipv6Addr),
    /// Another message of ICMP or ICMPv6: its type and code, and the packet it is about, if any.
    Icmp(u8, u8, Vec<u8>),
    /// Another protocol, by its number.
    Protocol(u8),
}

/// A TCP segment (RFC 9293).
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // The names are the RFC's.
pub struct Segment {
    pub from: u16,
    pub to: u16,
    pub sequence: u32,
    pub acknowledgment: u32,
    pub syn: bool,
    pub ack: bool,
    pub fin: bool,
    pub rst: bool,
    pub payload: Vec<u8>,
}

impl Seen {
    /// What the frame says.
    pub fn parse(frame: &[u8]) -> Seen {
        let packet = match SlicedPacket::from_ethernet(frame) {
            Ok(packet) => packet,
            Err(error) => return Seen::Broken(error.to_string()),
        };
        match &packet.net {
            Some(NetSlice::Arp(arp)) => match arp.to_packet().try_eth_ipv4() {
                Ok(arp) => Seen::Arp {
                    asks: arp.operation == ArpOperation::REQUEST,
                    from: arp.sender_ipv4_addr(),
                    target: arp.target_ipv4_addr(),
                },
                Err(error) => Seen::Broken(error.to_string()),
            },
            Some(NetSlice::Ipv4(ip)) => {
                let header = ip.header();
                if header.to_header().calc_header_checksum() != header.header_checksum() {
                    return Seen::Broken("checksum of the IPv4 header".into());
                }
                let (from, to) = (header.source_addr().into(), header.destination_addr().into());
                carried(from, to, ip.payload_ip_number().0, &packet.transport)
            }
            Some(NetSlice::Ipv6(ip)) => {
                let (from, to) = (ip.header().source_addr().into(), ip.header().destination_addr().into());
                carried(from, to, ip.payload().ip_number.0, &packet.transport)
            }
            None => Seen::Broken("neither IP nor ARP".into()),
        }
    }
}

fn carried(from: IpAddr, to: IpAddr, protocol: u8, transport: &Option<TransportSlice<'_>>) -> Seen {
    let (what, name) = match transport {
        Some(TransportSlice::Tcp(segment)) => (tcp(from, to, segment), "TCP segment"),
        Some(TransportSlice::Udp(datagram)) => (udp(from, to, datagram), "UDP datagram"),
        Some(TransportSlice::Icmpv4(message)) => (icmpv4(message), "ICMP message"),
        Some(TransportSlice::Icmpv6(message)) => (icmpv6(from, to, message), "ICMPv6 message"),
        _ => (Some(What::Protocol(protocol)), ""),
    };
    what.map_or_else(|| Seen::Broken(format!("checksum or length of a {name}")), |what| Seen::Ip { from, to, what })
}

fn tcp(from: IpAddr, to: IpAddr, tcp: &TcpSlice<'_>) -> Option<What> {
    let header = tcp.to_header();
    let expected = checksum(
        from,
        to,
        |from, to| header.calc_checksum_ipv4_raw(from, to, tcp.payload()),
        |from, to| header.calc_checksum_ipv6_raw(from, to, tcp.payload()),
    );
    (expected? == tcp.checksum()).then(|| {
        What::Tcp(Segment {
            from: tcp.source_port(),
            to: tcp.destination_port(),
            sequence: tcp.sequence_number(),
            acknowledgment: tcp.acknowledgment_number(),
            syn: tcp.syn(),
            ack: tcp.ack(),
            fin: tcp.fin(),
            rst: tcp.rst(),
            payload: tcp.payload().to_vec(),
        })
    })
}

fn udp(from: IpAddr, to: IpAddr, udp: &UdpSlice<'_>) -> Option<What> {
    let header = udp.to_header();
    let expected = checksum(
        from,
        to,
        |from, to| header.calc_checksum_ipv4_raw(from, to, udp.payload()),
        |from, to| header.calc_checksum_ipv6_raw(from, to, udp.payload()),
    );
    let what = What::Udp { from: udp.source_port(), to: udp.destination_port(), payload: udp.payload().to_vec() };
    (expected? == udp.checksum()).then_some(what)
}

/// The checksum over the pseudo-header of either version; `None` for addresses of two versions or a payload too long.
fn checksum<E>(
    from: IpAddr,
    to: IpAddr,
    v4: impl FnOnce([u8; 4], [u8; 4]) -> std::result::Result<u16, E>,
    v6: impl FnOnce([u8; 16], [u8; 16]) -> std::result::Result<u16, E>,
) -> Option<u16> {
    match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => v4(from.octets(), to.octets()).ok(),
        (IpAddr::V6(from), IpAddr::V6(to)) => v6(from.octets(), to.octets()).ok(),
        _ => None,
    }
}

fn icmpv4(icmp: &Icmpv4Slice<'_>) -> Option<What> {
    if icmp.icmp_type().calc_checksum(icmp.payload()) != icmp.checksum() {
        return None;
    }
    Some(match icmp.type_u8() {
        0 => echo_reply(icmp.bytes5to8()),
        kind => What::Icmp(kind, icmp.code_u8(), icmp.payload().to_vec()),
    })
}

fn icmpv6(from: IpAddr, to: IpAddr, icmp: &Icmpv6Slice<'_>) -> Option<What> {
    let (IpAddr::V6(from), IpAddr::V6(to)) = (from, to) else { return None };
    if !icmp.is_checksum_valid(from.octets(), to.octets()) {
        return None;
    }
    // The target of a solicitation and of an advertisement follows the first 8 bytes of the message.
    let target = || icmp.slice().get(8..24)?.try_into().ok().map(|bytes: [u8; 16]| Ipv6Addr::from(bytes));
    Some(match icmp.type_u8() {
        129 => echo_reply(icmp.bytes5to8()),
        crate::frame::NEIGHBOR_SOLICITATION => What::NeighborSolicitation(target()?),
        crate::frame::NEIGHBOR_ADVERTISEMENT => What::NeighborAdvertisement(target()?),
        kind => What::Icmp(kind, icmp.code_u8(), icmp.payload().to_vec()),
    })
}

fn echo_reply([a, b, c, d]: [u8; 4]) -> What {
    What::EchoReply(u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]))
}
