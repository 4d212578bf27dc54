use super::*;
use crate::packet::{Icmp, Ports};
use std::vec::Vec;

/// A SYN from 10.0.2.2:40000 to 10.0.2.15:8080, without the Ethernet header.
const SYN: [u8; 40] = [
    0x45, 0x00, 0x00, 0x28, 0x12, 0x34, 0x40, 0x00, 0x40, 0x06, 0x10, 0x85, 10, 0, 2, 2, 10, 0, 2, 15, // IPv4
    0x9c, 0x40, 0x1f, 0x90, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x02, 0xfa, 0xf0, 0, 0, 0, 0, // TCP
];

/// An IPv4 packet of this protocol with flags and offset as they stand in the header.
fn packet(protocol: u8, flags_and_offset: u16, payload: &[u8]) -> Vec<u8> {
    let mut header = SYN[..HEADER].to_vec();
    header[2..4].copy_from_slice(&((HEADER + payload.len()) as u16).to_be_bytes());
    header[6..8].copy_from_slice(&flags_and_offset.to_be_bytes());
    header[9] = protocol;
    [header.as_slice(), payload].concat()
}

#[test]
fn a_syn_is_parsed() {
    let expected = Packet {
        source: "10.0.2.2".parse().unwrap(),
        destination: "10.0.2.15".parse().unwrap(),
        protocol: 6,
        fragment: Fragment::Whole,
        ports: Some(Ports { source: 40000, destination: 8080 }),
        tcp_flags: Some(0x02),
        icmp: None,
        payload_start: 34,
        payload_end: 54,
    };
    assert_eq!(parse(&SYN), Ok(expected));
}

#[test]
fn padding_is_no_part_of_the_packet() {
    let padded = [SYN.as_slice(), &[0; 6]].concat();
    assert_eq!(parse(&padded), parse(&SYN));
    let udp_in_padding = [packet(17, 0, &[0, 67, 0, 68, 0, 8, 0]).as_slice(), &[0]].concat();
    assert_eq!(parse(&udp_in_padding), Err(Malformed::UdpCutShort));
}

#[test]
fn a_frame_that_ends_inside_the_header_is_malformed() {
    for length in 0..HEADER {
        assert_eq!(parse(&SYN[..length]), Err(Malformed::HeaderCutShort));
    }
}

#[test]
fn a_packet_longer_than_its_frame_is_malformed() {
    for length in HEADER..SYN.len() {
        assert_eq!(parse(&SYN[..length]), Err(Malformed::TotalLengthPastFrame));
    }
}

#[test]
fn a_header_length_under_five_words_is_malformed() {
    for words in 0..5 {
        let mut packet = SYN;
        packet[0] = 0x40 | words;
        assert_eq!(parse(&packet), Err(Malformed::HeaderLengthUnderMinimum));
    }
}

#[test]
fn a_header_length_past_the_packet_is_malformed_even_where_the_frame_goes_on() {
    for words in 6..=15 {
        let mut packet = packet(253, 0, &[]);
        packet[0] = 0x40 | words;
        packet.extend([0; 60]);
        assert_eq!(parse(&packet), Err(Malformed::HeaderLengthPastPacket));
    }
    for total_length in 0..20 {
        let mut packet = SYN;
        packet[3] = total_length;
        assert_eq!(parse(&packet), Err(Malformed::HeaderLengthPastPacket));
    }
}

#[test]
fn options_come_before_the_payload() {
    let mut packet = packet(17, 0, &[1, 1, 1, 0, 0, 67, 0, 68, 0, 8, 0, 0]);
    packet[0] = 0x46;
    let parsed = parse(&packet).unwrap();
    assert_eq!(parsed.ports, Some(Ports { source: 67, destination: 68 }));
    assert_eq!((parsed.payload_start, parsed.payload_end), (38, 46));
}

#[test]
fn a_packet_of_nothing_but_its_header_is_a_packet() {
    assert_eq!(parse(&packet(253, 0, &[])).map(|packet| packet.protocol), Ok(253));
}

#[test]
fn offset_and_more_fragments_say_which_part_it_is() {
    let udp = [0, 67, 0, 68, 0, 8, 0, 0];
    let of = |field| parse(&packet(17, field, &udp)).map(|packet| (packet.fragment, packet.ports.is_some()));
    assert_eq!(of(0), Ok((Fragment::Whole, true)));
    assert_eq!(of(0x4000), Ok((Fragment::Whole, true)), "don't fragment");
    assert_eq!(of(0x8000), Ok((Fragment::Whole, true)), "the reserved bit");
    assert_eq!(of(0x2000), Ok((Fragment::First, true)));
    assert_eq!(of(0x2001), Ok((Fragment::Later, false)));
    assert_eq!(of(0x0001), Ok((Fragment::Later, false)));
}

#[test]
fn only_a_later_fragment_may_be_shorter_than_its_protocols_header() {
    for (protocol, reason) in [(6, Malformed::TcpCutShort), (17, Malformed::UdpCutShort), (1, Malformed::IcmpCutShort)]
    {
        assert_eq!(parse(&packet(protocol, 0, &[0; 7])), Err(reason));
        assert_eq!(parse(&packet(protocol, 0x2000, &[0; 7])), Err(reason));
        assert_eq!(parse(&packet(protocol, 1, &[0; 7])).map(|packet| packet.protocol), Ok(protocol));
        assert_eq!(parse(&packet(protocol, 1, &[])).map(|packet| packet.protocol), Ok(protocol));
    }
}

#[test]
fn a_fragment_may_end_at_65535_bytes_of_its_datagram_and_not_past() {
    // 8189 * 8 + 20 + 3 = 65535
    assert_eq!(parse(&packet(17, 8189, &[0; 3])).map(|packet| packet.fragment), Ok(Fragment::Later));
    assert_eq!(parse(&packet(17, 8189, &[0; 4])), Err(Malformed::FragmentPastEnd));
    assert_eq!(parse(&packet(17, 0x1fff, &[])), Err(Malformed::FragmentPastEnd));
}

#[test]
fn icmpv6_and_extension_headers_are_only_protocols_in_ipv4() {
    for protocol in [0, 43, 44, 50, 51, 58, 60] {
        assert_eq!(parse(&packet(protocol, 0, &[])).map(|packet| packet.protocol), Ok(protocol));
    }
}

#[test]
fn icmp_that_is_not_a_later_fragment_has_type_and_code() {
    let timestamp = [13, 255, 0, 0, 0, 0, 0, 0];
    let of = |protocol, field| parse(&packet(protocol, field, &timestamp)).map(|packet| packet.icmp);
    let expected = Some(Icmp { message_type: 13, code: 255 });
    assert_eq!(of(1, 0), Ok(expected));
    assert_eq!(of(1, 0x2000), Ok(expected), "a first fragment");
    assert_eq!(of(1, 1), Ok(None), "a later fragment");
    assert_eq!(of(58, 0), Ok(None), "ICMPv6 is not looked into in IPv4");
    assert_eq!(of(17, 0), Ok(None));
}
