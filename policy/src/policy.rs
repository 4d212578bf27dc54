//! A policy as resolved: values that cannot be invalid.
use core::net::{Ipv4Addr, Ipv6Addr};
use core::ops::RangeInclusive;

mod list;

pub use list::{List, Prefixes};

/// A whole policy for received packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Tried in order; the first that matches decides.
    pub rules: Vec<Rule>,
    /// For a packet that no rule matches.
    pub default: Action,
    /// Lists of addresses that rules name by their place here.
    pub lists: Vec<List>,
}

impl Policy {
    /// That of a configuration without a firewall: it lets everything in.
    pub const OPEN: Self = Self { rules: Vec::new(), default: Action::Accept, lists: Vec::new() };
}

/// What happens to a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It goes on to the stack.
    Accept,
    /// It is gone.
    Drop,
}

impl From<Action> for firewall::Action {
    fn from(action: Action) -> Self {
        match action {
            Action::Accept => Self::Accept,
            Action::Drop => Self::Drop,
        }
    }
}

/// A rule: matches when all that is `Some` matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What it asks of the network layer; `None` matches both versions.
    pub network: Option<Network>,
    /// What it asks of the transport layer.
    pub transport: Option<Transport>,
    /// What happens to a packet it matches.
    pub action: Action,
    /// Where the configuration has it: bytes from the start of the file.
    pub span: core::ops::Range<usize>,
}

/// The attribute `ip` or `ip6`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Network {
    /// `ip`: IPv4 packets only.
    Ipv4(Addresses<Prefix<Ipv4Addr>>),
    /// `ip6`: IPv6 packets only.
    Ipv6(Addresses<Prefix<Ipv6Addr>>),
}

/// The members of `ip` and `ip6`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses<P> {
    /// `src`.
    pub source: Option<Values<Member<P>>>,
    /// `dest`.
    pub destination: Option<Values<Member<P>>>,
    /// `fragment`: whether it must be (true) or must not be (false) a fragment other than the first.
    pub fragment: Option<bool>,
    /// `proto`: protocol numbers.
    pub protocol: Option<Values<RangeInclusive<u8>>>,
}

impl<P> Addresses<P> {
    /// Asks nothing.
    pub const ANY: Self = Self { source: None, destination: None, fragment: None, protocol: None };
}

/// What may stand for addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Member<P> {
    /// Those under a prefix.
    Prefix(P),
    /// Those of the policy's list with this number that are of the attribute's version.
    List(usize),
}

impl<P> From<P> for Member<P> {
    fn from(prefix: P) -> Self {
        Self::Prefix(prefix)
    }
}

/// An address under a mask. The host part is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Prefix<A> {
    /// The address, its bits from `length` on zero.
    pub address: A,
    /// The mask's length: 0 to 32, or 0 to 128.
    pub length: u8,
}

/// The attribute `tcp`, `udp`, `icmp` or `icmp6`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// `tcp`: TCP in both versions of IP.
    Tcp(Ports),
    /// `udp`: UDP in both versions of IP.
    Udp(Ports),
    /// `icmp`: ICMP in IPv4 packets only. It does not stand with [`Network::Ipv6`].
    Icmp(Messages),
    /// `icmp6`: ICMPv6 in IPv6 packets only. It does not stand with [`Network::Ipv4`].
    Icmp6(Messages),
}

/// The members of `tcp` and `udp`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    /// `src`.
    pub source: Option<Values<RangeInclusive<u16>>>,
    /// `dest`.
    pub destination: Option<Values<RangeInclusive<u16>>>,
}

/// The members of `icmp` and `icmp6`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Messages {
    /// `type`.
    pub message_type: Option<Values<u8>>,
    /// `code`.
    pub code: Option<Values<u8>>,
}

/// One value or several: any of them, or when negated none of them. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Values<T> {
    /// Whether every member was written with `!`.
    pub negated: bool,
    /// The members.
    pub members: Vec<T>,
}
