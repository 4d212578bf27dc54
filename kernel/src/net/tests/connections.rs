//! TCP connections, as the program sees them.
use super::packets::{ACK, RST, SYN, Segment, arp_reply, arp_reply_of, fragments, syn};
use super::world::{OURS, OURS_V6, PEER, World, bind, of};
use crate::errno::Errno;
use crate::file::{Events, Received, SocketKind, Version};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::time::Duration;
use smoltcp::socket::tcp::State;

#[test]
fn what_the_peer_sends_is_read_and_what_is_written_it_gets() {
    let mut world = World::open();
    let (peer, socket) = world.connection();
    assert_eq!(socket.read(&mut [0; 16], 0), Err(Errno::EAGAIN));
    assert_eq!(socket.ready(), Events::OUT);
    world.peer.tcp(peer).send_slice(b"ask").unwrap();
    world.until(|_| socket.ready().contains(Events::IN));
    let mut buffer = [0; 16];
    assert_eq!(of(&socket).receive(&mut buffer, true), Ok(Received { length: 3, ..Received::default() }));
    assert_eq!(socket.read(&mut buffer, 0), Ok(3));
    assert_eq!(&buffer[..3], b"ask");
    assert_eq!(socket.write(b"answer", 0), Ok(6));
    world.until(|world| world.peer.tcp(peer).can_recv());
    assert_eq!(world.peer.read(peer), b"answer");
    assert_eq!(of(&socket).local(), SocketAddr::from((OURS, 80)));
    assert_eq!(of(&socket).peer().unwrap().ip(), IpAddr::from(PEER));
}

#[test]
fn writing_sends_at_once() {
    let mut world = World::open();
    let (_, socket) = world.connection();
    world.run(Duration::from_millis(50));
    socket.write(b"now", 0).unwrap();
    let segment = Segment::parse(&world.wire.pop().expect("a frame was sent")).unwrap();
    assert_eq!(segment.bytes, b"now");
}

#[test]
fn more_than_the_buffers_hold_goes_through_in_both_directions() {
    let mut world = World::open();
    let (peer, socket) = world.connection();
    let data: Vec<u8> = (0..300_000_u32).map(|number| (number % 251) as u8).collect();
    let (mut written, mut echoed) = (0, Vec::new());
    let mut pending = Vec::new();
    world.until(|world| {
        written += world.peer.tcp(peer).send_slice(&data[written..]).unwrap();
        pending.extend(world.read(&socket));
        if let Ok(taken) = socket.write(&pending, 0) {
            pending.drain(..taken);
        }
        echoed.extend(world.peer.read(peer));
        echoed.len() == data.len()
    });
    assert!(echoed == data);
}

#[test]
fn a_socket_whose_peer_sends_no_more_reads_the_end_and_still_writes() {
    let mut world = World::open();
    let (peer, socket) = world.connection();
    world.peer.tcp(peer).send_slice(b"last").unwrap();
    world.peer.tcp(peer).close();
    world.until(|_| socket.ready().contains(Events::RDHUP));
    assert_eq!(world.read(&socket), b"last");
    assert_eq!(socket.read(&mut [0; 16], 0), Ok(0));
    assert_eq!(socket.write(b"late answer", 0), Ok(11));
    world.until(|world| world.peer.tcp(peer).can_recv());
    assert_eq!(world.peer.read(peer), b"late answer");
    of(&socket).shutdown(false, true).unwrap();
    assert_eq!(socket.write(b"x", 0), Err(Errno::EPIPE));
    world.until(|world| world.peer.tcp(peer).state() == State::TimeWait);
}

#[test]
fn a_shut_down_writer_still_reads() {
    let mut world = World::open();
    let (peer, socket) = world.connection();
    of(&socket).shutdown(false, true).unwrap();
    world.until(|world| world.peer.tcp(peer).state() == State::CloseWait);
    world.peer.tcp(peer).send_slice(b"more").unwrap();
    world.until(|_| socket.ready().contains(Events::IN));
    assert_eq!(world.read(&socket), b"more");
}

