//! Frames that a peer sends to the machine: any source, any port, fragments and options.
//!
//! Each builder gives a whole Ethernet frame with right checksums. The machine's addresses are those that the command
//! gives it: see [`VM_MAC`], [`VM_IPV4`], [`VM_IPV6`].
use etherparse::{
    ArpEthIpv4Packet, ArpOperation, EtherType, Ethernet2Header, IpFragOffset, IpHeaders, IpNumber, Ipv4Header,
    Ipv4Options, Ipv6Header, PacketBuilder, PacketBuilderStep, TcpHeader,
};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The machine's hardware address, unless `--mac` says otherwise.
pub const VM_MAC: [u8; 6] = [0x52, 0x54, 0x00, 0x12, 0x34, 0x56];
/// The IPv4 address that the tests give the machine, in a network of [`VM_PREFIX`] bits.
pub const VM_IPV4: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 15);
/// The length of that network's prefix.
pub const VM_PREFIX: u32 = 24;
/// The router of that network.
pub const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);
/// The machine's link-local address: the EUI-64 of [`VM_MAC`] (RFC 4291, appendix A).
pub const VM_IPV6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0x5054, 0xff, 0xfe12, 0x3456);

/// Type of a neighbour solicitation (RFC 4861).
pub const NEIGHBOR_SOLICITATION: u8 = 135;
/// Type of a neighbour advertisement (RFC 4861).
pub const NEIGHBOR_ADVERTISEMENT: u8 = 136;

/// The machine's address of the same version as `peer`.
pub fn vm_address(peer: IpAddr) -> IpAddr {
    if peer.is_ipv4() { VM_IPV4.into() } else { VM_IPV6.into() }
}

/// Whether an address is in the machine's own network, so that it speaks to it without the router.
pub fn on_link(address: IpAddr) -> bool {
    let network = |address: Ipv4Addr| address.to_bits() >> (32 - VM_PREFIX);
    match address {
        IpAddr::V4(address) => network(address) == network(VM_IPV4),
        IpAddr::V6(_) => true,
    }
}

/// The hardware address that frames of a source carry: one per address on the link, the router's for all others.
pub fn mac_of(address: IpAddr) -> [u8; 6] {
    let [a, b, c, d] = match address {
        IpAddr::V4(address) if on_link(address.into()) => address.octets(),
        IpAddr::V4(_) => GATEWAY.octets(),
        IpAddr::V6(address) => (address.to_bits() as u32).to_be_bytes(),
    };
    [2, address.is_ipv6().into(), a, b, c, d]
}

/// A TCP segment: `header` says flags and numbers; its checksum is computed.
pub fn tcp(from: IpAddr, header: TcpHeader, payload: &[u8]) -> Vec<u8> {
    let packet = ip(from, None).tcp_header(header);
    let mut frame = Vec::with_capacity(packet.size(payload.len()));
    packet.write_to_vec(&mut frame, payload).expect("a segment of a test fits an IP packet");
    frame
}

/// A TCP segment that asks for a connection.
pub fn syn(from: SocketAddr, port: u16) -> Vec<u8> {
    let mut header = TcpHeader::new(from.port(), port, 1, u16::MAX);
    header.syn = true;
    tcp(from.ip(), header, &[])
}

/// A UDP datagram.
pub fn udp(from: SocketAddr, port: u16, payload: &[u8]) -> Vec<u8> {
    udp_with_options(from, port, payload, None)
}

/// A UDP datagram in a packet with these IPv4 options (RFC 791, section 3.1), whose length is a multiple of 4.
pub fn udp_with_options(from: SocketAddr, port: u16, payload: &[u8], options: Option<&[u8]>) -> Vec<u8> {
    let packet = ip(from.ip(), options).udp(from.port(), port);
    let mut frame = Vec::with_capacity(packet.size(payload.len()));
    packet.write_to_vec(&mut frame, payload).expect("a datagram of a test fits an IP packet");
    frame
}

/// An echo request: ICMP (RFC 792) or ICMPv6 (RFC 4443), as the source is.
pub fn echo(from: IpAddr, id: u16, sequence: u16) -> Vec<u8> {
    let mut frame = Vec::new();
    match from {
        IpAddr::V4(_) => ip(from, None).icmpv4_echo_request(id, sequence).write_to_vec(&mut frame, b"portcullis"),
        IpAddr::V6(_) => ip(from, None).icmpv6_echo_request(id, sequence).write_to_vec(&mut frame, b"portcullis"),
    }
    .expect("an echo request fits an IP packet");
    frame
}

