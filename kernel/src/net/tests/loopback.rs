//! Connections and datagrams that stay within the instance.
use super::world::{OURS, OURS_V6, World, bind, of};
use crate::errno::Errno;
use crate::file::{Events, File, SocketKind, Version};
use crate::net::listener::BACKLOG;
use alloc::sync::Arc;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use linux_raw_sys::net as linux;
use smoltcp::socket::tcp::State;

fn stream(world: &World) -> Arc<dyn File> {
    world.socket(Version::V4, SocketKind::Stream)
}

fn connect(socket: &Arc<dyn File>, to: impl Into<SocketAddr>) -> Result<(), Errno> {
    let to = to.into();
    match of(socket).connect(to) {
        Err(Errno::EINPROGRESS) => of(socket).connect(to),
        other => other,
    }
}

fn pair(world: &World) -> (Arc<dyn File>, Arc<dyn File>) {
    let listener = world.listener(80, 8);
    let client = stream(world);
    connect(&client, (Ipv4Addr::LOCALHOST, 80)).unwrap();
    let (accepted, peer) = of(&listener).accept().unwrap();
    assert_eq!(peer, of(&client).local());
    (client, accepted)
}

#[test]
fn a_connection_to_every_own_address_carries_bytes_both_ways_and_no_frame() {
    let mut world = World::open();
    world.run(core::time::Duration::from_secs(1));
    world.sent();
    let socket = world.socket(Version::V6, SocketKind::Stream);
    bind(&socket, SocketAddr::from((Ipv6Addr::UNSPECIFIED, 80)));
    of(&socket).listen(8).unwrap();
    let own: [IpAddr; 4] =
        [Ipv4Addr::new(127, 1, 2, 3).into(), OURS.into(), Ipv6Addr::LOCALHOST.into(), OURS_V6.into()];
    for address in own {
        let client = world.socket(if address.is_ipv4() { Version::V4 } else { Version::V6 }, SocketKind::Stream);
        connect(&client, (address, 80)).unwrap();
        assert_eq!(of(&client).connect((address, 80).into()), Err(Errno::EISCONN));
        assert_eq!(client.write(b"question", 0), Ok(8));
        let (accepted, _) = of(&socket).accept().unwrap();
        assert_eq!(of(&client).peer().unwrap(), SocketAddr::from((address, 80)));
        assert_eq!(of(&accepted).local().ip().to_canonical(), address);
        assert_eq!(world.read(&accepted), b"question");
        assert_eq!(accepted.write(b"answer", 0), Ok(6));
        assert_eq!(world.read(&client), b"answer");
    }
    assert!(world.sent().is_empty());
}

#[test]
fn nobody_listens() {
    let world = World::open();
    let socket = stream(&world);
    let to = SocketAddr::from((Ipv4Addr::LOCALHOST, 80));
    assert_eq!(of(&socket).connect(to), Err(Errno::EINPROGRESS));
    assert!(socket.ready().contains(Events::OUT | Events::ERR | Events::HUP));
    assert_eq!(of(&socket).option(linux::SOL_SOCKET, linux::SO_ERROR), Ok(Errno::ECONNREFUSED.0));
    let socket = stream(&world);
    assert_eq!(connect(&socket, to), Err(Errno::ECONNREFUSED));
    let _listener = world.listener(80, 8);
    assert_eq!(connect(&socket, to), Ok(()), "it may try again");
}

#[test]
fn a_listener_on_loopback_is_not_reached_from_the_network() {
    let mut world = World::open();
    let listener = stream(&world);
    bind(&listener, SocketAddr::from((Ipv4Addr::LOCALHOST, 80)));
    of(&listener).listen(8).unwrap();
    let peer = world.peer.connect(OURS.into(), 80);
    world.until(|world| world.peer.tcp(peer).state() == State::Closed);
    assert_eq!(of(&listener).accept().err(), Some(Errno::EAGAIN));
    connect(&stream(&world), (Ipv4Addr::LOCALHOST, 80)).unwrap();
    assert!(of(&listener).accept().is_ok());
    let outside = stream(&world);
    assert_eq!(connect(&outside, (OURS, 80)), Err(Errno::ECONNREFUSED));
}