#[test]
fn a_reset_connection_tells_its_error_once() {
    let mut world = World::open();
    let (peer, socket) = world.connection();
    world.peer.tcp(peer).abort();
    world.until(|_| socket.ready().contains(Events::ERR | Events::HUP));
    assert_eq!(socket.read(&mut [0; 16], 0), Err(Errno::ECONNRESET));
    assert_eq!(socket.read(&mut [0; 16], 0), Ok(0));
    assert_eq!(socket.write(b"x", 0), Err(Errno::EPIPE));
}

/// A client that is gone and comes again from the same port finds the listener, whether the program has seen the end of
/// the first connection or not.
#[test]
fn a_connection_that_is_over_makes_way_for_its_successor() {
    let mut world = World::open();
    world.exchange(&arp_reply());
    let listener = world.listener(80, 8);
    let open = |world: &mut World, seq| {
        let sent = world.exchange(&Segment { seq, ..syn(5000, 80) }.frame());
        let answer = Segment::parse(&sent[0]).unwrap();
        assert_eq!((answer.flags, answer.ack), (SYN | ACK, seq + 1));
        let ack = answer.seq.wrapping_add(1);
        world.exchange(&Segment { seq: seq + 1, ack, flags: ACK, ..syn(5000, 80) }.frame());
        (of(&listener).accept().unwrap().0, ack)
    };
    let (first, ack) = open(&mut world, 1000);
    world.exchange(&Segment { seq: 1001, ack, flags: RST | ACK, ..syn(5000, 80) }.frame());
    let (second, ack) = open(&mut world, 9000);
    assert_eq!(first.read(&mut [0; 16], 0), Err(Errno::ECONNRESET));
    drop(first);
    world.exchange(&Segment { seq: 9001, ack, flags: ACK, bytes: b"here".into(), ..syn(5000, 80) }.frame());
    assert_eq!(world.read(&second), b"here");
}

#[test]
fn the_error_of_a_connection_is_an_option() {
    let mut world = World::open();
    let (peer, socket) = world.connection();
    world.peer.tcp(peer).abort();
    world.until(|_| socket.ready().contains(Events::ERR));
    use linux_raw_sys::net::{SO_ERROR, SOL_SOCKET};
    assert_eq!(of(&socket).option(SOL_SOCKET, SO_ERROR), Ok(Errno::ECONNRESET.0));
    assert_eq!(of(&socket).option(SOL_SOCKET, SO_ERROR), Ok(0));
}

#[test]
fn a_closed_socket_delivers_what_was_written_before() {
    let mut world = World::open();
    let (peer, socket) = world.connection();
    let data = vec![9; 30_000];
    assert_eq!(socket.write(&data, 0), Ok(30_000));
    drop(socket);
    let mut got = Vec::new();
    world.until(|world| {
        got.extend(world.peer.read(peer));
        world.peer.tcp(peer).state() == State::CloseWait && got.len() == data.len()
    });
    world.peer.tcp(peer).close();
    world.until(|world| world.peer.tcp(peer).state() == State::Closed);
    world.run(Duration::from_secs(11));
    assert!(world.net.stack().connections.is_empty(), "TIME-WAIT is over");
}

#[test]
fn closing_with_something_unread_resets() {
    let mut world = World::open();
    let (peer, socket) = world.connection();
    world.peer.tcp(peer).send_slice(b"never read").unwrap();
    world.until(|_| socket.ready().contains(Events::IN));
    drop(socket);
    assert!(world.net.stack().connections.is_empty());
    world.until(|world| world.peer.tcp(peer).state() == State::Closed);
}

#[test]
fn a_peer_that_goes_away_does_not_keep_a_closed_connection() {
    let mut world = World::open();
    let (_, socket) = world.connection();
    socket.write(b"nobody takes this", 0).unwrap();
    drop(socket);
    let end = world.now + Duration::from_secs(61);
    while world.now < end {
        world.net.poll(world.now);
        world.sent();
        world.now += Duration::from_millis(10);
    }
    assert!(world.net.stack().connections.is_empty());
}

