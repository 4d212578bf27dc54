//! Packets in words, both ways, and as frames.
use arbitrary::Unstructured;
use etherparse::{NetSlice, SlicedPacket, TransportSlice};
use firewall::{Fragment, Icmp, Inspected, Packet, Ports, inspect};
use policy::diagnostic::render;
use policy::generate::{self, Traffic};
use policy::packet::{describe, frame, parse};
use policy::policy::{Action, Policy};
use proptest::collection::vec;
use proptest::prelude::*;
use snapbox::{Assert, Data};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

fn parsed(words: &str) -> Packet {
    parse(words).unwrap_or_else(|error| panic!("{words}: {error}"))
}

/// A packet without where its payload lies, which words do not tell.
fn facts(packet: Packet) -> Packet {
    Packet { payload_start: 0, payload_end: 0, ..packet }
}

fn inspected(frame: &[u8]) -> Packet {
    match inspect(frame) {
        Ok(Inspected::Packet(packet)) => packet,
        other => panic!("{other:?} of {frame:02x?}"),
    }
}

/// As written on the left, with everything that was left out on the right.
#[test]
fn what_is_left_out_is_as_documented() {
    for (words, all) in [
        ("tcp", "tcp from 10.0.2.2:40000 to 10.0.2.15:40000 syn"),
        ("tcp from 10.0.2.2:40000 to :8080 syn", "tcp from 10.0.2.2:40000 to 10.0.2.15:8080 syn"),
        ("TCP to 22", "tcp from 10.0.2.2:40000 to 10.0.2.15:22 syn"),
        ("tcp to port 22 from 10.0.0.1 port 5", "tcp from 10.0.0.1:5 to 10.0.2.15:22 syn"),
        ("tcp syn,ack", "tcp from 10.0.2.2:40000 to 10.0.2.15:40000 syn ack"),
        ("tcp ack/syn PSH", "tcp from 10.0.2.2:40000 to 10.0.2.15:40000 syn psh ack"),
        ("tcp no-flags", "tcp from 10.0.2.2:40000 to 10.0.2.15:40000 no-flags"),
        ("ip6 tcp to :22", "tcp from [fe80::2]:40000 to [fe80::5054:ff:fe12:3456]:22 syn"),
        ("udp from [2001:db8::1]:53 to :40000", "udp from [2001:db8::1]:53 to [fe80::5054:ff:fe12:3456]:40000"),
        ("udp to 2001:db8::1", "udp from [fe80::2]:40000 to [2001:db8::1]:40000"),
        ("udp to ::ffff:10.0.0.1", "udp from [fe80::2]:40000 to [::ffff:10.0.0.1]:40000"),
        ("icmp echo-request from 10.0.0.1", "icmp echo-request from 10.0.0.1 to 10.0.2.15"),
        ("icmp", "icmp echo-request from 10.0.2.2 to 10.0.2.15"),
        ("icmp type echo-reply", "icmp echo-reply from 10.0.2.2 to 10.0.2.15"),
        ("icmp type 3 code 4", "icmp fragmentation-needed from 10.0.2.2 to 10.0.2.15"),
        ("icmp time-exceeded code 1", "icmp time-exceeded code 1 from 10.0.2.2 to 10.0.2.15"),
        ("icmp type 200 code 7", "icmp type 200 code 7 from 10.0.2.2 to 10.0.2.15"),
        ("icmp6 type 135 code 0 from fe80::1", "icmp6 neighbour-solicitation from fe80::1 to fe80::5054:ff:fe12:3456"),
        ("icmpv6 neighbor-solicitation from ::", "icmp6 neighbour-solicitation from :: to fe80::5054:ff:fe12:3456"),
        ("ip proto 47 from 1.2.3.4 to 10.0.2.15", "ip proto 47 from 1.2.3.4 to 10.0.2.15"),
        ("ip proto gre", "ip proto 47 from 10.0.2.2 to 10.0.2.15"),
        ("ip6 proto 47 from ::1", "ip6 proto 47 from ::1 to fe80::5054:ff:fe12:3456"),
        ("ip6 proto 1 from ::1", "ip6 proto 1 from ::1 to fe80::5054:ff:fe12:3456"),
        ("ip proto udp to :53", "udp from 10.0.2.2:40000 to 10.0.2.15:53"),
        ("tcp from 10.0.0.1 to 10.0.2.15 fragment", "tcp from 10.0.0.1 to 10.0.2.15 fragment"),
        ("udp first-fragment", "udp from 10.0.2.2:40000 to 10.0.2.15:40000 first-fragment"),
        ("ip6 proto 43 fragment", "ip6 proto 43 from fe80::2 to fe80::5054:ff:fe12:3456 fragment"),
    ] {
        assert_eq!(describe(&parsed(words)), all, "{words}");
    }
}