#[test]
fn the_end_of_one_direction_leaves_the_other() {
    let world = World::open();
    let (client, accepted) = pair(&world);
    client.write(b"last", 0).unwrap();
    of(&client).shutdown(false, true).unwrap();
    assert_eq!(client.write(b"x", 0), Err(Errno::EPIPE));
    assert!(accepted.ready().contains(Events::IN | Events::RDHUP | Events::OUT));
    assert_eq!(world.read(&accepted), b"last");
    assert_eq!(accepted.read(&mut [0; 4], 0), Ok(0));
    assert_eq!(accepted.write(b"late", 0), Ok(4));
    drop(accepted);
    assert_eq!(world.read(&client), b"late");
    assert!(client.ready().contains(Events::HUP));
}

#[test]
fn closing_with_something_unread_resets_the_other_end() {
    let world = World::open();
    let (client, accepted) = pair(&world);
    client.write(b"never read", 0).unwrap();
    drop(accepted);
    assert!(client.ready().contains(Events::ERR | Events::HUP));
    assert_eq!(client.read(&mut [0; 4], 0), Err(Errno::ECONNRESET));
    assert_eq!(client.read(&mut [0; 4], 0), Ok(0));
    assert_eq!(client.write(b"x", 0), Err(Errno::EPIPE));
}

#[test]
fn a_linger_time_of_zero_resets() {
    let world = World::open();
    let (client, accepted) = pair(&world);
    of(&client).set_option(linux::SOL_SOCKET, linux::SO_LINGER, 0).unwrap();
    drop(client);
    assert_eq!(accepted.read(&mut [0; 4], 0), Err(Errno::ECONNRESET));
}

#[test]
fn a_full_queue_pushes_back() {
    let world = World::open();
    let (client, accepted) = pair(&world);
    let mut written = 0;
    while let Ok(count) = client.write(&[7; 10_000], 0) {
        written += count;
    }
    assert!((100_000..1_000_000).contains(&written), "{written} bytes");
    assert!(!client.ready().contains(Events::OUT));
    assert_eq!(world.read(&accepted).len(), written);
    assert!(client.ready().contains(Events::OUT));
}

#[test]
fn a_full_backlog_makes_connections_wait() {
    let world = World::open();
    let listener = world.listener(80, 1);
    let clients = [stream(&world), stream(&world)];
    let to = SocketAddr::from((Ipv4Addr::LOCALHOST, 80));
    assert_eq!(connect(&clients[0], to), Ok(()));
    assert_eq!(connect(&clients[1], to), Err(Errno::EALREADY));
    assert_eq!(clients[1].ready(), Events::empty());
    of(&listener).accept().unwrap();
    assert_eq!(of(&clients[1]).connect(to), Ok(()));
    drop(listener);
    assert_eq!(clients[1].read(&mut [0; 4], 0), Err(Errno::ECONNRESET));
}

#[test]
fn a_connection_that_was_given_up_is_not_accepted() {
    let world = World::open();
    let listener = world.listener(80, 1);
    let to = SocketAddr::from((Ipv4Addr::LOCALHOST, 80));
    let first = stream(&world);
    connect(&first, to).unwrap();
    let second = stream(&world);
    assert_eq!(connect(&second, to), Err(Errno::EALREADY));
    drop((first, second));
    // The first had its place, and is told like any other that its peer went away.
    let (accepted, _) = of(&listener).accept().unwrap();
    assert_eq!(accepted.read(&mut [0; 4], 0), Ok(0));
    assert_eq!(of(&listener).accept().err(), Some(Errno::EAGAIN));
}

