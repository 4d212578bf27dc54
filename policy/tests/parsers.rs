//! The parser against another one, written by other people: `etherparse`.
use arbitrary::Unstructured;
use etherparse::{NetSlice, SlicedPacket, TransportSlice};
use firewall::{Fragment, Icmp, Inspected, Packet, Ports, inspect};
use policy::generate::{self, Traffic};
use policy::policy::{Action, Policy};
use proptest::collection::vec;
use proptest::prelude::*;
use std::net::IpAddr;

const AUTHENTICATION: u8 = 51;
const EXTENSIONS: [u8; 5] = [0, 43, 44, AUTHENTICATION, 60];

/// Where the two differ on purpose: `etherparse` follows authentication headers in IPv4, where POLICY.md sees a protocol,
/// and in IPv6 takes the data of a later fragment for extension headers.
fn is_read_differently(packet: &Packet) -> bool {
    match packet.source {
        IpAddr::V4(_) => packet.protocol == AUTHENTICATION,
        IpAddr::V6(_) => packet.fragment == Fragment::Later && EXTENSIONS.contains(&packet.protocol),
    }
}

fn parsed(frame: &[u8]) -> Packet {
    match inspect(frame) {
        Ok(Inspected::Packet(packet)) => packet,
        other => panic!("{other:?} of {frame:02x?}"),
    }
}

fn assert_agreed(frame: &[u8]) {
    let own = parsed(frame);
    if is_read_differently(&own) {
        return;
    }
    let other = SlicedPacket::from_ethernet(frame).unwrap_or_else(|error| panic!("{error} in {frame:02x?}"));
    let net = other.net.as_ref().expect("an IP packet");
    assert_eq!(other.is_ip_payload_fragmented(), own.fragment != Fragment::Whole);
    let payload = net.ip_payload_ref().expect("an IP payload");
    let (source, destination): (IpAddr, IpAddr) = match net {
        NetSlice::Ipv4(slice) => {
            let header = slice.header();
            assert_eq!(header.fragments_offset().value() > 0, own.fragment == Fragment::Later);
            (header.source_addr().into(), header.destination_addr().into())
        }
        NetSlice::Ipv6(slice) => (slice.header().source_addr().into(), slice.header().destination_addr().into()),
        NetSlice::Arp(_) => panic!("ARP in {frame:02x?}"),
    };
    assert_eq!((source, destination), (own.source, own.destination));
    assert_eq!(payload.ip_number.0, own.protocol);
    assert_eq!(payload.payload, own.payload(frame));
    if own.fragment == Fragment::Whole {
        assert_eq!(ports_and_flags(other.transport.as_ref()), (own.ports, own.tcp_flags));
        assert_eq!(icmp(net, other.transport.as_ref()), own.icmp);
    }
}

fn ports_and_flags(transport: Option<&TransportSlice>) -> (Option<Ports>, Option<u8>) {
    match transport {
        Some(TransportSlice::Tcp(tcp)) => {
            let ports = Ports { source: tcp.source_port(), destination: tcp.destination_port() };
            (Some(ports), Some(tcp.slice()[13]))
        }
        Some(TransportSlice::Udp(udp)) => {
            (Some(Ports { source: udp.source_port(), destination: udp.destination_port() }), None)
        }
        _ => (None, None),
    }
}

/// ICMP in IPv4, ICMPv6 in IPv6: the other parser looks into both of them in both.
fn icmp(net: &NetSlice, transport: Option<&TransportSlice>) -> Option<Icmp> {
    match (net, transport) {
        (NetSlice::Ipv4(_), Some(TransportSlice::Icmpv4(icmp))) => {
            Some(Icmp { message_type: icmp.type_u8(), code: icmp.code_u8() })
        }
        (NetSlice::Ipv6(_), Some(TransportSlice::Icmpv6(icmp))) => {
            Some(Icmp { message_type: icmp.type_u8(), code: icmp.code_u8() })
        }
        _ => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn well_formed_frames_mean_the_same_to_another_parser(bytes in vec(any::<u8>(), 0..600)) {
        let mut choices = Unstructured::new(&bytes);
        let policy = Policy { rules: vec![], default: Action::Accept, lists: vec![] };
        for _ in 0..8 {
            assert_agreed(&generate::frame(&mut choices, &policy, Traffic::WellFormed).expect("a frame from any bytes"));
        }
    }

    #[test]
    fn what_is_found_stands_in_the_packet_and_nowhere_else(bytes in vec(any::<u8>(), 0..600)) {
        let (_, frames) = generate::policy_and_frames(&bytes, 8, Traffic::Any).expect("a policy and frames");
        frames.iter().for_each(|frame| generate::properties::parse_frame(frame));
    }
}
