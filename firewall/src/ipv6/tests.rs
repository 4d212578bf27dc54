use super::*;
use crate::packet::{Icmp, Ports};
use std::vec;
use std::vec::Vec;

/// An echo request from fe80::1 to fe80::5054:ff:fe12:3456, without the Ethernet header.
#[rustfmt::skip]
const ECHO: [u8; 48] = [
    0x60, 0, 0, 0, 0, 8, 58, 64,
    0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
    0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0x50, 0x54, 0, 0xff, 0xfe, 0x12, 0x34, 0x56,
    128, 0, 0, 0, 0, 1, 0, 1,
];

/// UDP from port 546 to port 547.
const UDP: [u8; 8] = [0x02, 0x22, 0x02, 0x23, 0, 8, 0, 0];

/// A packet whose first header after the fixed one is `next`.
fn packet(next: u8, payload: &[u8]) -> Vec<u8> {
    let mut header = ECHO[..HEADER].to_vec();
    header[4..6].copy_from_slice(&(payload.len() as u16).to_be_bytes());
    header[6] = next;
    [header.as_slice(), payload].concat()
}

/// A header of 8 bytes: hop-by-hop, routing or destination options.
fn short(next: u8) -> [u8; 8] {
    [next, 0, 1, 4, 0, 0, 0, 0]
}

/// A fragment header: offset in units of 8 bytes.
fn fragment_header(next: u8, offset: u16, more: bool) -> [u8; 8] {
    let [high, low] = (offset << 3 | u16::from(more)).to_be_bytes();
    [next, 0, high, low, 0, 0, 0, 7]
}

/// What a rule may ask of a packet.
fn facts(next: u8, payload: &[u8]) -> Result<(u8, Fragment, Option<Ports>), Malformed> {
    parse(&packet(next, payload)).map(|packet| (packet.protocol, packet.fragment, packet.ports))
}

const PORTS: Option<Ports> = Some(Ports { source: 546, destination: 547 });

#[test]
fn an_echo_request_is_parsed() {
    let expected = Packet {
        source: "fe80::1".parse().unwrap(),
        destination: "fe80::5054:ff:fe12:3456".parse().unwrap(),
        protocol: 58,
        fragment: Fragment::Whole,
        ports: None,
        tcp_flags: None,
        icmp: Some(Icmp { message_type: 128, code: 0 }),
        payload_start: 54,
        payload_end: 62,
    };
    assert_eq!(parse(&ECHO), Ok(expected));
}

#[test]
fn a_frame_that_ends_too_soon_is_malformed() {
    for length in 0..HEADER {
        assert_eq!(parse(&ECHO[..length]), Err(Malformed::HeaderCutShort));
    }
    for length in HEADER..ECHO.len() {
        assert_eq!(parse(&ECHO[..length]), Err(Malformed::TotalLengthPastFrame));
    }
}

#[test]
fn padding_is_no_part_of_the_packet() {
    assert_eq!(parse(&[ECHO.as_slice(), &[0; 9]].concat()), parse(&ECHO));
    let mut cut = ECHO;
    cut[5] = 3;
    assert_eq!(parse(&cut), Err(Malformed::Icmpv6CutShort));
}

#[test]
fn the_protocol_is_what_comes_after_the_extension_headers() {
    let authentication = [&[0, 1], [0; 10].as_slice()].concat();
    for kind in [0, 43, 60] {
        assert_eq!(facts(kind, &[short(17), UDP].concat()), Ok((17, Fragment::Whole, PORTS)), "{kind}");
    }
    let mut chain = [short(43), short(51)].concat();
    chain.extend([&[60], &authentication[1..]].concat());
    chain.extend([short(17), UDP].concat());
    assert_eq!(facts(0, &chain), Ok((17, Fragment::Whole, PORTS)));
    assert_eq!(parse(&packet(0, &chain)).unwrap().payload_start, 54 + 8 + 8 + 12 + 8);
}

#[test]
fn a_header_that_is_not_known_is_the_protocol() {
    for protocol in [1, 50, 59, 132, 135, 139, 140, 253, 255] {
        assert_eq!(facts(protocol, &[]), Ok((protocol, Fragment::Whole, None)));
        assert_eq!(facts(60, &[short(protocol), UDP].concat()), Ok((protocol, Fragment::Whole, None)));
    }
}

#[test]
fn an_extension_header_past_the_packet_is_malformed() {
    for kind in [0, 43, 44, 51, 60] {
        assert_eq!(facts(kind, &[]), Err(Malformed::ExtensionCutShort), "{kind} is not there");
        assert_eq!(facts(kind, &[17]), Err(Malformed::ExtensionCutShort), "{kind} has no length");
        assert_eq!(facts(kind, &[17, 1, 0, 0, 0, 0, 0]), Err(Malformed::ExtensionCutShort), "{kind} has 7 bytes");
    }
    for kind in [0, 43, 60] {
        assert_eq!(facts(kind, &[17, 1, 0, 0, 0, 0, 0, 0]), Err(Malformed::ExtensionCutShort), "{kind} says 16 bytes");
        assert_eq!(facts(kind, &[vec![17, 255], vec![0; 2045]].concat()), Err(Malformed::ExtensionCutShort));
        assert_eq!(
            facts(kind, &[[17, 255].as_slice(), &[0; 2046], &UDP].concat()),
            Ok((17, Fragment::Whole, PORTS)),
            "{kind} of the longest kind"
        );
    }
}

