use super::made::{Made, frame};
use super::*;
use firewall::{Action, Cause, Malformed, Table, Verdict};
use policy::policy::Policy;

/// Time, link type, data and length of a packet.
type Told = (Option<i128>, u16, Vec<u8>, usize);

/// What was read.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    packets: Vec<Told>,
    /// Headers and records: a copy with every packet.
    copy: Vec<u8>,
    end: Option<End>,
}

fn seen(mut bytes: &[u8]) -> Result<Seen, String> {
    let mut seen = Seen::default();
    let end = read(&mut bytes, "it", &mut |part, _| {
        match part {
            Part::Header(header) => seen.copy.extend(header.iter()),
            Part::Packet(packet) => {
                assert_eq!(packet.number, seen.packets.len() as u64 + 1);
                seen.copy.extend(packet.record);
                seen.packets.push((packet.time, packet.link, packet.data.to_vec(), packet.length));
            }
        }
        Ok(())
    });
    seen.end = Some(end.map_err(|failure| failure.to_string())?);
    Ok(seen)
}

/// Every format with three packets, and what is to be read of them.
fn files() -> Vec<(Made, Vec<Told>)> {
    let (one, two) = (frame("tcp to 22"), frame("udp from ::1"));
    let mut all = vec![];
    for is_big in [false, true] {
        for (magic, part) in [(0xa1b2_c3d4, 5_000), (0xa1b2_3c4d, 5)] {
            let mut made = Made::pcap_as(magic, 1 | 0x5000_0000, is_big);
            made.record(7, 5, &one, one.len()).record(8, 5, &two[..40], two.len()).record(6, 5, &[], 0);
            let at = |second: i128| Some(second * 1_000_000_000 + part);
            all.push((
                made,
                vec![
                    (at(7), 1, one.clone(), one.len()),
                    (at(8), 1, two[..40].to_vec(), two.len()),
                    (at(6), 1, vec![], 0),
                ],
            ));
        }
        let mut made = Made::pcapng(is_big);
        made.interface(1).interface(101);
        made.enhanced(1, 1 << 40, &one[14..], one.len() - 14).simple(&one);
        made.section().interface(113).enhanced(0, 3, &two[..41], 90);
        all.push((
            made,
            vec![
                (Some(1 << 40), 101, one[14..].to_vec(), one.len() - 14),
                (None, 1, one.clone(), one.len()),
                (Some(3), 113, two[..41].to_vec(), 90),
            ],
        ));
    }
    all
}

#[test]
fn both_formats_are_read_in_both_byte_orders() {
    for (made, packets) in files() {
        let seen = seen(&made.bytes).unwrap();
        assert_eq!((seen.end, seen.packets), (Some(End::Whole), packets));
    }
}

#[test]
fn a_copy_with_all_packets_is_the_file() {
    for (made, _) in files() {
        let first = seen(&made.bytes).unwrap();
        // Only the length of a section is not copied.
        assert_eq!(first.copy.len(), made.bytes.len());
        assert_eq!(seen(&first.copy).unwrap(), Seen { copy: first.copy.clone(), ..first });
    }
}

#[test]
fn a_file_that_is_cut_short_gives_what_was_whole() {
    for (made, packets) in files() {
        let mut most = 0;
        for cut in 0..made.bytes.len() {
            let Ok(seen) = seen(&made.bytes[..cut]) else {
                assert!(cut < 32, "cut to {cut} bytes there is a header");
                continue;
            };
            assert!(packets.starts_with(&seen.packets), "cut to {cut} bytes");
            assert!(seen.packets.len() >= most && seen.packets.len() < packets.len(), "cut to {cut} bytes");
            assert!([Some(End::CutShort), Some(End::Whole)].contains(&seen.end), "cut to {cut} bytes: {:?}", seen.end);
            most = seen.packets.len();
        }
        assert_eq!(most, packets.len() - 1);
    }
}

#[test]
fn a_damaged_file_is_read_to_some_end() {
    // One of each format, not all in the same byte order: lengths that are damaged cost time.
    for (made, _) in files().into_iter().step_by(2) {
        for at in 0..made.bytes.len() {
            for byte in [1, 0x80] {
                let mut bytes = made.bytes.clone();
                bytes[at] = byte;
                // It ends, and what it gives lies in the file.
                if let Ok(seen) = seen(&bytes) {
                    let read: usize = seen.packets.iter().map(|(_, _, data, _)| data.len()).sum();
                    assert!(read <= bytes.len());
                }
            }
        }
    }
}

#[test]
fn a_packet_that_is_too_long_to_be_one_is_damage() {
    let mut made = Made::pcap(1, false);
    made.record(0, 0, &[1, 2, 3], 3).record(0, 0, &vec![0; LONGEST_BLOCK], 1);
    let seen = seen(&made.bytes).unwrap();
    assert_eq!((seen.packets.len(), seen.end), (1, Some(End::Damaged)));
    // One that is longer than what is read at once is not.
    let mut made = Made::pcap(1, false);
    made.record(0, 0, &vec![7; 3 * source::CAPACITY], 1);
    let seen = self::seen(&made.bytes).unwrap();
    assert_eq!((seen.packets.len(), seen.packets[0].2.len(), seen.end), (1, 3 * source::CAPACITY, Some(End::Whole)));
}

