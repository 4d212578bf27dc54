//! What one rule asks, as values of every field: between a policy and the rules of a target.
use super::target::{Ability, NAMED, Protocols};
use crate::compile::bits::blocks;
use crate::compile::ranges::{Range, complement, union};
use crate::policy::{Action, Addresses, List, Member, Network, Prefix, Rule, Transport, Values};
use crate::space::Region;
use core::net::{Ipv4Addr, Ipv6Addr};
use firewall::protocol;

/// Ranges in order and apart; `None` is any value.
pub(super) type Any = Option<Vec<Range>>;

/// Packets of which every field has one of some values, and what happens to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub action: Action,
    /// Which version of IP; `None` is either, and then addresses are any.
    pub is_v6: Option<bool>,
    /// Whether they are later fragments.
    pub is_later: Option<bool>,
    pub source: Any,
    pub destination: Any,
    /// Protocols; `None` is any.
    pub protocols: Option<Vec<u8>>,
    /// Source ports, or types of ICMP.
    pub first: Any,
    /// Destination ports, or codes of ICMP.
    pub second: Any,
}

impl Block {
    /// What a rule asks; `None` if no packet has it.
    pub(super) fn of_rule(rule: &Rule, lists: &[List]) -> Option<Self> {
        let mut block = Self::all(rule.action);
        let mut protocols = None;
        match &rule.network {
            None => {}
            Some(Network::Ipv4(asked)) => {
                let bounds = |prefix: &Prefix<Ipv4Addr>| (prefix.bounds().0.into(), prefix.bounds().1.into());
                block.addresses(asked, lists, bounds, |list| &list.ipv4, u32::MAX.into());
                block.is_v6 = Some(false);
                protocols = numbers(&asked.protocol, 255, |range| (*range.start(), *range.end()));
            }
            Some(Network::Ipv6(asked)) => {
                block.addresses(asked, lists, |prefix| prefix.bounds(), |list| &list.ipv6, u128::MAX);
                block.is_v6 = Some(true);
                protocols = numbers(&asked.protocol, 255, |range| (*range.start(), *range.end()));
            }
        }
        let number = match &rule.transport {
            None => None,
            Some(Transport::Tcp(ports) | Transport::Udp(ports)) => {
                block.first = numbers(&ports.source, u16::MAX.into(), |range| (*range.start(), *range.end()));
                block.second = numbers(&ports.destination, u16::MAX.into(), |range| (*range.start(), *range.end()));
                Some(if matches!(rule.transport, Some(Transport::Tcp(_))) { protocol::TCP } else { protocol::UDP })
            }
            Some(Transport::Icmp(messages) | Transport::Icmp6(messages)) => {
                block.first = numbers(&messages.message_type, 255, |byte| (*byte, *byte));
                block.second = numbers(&messages.code, 255, |byte| (*byte, *byte));
                let is_v6 = matches!(rule.transport, Some(Transport::Icmp6(_)));
                block.is_v6 = Some(is_v6);
                Some(if is_v6 { protocol::ICMPV6 } else { protocol::ICMP })
            }
        };
        let protocols = protocols.map(|ranges| bytes(&ranges));
        block.protocols = match (number, protocols) {
            (None, protocols) => protocols,
            (Some(number), Some(protocols)) if !protocols.contains(&number) => return None,
            (Some(number), _) => Some(vec![number]),
        };
        let asked = [&block.source, &block.destination, &block.first, &block.second];
        let is_empty =
            asked.into_iter().flatten().any(Vec::is_empty) || block.protocols.as_ref().is_some_and(Vec::is_empty);
        (!is_empty).then_some(block)
    }

    /// The packets of a region.
    pub(super) fn of_region(region: &Region, action: Action) -> Self {
        Self {
            action,
            is_v6: region.is_v6,
            is_later: region.is_later,
            source: region.source.clone(),
            destination: region.destination.clone(),
            protocols: region.protocols.as_ref().map(|ranges| bytes(ranges)),
            first: region.source_port_or_type.clone(),
            second: region.destination_port_or_code.clone(),
        }
    }

    /// Every packet.
    pub(super) fn all(action: Action) -> Self {
        Self {
            action,
            is_v6: None,
            is_later: None,
            source: None,
            destination: None,
            protocols: None,
            first: None,
            second: None,
        }
    }

    fn addresses<A, P: core::ops::Deref<Target = [Prefix<A>]>>(
        &mut self,
        asked: &Addresses<Prefix<A>>,
        lists: &[List],
        bounds: impl Fn(&Prefix<A>) -> Range,
        listed: impl Fn(&List) -> &P,
        most: u128,
    ) {
        let of = |values: &Option<Values<Member<Prefix<A>>>>| {
            let values = values.as_ref()?;
            let mut ranges = Vec::new();
            for member in &values.members {
                match member {
                    Member::Prefix(prefix) => ranges.push(bounds(prefix)),
                    Member::List(number) => {
                        ranges.extend(lists.get(*number).into_iter().flat_map(|list| listed(list).iter()).map(&bounds));
                    }
                }
            }
            asked_of(values.negated, ranges, most)
        };
        self.source = of(&asked.source);
        self.destination = of(&asked.destination);
        self.is_later = asked.fragment;
    }

