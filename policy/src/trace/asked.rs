//! What a piece of a rule asks for, and what a packet has there, in words.
use crate::policy::{Addresses, Member, Messages, Network, Policy, Ports, Prefix, Rule, Transport, Values};
use core::fmt::Display;
use core::net::{Ipv4Addr, Ipv6Addr};
use core::ops::RangeInclusive;
use firewall::{Fragment, Packet, protocol};

/// As many values of an array as are told.
const MOST_TOLD: usize = 4;

/// What a rule that asks for one thing says of it; `None` if that has no value.
pub(super) fn of(piece: &Rule, policy: &Policy) -> Option<String> {
    match (&piece.network, &piece.transport) {
        (Some(Network::Ipv4(asked)), _) => addresses(asked, policy, ipv4),
        (Some(Network::Ipv6(asked)), _) => addresses(asked, policy, ipv6),
        (None, Some(Transport::Tcp(Ports { source, destination }) | Transport::Udp(Ports { source, destination }))) => {
            source.as_ref().or(destination.as_ref()).map(|values| told(values, range))
        }
        (
            None,
            Some(Transport::Icmp(Messages { message_type, code }) | Transport::Icmp6(Messages { message_type, code })),
        ) => message_type.as_ref().or(code.as_ref()).map(|values| told(values, u8::to_string)),
        (None, None) => None,
    }
}

fn addresses<P>(asked: &Addresses<P>, policy: &Policy, prefix: fn(&P) -> String) -> Option<String> {
    let member = |member: &Member<P>| match member {
        Member::Prefix(one) => prefix(one),
        Member::List(number) => format!("@{}", policy.lists.get(*number).map_or("", |list| &list.name)),
    };
    let one = asked.source.as_ref().or(asked.destination.as_ref());
    let fragment = asked.fragment.map(|is_later| if is_later { "y" } else { "n" }.to_string());
    let protocol = asked.protocol.as_ref().map(|values| told(values, range));
    one.map(|values| told(values, member)).or(fragment).or(protocol)
}

/// Each with its `!`; of many the first few.
fn told<T>(values: &Values<T>, one: impl Fn(&T) -> String) -> String {
    let negation = if values.negated { "!" } else { "" };
    let members = values.members.iter().take(MOST_TOLD).map(|member| format!("{negation}{}", one(member)));
    let members: Vec<_> = members.collect();
    let rest = values.members.len().saturating_sub(MOST_TOLD);
    let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    format!("{}{rest}", members.join(", "))
}

fn range<N: Display + PartialEq>(range: &RangeInclusive<N>) -> String {
    let (first, last) = (range.start(), range.end());
    if first == last { first.to_string() } else { format!("{first}-{last}") }
}

fn ipv4(prefix: &Prefix<Ipv4Addr>) -> String {
    if prefix.length == 32 { prefix.address.to_string() } else { format!("{}/{}", prefix.address, prefix.length) }
}

fn ipv6(prefix: &Prefix<Ipv6Addr>) -> String {
    if prefix.length == 128 { prefix.address.to_string() } else { format!("{}/{}", prefix.address, prefix.length) }
}

/// What a packet has in place of what an attribute asks for.
pub(super) fn found(attribute: &str, packet: &Packet) -> String {
    let (name, member) = attribute.split_once('.').unwrap_or((attribute, ""));
    let has = |value: &dyn Display| format!("the packet has {value}");
    let is_network = name == "ip" || name == "ip6";
    let lacks = |what| match packet.fragment {
        Fragment::Later => format!("a fragment other than the first has no {what}"),
        _ => format!("the packet has no {what}"),
    };
    match (member, packet.ports, packet.icmp) {
        ("", ..) if is_network => format!("the packet is {}", version(packet)),
        ("", ..) => format!("the packet is {}", protocol_name(packet)),
        ("src", ..) if is_network => has(&packet.source),
        ("dest", ..) if is_network => has(&packet.destination),
        ("proto", ..) => has(&packet.protocol),
        ("fragment", ..) if packet.fragment == Fragment::Later => {
            "the packet is a fragment other than the first".into()
        }
        ("fragment", ..) => "the packet is not a fragment other than the first".into(),
        ("src", Some(ports), _) => has(&ports.source),
        ("dest", Some(ports), _) => has(&ports.destination),
        ("type", _, Some(icmp)) => has(&icmp.message_type),
        ("code", _, Some(icmp)) => has(&icmp.code),
        ("src" | "dest", None, _) => lacks("ports"),
        _ => lacks("ICMP type or code"),
    }
}

fn version(packet: &Packet) -> &'static str {
    if packet.source.is_ipv4() { "IPv4" } else { "IPv6" }
}

fn protocol_name(packet: &Packet) -> String {
    match (packet.protocol, packet.source.is_ipv4()) {
        (protocol::TCP, _) => "TCP".into(),
        (protocol::UDP, _) => "UDP".into(),
        (protocol::ICMP, true) => "ICMP".into(),
        (protocol::ICMPV6, false) => "ICMPv6".into(),
        (number, _) => format!("protocol {number} in {}", version(packet)),
    }
}
