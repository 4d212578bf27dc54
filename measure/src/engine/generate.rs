//! Sets of rules that resemble those of routers and firewalls, in their shares of wildcards, prefix lengths and ports.
use crate::filter::{EVERY, Filter, Network};
use crate::random::Random;
use firewall::protocol::{ICMP, TCP, UDP};
use std::collections::HashSet;

/// What a set resembles.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Profile {
    /// Access lists: servers by address and port, their clients by prefix.
    Acl,
    /// Firewalls: many wildcards, many ranges of ports.
    Fw,
    /// Chains of Linux: pairs of hosts and networks, with ports and without.
    Ipc,
}

/// Generic routing encapsulation (RFC 2784).
const GRE: u8 = 47;
/// Ports of well-known services.
const SERVICES: [u16; 20] =
    [20, 21, 22, 23, 25, 53, 69, 80, 110, 123, 143, 161, 162, 389, 443, 514, 750, 1521, 1526, 8080];
/// Ports that no service has of itself.
const EPHEMERAL: (u16, u16) = (1024, u16::MAX);

/// How the ports of a rule are given.
#[derive(Clone, Copy)]
enum Kind {
    Every,
    Service,
    Any,
    High,
    Low,
    Range,
}

/// What the parts of a profile's rules are taken from, each as often as the number beside it says.
struct Shares {
    source_lengths: &'static [(u64, u8)],
    destination_lengths: &'static [(u64, u8)],
    source_ports: &'static [(u64, Kind)],
    destination_ports: &'static [(u64, Kind)],
    protocols: &'static [(u64, Option<u8>)],
}

const ACL: Shares = Shares {
    source_lengths: &[(12, 0), (3, 8), (10, 16), (8, 20), (20, 24), (12, 28), (35, 32)],
    destination_lengths: &[(1, 0), (1, 16), (8, 24), (10, 28), (80, 32)],
    source_ports: &[(1, Kind::Every)],
    destination_ports: &[(45, Kind::Service), (35, Kind::Any), (8, Kind::High), (7, Kind::Range), (5, Kind::Every)],
    protocols: &[(85, Some(TCP)), (4, Some(UDP)), (3, Some(ICMP)), (8, None)],
};
const FW: Shares = Shares {
    source_lengths: &[(35, 0), (5, 16), (15, 24), (15, 27), (10, 29), (20, 32)],
    destination_lengths: &[(15, 0), (5, 16), (25, 24), (20, 28), (35, 32)],
    source_ports: &[(55, Kind::Every), (20, Kind::Service), (5, Kind::Any), (15, Kind::High), (5, Kind::Range)],
    destination_ports: &[
        (20, Kind::Every),
        (35, Kind::Service),
        (10, Kind::Any),
        (15, Kind::High),
        (5, Kind::Low),
        (15, Kind::Range),
    ],
    protocols: &[(52, Some(TCP)), (37, Some(UDP)), (4, Some(ICMP)), (6, Some(GRE)), (1, None)],
};
const IPC: Shares = Shares {
    source_lengths: &[(5, 0), (8, 16), (25, 24), (15, 30), (47, 32)],
    destination_lengths: &[(7, 0), (8, 16), (25, 24), (10, 30), (50, 32)],
    source_ports: &[(55, Kind::Every), (35, Kind::Service), (5, Kind::High), (5, Kind::Range)],
    destination_ports: &[(30, Kind::Every), (50, Kind::Service), (5, Kind::Any), (10, Kind::High), (5, Kind::Range)],
    protocols: &[(27, Some(TCP)), (38, Some(UDP)), (2, Some(ICMP)), (33, None)],
};

impl Profile {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Acl, Self::Fw, Self::Ipc];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Acl => "acl",
            Self::Fw => "fw",
            Self::Ipc => "ipc",
        }
    }

    fn shares(self) -> &'static Shares {
        match self {
            Self::Acl => &ACL,
            Self::Fw => &FW,
            Self::Ipc => &IPC,
        }
    }
}

/// So many rules, no two the same; the more specific first, so that few are hidden.
pub fn set(profile: Profile, size: usize) -> Vec<Filter> {
    let mut random = Random::new(size as u64 ^ (profile as u64) << 32);
    let shares = profile.shares();
    // Hosts stand together in networks: a few large ones, and more networks the more rules there are.
    let networks: Vec<u32> = (0..size / 16 + 8).map(|_| random.next() as u32 & 0xffff_ff00).collect();
    let mut known = HashSet::new();
    let mut filters = Vec::with_capacity(size);
    while filters.len() < size {
        let mut address = |lengths| {
            let host = random.choose(&networks) | random.below(256) as u32;
            Network::new(host, random.weighted(lengths))
        };
        let (source, destination) = (address(shares.source_lengths), address(shares.destination_lengths));
        let protocol = random.weighted(shares.protocols);
        let mut filter = Filter { source, destination, source_ports: EVERY, destination_ports: EVERY, protocol };
        if let Some(TCP | UDP) = protocol {
            filter.source_ports = ports(random.weighted(shares.source_ports), &mut random);
            filter.destination_ports = ports(random.weighted(shares.destination_ports), &mut random);
        }
        if known.insert(filter) {
            filters.push(filter);
        }
    }
    filters.sort_by_key(|filter| std::cmp::Reverse(filter.source.length + filter.destination.length));
    filters
}

fn ports(kind: Kind, random: &mut Random) -> (u16, u16) {
    let mut any = || random.below(1 << 16) as u16;
    match kind {
        Kind::Every => EVERY,
        Kind::High => EPHEMERAL,
        Kind::Low => (0, EPHEMERAL.0 - 1),
        Kind::Any => {
            let port = any();
            (port, port)
        }
        Kind::Range => {
            let first = any();
            (first, first.saturating_add(random.choose(&[1, 9, 99, 255, 1023])))
        }
        Kind::Service => {
            let port = random.choose(&SERVICES);
            (port, port)
        }
    }
}
