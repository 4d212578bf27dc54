//! Frames made by hand, from the peer to the network unless they say otherwise.
use super::world::{MAC, OURS, OURS_V6, PEER, PEER_MAC, PEER_V6};
use core::net::{IpAddr, Ipv4Addr};
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::*;

pub const SYN: u8 = 2;
pub const RST: u8 = 4;
pub const ACK: u8 = 16;

pub fn ethernet(destination: [u8; 6], ethertype: u16, payload: &[u8]) -> Vec<u8> {
    [&destination[..], &PEER_MAC, &ethertype.to_be_bytes(), payload].concat()
}

pub fn ip(source: IpAddr, destination: IpAddr, protocol: IpProtocol, payload: &[u8]) -> Vec<u8> {
    let repr = IpRepr::new(source.into(), destination.into(), protocol, payload.len(), 255);
    let mut packet = vec![0; repr.header_len()];
    repr.emit(&mut packet, &ChecksumCapabilities::default());
    packet.extend_from_slice(payload);
    ethernet(MAC, if source.is_ipv4() { 0x0800 } else { 0x86dd }, &packet)
}

pub fn udp(from: (IpAddr, u16), to: (IpAddr, u16), bytes: &[u8]) -> Vec<u8> {
    let repr = UdpRepr { src_port: from.1, dst_port: to.1 };
    let mut datagram = vec![0; 8 + bytes.len()];
    let mut packet = UdpPacket::new_unchecked(&mut datagram[..]);
    let fill = |buffer: &mut [u8]| buffer.copy_from_slice(bytes);
    repr.emit(&mut packet, &from.0.into(), &to.0.into(), bytes.len(), fill, &ChecksumCapabilities::default());
    ip(from.0, to.0, IpProtocol::Udp, &datagram)
}

pub struct Segment {
    pub from: (IpAddr, u16),
    pub to: (IpAddr, u16),
    pub flags: u8,
    pub seq: u32,
    pub ack: u32,
    pub bytes: Vec<u8>,
}

/// A SYN from this port of the peer.
pub fn syn(from: u16, to: u16) -> Segment {
    Segment { from: (PEER.into(), from), to: (OURS.into(), to), flags: SYN, seq: 1000, ack: 0, bytes: vec![] }
}

impl Segment {
    pub fn tcp(&self) -> Vec<u8> {
        let mut bytes = vec![0; 20 + self.bytes.len()];
        let mut packet = TcpPacket::new_unchecked(&mut bytes[..]);
        packet.set_src_port(self.from.1);
        packet.set_dst_port(self.to.1);
        packet.set_seq_number(TcpSeqNumber(self.seq as i32));
        packet.set_ack_number(TcpSeqNumber(self.ack as i32));
        packet.set_header_len(20);
        packet.set_window_len(8192);
        packet.set_syn(self.flags & SYN != 0);
        packet.set_rst(self.flags & RST != 0);
        packet.set_ack(self.flags & ACK != 0);
        packet.payload_mut().copy_from_slice(&self.bytes);
        packet.fill_checksum(&self.from.0.into(), &self.to.0.into());
        bytes
    }

    pub fn frame(&self) -> Vec<u8> {
        ip(self.from.0, self.to.0, IpProtocol::Tcp, &self.tcp())
    }

    /// A segment out of a frame.
    pub fn parse(frame: &[u8]) -> Option<Segment> {
        let start = match (frame.get(12..14)?, frame.get(23)?, frame.get(20)?) {
            ([0x08, 0x00], 6, _) => 34,
            ([0x86, 0xdd], _, 6) => 54,
            _ => return None,
        };
        let packet = TcpPacket::new_checked(frame.get(start..)?).ok()?;
        let flags = u8::from(packet.syn()) * SYN + u8::from(packet.rst()) * RST + u8::from(packet.ack()) * ACK;
        let address = |at: usize| -> Option<IpAddr> {
            Some(match start {
                34 => IpAddr::from(*frame.get(26 + at * 4..)?.first_chunk::<4>()?),
                _ => IpAddr::from(*frame.get(22 + at * 16..)?.first_chunk::<16>()?),
            })
        };
        Some(Segment {
            from: (address(0)?, packet.src_port()),
            to: (address(1)?, packet.dst_port()),
            flags,
            seq: packet.seq_number().0 as u32,
            ack: packet.ack_number().0 as u32,
            bytes: packet.payload().to_vec(),
        })
    }
}