#[test]
fn a_jumbogram_ends_inside_its_hop_by_hop_header() {
    let mut jumbo = packet(0, &[59, 0, 0xc2, 4, 0, 1, 0, 0]);
    jumbo[4..6].copy_from_slice(&[0, 0]);
    assert_eq!(parse(&jumbo), Err(Malformed::ExtensionCutShort));
    assert_eq!(facts(59, &[]), Ok((59, Fragment::Whole, None)), "a payload length of zero is no error by itself");
}

#[test]
fn an_authentication_header_counts_in_words_and_has_at_least_three() {
    let of = |field: u8, length: usize| {
        let mut header = vec![0; length];
        header[..2].copy_from_slice(&[17, field]);
        facts(51, &[header.as_slice(), &UDP].concat())
    };
    assert_eq!(of(0, 8), Err(Malformed::ExtensionLengthUnderMinimum));
    assert_eq!(of(1, 12), Ok((17, Fragment::Whole, PORTS)));
    assert_eq!(of(4, 24), Ok((17, Fragment::Whole, PORTS)));
    assert_eq!(of(255, 1028), Ok((17, Fragment::Whole, PORTS)));
}

#[test]
fn as_many_extension_headers_are_followed_as_the_bound_says() {
    let chain = |count: usize| {
        let mut payload = vec![0; 8 * count];
        (0..count).for_each(|index| payload[index * 8] = if index + 1 == count { 17 } else { 60 });
        payload.extend(UDP);
        payload
    };
    assert_eq!(facts(60, &chain(MAX_EXTENSIONS)), Ok((17, Fragment::Whole, PORTS)));
    assert_eq!(facts(60, &chain(MAX_EXTENSIONS + 1)), Err(Malformed::ExtensionChainTooLong));
}

#[test]
fn a_fragment_header_says_which_part_it_is() {
    let of = |offset, more| facts(44, &[fragment_header(17, offset, more), UDP].concat());
    assert_eq!(of(0, false), Ok((17, Fragment::Whole, PORTS)), "an atomic fragment (RFC 6946)");
    assert_eq!(of(0, true), Ok((17, Fragment::First, PORTS)));
    assert_eq!(of(1, true), Ok((17, Fragment::Later, None)));
    assert_eq!(of(1, false), Ok((17, Fragment::Later, None)));
    let reserved = [17, 0xff, 0, 0x06, 0, 0, 0, 7];
    assert_eq!(facts(44, &[reserved, UDP].concat()), Ok((17, Fragment::Whole, PORTS)), "reserved bits mean nothing");
}

#[test]
fn the_headers_of_a_later_fragment_are_not_followed() {
    for next in [0, 6, 17, 43, 44, 51, 58, 60] {
        assert_eq!(facts(44, &fragment_header(next, 1, false)), Ok((next, Fragment::Later, None)));
        assert_eq!(facts(44, &[fragment_header(next, 1, true), [next; 8]].concat()), Ok((next, Fragment::Later, None)));
    }
}

#[test]
fn a_first_fragment_has_all_headers() {
    let first = fragment_header(60, 0, true);
    assert_eq!(facts(44, &[first, short(17), UDP].concat()), Ok((17, Fragment::First, PORTS)));
    assert_eq!(facts(44, &first), Err(Malformed::ExtensionCutShort));
    assert_eq!(facts(44, &[first, short(17)].concat()), Err(Malformed::UdpCutShort));
    assert_eq!(facts(44, &[first, short(58)].concat()), Err(Malformed::Icmpv6CutShort));
}

#[test]
fn of_two_fragment_headers_the_one_that_hides_more_counts() {
    let of = |outer, inner: (u16, bool)| {
        let headers = [fragment_header(44, 0, outer), fragment_header(17, inner.0, inner.1)];
        facts(44, &[headers[0], headers[1], UDP].concat()).map(|(_, fragment, ports)| (fragment, ports))
    };
    assert_eq!(of(true, (0, false)), Ok((Fragment::First, PORTS)));
    assert_eq!(of(false, (0, true)), Ok((Fragment::First, PORTS)));
    assert_eq!(of(true, (5, false)), Ok((Fragment::Later, None)));
}

#[test]
fn a_fragment_may_end_at_65535_bytes_of_its_payload_and_not_past() {
    let of = |offset, data: usize| {
        let header = fragment_header(17, offset, false);
        facts(60, &[short(44).as_slice(), &header, &vec![0; data]].concat()).map(|(_, fragment, _)| fragment)
    };
    // 8 bytes of destination options + 8190 * 8 + 7 = 65535
    assert_eq!(of(8190, 7), Ok(Fragment::Later));
    assert_eq!(of(8190, 8), Err(Malformed::FragmentPastEnd));
    assert_eq!(of(8191, 0), Err(Malformed::FragmentPastEnd));
}

#[test]
fn icmpv6_that_is_not_a_later_fragment_has_type_and_code() {
    let solicitation = [135, 254, 0, 0, 0, 0, 0, 0];
    let of = |next, payload: &[u8]| parse(&packet(next, payload)).map(|packet| packet.icmp);
    let in_part = |offset| of(44, &[fragment_header(58, offset, true), solicitation].concat());
    let expected = Some(Icmp { message_type: 135, code: 254 });
    assert_eq!(of(58, &solicitation), Ok(expected));
    assert_eq!(of(60, &[short(58), solicitation].concat()), Ok(expected), "after an extension header");
    assert_eq!(in_part(0), Ok(expected), "a first fragment");
    assert_eq!(in_part(1), Ok(None), "a later fragment");
    assert_eq!(of(1, &solicitation), Ok(None), "ICMP is not looked into in IPv6");
}
