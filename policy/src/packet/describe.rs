//! A packet to words.
use super::{Version, names};
use core::net::{IpAddr, SocketAddr};
use firewall::{Fragment, Packet, Ports, protocol};

/// The packet in words, with everything that a rule may ask of it. [`parse`](super::parse()) reads a packet with the same
/// facts from them; only where the payload lies is not told.
pub fn describe(packet: &Packet) -> String {
    let mut words = vec![protocol_of(packet)];
    if let Some(icmp) = packet.icmp {
        words.push(names::name(Version::of(packet.source), icmp.message_type, icmp.code));
    }
    let Ports { source, destination } = packet.ports.unwrap_or(Ports { source: 0, destination: 0 });
    let endpoint = |address: IpAddr, port: u16| match packet.ports {
        Some(_) => SocketAddr::new(address, port).to_string(),
        None => address.to_string(),
    };
    words.push(format!("from {} to {}", endpoint(packet.source, source), endpoint(packet.destination, destination)));
    words.extend(packet.tcp_flags.map(flags));
    match packet.fragment {
        Fragment::Whole => (),
        Fragment::First => words.push("first-fragment".into()),
        Fragment::Later => words.push("fragment".into()),
    }
    words.join(" ")
}

fn protocol_of(packet: &Packet) -> String {
    let version = Version::of(packet.source);
    match packet.protocol {
        protocol::TCP => "tcp".into(),
        protocol::UDP => "udp".into(),
        other if other == version.icmp() => if version == Version::V4 { "icmp" } else { "icmp6" }.into(),
        other => format!("{} proto {other}", if version == Version::V4 { "ip" } else { "ip6" }),
    }
}

fn flags(bits: u8) -> String {
    let named = names::FLAGS.iter().filter(|(_, bit)| bits & bit != 0).map(|(name, _)| *name);
    let named: Vec<_> = named.collect();
    if named.is_empty() { names::NO_FLAGS.into() } else { named.join(" ") }
}