/// A piece of an IPv4 packet: `bytes` of the payload from `offset`, a multiple of 8, on.
pub fn fragment(from: Ipv4Addr, protocol: IpNumber, id: u16, offset: u16, more: bool, bytes: &[u8]) -> Vec<u8> {
    let mut header = ipv4_header(from, None);
    header.protocol = protocol;
    header.identification = id;
    header.dont_fragment = false;
    header.more_fragments = more;
    header.fragment_offset = IpFragOffset::try_new(offset / 8).expect("a test's offset fits 13 bits");
    header.set_payload_len(bytes.len()).expect("a test's fragment fits an IP packet");
    header.header_checksum = header.calc_header_checksum();
    ethernet(from.into(), VM_MAC, EtherType::IPV4, &[&header.to_bytes(), bytes])
}

/// Asks who has `target` (RFC 826), or tells the machine that `from` has it.
pub fn arp(operation: ArpOperation, from: Ipv4Addr, target: Ipv4Addr) -> Vec<u8> {
    let asks = operation == ArpOperation::REQUEST;
    let packet = ArpEthIpv4Packet {
        operation,
        sender_mac: mac_of(from.into()),
        sender_ipv4: from.octets(),
        target_mac: if asks { [0; 6] } else { VM_MAC },
        target_ipv4: target.octets(),
    };
    let to = if asks { [0xff; 6] } else { VM_MAC };
    ethernet(from.into(), to, EtherType::ARP, &[&packet.to_bytes()])
}

/// A neighbour solicitation for `target` or the advertisement of it (RFC 4861, sections 4.3 and 4.4), with the option
/// that names the hardware address of `from`.
pub fn neighbor(kind: u8, from: Ipv6Addr, target: Ipv6Addr) -> Vec<u8> {
    let solicits = kind == NEIGHBOR_SOLICITATION;
    // An advertisement says that it was asked for and overrides what was known.
    let flags = if solicits { [0; 4] } else { [0x60, 0, 0, 0] };
    let mut payload = target.octets().to_vec();
    payload.extend([if solicits { 1 } else { 2 }, 1]);
    payload.extend(mac_of(from.into()));
    let header = Ipv6Header { hop_limit: 255, ..ipv6_header(from) };
    let packet = PacketBuilder::ethernet2(mac_of(from.into()), VM_MAC)
        .ip(IpHeaders::Ipv6(header, Default::default()))
        .icmpv6_raw(kind, 0, flags);
    let mut frame = Vec::new();
    packet.write_to_vec(&mut frame, &payload).expect("a solicitation fits an IP packet");
    frame
}

/// A whole Ethernet frame from the parts of its payload.
pub fn ethernet(from: IpAddr, to: [u8; 6], ether_type: EtherType, parts: &[&[u8]]) -> Vec<u8> {
    let header = Ethernet2Header { source: mac_of(from), destination: to, ether_type };
    [&header.to_bytes()[..], &parts.concat()].concat()
}

fn ip(from: IpAddr, options: Option<&[u8]>) -> PacketBuilderStep<IpHeaders> {
    let header = match from {
        IpAddr::V4(from) => IpHeaders::Ipv4(ipv4_header(from, options), Default::default()),
        IpAddr::V6(from) => IpHeaders::Ipv6(ipv6_header(from), Default::default()),
    };
    PacketBuilder::ethernet2(mac_of(from), VM_MAC).ip(header)
}

fn ipv4_header(from: Ipv4Addr, options: Option<&[u8]>) -> Ipv4Header {
    let mut header = Ipv4Header {
        source: from.octets(),
        destination: VM_IPV4.octets(),
        time_to_live: 64,
        dont_fragment: true,
        ..Default::default()
    };
    if let Some(options) = options {
        header.options =
            Ipv4Options::try_from(options).expect("a test's options are a multiple of 4 bytes, at most 40");
    }
    header
}

fn ipv6_header(from: Ipv6Addr) -> Ipv6Header {
    Ipv6Header { source: from.octets(), destination: VM_IPV6.octets(), hop_limit: 64, ..Default::default() }
}
