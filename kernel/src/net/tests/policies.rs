//! The six configurations of the article, each with packets on both sides of its rules.
use super::packets::{Segment, arp_reply, arp_reply_of, ip, neighbour_solicitation, ping, ping_v6, syn, udp};
use super::world::{OURS, OURS_V6, PEER, STATIC, World, table_of};
use core::net::{IpAddr, Ipv4Addr};
use smoltcp::wire::IpProtocol;

const OTHER: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 3);

/// A network with this policy and a listener on 8080, which knows both peers.
fn world(configuration: &str) -> (World, std::sync::Arc<dyn crate::file::File>) {
    let mut world = World::with(table_of(configuration), STATIC);
    let listener = world.listener(8080, 8);
    world.exchange(&arp_reply());
    world.exchange(&arp_reply_of(OTHER));
    world.exchange(&neighbour_solicitation());
    (world, listener)
}

fn tcp(world: &mut World, from: Ipv4Addr, port: u16) -> bool {
    !world.exchange(&Segment { from: (from.into(), 5000), ..syn(5000, port) }.frame()).is_empty()
}

fn datagram(world: &mut World, from: Ipv4Addr, port: u16) -> bool {
    !world.exchange(&udp((from.into(), port), (OURS.into(), 9), b"x")).is_empty()
}

fn echo(world: &mut World, from: Ipv4Addr) -> bool {
    !world.exchange(&ping(from, b"x")).is_empty()
}

fn echo_v6(world: &mut World) -> bool {
    !world.exchange(&ping_v6()).is_empty()
}

#[test]
fn drop_source() {
    let (mut world, _listener) = world(include_str!("../../../../examples/drop-source.json"));
    assert!(!tcp(&mut world, PEER, 8080) && !datagram(&mut world, PEER, 53) && !echo(&mut world, PEER));
    assert!(tcp(&mut world, OTHER, 8080) && datagram(&mut world, OTHER, 53) && echo(&mut world, OTHER));
    assert!(echo_v6(&mut world));
}

#[test]
fn drop_all_but_source() {
    let (mut world, _listener) = world(include_str!("../../../../examples/drop-all-but-source.json"));
    assert!(tcp(&mut world, PEER, 8080) && echo(&mut world, PEER));
    assert!(!tcp(&mut world, OTHER, 8080) && !echo(&mut world, OTHER));
    assert!(echo_v6(&mut world), "IPv6 is not what the rule is about");
}

#[test]
fn tcp_8080_only() {
    let (mut world, _listener) = world(include_str!("../../../../examples/tcp-8080-only.json"));
    assert!(tcp(&mut world, PEER, 8080) && tcp(&mut world, OTHER, 8080));
    assert!(!tcp(&mut world, PEER, 8081) && !echo(&mut world, PEER) && !echo_v6(&mut world));
    assert!(datagram(&mut world, PEER, 67) && !datagram(&mut world, PEER, 53));
}

#[test]
fn source_or_tcp_8080() {
    let (mut world, _listener) = world(include_str!("../../../../examples/source-or-tcp-8080.json"));
    assert!(tcp(&mut world, PEER, 81) && echo(&mut world, PEER) && datagram(&mut world, PEER, 53));
    assert!(tcp(&mut world, OTHER, 8080) && !tcp(&mut world, OTHER, 81) && !echo(&mut world, OTHER));
    assert!(datagram(&mut world, OTHER, 67) && !datagram(&mut world, OTHER, 53));
}

#[test]
fn drop_udp_from_subnet() {
    let (mut world, _listener) = world(include_str!("../../../../examples/drop-udp-from-subnet.json"));
    assert!(!datagram(&mut world, PEER, 53) && !datagram(&mut world, OTHER, 67));
    assert!(datagram(&mut world, Ipv4Addr::new(10, 0, 3, 2), 53), "by the router");
    assert!(tcp(&mut world, PEER, 8080) && echo(&mut world, PEER));
}

#[test]
fn drop_ip6_source() {
    let (mut world, _listener) = world(include_str!("../../../../examples/drop-ip6-source.json"));
    assert!(echo_v6(&mut world));
    let mut frame = ping_v6();
    let source: IpAddr = "fe80::ff:7762".parse().unwrap();
    let IpAddr::V6(address) = source else { unreachable!() };
    frame[22..38].copy_from_slice(&address.octets());
    assert_eq!(world.exchange(&frame), Vec::<Vec<u8>>::new());
    assert_eq!(world.counted(image::report::Cause::Rule(0)), 1);
    assert_eq!(world.exchange(&ip(source, OURS_V6.into(), IpProtocol::Tcp, &syn(1, 2).tcp())), Vec::<Vec<u8>>::new());
    assert_eq!(world.counted(image::report::Cause::Rule(0)), 2);
    assert!(tcp(&mut world, PEER, 8080));
}