    /// Whether it is ICMP in IPv4 or ICMPv6 in IPv6, so that there are types and codes.
    pub(super) fn is_icmp(&self) -> bool {
        let is = |number: u8| self.protocols.as_deref() == Some(&[number]);
        self.is_v6 == Some(false) && is(protocol::ICMP) || self.is_v6 == Some(true) && is(protocol::ICMPV6)
    }

    /// What it asks that a target cannot, in words. Whether it is dropped is not looked at.
    pub(super) fn unsayable(&self, ability: Ability) -> Option<String> {
        let asks = |what: &str| Some(what.to_string());
        match self {
            _ if self.is_later == Some(true) => asks("fragments other than the first"),
            _ if self.destination.is_some() && !ability.destination => asks("a destination address"),
            _ if self.is_icmp() && self.first.is_some() && !ability.message => asks("a type of ICMP"),
            _ if self.is_icmp() && self.second.is_some() && !ability.message => asks("a code of ICMP"),
            _ if !self.is_icmp() && self.first.is_some() && !ability.source_port => asks("a source port"),
            _ if ability.protocols == Protocols::Each => None,
            _ => self.protocols.iter().flatten().find(|number| !self.is_named(**number)).map(|number| {
                match self.is_icmp() {
                    true => "ICMPv6 alone".to_string(),
                    false => format!("protocol {number} alone"),
                }
            }),
        }
    }

    /// The least that a target can say and that has all of it.
    pub(super) fn enlarged(self, ability: Ability) -> Self {
        let is_icmp = self.is_icmp();
        let can_first = if is_icmp { ability.message } else { ability.source_port };
        let can_second = !is_icmp || ability.message;
        let are_named = self.protocols.iter().flatten().all(|number| self.is_named(*number));
        let can_protocols = ability.protocols == Protocols::Each || are_named;
        Self {
            destination: self.destination.filter(|_| ability.destination),
            first: self.first.filter(|_| can_first && can_protocols),
            second: self.second.filter(|_| can_second && can_protocols),
            protocols: self.protocols.filter(|_| can_protocols),
            ..self
        }
    }

    /// Whether [`Protocols::Named`] has a name for a protocol.
    pub(super) fn is_named(&self, number: u8) -> bool {
        NAMED.contains(&number) || number == protocol::ICMP && self.is_v6 == Some(false)
    }

    /// It for each version of IP by itself: `true` is IPv6.
    pub(super) fn versions(&self) -> impl Iterator<Item = bool> {
        let asked = self.is_v6;
        [false, true].into_iter().filter(move |is_v6| asked.is_none_or(|asked| asked == *is_v6))
    }
}

/// Addresses as prefixes in text, `0.0.0.0/0` and `::/0` where any will do.
pub(super) fn prefixes(addresses: &Any, is_v6: bool) -> Vec<String> {
    let width = if is_v6 { 128 } else { 32 };
    let all = [(0, u128::MAX >> (128 - width))];
    let ranges = addresses.as_deref().unwrap_or(&all);
    let text = |bits: u128| match is_v6 {
        true => Ipv6Addr::from_bits(bits).to_string(),
        false => Ipv4Addr::from_bits(bits as u32).to_string(),
    };
    blocks(ranges, width).iter().map(|block| format!("{}/{}", text(block.bits), block.mask.count_ones())).collect()
}

/// Ranges of numbers in text: `22` and `8000-8010`.
pub(super) fn spans(ranges: &[Range]) -> Vec<String> {
    let span = |(first, last): &Range| if first == last { first.to_string() } else { format!("{first}-{last}") };
    ranges.iter().map(span).collect()
}

fn bytes(ranges: &[Range]) -> Vec<u8> {
    ranges.iter().flat_map(|(first, last)| *first..=*last).filter_map(|number| u8::try_from(number).ok()).collect()
}

fn numbers<T, N: Into<u128>>(asked: &Option<Values<T>>, most: u128, bounds: impl Fn(&T) -> (N, N)) -> Any {
    let asked = asked.as_ref()?;
    let range = |member: &T| {
        let (first, last) = bounds(member);
        (first.into(), last.into())
    };
    asked_of(asked.negated, asked.members.iter().map(range).collect(), most)
}

/// The values from 0 to `most` that are asked for; `None` if that is all of them.
fn asked_of(negated: bool, ranges: Vec<Range>, most: u128) -> Any {
    let ranges = union(ranges);
    let ranges = if negated { complement(&ranges, most) } else { ranges };
    (ranges != [(0, most)]).then_some(ranges)
}
