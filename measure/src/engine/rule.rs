//! Filters as rules of a policy.
use crate::filter::{EVERY, Filter, Network};
use crate::header::{Family, UNDER_LENGTH, in_ipv6};
use firewall::protocol::{TCP, UDP};
use policy::policy::{Action, Addresses, Member, Network as Version, Policy, Ports, Prefix, Rule, Transport, Values};
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

/// A policy of these rules, which drops what none of them matches.
pub fn policy(filters: &[Filter], family: Family) -> Policy {
    let rules = (0..).zip(filters).map(|(number, filter)| rule(number, filter, family)).collect();
    Policy { rules, default: Action::Drop, lists: Vec::new() }
}

/// What the rule of a number does: accept or drop, with no order in it.
pub fn action(number: u32) -> Action {
    if number.wrapping_mul(0x9e37_79b9) >> 31 == 0 { Action::Drop } else { Action::Accept }
}

fn rule(number: u32, filter: &Filter, family: Family) -> Rule {
    let network = match family {
        Family::V4 => Version::Ipv4(addresses(filter, |network| Prefix {
            address: Ipv4Addr::from_bits(network.address),
            length: network.length,
        })),
        Family::V6 => Version::Ipv6(addresses(filter, |network| Prefix {
            address: in_ipv6(network.address),
            length: UNDER_LENGTH + network.length,
        })),
    };
    let ports = Ports { source: ports(filter.source_ports), destination: ports(filter.destination_ports) };
    let transport = match filter.protocol {
        Some(TCP) => Some(Transport::Tcp(ports)),
        Some(UDP) => Some(Transport::Udp(ports)),
        _ => None,
    };
    Rule { network: Some(network), transport, action: action(number), span: 0..0 }
}

fn addresses<P>(filter: &Filter, prefix: impl Fn(Network) -> P) -> Addresses<P> {
    let asked = |network: Network| (network.length > 0).then(|| one(Member::Prefix(prefix(network))));
    let protocol = filter.protocol.filter(|protocol| !matches!(*protocol, TCP | UDP));
    Addresses {
        source: asked(filter.source),
        destination: asked(filter.destination),
        fragment: None,
        protocol: protocol.map(|protocol| one(protocol..=protocol)),
    }
}

fn ports(asked: (u16, u16)) -> Option<Values<RangeInclusive<u16>>> {
    (asked != EVERY).then(|| one(asked.0..=asked.1))
}

fn one<T>(value: T) -> Values<T> {
    Values { negated: false, members: vec![value] }
}
