//! Listening: the queue of connections, its bounds, and ports.
use super::packets::{ACK, RST, Segment, arp_reply, syn};
use super::world::{OURS, World, bind, of};
use crate::errno::Errno;
use crate::file::{Events, SocketKind, Version};
use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use core::time::Duration;
use smoltcp::socket::tcp::State;

#[test]
fn a_hundred_connections_at_once_are_all_served_with_a_backlog_of_eight() {
    let mut world = World::open();
    let listener = world.listener(80, 8);
    let peers: Vec<_> = (0..100).map(|_| world.peer.connect(OURS.into(), 80)).collect();
    for peer in &peers {
        assert_eq!(world.peer.tcp(*peer).state(), State::SynSent);
    }
    let mut served = Vec::new();
    let mut answered = vec![false; peers.len()];
    world.until(|world| {
        if let Ok((socket, _)) = of(&listener).accept() {
            socket.write(b"served", 0).unwrap();
            served.push(socket);
        }
        for (peer, answered) in peers.iter().zip(&mut answered) {
            *answered |= world.peer.read(*peer) == b"served";
        }
        answered.iter().all(|answered| *answered)
    });
    assert_eq!(served.len(), 100);
}

/// Makes a connection from this port of the peer by hand; whether there was an answer to its SYN.
fn connect_by_hand(world: &mut World, port: u16) -> bool {
    let sent = world.exchange(&syn(port, 80).frame());
    let Some(answer) = sent.first().and_then(|frame| Segment::parse(frame)) else { return false };
    let ack = Segment { flags: ACK, seq: 1001, ack: answer.seq.wrapping_add(1), ..syn(port, 80) };
    world.exchange(&ack.frame());
    true
}

#[test]
fn a_syn_beyond_the_backlog_is_lost_without_an_answer() {
    let mut world = World::open();
    let listener = world.listener(80, 2);
    world.exchange(&arp_reply());
    let answered: Vec<bool> = (0..4).map(|port| connect_by_hand(&mut world, 5000 + port)).collect();
    assert_eq!(answered, [true, true, false, false]);
    assert_eq!(world.net.stack().connections.len(), 2);
    of(&listener).accept().unwrap();
    assert!(connect_by_hand(&mut world, 5002));
}

#[test]
fn handshakes_that_peers_do_not_finish_are_bounded_and_forgotten() {
    let mut world = World::open();
    let listener = world.listener(80, 1);
    world.exchange(&arp_reply());
    let answered = (0..100).filter(|port| !world.exchange(&syn(5000 + port, 80).frame()).is_empty()).count();
    assert_eq!(answered, 64);
    assert_eq!(of(&listener).accept().err(), Some(Errno::EAGAIN));
    let end = world.now + Duration::from_secs(21);
    while world.now < end {
        world.net.poll(world.now);
        world.now += Duration::from_millis(10);
    }
    world.sent();
    assert!(world.net.stack().connections.is_empty());
    assert!(connect_by_hand(&mut world, 5099));
}

#[test]
fn a_handshake_that_its_peer_leaves_gives_way_to_another_after_a_second() {
    let mut world = World::open();
    let _listener = world.listener(80, 1);
    world.exchange(&arp_reply());
    for port in 0..64 {
        assert!(!world.exchange(&syn(5000 + port, 80).frame()).is_empty());
    }
    assert!(!connect_by_hand(&mut world, 5064), "none is old enough");
    world.now += Duration::from_millis(1100);
    assert!(connect_by_hand(&mut world, 5065));
    assert_eq!(world.net.stack().connections.len(), 64);
}

#[test]
fn a_connection_reset_before_it_is_accepted_leaves_the_queue() {
    let mut world = World::open();
    let listener = world.listener(80, 1);
    world.exchange(&arp_reply());
    let answer = Segment::parse(&world.exchange(&syn(5000, 80).frame())[0]).unwrap();
    let ack = Segment { flags: ACK, seq: 1001, ack: answer.seq.wrapping_add(1), ..syn(5000, 80) };
    world.exchange(&ack.frame());
    assert_eq!(listener.ready(), Events::IN);
    world.exchange(&Segment { flags: RST | ACK, ..ack }.frame());
    assert_eq!(listener.ready(), Events::empty());
    assert_eq!(of(&listener).accept().err(), Some(Errno::EAGAIN));
    assert_eq!(world.exchange(&syn(5001, 80).frame()).len(), 1);
}

