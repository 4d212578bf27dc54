//! What the matches of a rule of nftables ask of a packet, as this reader understands them.
use crate::policy::{Action, Addresses, Member, Messages, Network, Ports, Prefix, Rule, Transport, Values};
use core::net::{Ipv4Addr, Ipv6Addr};
use core::ops::RangeInclusive;
use firewall::protocol;

/// Numbers that are asked for, or all but those.
pub(super) type Numbers = Values<RangeInclusive<u16>>;

/// All that a rule asks.
#[derive(Clone, Debug, Default)]
pub(super) struct Matches {
    /// `meta nfproto`, and what a match implies.
    pub version: Option<u8>,
    /// Whether it must be a later fragment.
    pub later: Option<bool>,
    /// `ip protocol`, `meta l4proto`, `frag nexthdr`, and what a match implies.
    pub protocol: Option<Numbers>,
    /// Whether it has `frag nexthdr`, which tells the protocol of later fragments alone.
    pub by_fragment_header: bool,
    /// Whether it needs the packet's headers to be followed.
    pub by_headers: bool,
    /// `ip saddr`.
    pub source4: Option<Values<Member<Prefix<Ipv4Addr>>>>,
    /// `ip daddr`.
    pub destination4: Option<Values<Member<Prefix<Ipv4Addr>>>>,
    /// `ip6 saddr`.
    pub source6: Option<Values<Member<Prefix<Ipv6Addr>>>>,
    /// `ip6 daddr`.
    pub destination6: Option<Values<Member<Prefix<Ipv6Addr>>>>,
    /// `sport`, or `type`.
    pub first: Option<Numbers>,
    /// `dport`, or `code`.
    pub second: Option<Numbers>,
}

/// Two matches that this reader cannot put together.
pub(super) const CLASH: &str = "two matches that ask for the same in different ways";

