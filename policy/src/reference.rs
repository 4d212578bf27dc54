//! The naive interpreter: what a policy means, said as plainly as it can be. Every engine is tested against it.
use crate::policy::{Addresses, Messages, Network, Policy, Ports, Prefix, Rule, Transport, Values};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use firewall::{Decision, Fragment, Matched, Packet};

/// Decides about a packet: the first rule that matches, or the default.
pub fn decide(policy: &Policy, packet: &Packet) -> Decision {
    for (number, rule) in (0..).zip(&policy.rules) {
        if rule_matches(rule, packet) {
            return Decision { action: rule.action.into(), cause: Matched::Rule(number) };
        }
    }
    Decision { action: policy.default.into(), cause: Matched::Default }
}

/// A rule with several attributes matches when all of them do; a rule with none matches every packet.
fn rule_matches(rule: &Rule, packet: &Packet) -> bool {
    rule.network.as_ref().is_none_or(|network| network_matches(network, packet))
        && rule.transport.as_ref().is_none_or(|transport| transport_matches(transport, packet))
}

/// `ip` matches IPv4 packets only, `ip6` IPv6 packets only, whatever they negate.
fn network_matches(network: &Network, packet: &Packet) -> bool {
    match (network, packet.source, packet.destination) {
        (Network::Ipv4(asked), IpAddr::V4(source), IpAddr::V4(destination)) => {
            addresses_match(asked, source, destination, packet)
        }
        (Network::Ipv6(asked), IpAddr::V6(source), IpAddr::V6(destination)) => {
            addresses_match(asked, source, destination, packet)
        }
        _ => false,
    }
}

fn addresses_match<A: Address>(asked: &Addresses<Prefix<A>>, source: A, destination: A, packet: &Packet) -> bool {
    let is_later = packet.fragment == Fragment::Later;
    matches(&asked.source, |prefix| source.is_under(prefix))
        && matches(&asked.destination, |prefix| destination.is_under(prefix))
        && asked.fragment.is_none_or(|fragment| fragment == is_later)
        && matches(&asked.protocol, |numbers| numbers.contains(&packet.protocol))
}

/// `tcp` matches TCP only, `udp` UDP only, `icmp` ICMP in IPv4 only, `icmp6` ICMPv6 in IPv6 only, whatever they negate.
fn transport_matches(transport: &Transport, packet: &Packet) -> bool {
    match transport {
        Transport::Tcp(asked) => packet.protocol == 6 && ports_match(asked, packet),
        Transport::Udp(asked) => packet.protocol == 17 && ports_match(asked, packet),
        Transport::Icmp(asked) => packet.source.is_ipv4() && packet.protocol == 1 && message_matches(asked, packet),
        Transport::Icmp6(asked) => packet.source.is_ipv6() && packet.protocol == 58 && message_matches(asked, packet),
    }
}

/// A rule that names a port, negated or not, does not match a packet without ports.
fn ports_match(asked: &Ports, packet: &Packet) -> bool {
    match packet.ports {
        Some(ports) => {
            matches(&asked.source, |range| range.contains(&ports.source))
                && matches(&asked.destination, |range| range.contains(&ports.destination))
        }
        None => asked.source.is_none() && asked.destination.is_none(),
    }
}

/// A rule that names a type or code, negated or not, does not match a packet without them.
fn message_matches(asked: &Messages, packet: &Packet) -> bool {
    match packet.icmp {
        Some(icmp) => {
            matches(&asked.message_type, |message_type| *message_type == icmp.message_type)
                && matches(&asked.code, |code| *code == icmp.code)
        }
        None => asked.message_type.is_none() && asked.code.is_none(),
    }
}

/// Any of the values; when negated none of them. What is not asked matches.
fn matches<T>(asked: &Option<Values<T>>, is: impl Fn(&T) -> bool) -> bool {
    asked.as_ref().is_none_or(|values| values.members.iter().any(is) != values.negated)
}

trait Address: Copy {
    fn octets(&self) -> impl AsRef<[u8]>;

    /// Whether it has the prefix's first bits.
    fn is_under(&self, prefix: &Prefix<Self>) -> bool {
        let (own, other) = (self.octets(), prefix.address.octets());
        (0..usize::from(prefix.length)).all(|bit| bit_of(own.as_ref(), bit) == bit_of(other.as_ref(), bit))
    }
}

impl Address for Ipv4Addr {
    fn octets(&self) -> impl AsRef<[u8]> {
        Ipv4Addr::octets(self)
    }
}

impl Address for Ipv6Addr {
    fn octets(&self) -> impl AsRef<[u8]> {
        Ipv6Addr::octets(self)
    }
}

/// A bit of an address, counted from its start.
fn bit_of(octets: &[u8], bit: usize) -> Option<u8> {
    octets.get(bit / 8).map(|octet| octet >> (7 - bit % 8) & 1)
}
