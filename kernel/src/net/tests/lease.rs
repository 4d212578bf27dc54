//! The address by DHCP.
use super::packets::udp;
use super::world::{MAC, OURS, PEER, World, table};
use crate::file::Sockets;
use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;
use image::manifest::Network;
use smoltcp::wire::{DhcpMessageType, DhcpPacket, DhcpRepr, EthernetAddress};

/// A DHCP server by hand.
struct Server {
    address: Ipv4Addr,
    router: Ipv4Addr,
    lease: u32,
}

const SERVER: Server = Server { address: PEER, router: PEER, lease: 1000 };

impl Server {
    /// Its answer to a frame, if that is a client's message.
    fn answer(&self, frame: &[u8]) -> Option<Vec<u8>> {
        let request = DhcpPacket::new_checked(frame.get(42..)?).ok()?;
        let request = DhcpRepr::parse(&request).ok()?;
        let message_type = match request.message_type {
            DhcpMessageType::Discover => DhcpMessageType::Offer,
            DhcpMessageType::Request => DhcpMessageType::Ack,
            _ => return None,
        };
        let reply = DhcpRepr {
            message_type,
            your_ip: OURS,
            client_ip: Ipv4Addr::UNSPECIFIED,
            requested_ip: None,
            client_identifier: None,
            client_hardware_address: EthernetAddress(MAC),
            router: Some(self.router),
            subnet_mask: Some(Ipv4Addr::new(255, 255, 255, 0)),
            server_identifier: Some(PEER),
            parameter_request_list: None,
            max_size: None,
            lease_duration: Some(self.lease),
            dns_servers: Some([PEER].into_iter().collect()),
            ..request
        };
        let mut bytes = vec![0; reply.buffer_len()];
        reply.emit(&mut DhcpPacket::new_unchecked(&mut bytes[..])).unwrap();
        Some(udp((self.address.into(), 67), (IpAddr::from(OURS), 68), &bytes))
    }

    /// Answers everything that was sent.
    fn serve(&self, world: &World) {
        world.sent().iter().filter_map(|frame| self.answer(frame)).for_each(|answer| world.wire.push(&answer));
    }
}

fn turn(world: &mut World) {
    world.net.poll(world.now);
    world.now += Duration::from_millis(1);
}

fn asked(world: &World) -> usize {
    world.sent().iter().filter(|frame| SERVER.answer(frame).is_some()).count()
}

#[test]
fn it_asks_at_once_and_has_the_address_after_two_answers() {
    let mut world = World::with(table("[]"), Network::Dhcp);
    assert_eq!(world.net.address(), None);
    assert!(world.net.is_configuring());
    SERVER.serve(&world);
    turn(&mut world);
    SERVER.serve(&world);
    turn(&mut world);
    let address = world.net.address().expect("there is a lease");
    assert_eq!((address.cidr.address(), address.cidr.prefix_len(), address.router), (OURS, 24, Some(PEER)));
    assert_eq!(world.net.name_servers(), [PEER]);
    assert!(!world.net.is_configuring());
}

#[test]
fn it_asks_again_when_nobody_answers() {
    let world = World::with(table("[]"), Network::Dhcp);
    assert_eq!(asked(&world), 1);
    let next = world.net.poll(world.now).expect("it will ask again");
    assert!(next > world.now && next <= Duration::from_secs(2), "{next:?}");
    world.net.poll(next);
    assert_eq!(asked(&world), 1);
}

#[test]
fn a_policy_that_lets_the_answers_not_in_leaves_it_without_an_address() {
    let mut world = World::with(table(r#"[{"udp": {"src": 67}}]"#), Network::Dhcp);
    for _ in 0..10 {
        SERVER.serve(&world);
        turn(&mut world);
    }
    assert_eq!(world.net.address(), None);
    assert_eq!(world.counted(image::report::Cause::Rule(0)), 1);
}

#[test]
fn a_lease_is_renewed_and_without_an_answer_it_ends_with_its_connections() {
    let mut world = World::with(table("[]"), Network::Dhcp);
    SERVER.serve(&world);
    turn(&mut world);
    SERVER.serve(&world);
    turn(&mut world);
    world.exchange(&super::packets::arp_reply());
    let _listener = world.listener(80, 8);
    assert_eq!(world.exchange(&super::packets::syn(5000, 80).frame()).len(), 1);
    let mut renewals = 0;
    while world.now < Duration::from_secs(999) {
        renewals += asked(&world);
        world.net.poll(world.now);
        world.now += Duration::from_millis(500);
    }
    assert!(renewals > 0);
    assert!(world.net.address().is_some());
    world.run(Duration::from_secs(3));
    assert_eq!(world.net.address(), None);
    assert!(world.net.stack().connections.is_empty());
}

#[test]
fn an_answer_that_names_an_impossible_router_gives_an_address_without_one() {
    for router in [Ipv4Addr::UNSPECIFIED, Ipv4Addr::BROADCAST, Ipv4Addr::new(224, 0, 0, 1)] {
        let mut world = World::with(table("[]"), Network::Dhcp);
        for _ in 0..3 {
            Server { router, ..SERVER }.serve(&world);
            turn(&mut world);
        }
        assert!(world.net.address().is_some());
        // Would be sent by the router.
        world.exchange(&super::packets::ping(Ipv4Addr::new(8, 8, 8, 8), b"x"));
    }
}

#[test]
fn a_server_without_an_address_is_not_heard() {
    let mut world = World::with(table("[]"), Network::Dhcp);
    for _ in 0..3 {
        Server { address: Ipv4Addr::UNSPECIFIED, ..SERVER }.serve(&world);
        turn(&mut world);
    }
    assert_eq!(world.net.address(), None);
}
