//! Which packets an instance needs, for what, and the rules that let them in.
use crate::lint::{Lint, Setting};
use crate::policy::{Action, Addresses, Messages, Network, Ports, Rule, Transport, Values};
use core::net::Ipv4Addr;
use core::ops::RangeInclusive;

/// Packets that an instance needs for one purpose.
pub(super) struct Need {
    pub lint: Lint,
    pub parts: Vec<Part>,
    /// What happens without them.
    pub consequence: &'static str,
    /// What the rules are added for.
    pub remedy: &'static str,
}

/// Packets of one kind among them.
pub(super) struct Part {
    /// What one of them is called.
    pub name: &'static str,
    /// A rule that matches them.
    pub rule: Rule,
    /// The version of IP that nobody uses who drops all of it.
    pub version: Option<Version>,
    /// The neighbour that they come from, if there is one, and who that is.
    pub neighbour: Option<(Ipv4Addr, &'static str)>,
    /// The rule to add, in JSON.
    pub accept: &'static str,
    /// One of them in words.
    pub example: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    V4,
    V6,
}

/// The ports that connections of the instance's own are from, as `ip_local_port_range` has them on Linux and here.
pub(in crate::lint) const OWN_PORTS: RangeInclusive<u16> = 32768..=60999;

/// All of them, as far as the setting asks for them.
pub(super) fn needs(setting: &Setting) -> Vec<Need> {
    let static_address = setting.has_static_address;
    let others = [neighbours(), routers(), path_mtu(), names(setting), replies()];
    (!static_address).then(|| dhcp(setting)).into_iter().chain(others).collect()
}

/// RFC 2131, 4.1: a server sends from port 67 to port 68.
fn dhcp(setting: &Setting) -> Need {
    let network = setting.user_network;
    let server = network.map_or(Ipv4Addr::new(10, 0, 2, 2), |network| network.host);
    let instance = network.map_or(Ipv4Addr::BROADCAST, |network| network.instance);
    Need {
        lint: Lint::DropsDhcp,
        parts: vec![Part {
            name: "DHCP reply",
            rule: Rule {
                network: Some(Network::Ipv4(Addresses::ANY)),
                ..ports(Transport::Udp, Some(67..=67), 68..=68)
            },
            version: None,
            neighbour: network.map(|network| (network.host, "the DHCP server of user networking")),
            accept: "{\"udp\": {\"src\": 67, \"dest\": 68}, \"action\": \"accept\"}",
            example: format!("udp from {server}:67 to {instance}:68"),
        }],
        consequence: "the instance gets no address",
        remedy: "for an address by DHCP",
    }
}

/// RFC 4861, 4.3 and 4.4.
fn neighbours() -> Need {
    let both = "{\"icmp6\": {\"type\": [135, 136]}, \"action\": \"accept\"}";
    let part = |name, number, example: &str| icmp6(name, number, both, example);
    Need {
        lint: Lint::DropsNeighbourDiscovery,
        parts: vec![
            part("neighbour solicitation", 135, "icmp6 neighbour-solicitation"),
            part("neighbour advertisement", 136, "icmp6 neighbour-advertisement"),
        ],
        consequence: "nobody reaches the instance over IPv6",
        remedy: "for IPv6",
    }
}

/// RFC 4861, 4.2.
fn routers() -> Need {
    let accept = "{\"icmp6\": {\"type\": 134}, \"action\": \"accept\"}";
    Need {
        lint: Lint::DropsRouterAdvertisements,
        parts: vec![icmp6("router advertisement", 134, accept, "icmp6 router-advertisement")],
        consequence: "the instance finds no IPv6 router, and no network but its own",
        remedy: "for IPv6 beyond the link",
    }
}

/// RFC 1191, 4 and RFC 8201, 3.
fn path_mtu() -> Need {
    let messages = Messages { message_type: Some(only(3)), code: Some(only(4)) };
    Need {
        lint: Lint::DropsPathMtu,
        parts: vec![
            Part {
                name: "ICMP fragmentation-needed",
                rule: rule(Transport::Icmp(messages)),
                version: Some(Version::V4),
                neighbour: None,
                accept: "{\"icmp\": {\"type\": 3, \"code\": 4}, \"action\": \"accept\"}",
                example: "icmp fragmentation-needed from 203.0.113.1".into(),
            },
            icmp6(
                "ICMPv6 packet-too-big",
                2,
                "{\"icmp6\": {\"type\": 2}, \"action\": \"accept\"}",
                "icmp6 packet-too-big from 2001:db8::1",
            ),
        ],
        consequence: "connections over a link for smaller packets hang",
        remedy: "for path-MTU discovery",
    }
}

/// RFC 1035, 4.2. Answers over TCP are told of only where there are none over UDP.
fn names(setting: &Setting) -> Need {
    let network = setting.user_network;
    let server = network.map_or(Ipv4Addr::new(10, 0, 2, 3), |network| network.names);
    Need {
        lint: Lint::DropsDnsReplies,
        parts: vec![Part {
            name: "DNS reply",
            rule: ports(Transport::Udp, Some(53..=53), OWN_PORTS),
            version: None,
            neighbour: network.map(|network| (network.names, "the name server of user networking")),
            accept: "{\"udp\": {\"src\": 53}, \"action\": \"accept\"}",
            example: format!("udp from {server}:53 to :40000"),
        }],
        consequence: "the instance can look no name up",
        remedy: "if the program looks names up",
    }
}

fn replies() -> Need {
    Need {
        lint: Lint::DropsReplies,
        parts: vec![Part {
            name: "reply to the instance's own TCP connections",
            rule: ports(Transport::Tcp, None, OWN_PORTS),
            version: None,
            neighbour: None,
            accept: "{\"tcp\": {\"src\": 443}, \"action\": \"accept\"}",
            example: "tcp from 203.0.113.7:443 to :40000 syn ack".into(),
        }],
        consequence: "it can open none",
        remedy: "if the program opens connections, to HTTPS servers for example",
    }
}

fn icmp6(name: &'static str, number: u8, accept: &'static str, example: &str) -> Part {
    let messages = Messages { message_type: Some(only(number)), code: None };
    let version = Some(Version::V6);
    let example = example.to_string();
    Part { name, rule: rule(Transport::Icmp6(messages)), version, neighbour: None, accept, example }
}

fn ports(
    transport: fn(Ports) -> Transport,
    source: Option<RangeInclusive<u16>>,
    destination: RangeInclusive<u16>,
) -> Rule {
    rule(transport(Ports { source: source.map(only), destination: Some(only(destination)) }))
}

fn rule(transport: Transport) -> Rule {
    Rule { network: None, transport: Some(transport), action: Action::Accept, span: 0..0 }
}

fn only<T>(value: T) -> Values<T> {
    Values { negated: false, members: vec![value] }
}
