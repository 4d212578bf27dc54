//! A rule as rules that ask for one thing each: it matches what all of them match.
use crate::policy::{Addresses, Messages, Network, Ports, Rule, Transport};

/// An attribute's name, and a rule that asks for nothing else. In the order that the interpreter asks in.
pub(super) type Piece = (&'static str, Rule);

/// The pieces of a rule.
pub(super) fn of(rule: &Rule) -> Vec<Piece> {
    let every = Rule { network: None, transport: None, action: rule.action, span: rule.span.clone() };
    let of_network = |(name, network)| (name, Rule { network: Some(network), ..every.clone() });
    let of_transport = |(name, transport)| (name, Rule { transport: Some(transport), ..every.clone() });
    let network = rule.network.as_ref().map(network).unwrap_or_default();
    let transport = rule.transport.as_ref().map(transport).unwrap_or_default();
    network.into_iter().map(of_network).chain(transport.into_iter().map(of_transport)).collect()
}

fn network(network: &Network) -> Vec<(&'static str, Network)> {
    match network {
        Network::Ipv4(asked) => {
            let names = ["ip", "ip.src", "ip.dest", "ip.fragment", "ip.proto"];
            addresses(asked, names, Network::Ipv4)
        }
        Network::Ipv6(asked) => {
            let names = ["ip6", "ip6.src", "ip6.dest", "ip6.fragment", "ip6.proto"];
            addresses(asked, names, Network::Ipv6)
        }
    }
}

fn addresses<P: Clone>(
    asked: &Addresses<P>,
    [version, source, destination, fragment, protocol]: [&'static str; 5],
    network: fn(Addresses<P>) -> Network,
) -> Vec<(&'static str, Network)> {
    let none = || Addresses { source: None, destination: None, fragment: None, protocol: None };
    let parts = [
        Some((version, none())),
        asked.source.clone().map(|values| (source, Addresses { source: Some(values), ..none() })),
        asked.destination.clone().map(|values| (destination, Addresses { destination: Some(values), ..none() })),
        asked.fragment.map(|is_later| (fragment, Addresses { fragment: Some(is_later), ..none() })),
        asked.protocol.clone().map(|values| (protocol, Addresses { protocol: Some(values), ..none() })),
    ];
    parts.into_iter().flatten().map(|(name, addresses)| (name, network(addresses))).collect()
}

fn transport(transport: &Transport) -> Vec<(&'static str, Transport)> {
    match transport {
        Transport::Tcp(asked) => ports(asked, ["tcp", "tcp.src", "tcp.dest"], Transport::Tcp),
        Transport::Udp(asked) => ports(asked, ["udp", "udp.src", "udp.dest"], Transport::Udp),
        Transport::Icmp(asked) => messages(asked, ["icmp", "icmp.type", "icmp.code"], Transport::Icmp),
        Transport::Icmp6(asked) => messages(asked, ["icmp6", "icmp6.type", "icmp6.code"], Transport::Icmp6),
    }
}

fn ports(
    asked: &Ports,
    [protocol, source, destination]: [&'static str; 3],
    transport: fn(Ports) -> Transport,
) -> Vec<(&'static str, Transport)> {
    let parts = [
        Some((protocol, Ports::default())),
        asked.source.clone().map(|values| (source, Ports { source: Some(values), destination: None })),
        asked.destination.clone().map(|values| (destination, Ports { source: None, destination: Some(values) })),
    ];
    parts.into_iter().flatten().map(|(name, ports)| (name, transport(ports))).collect()
}

fn messages(
    asked: &Messages,
    [protocol, message_type, code]: [&'static str; 3],
    transport: fn(Messages) -> Transport,
) -> Vec<(&'static str, Transport)> {
    let parts = [
        Some((protocol, Messages::default())),
        asked.message_type.clone().map(|values| (message_type, Messages { message_type: Some(values), code: None })),
        asked.code.clone().map(|values| (code, Messages { message_type: None, code: Some(values) })),
    ];
    parts.into_iter().flatten().map(|(name, messages)| (name, transport(messages))).collect()
}