#[test]
fn a_connection_to_the_peer_is_made() {
    let mut world = World::open();
    let peer = world.peer.listen(7);
    let socket = world.socket(Version::V4, SocketKind::Stream);
    let address = SocketAddr::from((PEER, 7));
    assert_eq!(of(&socket).connect(address), Err(Errno::EINPROGRESS));
    assert_eq!(of(&socket).connect(address), Err(Errno::EALREADY));
    assert_eq!(socket.ready(), Events::empty());
    world.until(|_| socket.ready().contains(Events::OUT));
    assert_eq!(of(&socket).connect(address), Ok(()));
    assert_eq!(of(&socket).connect(address), Err(Errno::EISCONN));
    assert!((32768..=60999).contains(&of(&socket).local().port()));
    socket.write(b"hello", 0).unwrap();
    world.until(|world| world.peer.tcp(peer).can_recv());
    assert_eq!(world.peer.read(peer), b"hello");
}

#[test]
fn a_refused_connection_says_so_and_can_be_tried_again() {
    let mut world = World::open();
    let socket = world.socket(Version::V4, SocketKind::Stream);
    let address = SocketAddr::from((PEER, 7));
    assert_eq!(of(&socket).connect(address), Err(Errno::EINPROGRESS));
    world.until(|_| socket.ready().contains(Events::ERR));
    assert_eq!(of(&socket).connect(address), Err(Errno::ECONNREFUSED));
    world.peer.listen(7);
    assert_eq!(of(&socket).connect(address), Err(Errno::EINPROGRESS));
    world.until(|_| socket.ready().contains(Events::OUT));
    assert_eq!(of(&socket).connect(address), Ok(()));
}

#[test]
fn a_connection_that_nobody_answers_times_out() {
    let mut world = World::open();
    let socket = world.socket(Version::V4, SocketKind::Stream);
    let silent = Ipv4Addr::new(10, 0, 2, 99);
    world.exchange(&arp_reply_of(silent));
    let address = SocketAddr::from((silent, 7));
    assert_eq!(of(&socket).connect(address), Err(Errno::EINPROGRESS));
    world.until(|_| socket.ready().contains(Events::ERR));
    assert_eq!(of(&socket).connect(address), Err(Errno::ETIMEDOUT));
}

#[test]
fn a_neighbour_that_is_not_there_is_no_host() {
    let mut world = World::open();
    let socket = world.socket(Version::V4, SocketKind::Stream);
    let address = SocketAddr::from((Ipv4Addr::new(10, 0, 2, 77), 80));
    assert_eq!(of(&socket).connect(address), Err(Errno::EINPROGRESS));
    world.until(|_| socket.ready().contains(Events::ERR));
    assert!((3..5).contains(&world.now.as_secs()), "after {:?}", world.now);
    assert_eq!(of(&socket).connect(address), Err(Errno::EHOSTUNREACH));
}

#[test]
fn there_is_no_way_to_a_broadcast_address() {
    let world = World::open();
    let socket = world.socket(Version::V4, SocketKind::Stream);
    assert_eq!(of(&socket).connect(SocketAddr::from((Ipv4Addr::BROADCAST, 7))), Err(Errno::ENETUNREACH));
    let socket = world.socket(Version::V6, SocketKind::Stream);
    assert_eq!(of(&socket).connect(SocketAddr::from((PEER, 7))), Err(Errno::EINVAL));
}

#[test]
fn a_socket_that_is_no_connection_reads_and_writes_nothing() {
    let world = World::open();
    let socket = world.socket(Version::V4, SocketKind::Stream);
    assert_eq!(socket.read(&mut [0; 4], 0), Err(Errno::ENOTCONN));
    assert_eq!(socket.write(b"x", 0), Err(Errno::EPIPE));
    assert_eq!(of(&socket).peer(), Err(Errno::ENOTCONN));
    assert_eq!(of(&socket).shutdown(true, true), Err(Errno::ENOTCONN));
}

#[test]
fn a_socket_for_all_addresses_takes_ipv6_and_ipv4() {
    let mut world = World::open();
    let listener = world.socket(Version::V6, SocketKind::Stream);
    bind(&listener, SocketAddr::from((Ipv6Addr::UNSPECIFIED, 80)));
    of(&listener).listen(8).unwrap();
    for (address, seen) in [(IpAddr::from(OURS_V6), "fe80::2"), (IpAddr::from(OURS), "::ffff:10.0.2.2")] {
        world.peer.connect(address, 80);
        world.until(|_| listener.ready().contains(Events::IN));
        let (_, peer) = of(&listener).accept().unwrap();
        assert_eq!(peer.ip(), seen.parse::<IpAddr>().unwrap());
    }
}