#[test]
fn what_is_no_capture_file_is_told_apart() {
    for (bytes, named) in [
        (&b""[..], "empty"),
        (b"{\"a\"", "neither pcap nor pcapng"),
        (b"\x1f\x8b\x08\x00", "`gunzip`"),
        (b"\x28\xb5\x2f\xfd", "`unzstd`"),
        (b"\xd4\xc3\xb2\xa1\x02", "inside its header"),
        (b"\x0a\x0d\x0d\x0a\x1c", "inside its header"),
        (b"\xd4", "neither"),
    ] {
        let message = seen(bytes).unwrap_err();
        assert!(message.starts_with("it: ") && message.contains(named), "{message}");
    }
}

#[test]
fn an_interface_that_is_not_described_is_damage() {
    let mut made = Made::pcapng(false);
    made.interface(1).enhanced(0, 1, &[1, 2, 3], 3).enhanced(1, 1, &[1, 2, 3], 3);
    let seen = seen(&made.bytes).unwrap();
    assert_eq!((seen.packets.len(), seen.end), (1, Some(End::Damaged)));
}

/// Judged by a policy that accepts all.
fn judged(link: u16, data: &[u8], length: usize) -> Option<Verdict> {
    let policy = Policy { rules: vec![], default: policy::policy::Action::Accept, lists: vec![] };
    let blob = policy::compile::compile(&policy).unwrap();
    let mut buffer = vec![0xee; 7];
    Link::of(link).unwrap().frame(data, length, &mut buffer).judge(&Table::decode(&blob).unwrap())
}

#[test]
fn a_packet_is_the_same_on_every_link() {
    let cooked = |ethertype: [u8; 2]| [&[0; 14], ethertype.as_slice()].concat();
    let cooked2 = |ethertype: [u8; 2]| [ethertype.as_slice(), &[0; 18]].concat();
    for (words, ethertype, families) in
        [("tcp to 22", [0x08, 0x00], &[2][..]), ("udp from ::1", [0x86, 0xdd], &[10, 24, 28, 30])]
    {
        let frame = frame(words);
        let packet = &frame[14..];
        let expected = judged(1, &frame, frame.len());
        assert!(expected.unwrap().packet.is_some(), "{words}");
        let mut links = vec![(113, cooked(ethertype)), (276, cooked2(ethertype)), (101, vec![]), (12, vec![])];
        links.push((if words.starts_with("tcp") { 228 } else { 229 }, vec![]));
        for family in families {
            links.push((0, vec![*family, 0, 0, 0]));
            links.push((0, vec![0, 0, 0, *family]));
            links.push((108, vec![0, 0, 0, *family]));
        }
        for (link, header) in links {
            let data = [header.as_slice(), packet].concat();
            assert_eq!(judged(link, &data, data.len()), expected, "{words} on link type {link}");
        }
    }
    assert_eq!(Link::of(127), None);
}

#[test]
fn what_is_no_packet_is_so_on_every_link() {
    let cause = |link, data: &[u8]| judged(link, data, data.len()).unwrap().cause;
    assert_eq!(cause(1, &[&[0; 12][..], &[0x81, 0], &[0; 46]].concat()), Cause::NotIp);
    assert_eq!(cause(113, &[&[0; 14][..], &[0x08, 0x06], &[0; 28]].concat()), Cause::Arp);
    assert_eq!(cause(101, &[0x15; 40]), Cause::NotIp);
    assert_eq!(cause(0, &[7, 0, 0, 0, 0x45]), Cause::NotIp);
    assert_eq!(cause(101, &[]), Cause::Malformed(Malformed::HeaderCutShort));
    assert_eq!(cause(228, &[0x60; 40]), Cause::Malformed(Malformed::VersionMismatch));
    for (link, data) in [(1, &[0; 13][..]), (113, &[0; 15]), (276, &[8; 19]), (0, &[2, 0, 0])] {
        assert_eq!(cause(link, data), Cause::Malformed(Malformed::EthernetCutShort), "link type {link}");
    }
}

/// The verdict is that of the whole packet, or there is none; and it is there as soon as the headers are.
#[test]
fn what_is_captured_in_part_is_judged_by_its_headers() {
    for (words, headers) in [
        ("tcp to 22", 48),
        ("udp to 22", 38),
        ("icmp", 36),
        ("ip proto 47", 34),
        ("tcp fragment", 34),
        ("tcp from ::1", 68),
        ("icmp6 type 135", 56),
        ("udp from ::1 first-fragment", 66),
    ] {
        let mut frame = frame(words);
        frame.extend([0xee; 30]);
        let whole = judged(1, &frame, frame.len());
        assert_eq!(whole.map(|verdict| verdict.action), Some(Action::Accept));
        for cut in 0..frame.len() {
            let expected = if cut < headers { None } else { whole };
            assert_eq!(judged(1, &frame[..cut], frame.len()), expected, "{words}: {cut} bytes");
        }
    }
}
