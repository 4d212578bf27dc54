use super::*;

fn frame(ethertype: u16, payload: &[u8]) -> std::vec::Vec<u8> {
    let [high, low] = ethertype.to_be_bytes();
    [&[0x52, 0x54, 0, 0x12, 0x34, 0x56, 0x52, 0x55, 10, 0, 2, 2, high, low], payload].concat()
}

#[test]
fn every_frame_that_ends_inside_its_ethernet_header_is_malformed() {
    let frame = frame(ARP, &[]);
    for length in 0..ETHERNET_HEADER {
        assert_eq!(inspect(&frame[..length]), Err(Malformed::EthernetCutShort));
    }
    assert_eq!(inspect(&frame), Ok(Inspected::Arp));
}

#[test]
fn of_arp_nothing_is_looked_at() {
    assert_eq!(inspect(&frame(ARP, &[0xff; 28])), Ok(Inspected::Arp));
}

#[test]
fn tags_lengths_and_other_ethertypes_are_not_ip() {
    let ipv4 = [0x45, 0, 0, 20, 0, 0, 0, 0, 64, 59, 0, 0, 10, 0, 2, 2, 10, 0, 2, 15];
    for ethertype in [0, 46, 1500, 1536, 0x0801, 0x0805, 0x0807, 0x8100, 0x88a8, 0x86dc, 0x86de, 0x88cc, 0xffff] {
        assert_eq!(inspect(&frame(ethertype, &ipv4)), Ok(Inspected::Other), "{ethertype:#06x}");
    }
    assert!(matches!(inspect(&frame(IPV4, &ipv4)), Ok(Inspected::Packet(_))));
}

#[test]
fn the_version_is_the_one_that_the_ethertype_says() {
    for first in 0..=u8::MAX {
        let mut packet = [0; 60];
        packet[0] = first;
        let disagrees = Err(Malformed::VersionMismatch);
        assert_eq!(inspect(&frame(IPV4, &packet)) == disagrees, first >> 4 != 4, "IPv4 {first:#04x}");
        assert_eq!(inspect(&frame(IPV6, &packet)) == disagrees, first >> 4 != 6, "IPv6 {first:#04x}");
    }
    assert_eq!(inspect(&frame(IPV4, &[])), Err(Malformed::HeaderCutShort));
    assert_eq!(inspect(&frame(IPV6, &[])), Err(Malformed::HeaderCutShort));
}
