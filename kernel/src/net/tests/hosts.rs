//! What a host answers without any program: ARP, neighbour solicitation, echo.
use super::packets::{
    arp_reply, arp_reply_of, arp_request, fragments, neighbour_advertisement, neighbour_solicitation, ping, ping_v6,
};
use super::world::{MAC, OURS, OURS_V6, PEER, World};
use core::net::Ipv4Addr;
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{Icmpv4Packet, Icmpv4Repr, Icmpv6Packet};

/// The answers, without what the host sends by itself.
fn answers(world: &mut World, frame: &[u8]) -> Vec<Vec<u8>> {
    world.sent();
    world.exchange(frame)
}

#[test]
fn its_link_local_address_is_the_eui_64_of_the_card() {
    assert_eq!(crate::net::link::link_local(MAC), OURS_V6);
}

#[test]
fn arp_requests_for_its_address_are_answered_and_no_others() {
    let mut world = World::open();
    let sent = answers(&mut world, &arp_request(OURS));
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0][12..14], [0x08, 0x06]);
    assert_eq!((sent[0][21], &sent[0][22..28], &sent[0][28..32]), (2, &MAC[..], &OURS.octets()[..]));
    assert_eq!(answers(&mut world, &arp_request(Ipv4Addr::new(10, 0, 2, 16))), Vec::<Vec<u8>>::new());
}

#[test]
fn an_echo_request_is_answered() {
    let mut world = World::open();
    answers(&mut world, &arp_reply());
    let sent = answers(&mut world, &ping(PEER, b"hello"));
    assert_eq!(sent.len(), 1);
    let packet = Icmpv4Packet::new_checked(&sent[0][34..]).unwrap();
    let repr = Icmpv4Repr::parse(&packet, &ChecksumCapabilities::default()).unwrap();
    assert_eq!(repr, Icmpv4Repr::EchoReply { ident: 7, seq_no: 1, data: b"hello" });
}

#[test]
fn an_echo_request_in_fragments_is_answered_in_fragments() {
    let mut world = World::open();
    answers(&mut world, &arp_reply());
    let parts = fragments(&ping(PEER, &[7; 4000]), 1480);
    let (last, first) = parts.split_last().unwrap();
    for part in first {
        assert_eq!(answers(&mut world, part), Vec::<Vec<u8>>::new());
    }
    let sent = answers(&mut world, last);
    let data: Vec<u8> = sent.iter().flat_map(|frame| frame[34..].to_vec()).collect();
    assert_eq!((sent.len(), data.len()), (3, 4008));
    assert!(Icmpv4Packet::new_checked(&data[..]).unwrap().verify_checksum());
}

#[test]
fn neighbour_solicitation_and_echo_are_answered_on_the_link_local_address() {
    let mut world = World::open();
    let sent = answers(&mut world, &neighbour_solicitation());
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0][54], &sent[0][62..78]), (136, &OURS_V6.octets()[..]));
    let sent = answers(&mut world, &ping_v6());
    assert_eq!(sent.len(), 1);
    let packet = Icmpv6Packet::new_checked(&sent[0][54..]).unwrap();
    assert_eq!((u8::from(packet.msg_type()), packet.payload()), (129, &b"ping"[..]));
}

#[test]
fn sources_that_cannot_be_are_not_answered() {
    let mut world = World::open();
    answers(&mut world, &arp_reply());
    let impossible =
        [Ipv4Addr::UNSPECIFIED, Ipv4Addr::LOCALHOST, Ipv4Addr::BROADCAST, Ipv4Addr::new(224, 0, 0, 1), OURS];
    for source in impossible {
        assert_eq!(answers(&mut world, &ping(source, b"x")), Vec::<Vec<u8>>::new(), "{source}");
    }
}

#[test]
fn peers_that_it_does_not_know_are_asked_for_at_once_and_then_answered() {
    let mut world = World::open();
    for peer in [PEER, Ipv4Addr::new(10, 0, 2, 3), Ipv4Addr::new(10, 0, 2, 4)] {
        let sent = answers(&mut world, &ping(peer, b"who asks"));
        // One ARP request, for the peer's address.
        assert_eq!(
            (sent.len(), &sent[0][12..14], sent[0][21], &sent[0][38..42]),
            (1, &[8, 6][..], 1, &peer.octets()[..])
        );
        assert_eq!(answers(&mut world, &ping(peer, b"who asks")), Vec::<Vec<u8>>::new(), "it has asked");
        let sent = answers(&mut world, &arp_reply_of(peer));
        assert_eq!(sent.len(), 2, "both are answered");
        assert!(sent.iter().all(|frame| frame[30..34] == peer.octets() && frame[34] == 0));
    }
    let sent = answers(&mut world, &ping_v6());
    assert_eq!((sent.len(), sent[0][54]), (1, 135));
    let sent = answers(&mut world, &neighbour_advertisement());
    assert_eq!(sent.iter().map(|frame| frame[54]).collect::<Vec<_>>(), [129]);
}