#[test]
fn connections_that_wait_for_a_place_are_bounded() {
    let world = World::open();
    let _listener = world.listener(80, 1);
    let to = SocketAddr::from((Ipv4Addr::LOCALHOST, 80));
    let first = stream(&world);
    connect(&first, to).unwrap();
    let begin = || {
        let client = stream(&world);
        (connect(&client, to), client)
    };
    let mut waiting: Vec<_> = (0..BACKLOG).map(|_| begin()).collect();
    assert!(waiting.iter().all(|(begun, _)| *begun == Err(Errno::EALREADY)));
    assert_eq!(begin().0, Err(Errno::ECONNREFUSED));
    waiting.pop();
    assert_eq!(begin().0, Err(Errno::EALREADY));
}

#[test]
fn datagrams_reach_the_endpoint_that_is_bound() {
    let world = World::open();
    let receiver = world.socket(Version::V4, SocketKind::Datagram);
    bind(&receiver, SocketAddr::from((Ipv4Addr::LOCALHOST, 53)));
    let sender = world.socket(Version::V4, SocketKind::Datagram);
    let large = vec![3; 60_000];
    assert_eq!(of(&sender).send(&large, Some((Ipv4Addr::LOCALHOST, 53).into())), Ok(60_000));
    let mut buffer = vec![0; 65_536];
    let received = of(&receiver).receive(&mut buffer, false).unwrap();
    assert_eq!(received.length, 60_000);
    assert_eq!(received.from.unwrap().ip(), IpAddr::from(Ipv4Addr::LOCALHOST));
    assert_eq!(of(&receiver).send(b"back", received.from), Ok(4));
    assert_eq!(of(&sender).receive(&mut buffer, false).unwrap().length, 4);
}

#[test]
fn a_connected_socket_is_told_that_nobody_takes_its_datagrams() {
    let world = World::open();
    let socket = world.socket(Version::V4, SocketKind::Datagram);
    of(&socket).connect((Ipv4Addr::LOCALHOST, 9).into()).unwrap();
    assert_eq!(of(&socket).send(b"x", None), Ok(1));
    assert!(socket.ready().contains(Events::ERR));
    assert_eq!(of(&socket).send(b"x", None), Err(Errno::ECONNREFUSED));
    assert_eq!(of(&socket).send(b"x", None), Ok(1));
    assert_eq!(of(&socket).option(linux::SOL_SOCKET, linux::SO_ERROR), Ok(Errno::ECONNREFUSED.0));
}

#[test]
fn listeners_that_share_a_port_share_its_connections() {
    let mut world = World::open();
    let share = |world: &World| {
        let socket = stream(world);
        of(&socket).set_option(linux::SOL_SOCKET, linux::SO_REUSEPORT, 1).unwrap();
        bind(&socket, SocketAddr::from((Ipv4Addr::UNSPECIFIED, 80)));
        of(&socket).listen(64).unwrap();
        socket
    };
    let listeners = [share(&world), share(&world)];
    let alone = stream(&world);
    assert_eq!(of(&alone).bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 80))), Err(Errno::EADDRINUSE));
    for _ in 0..20 {
        world.peer.connect(OURS.into(), 80);
    }
    let mut counts = [0, 0];
    world.until(|_| {
        for (listener, count) in listeners.iter().zip(&mut counts) {
            *count += u32::from(of(listener).accept().is_ok());
        }
        counts[0] + counts[1] == 20
    });
    assert!(counts.iter().all(|count| *count >= 4), "{counts:?}");
}

#[test]
fn a_port_that_may_be_reused_has_one_listener() {
    let world = World::open();
    let bound = || {
        let socket = stream(&world);
        of(&socket).set_option(linux::SOL_SOCKET, linux::SO_REUSEADDR, 1).unwrap();
        bind(&socket, SocketAddr::from((Ipv4Addr::UNSPECIFIED, 80)));
        socket
    };
    let (first, second) = (bound(), bound());
    of(&first).listen(8).unwrap();
    assert_eq!(of(&second).listen(8), Err(Errno::EADDRINUSE));
    drop(first);
    assert_eq!(of(&second).listen(8), Ok(()));
}