#[test]
fn closing_a_listener_resets_what_waits_and_frees_the_port() {
    let mut world = World::open();
    let listener = world.listener(80, 8);
    let peer = world.peer.connect(OURS.into(), 80);
    world.until(|_| listener.ready().contains(Events::IN));
    drop(listener);
    world.until(|world| world.peer.tcp(peer).state() == State::Closed);
    let refused = world.peer.connect(OURS.into(), 80);
    world.until(|world| world.peer.tcp(refused).state() == State::Closed);
    world.listener(80, 8);
}

#[test]
fn a_taken_port_is_refused() {
    let world = World::open();
    let _listener = world.listener(80, 8);
    let bind_again = |version, address: SocketAddr| of(&world.socket(version, SocketKind::Stream)).bind(address);
    assert_eq!(bind_again(Version::V4, SocketAddr::from((Ipv4Addr::UNSPECIFIED, 80))), Err(Errno::EADDRINUSE));
    assert_eq!(bind_again(Version::V4, SocketAddr::from((OURS, 80))), Err(Errno::EADDRINUSE));
    assert_eq!(bind_again(Version::V6, SocketAddr::from((Ipv6Addr::UNSPECIFIED, 80))), Err(Errno::EADDRINUSE));
    assert_eq!(bind_again(Version::V4, SocketAddr::from((Ipv4Addr::new(9, 9, 9, 9), 81))), Err(Errno::EADDRNOTAVAIL));
    // UDP ports are others.
    bind(&world.socket(Version::V4, SocketKind::Datagram), SocketAddr::from((Ipv4Addr::UNSPECIFIED, 80)));
}

#[test]
fn a_socket_without_a_port_gets_a_free_one() {
    let world = World::open();
    let sockets: Vec<_> = (0..3).map(|_| world.listener(0, 8)).collect();
    let mut ports: Vec<_> = sockets.iter().map(|socket| of(socket).local().port()).collect();
    ports.sort_unstable();
    ports.dedup();
    assert_eq!(ports.len(), 3);
    assert!(ports.iter().all(|port| (32768..=60999).contains(port)));
}

#[test]
fn connections_that_are_over_are_bounded() {
    let mut world = World::open();
    let listener = world.listener(80, 64);
    for _ in 0..520 {
        let peer = world.peer.connect(OURS.into(), 80);
        world.until(|_| listener.ready().contains(Events::IN));
        drop(of(&listener).accept());
        world.until(|world| world.peer.tcp(peer).state() == State::CloseWait);
        world.peer.tcp(peer).close();
        world.until(|world| world.peer.tcp(peer).state() == State::Closed);
    }
    assert!(world.net.stack().connections.is_empty());
    assert_eq!(world.net.stack().time_wait.len(), 512);
}

#[test]
fn a_new_connection_takes_the_place_of_one_that_is_over() {
    let mut world = World::open();
    let listener = world.listener(80, 8);
    world.exchange(&arp_reply());
    let answer = Segment::parse(&world.exchange(&syn(5000, 80).frame())[0]).unwrap();
    let ack = Segment { flags: ACK, seq: 1001, ack: answer.seq.wrapping_add(1), ..syn(5000, 80) };
    world.exchange(&ack.frame());
    drop(of(&listener).accept().unwrap());
    let fin = Segment::parse(&world.sent()[0]).unwrap();
    let last = Segment { ack: fin.seq.wrapping_add(1), ..ack };
    let mut frame = last.frame();
    // FIN as well; its checksum changes by as much.
    frame[47] |= 1;
    let checksum = u16::from_be_bytes([frame[50], frame[51]]);
    frame[50..52].copy_from_slice(&(checksum - 1).to_be_bytes());
    world.exchange(&frame);
    assert_eq!(world.net.stack().time_wait.len(), 1);
    let answer = Segment::parse(&world.exchange(&Segment { seq: 9000, ..syn(5000, 80) }.frame())[0]).unwrap();
    assert_eq!(answer.ack, 9001);
}