#[test]
fn a_socket_for_ipv6_alone_refuses_ipv4() {
    let mut world = World::open();
    let listener = world.socket(Version::V6, SocketKind::Stream);
    of(&listener).set_option(super::super::options::IPV6, linux_raw_sys::net::IPV6_V6ONLY, 1).unwrap();
    bind(&listener, SocketAddr::from((Ipv6Addr::UNSPECIFIED, 80)));
    of(&listener).listen(8).unwrap();
    let v4 = world.peer.connect(OURS.into(), 80);
    let v6 = world.peer.connect(OURS_V6.into(), 80);
    world.until(|world| world.peer.tcp(v6).state() == State::Established);
    assert_eq!(world.peer.tcp(v4).state(), State::Closed);
    // The port is free for IPv4.
    world.listener(80, 8);
}

#[test]
fn a_segment_to_no_listener_is_reset() {
    let mut world = World::open();
    world.exchange(&arp_reply());
    let sent = world.exchange(&syn(5000, 81).frame());
    let reset = Segment::parse(&sent[0]).unwrap();
    assert_eq!((sent.len(), reset.flags, reset.ack, reset.to), (1, RST | ACK, 1001, (PEER.into(), 5000)));
}

#[test]
fn tcp_to_a_broadcast_address_is_not_answered() {
    let mut world = World::open();
    world.exchange(&arp_reply());
    for address in [Ipv4Addr::BROADCAST, Ipv4Addr::new(10, 0, 2, 255)] {
        let mut segment = syn(5000, 81);
        segment.to.0 = address.into();
        assert_eq!(world.exchange(&segment.frame()), Vec::<Vec<u8>>::new());
    }
    let mut frame = syn(5000, 81).frame();
    frame[..6].fill(0xff);
    assert_eq!(world.exchange(&frame), Vec::<Vec<u8>>::new());
}

#[test]
fn a_segment_in_fragments_reaches_its_connection() {
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
        let mut world = World::open();
        let listener = world.listener(80, 8);
        world.exchange(&arp_reply());
        let answer = Segment::parse(&world.exchange(&syn(5000, 80).frame())[0]).unwrap();
        let mut segment = Segment { flags: ACK, seq: 1001, ack: answer.seq.wrapping_add(1), ..syn(5000, 80) };
        world.exchange(&segment.frame());
        segment.bytes = vec![5; 1000];
        let parts = fragments(&segment.frame(), 400);
        for number in order {
            world.exchange(&parts[number]);
        }
        let (socket, _) = of(&listener).accept().unwrap();
        assert_eq!(world.read(&socket), segment.bytes, "{order:?}");
    }
}

/// Counts how often it is woken.
#[derive(Default)]
struct Bell(std::sync::atomic::AtomicUsize);

impl std::task::Wake for Bell {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
}

impl Bell {
    /// Whether it was woken since it was asked last.
    fn rang(&self) -> bool {
        self.0.swap(0, std::sync::atomic::Ordering::Relaxed) > 0
    }
}

#[test]
fn who_waits_is_woken_by_a_connection_by_data_by_room_and_by_the_end() {
    let mut world = World::open();
    let bell = std::sync::Arc::new(Bell::default());
    let wait = |file: &alloc::sync::Arc<dyn crate::file::File>| {
        file.changed().expect("sockets change").register(&bell.clone().into());
    };
    let listener = world.listener(80, 8);
    wait(&listener);
    let peer = world.peer.connect(OURS.into(), 80);
    world.until(|_| bell.rang());
    let (socket, _) = of(&listener).accept().expect("it was woken for a connection");
    wait(&socket);
    world.peer.tcp(peer).send_slice(b"x").unwrap();
    world.until(|_| bell.rang());
    assert_eq!(world.read(&socket), b"x");
    while socket.write(&[0; 4096], 0).is_ok() {}
    assert!(!socket.ready().contains(Events::OUT));
    bell.rang();
    wait(&socket);
    world.until(|_| bell.rang());
    assert!(socket.ready().contains(Events::OUT));
    wait(&socket);
    world.peer.tcp(peer).close();
    world.until(|_| bell.rang() && socket.ready().contains(Events::RDHUP));
}