#[test]
fn words_become_the_facts_that_rules_ask() {
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    let packet = Packet {
        source: address("10.0.2.2"),
        destination: address("10.0.2.15"),
        protocol: 6,
        fragment: Fragment::Whole,
        ports: Some(Ports { source: 1234, destination: 8080 }),
        tcp_flags: Some(0x12),
        icmp: None,
        payload_start: 34,
        payload_end: 54,
    };
    assert_eq!(parsed("tcp from 10.0.2.2:1234 to :8080 syn ack"), packet);
    let packet = Packet {
        source: address("fe80::1"),
        destination: address("fe80::5054:ff:fe12:3456"),
        protocol: 58,
        fragment: Fragment::First,
        ports: None,
        tcp_flags: None,
        icmp: Some(Icmp { message_type: 2, code: 7 }),
        payload_start: 62,
        payload_end: 78,
    };
    assert_eq!(parsed("icmp6 packet-too-big code 7 from fe80::1 first-fragment"), packet);
}

/// One of each kind of error, some more than once.
const WRONG: &[&str] = &[
    "",
    "  ",
    "tpc from 10.0.2.2",
    "http from 10.0.2.2",
    "from 10.0.2.2 to :80",
    "ip from 1.2.3.4",
    "ip",
    "tcp form 10.0.2.2",
    "tcp from 10.0.2.2 sync",
    "tcp from 10.0.2.2 to :8080 syn please",
    "icmp echo-requst",
    "udp whatever",
    "tcp from",
    "tcp to 10.0.2.15 port",
    "icmp type",
    "tcp from 10.0.2.2 from 10.0.2.3",
    "icmp type 8 echo-reply",
    "icmp port-unreachable code 1",
    "tcp from 10.0.2.300",
    "tcp from 10.0.2.0/24",
    "tcp from [::1",
    "tcp from example.org:80",
    "tcp to :80x",
    "tcp to :70000",
    "tcp to :",
    "tcp to 10.0.2.15:99999",
    "icmp type 256",
    "icmp code x",
    "ip proto 256",
    "ip proto esperanto",
    "tcp from 10.0.2.2 to [fe80::1]:80",
    "icmp from fe80::1",
    "icmp6 from 10.0.2.2",
    "ip6 udp from 10.0.2.2",
    "icmp from 10.0.2.2:80",
    "udp to :53 syn",
    "icmp syn",
    "tcp echo-request",
    "ip proto 47 type 8",
    "tcp from 10.0.2.2 to :80 fragment",
    "tcp syn fragment",
    "icmp echo-request fragment",
    "ip6 proto 43",
    "tcp from \u{1b}[31m",
];

#[test]
fn what_is_wrong_is_told_as_the_text_file_says() {
    let drawn = WRONG.iter().map(|words| match parse(words) {
        Ok(packet) => panic!("{words} is {}", describe(&packet)),
        Err(error) => render("PACKET", words, [error], false),
    });
    let drawn: Vec<_> = drawn.collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packet/wrong.txt");
    let assert = Assert::new().normalize_paths(false).action_env("SNAPSHOTS");
    assert.eq(drawn.join("\n"), Data::read_from(&path, None));
}

#[test]
fn every_kind_of_error_has_a_case() {
    let kinds = WRONG.iter().filter_map(|words| parse(words).err()).map(|error| format!("{:?}", error.kind));
    let seen: BTreeSet<String> = kinds.map(|kind| kind.chars().take_while(|c| c.is_alphabetic()).collect()).collect();
    let all = [
        "Empty",
        "Endpoint",
        "Extension",
        "InFragment",
        "Missing",
        "NotPart",
        "Number",
        "Protocol",
        "Twice",
        "Versions",
        "Word",
    ];
    assert_eq!(seen.iter().collect::<Vec<_>>(), all);
}

/// Another parser finds its checksums right.
fn assert_sums(frame: &[u8], packet: &Packet) {
    let sliced = SlicedPacket::from_ethernet(frame).unwrap_or_else(|error| panic!("{error} in {frame:02x?}"));
    let (source, destination) = match sliced.net.as_ref() {
        Some(NetSlice::Ipv4(slice)) => {
            assert_eq!(slice.header().to_header().calc_header_checksum(), slice.header().header_checksum());
            (slice.header().source(), slice.header().destination())
        }
        _ => return assert_sums_v6(&sliced, packet),
    };
    match sliced.transport {
        Some(TransportSlice::Tcp(tcp)) => {
            assert_eq!(tcp.calc_checksum_ipv4(source, destination), Ok(tcp.checksum()));
        }
        Some(TransportSlice::Udp(udp)) => {
            let sum = udp.to_header().calc_checksum_ipv4_raw(source, destination, udp.payload());
            assert_eq!(sum, Ok(udp.checksum()));
        }
        Some(TransportSlice::Icmpv4(icmp)) => {
            assert_eq!(icmp.icmp_type().calc_checksum(icmp.payload()), icmp.checksum());
        }
        _ => assert!(packet.fragment != Fragment::Whole || packet.ports.is_none()),
    }
}