/// Cuts the IPv4 packet of a frame into fragments with this much data each, a multiple of 8.
pub fn fragments(frame: &[u8], each: usize) -> Vec<Vec<u8>> {
    let (header, data) = (&frame[14..34], &frame[34..]);
    let count = data.len().div_ceil(each);
    let cut = |(number, part): (usize, &[u8])| {
        let mut packet = [header, part].concat();
        let mut view = Ipv4Packet::new_unchecked(&mut packet[..]);
        view.set_total_len((20 + part.len()) as u16);
        view.set_ident(77);
        view.set_dont_frag(false);
        view.set_more_frags(number + 1 < count);
        view.set_frag_offset((number * each) as u16);
        view.fill_checksum();
        ethernet(MAC, 0x0800, &packet)
    };
    data.chunks(each).enumerate().map(cut).collect()
}

pub fn arp_request(of: Ipv4Addr) -> Vec<u8> {
    arp(ArpOperation::Request, PEER, of)
}

pub fn arp_reply() -> Vec<u8> {
    arp_reply_of(PEER)
}

pub fn arp_reply_of(source: Ipv4Addr) -> Vec<u8> {
    arp(ArpOperation::Reply, source, OURS)
}

fn arp(operation: ArpOperation, source: Ipv4Addr, target: Ipv4Addr) -> Vec<u8> {
    let repr = ArpRepr::EthernetIpv4 {
        operation,
        source_hardware_addr: EthernetAddress(PEER_MAC),
        source_protocol_addr: source,
        target_hardware_addr: EthernetAddress(MAC),
        target_protocol_addr: target,
    };
    let mut bytes = vec![0; repr.buffer_len()];
    repr.emit(&mut ArpPacket::new_unchecked(&mut bytes[..]));
    ethernet(MAC, 0x0806, &bytes)
}

pub fn ping(source: Ipv4Addr, data: &[u8]) -> Vec<u8> {
    let repr = Icmpv4Repr::EchoRequest { ident: 7, seq_no: 1, data };
    let mut bytes = vec![0; repr.buffer_len()];
    repr.emit(&mut Icmpv4Packet::new_unchecked(&mut bytes[..]), &ChecksumCapabilities::default());
    ip(source.into(), OURS.into(), IpProtocol::Icmp, &bytes)
}

/// The peer says that there is nobody at the port that this frame of ours is for.
pub fn port_unreachable(lost: &[u8]) -> Vec<u8> {
    let mut bytes = [&[3, 3, 0, 0, 0, 0, 0, 0], &lost[14..42]].concat();
    Icmpv4Packet::new_unchecked(&mut bytes[..]).fill_checksum();
    ip(PEER.into(), OURS.into(), IpProtocol::Icmp, &bytes)
}

pub fn ping_v6() -> Vec<u8> {
    icmpv6(Icmpv6Repr::EchoRequest { ident: 7, seq_no: 1, data: b"ping" }, OURS_V6)
}

pub fn neighbour_solicitation() -> Vec<u8> {
    let lladdr = Some(RawHardwareAddress::from(EthernetAddress(PEER_MAC)));
    let solicit = Icmpv6Repr::Ndisc(NdiscRepr::NeighborSolicit { target_addr: OURS_V6, lladdr });
    let mut frame = icmpv6(solicit, "ff02::1:ff12:3456".parse().unwrap());
    frame[..6].copy_from_slice(&[0x33, 0x33, 0xff, 0x12, 0x34, 0x56]);
    frame
}

/// The answer to a solicitation.
pub fn neighbour_advertisement() -> Vec<u8> {
    let lladdr = Some(RawHardwareAddress::from(EthernetAddress(PEER_MAC)));
    let flags = NdiscNeighborFlags::SOLICITED | NdiscNeighborFlags::OVERRIDE;
    icmpv6(Icmpv6Repr::Ndisc(NdiscRepr::NeighborAdvert { flags, target_addr: PEER_V6, lladdr }), OURS_V6)
}

fn icmpv6(repr: Icmpv6Repr, destination: core::net::Ipv6Addr) -> Vec<u8> {
    let mut bytes = vec![0; repr.buffer_len()];
    let mut packet = Icmpv6Packet::new_unchecked(&mut bytes[..]);
    repr.emit(&PEER_V6, &destination, &mut packet, &ChecksumCapabilities::default());
    ip(PEER_V6.into(), destination.into(), IpProtocol::Icmpv6, &bytes)
}