impl Matches {
    /// It asks for a version of IP; 4 or 6.
    pub(super) fn is_version(&mut self, version: u8) -> Result<(), &'static str> {
        same(&mut self.version, version)
    }

    /// It asks whether the packet is a later fragment.
    pub(super) fn is_later(&mut self, later: bool) -> Result<(), &'static str> {
        same(&mut self.later, later)
    }

    /// It asks for one protocol, as the words `tcp`, `udp`, `icmp` and `icmpv6` do.
    pub(super) fn is_protocol(&mut self, number: u8) -> Result<(), &'static str> {
        let number = u16::from(number);
        same(&mut self.protocol, Values { negated: false, members: vec![number..=number] })
    }

    /// What both ask.
    pub(super) fn and(mut self, other: &Self) -> Result<Self, &'static str> {
        if let Some(version) = other.version {
            self.is_version(version)?;
        }
        if let Some(later) = other.later {
            self.is_later(later)?;
        }
        self.by_fragment_header |= other.by_fragment_header;
        self.by_headers |= other.by_headers;
        both(&mut self.protocol, &other.protocol)?;
        both(&mut self.source4, &other.source4)?;
        both(&mut self.destination4, &other.destination4)?;
        both(&mut self.source6, &other.source6)?;
        both(&mut self.destination6, &other.destination6)?;
        both(&mut self.first, &other.first)?;
        both(&mut self.second, &other.second)?;
        Ok(self)
    }

    /// Whether no packet has it, because it asks for both versions of IP.
    pub(super) fn is_of_both(&self) -> bool {
        let is_v4 = self.version == Some(4) || self.source4.is_some() || self.destination4.is_some();
        let is_v6 = self.version == Some(6) || self.source6.is_some() || self.destination6.is_some();
        is_v4 && is_v6
    }

    /// Rules of a policy that together match the same packets.
    pub(super) fn rules(&self, action: Action) -> Result<Vec<Rule>, &'static str> {
        if self.by_fragment_header && self.later != Some(true) {
            return Err("`frag nexthdr` of what need not be a fragment");
        }
        let transport = self.transport()?;
        let rule = |network| Rule { network, transport: transport.clone(), action, span: 0..0 };
        let says_protocol = transport.is_none() && self.protocol.is_some();
        if self.is_of_both() {
            return Err("matches of both versions of IP");
        }
        let is_v4 = self.version == Some(4) || self.source4.is_some() || self.destination4.is_some();
        let is_v6 = self.version == Some(6) || self.source6.is_some() || self.destination6.is_some();
        if !is_v4 && !is_v6 && self.later.is_none() && !says_protocol {
            return Ok(vec![rule(None)]);
        }
        let mut rules = Vec::new();
        if !is_v6 {
            rules.push(rule(Some(Network::Ipv4(self.network(&self.source4, &self.destination4, says_protocol)))));
        }
        if !is_v4 {
            rules.push(rule(Some(Network::Ipv6(self.network(&self.source6, &self.destination6, says_protocol)))));
        }
        Ok(rules)
    }

    fn network<P: Clone>(
        &self,
        source: &Option<Values<Member<P>>>,
        destination: &Option<Values<Member<P>>>,
        says_protocol: bool,
    ) -> Addresses<P> {
        let byte = |number: u16| u8::try_from(number).unwrap_or(u8::MAX);
        let bytes = |numbers: &Numbers| Values {
            negated: numbers.negated,
            members: numbers.members.iter().map(|range| byte(*range.start())..=byte(*range.end())).collect(),
        };
        Addresses {
            source: source.clone(),
            destination: destination.clone(),
            fragment: self.later,
            protocol: self.protocol.as_ref().filter(|_| says_protocol).map(bytes),
        }
    }

    /// The transport that it names; a protocol without one is among what is asked of the network.
    fn transport(&self) -> Result<Option<Transport>, &'static str> {
        let one = match &self.protocol {
            Some(Values { negated: false, members }) => match members.as_slice() {
                [range] if range.start() == range.end() => u8::try_from(*range.start()).ok(),
                _ => None,
            },
            _ => None,
        };
        let ports = || Ports { source: self.first.clone(), destination: self.second.clone() };
        let messages = || -> Result<Messages, &'static str> {
            Ok(Messages { message_type: alone(&self.first)?, code: alone(&self.second)? })
        };
        Ok(match (one, self.version) {
            (Some(protocol::TCP), _) => Some(Transport::Tcp(ports())),
            (Some(protocol::UDP), _) => Some(Transport::Udp(ports())),
            (Some(protocol::ICMP), Some(4)) => Some(Transport::Icmp(messages()?)),
            (Some(protocol::ICMPV6), Some(6)) => Some(Transport::Icmp6(messages()?)),
            _ if self.first.is_some() || self.second.is_some() => return Err("ports of what has none"),
            _ => None,
        })
    }
}

/// Numbers of one byte, one by one.
fn alone(numbers: &Option<Numbers>) -> Result<Option<Values<u8>>, &'static str> {
    let Some(numbers) = numbers else { return Ok(None) };
    let members = numbers.members.iter().cloned().flatten().map(u8::try_from).collect::<Result<_, _>>();
    Ok(Some(Values { negated: numbers.negated, members: members.map_err(|_| "a number over 255")? }))
}

/// What is asked once, or twice alike.
fn same<T: PartialEq>(asked: &mut Option<T>, value: T) -> Result<(), &'static str> {
    match asked {
        Some(other) if *other != value => Err(CLASH),
        _ => {
            *asked = Some(value);
            Ok(())
        }
    }
}

/// What both ask: of values that are all negated there may be several.
pub(super) fn both<T: Clone + PartialEq>(
    asked: &mut Option<Values<T>>,
    other: &Option<Values<T>>,
) -> Result<(), &'static str> {
    match (asked.as_mut(), other) {
        (_, None) => Ok(()),
        (None, Some(_)) => {
            asked.clone_from(other);
            Ok(())
        }
        (Some(one), Some(other)) if one == other => Ok(()),
        (Some(one), Some(other)) if one.negated && other.negated => {
            one.members.extend(other.members.iter().cloned());
            Ok(())
        }
        _ => Err(CLASH),
    }
}
