//! The naive interpreter: what a policy means, said as plainly as it can be. Every engine is tested against it.
use crate::policy::{
    Addresses, List, Member, Messages, Network, Policy, Ports, Prefix, Prefixes, Rule, Transport, Values,
};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use firewall::{Decision, Fragment, Matched, Packet};

/// Decides about a packet: the first rule that matches, or the default.
pub fn decide(policy: &Policy, packet: &Packet) -> Decision {
    for (number, rule) in (0..).zip(&policy.rules) {
        if rule_matches(rule, packet, &policy.lists) {
            return Decision { action: rule.action.into(), cause: Matched::Rule(number) };
        }
    }
    Decision { action: policy.default.into(), cause: Matched::Default }
}

/// A rule with several attributes matches when all of them do; a rule with none matches every packet.
pub(crate) fn rule_matches(rule: &Rule, packet: &Packet, lists: &[List]) -> bool {
    rule.network.as_ref().is_none_or(|network| network_matches(network, packet, lists))
        && rule.transport.as_ref().is_none_or(|transport| transport_matches(transport, packet))
}

/// `ip` matches IPv4 packets only, `ip6` IPv6 packets only, whatever they negate.
fn network_matches(network: &Network, packet: &Packet, lists: &[List]) -> bool {
    match (network, packet.source, packet.destination) {
        (Network::Ipv4(asked), IpAddr::V4(source), IpAddr::V4(destination)) => {
            addresses_match(asked, source, destination, packet, |list| lists.get(list).map(|list| &list.ipv4))
        }
        (Network::Ipv6(asked), IpAddr::V6(source), IpAddr::V6(destination)) => {
            addresses_match(asked, source, destination, packet, |list| lists.get(list).map(|list| &list.ipv6))
        }
        _ => false,
    }
}

fn addresses_match<'a, A: Address + 'a>(
    asked: &Addresses<Prefix<A>>,
    source: A,
    destination: A,
    packet: &Packet,
    list: impl Fn(usize) -> Option<&'a Prefixes<A>>,
) -> bool {
    let is_later = packet.fragment == Fragment::Later;
    let is_among = |address: A, member: &Member<Prefix<A>>| match member {
        Member::Prefix(prefix) => address.is_under(prefix),
        Member::List(number) => list(*number).is_some_and(|list| is_listed(address, list)),
    };
    matches(&asked.source, |member| is_among(source, member))
        && matches(&asked.destination, |member| is_among(destination, member))
        && asked.fragment.is_none_or(|fragment| fragment == is_later)
        && matches(&asked.protocol, |numbers| numbers.contains(&packet.protocol))
}

/// The prefixes of a list are in order and apart from each other, so that only one can have the address under it: the
/// last that does not begin after it.
fn is_listed<A: Address>(address: A, list: &Prefixes<A>) -> bool {
    let next = list.partition_point(|prefix| prefix.address <= address);
    next.checked_sub(1).and_then(|before| list.get(before)).is_some_and(|prefix| address.is_under(prefix))
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

trait Address: Copy + Ord {
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
