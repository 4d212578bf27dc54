//! Addresses of both versions of IP, as numbers.
use crate::random::Random;
use firewall::{Fragment, Packet, Ports, protocol};
use policy::policy::{Addresses, List, Member, Network, Prefix, Prefixes, Values};
use std::fmt::Debug;
use std::hash::Hash;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A number that is an address.
pub trait Address: Copy + Ord + Hash + Debug + 'static {
    /// How many bits it has.
    const BITS: u8;
    /// What its version is called.
    const VERSION: &'static str;

    /// It as a wide number.
    fn wide(self) -> u128;
    /// It from the low bits of a wide number.
    fn narrow(wide: u128) -> Self;
    /// It as an address.
    fn address(self) -> IpAddr;
    /// Prefixes as a list of a policy.
    fn list(prefixes: &[(Self, u8)]) -> List;
    /// What a rule asks that matches what comes from the first list.
    fn network() -> Network;

    /// Any address among those that are given out.
    fn any(random: &mut Random) -> Self;

    /// The bits that a prefix of this length leaves free.
    fn free(length: u8) -> u128 {
        1_u128.checked_shl(u32::from(Self::BITS - length)).map_or(u128::MAX, |size| size - 1)
    }

    /// The first address under a prefix of this length with this one.
    fn first(self, length: u8) -> Self {
        Self::narrow(self.wide() & !Self::free(length))
    }

    /// Any address under this prefix.
    fn under(self, length: u8, random: &mut Random) -> Self {
        let any = u128::from(random.next()) << 64 | u128::from(random.next());
        Self::narrow(self.wide() | any & Self::free(length))
    }

    /// A packet from it, to an address of the same version.
    fn packet(self) -> Packet {
        let ports = Ports { source: 40000, destination: 8080 };
        Packet {
            source: self.address(),
            destination: Self::narrow(1).address(),
            protocol: protocol::TCP,
            fragment: Fragment::Whole,
            ports: Some(ports),
            tcp_flags: Some(0x02),
            icmp: None,
            payload_start: 34,
            payload_end: 60,
        }
    }
}

fn source<P>() -> Addresses<P> {
    let source = Some(Values { negated: false, members: vec![Member::List(0)] });
    Addresses { source, destination: None, fragment: None, protocol: None }
}

impl Address for u32 {
    const BITS: u8 = 32;
    const VERSION: &'static str = "IPv4";

    fn wide(self) -> u128 {
        self.into()
    }

    fn narrow(wide: u128) -> Self {
        wide as u32
    }

    fn address(self) -> IpAddr {
        Ipv4Addr::from_bits(self).into()
    }

    fn list(prefixes: &[(Self, u8)]) -> List {
        let prefix = |&(first, length): &(Self, u8)| Prefix { address: Ipv4Addr::from_bits(first), length };
        let ipv4 = Prefixes::<Ipv4Addr>::new(prefixes.iter().map(prefix).collect());
        List { name: "list".into(), ipv4, ..List::default() }
    }

    fn network() -> Network {
        Network::Ipv4(source())
    }

    /// 1.0.0.0 to 223.255.255.255.
    fn any(random: &mut Random) -> Self {
        random.within(1 << 24, (224 << 24) - 1) as u32
    }
}

impl Address for u128 {
    const BITS: u8 = 128;
    const VERSION: &'static str = "IPv6";

    fn wide(self) -> u128 {
        self
    }

    fn narrow(wide: u128) -> Self {
        wide
    }

    fn address(self) -> IpAddr {
        Ipv6Addr::from_bits(self).into()
    }

    fn list(prefixes: &[(Self, u8)]) -> List {
        let prefix = |&(first, length): &(Self, u8)| Prefix { address: Ipv6Addr::from_bits(first), length };
        let ipv6 = Prefixes::<Ipv6Addr>::new(prefixes.iter().map(prefix).collect());
        List { name: "list".into(), ipv6, ..List::default() }
    }

    fn network() -> Network {
        Network::Ipv6(source())
    }

    /// What the registries give out (IANA, "IPv6 Global Unicast Address Assignments").
    fn any(random: &mut Random) -> Self {
        let block = random.weighted(&[(2, 0x2001), (6, 0x2400), (6, 0x2600), (3, 0x2800), (6, 0x2a00), (1, 0x2c00)]);
        // All but the first are /12.
        let block = if block == 0x2001 { block } else { block | random.below(16) };
        u128::from(block) << 112 | u128::from(random.next()) << 48 | u128::from(random.next()) >> 16
    }
}