fn assert_sums_v6(sliced: &SlicedPacket, packet: &Packet) {
    let (IpAddr::V6(source), IpAddr::V6(destination)) = (packet.source, packet.destination) else { panic!() };
    let (source, destination) = (source.octets(), destination.octets());
    match &sliced.transport {
        Some(TransportSlice::Tcp(tcp)) => {
            assert_eq!(tcp.calc_checksum_ipv6(source, destination), Ok(tcp.checksum()));
        }
        Some(TransportSlice::Udp(udp)) => {
            let sum = udp.to_header().calc_checksum_ipv6_raw(source, destination, udp.payload());
            assert_eq!(sum, Ok(udp.checksum()));
        }
        Some(TransportSlice::Icmpv6(icmp)) => assert!(icmp.is_checksum_valid(source, destination)),
        _ => assert!(packet.fragment != Fragment::Whole || packet.ports.is_none()),
    }
}

#[test]
fn the_checksums_of_frames_are_right() {
    for words in ["tcp to :80", "udp to :53", "icmp", "ip proto 47", "tcp from ::1", "udp from ::1", "icmp6 type 136"] {
        let packet = parsed(words);
        let frame = frame(&packet);
        assert_sums(&frame, &packet);
        assert!(SlicedPacket::from_ethernet(&frame).unwrap().transport.is_some() || packet.protocol == 47, "{words}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn any_packet_is_told_in_words_and_in_a_frame(bytes in vec(any::<u8>(), 0..600)) {
        let mut choices = Unstructured::new(&bytes);
        let policy = Policy { rules: vec![], default: Action::Accept, lists: vec![] };
        for _ in 0..8 {
            let frame_of_any = generate::frame(&mut choices, &policy, Traffic::WellFormed).expect("a frame");
            let packet = inspected(&frame_of_any);
            let words = describe(&packet);
            let read = parsed(&words);
            prop_assert_eq!(facts(read), facts(packet), "{}", words);
            let frame = frame(&packet);
            prop_assert_eq!(inspected(&frame), read, "{}", words);
            // What the other parser takes for extension headers, and looks into.
            if ![0, 43, 44, 51, 60].contains(&packet.protocol) {
                assert_sums(&frame, &packet);
            }
        }
    }

    #[test]
    fn any_ports_and_addresses_are_read_back(
        v4: Option<(Ipv4Addr, Ipv4Addr)>,
        v6: (Ipv6Addr, Ipv6Addr),
        ports: (u16, u16),
        flags: u8,
    ) {
        let (source, destination) = match v4 {
            Some((source, destination)) => (source.into(), destination.into()),
            None => (v6.0.into(), v6.1.into()),
        };
        let ports = Some(Ports { source: ports.0, destination: ports.1 });
        let packet = Packet { source, destination, ports, tcp_flags: Some(flags), ..parsed("tcp") };
        prop_assert_eq!(facts(parsed(&describe(&packet))), facts(packet));
        prop_assert_eq!(facts(inspected(&frame(&packet))), facts(packet));
    }

    #[test]
    fn any_text_is_read_or_refused_where_it_stands(text: String, words in vec(0..WORDS.len(), 0..9)) {
        let words: Vec<_> = words.into_iter().map(|word| WORDS[word]).collect();
        for text in [text, words.join(" ")] {
            match parse(&text) {
                Ok(packet) => prop_assert_eq!(inspected(&frame(&packet)), packet),
                Err(error) => prop_assert!(text.get(error.span).is_some()),
            }
        }
    }
}

const WORDS: &[&str] = &[
    "tcp",
    "udp",
    "icmp",
    "icmp6",
    "ip",
    "ip6",
    "proto",
    "47",
    "6",
    "from",
    "to",
    "10.0.0.1",
    "10.0.0.1:80",
    ":53",
    "port",
    "[fe80::1]:80",
    "fe80::1",
    "syn",
    "ack",
    "fragment",
    "first-fragment",
    "type",
    "code",
    "echo-request",
    "300",
    "\u{2003}",
];
