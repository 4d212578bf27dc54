//! UDP sockets.
use super::packets::{arp_reply, fragments, port_unreachable, udp};
use super::world::{OURS, OURS_V6, PEER, PEER_V6, World, bind, of};
use crate::errno::Errno;
use crate::file::{Events, File, Received, SocketKind, Version};
use alloc::sync::Arc;
use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use core::time::Duration;
use smoltcp::wire::{IpAddress, IpEndpoint};

fn bound(world: &World, port: u16) -> Arc<dyn File> {
    let socket = world.socket(Version::V4, SocketKind::Datagram);
    bind(&socket, SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)));
    socket
}

#[test]
fn datagrams_come_with_their_sender_and_go_back_to_it() {
    let mut world = World::open();
    let socket = bound(&world, 53);
    let peer = world.peer.bind(4000);
    world.peer.udp(peer).send_slice(b"ask", (IpAddress::from(OURS), 53)).unwrap();
    world.until(|_| socket.ready().contains(Events::IN));
    let mut buffer = [0; 16];
    let sender = SocketAddr::from((PEER, 4000));
    assert_eq!(of(&socket).receive(&mut buffer, true), Ok(Received { length: 3, from: Some(sender), to: None }));
    assert_eq!(of(&socket).receive(&mut buffer, false), Ok(Received { length: 3, from: Some(sender), to: None }));
    assert_eq!(&buffer[..3], b"ask");
    assert_eq!(of(&socket).receive(&mut buffer, false), Err(Errno::EAGAIN));
    assert_eq!(of(&socket).send(b"answer", Some(sender)), Ok(6));
    world.until(|world| world.peer.udp(peer).can_recv());
    let (bytes, from) = world.peer.udp(peer).recv().unwrap();
    assert_eq!((bytes, from.endpoint), (&b"answer"[..], IpEndpoint::from((IpAddress::from(OURS), 53))));
}

#[test]
fn the_length_of_a_datagram_that_did_not_fit_is_told() {
    let mut world = World::open();
    let socket = bound(&world, 53);
    world.wire.push(&udp((PEER.into(), 4000), (OURS.into(), 53), b"longer than that"));
    world.step();
    let mut buffer = [0; 6];
    assert_eq!(of(&socket).receive(&mut buffer, false).unwrap().length, 16);
    assert_eq!(&buffer, b"longer");
    assert_eq!(socket.ready(), Events::OUT);
}

#[test]
fn a_connected_socket_takes_only_its_peers_datagrams() {
    let mut world = World::open();
    let socket = bound(&world, 53);
    of(&socket).connect(SocketAddr::from((PEER, 4000))).unwrap();
    world.exchange(&arp_reply());
    let refused = world.exchange(&udp((PEER.into(), 4001), (OURS.into(), 53), b"other"));
    // ICMP: destination unreachable, port unreachable.
    assert_eq!((refused.len(), &refused[0][34..36]), (1, &[3, 3][..]));
    world.exchange(&udp((PEER.into(), 4000), (OURS.into(), 53), b"peer"));
    let mut buffer = [0; 16];
    assert_eq!(socket.read(&mut buffer, 0), Ok(4));
    assert_eq!(&buffer[..4], b"peer");
    assert_eq!(of(&socket).peer(), Ok(SocketAddr::from((PEER, 4000))));
}

#[test]
fn a_datagram_to_no_socket_is_answered_with_port_unreachable() {
    let mut world = World::open();
    world.exchange(&arp_reply());
    let sent = world.exchange(&udp((PEER.into(), 4000), (OURS.into(), 54), b"x"));
    assert_eq!((sent.len(), &sent[0][34..36]), (1, &[3, 3][..]));
}

#[test]
fn a_datagram_in_fragments_arrives_in_any_order() {
    for order in [[0, 1, 2], [2, 0, 1], [2, 1, 0]] {
        let mut world = World::open();
        let socket = bound(&world, 53);
        let parts = fragments(&udp((PEER.into(), 4000), (OURS.into(), 53), &[3; 4000]), 1480);
        for number in order {
            world.wire.push(&parts[number]);
        }
        world.step();
        let mut buffer = [0; 4096];
        assert_eq!(socket.read(&mut buffer, 0), Ok(4000), "{order:?}");
        assert!(buffer[..4000].iter().all(|byte| *byte == 3));
    }
}

#[test]
fn a_long_datagram_leaves_in_fragments_and_a_longer_one_not_at_all() {
    let mut world = World::open();
    world.exchange(&arp_reply());
    let socket = world.socket(Version::V4, SocketKind::Datagram);
    let to = SocketAddr::from((PEER, 4000));
    assert_eq!(of(&socket).send(&[1; 4000], Some(to)), Ok(4000));
    assert_eq!(of(&socket).send(&[2; 4000], Some(to)), Ok(4000));
    assert_eq!(world.sent().len(), 6);
    assert_eq!(of(&socket).send(&[1; 9000], Some(to)), Err(Errno::EMSGSIZE));
}

