use super::*;

/// SYN and ACK from port 443 to port 40000, with a maximum segment size option.
const SYN_ACK: [u8; 24] =
    [0x01, 0xbb, 0x9c, 0x40, 0, 0, 0, 1, 0, 0, 0, 2, 0x60, 0x12, 0xfa, 0xf0, 0, 0, 0, 0, 0x02, 0x04, 0x05, 0xb4];

fn reason<T>(result: Result<T, Malformed>) -> Option<Malformed> {
    result.err()
}

#[test]
fn tcp_has_ports_and_flags() {
    let facts = parse(6, &SYN_ACK).unwrap();
    assert_eq!(facts.ports, Some(Ports { source: 443, destination: 40000 }));
    assert_eq!(facts.tcp_flags, Some(0x12));
}

#[test]
fn tcp_cut_short_is_malformed() {
    for length in 0..TCP_HEADER {
        assert_eq!(reason(parse(6, &SYN_ACK[..length])), Some(Malformed::TcpCutShort));
    }
    for length in TCP_HEADER..SYN_ACK.len() {
        assert_eq!(reason(parse(6, &SYN_ACK[..length])), Some(Malformed::TcpOffsetPastPacket));
    }
}

#[test]
fn a_tcp_data_offset_is_from_five_words_to_the_end_of_the_packet() {
    for words in 0..=15 {
        let mut segment = SYN_ACK;
        segment[12] = words << 4;
        let expected = match words {
            0..5 => Some(Malformed::TcpOffsetUnderMinimum),
            5 | 6 => None,
            _ => Some(Malformed::TcpOffsetPastPacket),
        };
        assert_eq!(reason(parse(6, &segment)), expected, "{words} words");
    }
}

#[test]
fn udp_has_ports_and_no_flags() {
    let facts = parse(17, &[0, 0, 0xff, 0xff, 0, 8, 0, 0]).unwrap();
    assert_eq!(facts.ports, Some(Ports { source: 0, destination: 65535 }));
    assert_eq!(facts.tcp_flags, None);
}

#[test]
fn headers_cut_short_are_malformed_by_their_own_reason() {
    for length in 0..10 {
        let payload = &[0; 10][..length];
        assert_eq!(reason(parse(17, payload)), (length < 8).then_some(Malformed::UdpCutShort));
        assert_eq!(reason(icmp(payload)), (length < 8).then_some(Malformed::IcmpCutShort));
        assert_eq!(reason(icmpv6(payload)), (length < 4).then_some(Malformed::Icmpv6CutShort));
    }
}

#[test]
fn other_protocols_have_no_facts_and_cannot_be_cut_short() {
    for protocol in (0..=u8::MAX).filter(|protocol| ![6, 17].contains(protocol)) {
        let facts = parse(protocol, &[]).unwrap();
        assert_eq!((facts.ports, facts.tcp_flags), (None, None));
    }
}