#[test]
fn a_connected_socket_is_told_that_a_port_is_closed() {
    let mut world = World::open();
    let socket = world.socket(Version::V4, SocketKind::Datagram);
    of(&socket).connect(SocketAddr::from((PEER, 9))).unwrap();
    assert_eq!(of(&socket).send(b"x", None), Ok(1));
    // The peer's stack answers with an ICMP error.
    world.until(|_| socket.ready().contains(Events::ERR));
    assert_eq!(of(&socket).receive(&mut [0; 4], false), Err(Errno::ECONNREFUSED));
    assert_eq!(of(&socket).receive(&mut [0; 4], false), Err(Errno::EAGAIN));
}

#[test]
fn datagrams_without_a_way_are_refused() {
    let world = World::open();
    let socket = world.socket(Version::V4, SocketKind::Datagram);
    let send = |address: Ipv4Addr| of(&socket).send(b"x", Some(SocketAddr::from((address, 9))));
    assert_eq!(of(&socket).send(b"x", None), Err(Errno::EDESTADDRREQ));
    assert_eq!(send(Ipv4Addr::BROADCAST), Err(Errno::EACCES));
    assert_eq!(send(Ipv4Addr::new(8, 8, 8, 8)), Ok(1), "by the router");
}

#[test]
fn a_socket_for_all_addresses_takes_both_versions() {
    let mut world = World::open();
    let socket = world.socket(Version::V6, SocketKind::Datagram);
    bind(&socket, SocketAddr::from((Ipv6Addr::UNSPECIFIED, 53)));
    world.exchange(&udp((PEER.into(), 4000), (OURS.into(), 53), b"4"));
    world.exchange(&udp((PEER_V6.into(), 4000), (OURS_V6.into(), 53), b"6"));
    let senders: Vec<_> = (0..2).map(|_| of(&socket).receive(&mut [0; 4], false).unwrap().from.unwrap().ip()).collect();
    assert_eq!(senders, [PEER.to_ipv6_mapped(), PEER_V6]);
}

#[test]
fn a_socket_for_ipv4_takes_no_ipv6() {
    let mut world = World::open();
    let socket = bound(&world, 53);
    world.exchange(&udp((PEER_V6.into(), 4000), (OURS_V6.into(), 53), b"6"));
    assert_eq!(socket.read(&mut [0; 4], 0), Err(Errno::EAGAIN));
}

#[test]
fn a_closed_socket_frees_its_port() {
    let world = World::open();
    drop(bound(&world, 53));
    bound(&world, 53);
    assert!(world.net.stack().endpoints.is_empty());
}

#[test]
fn a_neighbour_that_does_not_answer_holds_up_no_other() {
    let mut world = World::open();
    world.exchange(&arp_reply());
    let socket = bound(&world, 53);
    let absent = SocketAddr::from((Ipv4Addr::new(10, 0, 2, 99), 9));
    for _ in 0..40 {
        assert_eq!(of(&socket).send(b"lost", Some(absent)), Ok(4));
    }
    world.sent();
    assert_eq!(of(&socket).send(b"there", Some(SocketAddr::from((PEER, 9)))), Ok(5));
    assert_eq!(world.sent().len(), 1);
    let end = world.now + Duration::from_secs(4);
    while world.now < end {
        world.net.poll(world.now);
        world.now += Duration::from_millis(100);
    }
    assert_eq!(world.net.poll(world.now), None, "nothing waits any more");
}

#[test]
fn a_datagram_waits_for_its_neighbours_address() {
    let mut world = World::open();
    let peer = world.peer.bind(4000);
    let socket = world.socket(Version::V4, SocketKind::Datagram);
    assert_eq!(of(&socket).send(b"first", Some(SocketAddr::from((PEER, 4000)))), Ok(5));
    world.run(Duration::from_millis(5));
    assert_eq!(world.peer.udp(peer).recv().map(|(bytes, _)| bytes), Ok(&b"first"[..]));
}

#[test]
fn a_socket_that_is_not_bound_reads_the_end_after_its_shutdown() {
    let world = World::open();
    let socket = world.socket(Version::V4, SocketKind::Datagram);
    assert_eq!(socket.read(&mut [0; 4], 0), Err(Errno::EAGAIN));
    assert_eq!(of(&socket).shutdown(true, false), Err(Errno::ENOTCONN));
    assert_eq!(socket.read(&mut [0; 4], 0), Ok(0));
}

#[test]
fn the_network_has_no_say_in_what_stays_within() {
    let mut world = World::open();
    let told = |world: &mut World, remote: Ipv4Addr, local: Ipv4Addr| {
        let socket = world.socket(Version::V4, SocketKind::Datagram);
        of(&socket).connect((remote, 9).into()).unwrap();
        let port = of(&socket).local().port();
        world.exchange(&port_unreachable(&udp((local.into(), port), (remote.into(), 9), b"lost")));
        socket.ready().contains(Events::ERR)
    };
    assert!(told(&mut world, PEER, OURS));
    assert!(!told(&mut world, Ipv4Addr::LOCALHOST, Ipv4Addr::LOCALHOST));
    assert!(!told(&mut world, OURS, OURS));
}
