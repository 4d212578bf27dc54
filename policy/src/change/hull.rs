//! Which rules can match the same packet, told from the least and the most of what they ask.
//!
//! Said of more rules than is so, this costs a packet a comparison; said of fewer, a wrong rule would decide. So that where a
//! rule asks what has no least and most, such as a list or what is negated, it is taken to ask nothing.
use crate::compile::ranges::Range;
use crate::policy::{Addresses, Member, Network, Prefix, Rule, Transport, Values};
use core::net::{Ipv4Addr, Ipv6Addr};
use core::ops::RangeInclusive;
use firewall::protocol::{ICMP, ICMPV6, TCP, UDP};

/// First and last of addresses: IPv4 as they are, of IPv6 the first 64 bits.
pub(super) type Span = [u64; 2];

const EVERY: Span = [0, u64::MAX];

/// Bits of [`Hull::versions`].
const V4: u8 = 1;
const V6: u8 = 2;
/// Bits of [`Hull::parts`].
const NOT_LATER: u8 = 1;
const LATER: u8 = 2;

/// Around all packets that a rule matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hull {
    source: Span,
    destination: Span,
    /// Ports, or type and code.
    numbers: [[u16; 2]; 2],
    protocols: [u8; 2],
    /// Which versions of IP; none when no packet matches.
    versions: u8,
    /// Which fragments.
    parts: u8,
    /// Whether the rule matches all that is in it.
    is_full: bool,
}

/// A rule that is gone, a little more closely.
pub(super) struct Gone {
    pub(super) hull: Hull,
    sources: Vec<Span>,
    destinations: Vec<Span>,
}

impl Hull {
    const ALL: Self = Self {
        source: EVERY,
        destination: EVERY,
        numbers: [[0, u16::MAX]; 2],
        protocols: [0, u8::MAX],
        versions: V4 | V6,
        parts: LATER | NOT_LATER,
        is_full: true,
    };

    /// Of a rule.
    pub(crate) fn of(rule: &Rule) -> Self {
        let mut hull = Self::ALL;
        let mut protocol = None;
        match &rule.network {
            None => (),
            Some(Network::Ipv4(asked)) => {
                hull.versions = V4;
                protocol = asked.protocol.as_ref();
                hull.add_network(asked, |prefix| (span_v4(prefix), true));
            }
            Some(Network::Ipv6(asked)) => {
                hull.versions = V6;
                protocol = asked.protocol.as_ref();
                hull.add_network(asked, |prefix| (span_v6(prefix), prefix.length <= 64));
            }
        }
        match &rule.transport {
            None => hull.add_protocols(protocol),
            Some(Transport::Tcp(asked)) => {
                hull.add_transport(TCP, protocol);
                hull.add_numbers([ports(&asked.source), ports(&asked.destination)]);
            }
            Some(Transport::Udp(asked)) => {
                hull.add_transport(UDP, protocol);
                hull.add_numbers([ports(&asked.source), ports(&asked.destination)]);
            }
            Some(Transport::Icmp(asked)) => {
                hull.versions &= V4;
                hull.add_transport(ICMP, protocol);
                hull.add_numbers([kinds(&asked.message_type), kinds(&asked.code)]);
            }
            Some(Transport::Icmp6(asked)) => {
                hull.versions &= V6;
                hull.add_transport(ICMPV6, protocol);
                hull.add_numbers([kinds(&asked.message_type), kinds(&asked.code)]);
            }
        }
        if hull.parts == 0 {
            hull.versions = 0;
        }
        hull
    }

    fn add_network<P>(&mut self, asked: &Addresses<P>, span: impl Fn(&P) -> (Span, bool)) {
        for (side, values) in [(&mut self.source, &asked.source), (&mut self.destination, &asked.destination)] {
            let Some(values) = values else { continue };
            let spans: Option<Vec<_>> = values.members.iter().map(|member| prefix_of(member).map(&span)).collect();
            match spans {
                Some(spans) if !values.negated => {
                    *side = around(spans.iter().map(|(span, _)| *span));
                    self.is_full &= matches!(spans.as_slice(), [(_, true)]);
                }
                _ => self.is_full = false,
            }
        }
        match asked.fragment {
            None => (),
            Some(true) => self.parts &= LATER,
            Some(false) => self.parts &= NOT_LATER,
        }
    }

    fn add_protocols(&mut self, asked: Option<&Values<RangeInclusive<u8>>>) {
        let Some(values) = asked else { return };
        match values.members.as_slice() {
            [range] if !values.negated => self.protocols = [*range.start(), *range.end()],
            members if !values.negated => {
                self.is_full = false;
                self.protocols = [
                    members.iter().map(|range| *range.start()).min().unwrap_or(0),
                    members.iter().map(|range| *range.end()).max().unwrap_or(u8::MAX),
                ];
            }
            _ => self.is_full = false,
        }
    }

    /// Of a transport, if what is asked of protocols has it.
    fn add_transport(&mut self, transport: u8, asked: Option<&Values<RangeInclusive<u8>>>) {
        self.protocols = [transport; 2];
        let has = |values: &Values<RangeInclusive<u8>>| {
            values.members.iter().any(|range| range.contains(&transport)) != values.negated
        };
        if !asked.is_none_or(has) {
            self.versions = 0;
        }
    }

    fn add_numbers(&mut self, asked: [Option<([u16; 2], bool)>; 2]) {
        for (own, asked) in self.numbers.iter_mut().zip(asked) {
            let Some((numbers, is_full)) = asked else { continue };
            *own = numbers;
            self.is_full &= is_full;
            // Any but a later fragment has them, if it is of the transport.
            self.parts &= NOT_LATER;
        }
    }

    /// Whether a packet can be in both.
    #[inline]
    pub(crate) fn meets(&self, other: &Self) -> bool {
        meet(self.source, other.source)
            && meet(self.destination, other.destination)
            && self.numbers.iter().zip(&other.numbers).all(|(one, other)| one[0] <= other[1] && other[0] <= one[1])
            && self.protocols[0] <= other.protocols[1]
            && other.protocols[0] <= self.protocols[1]
            && self.versions & other.versions != 0
            && self.parts & other.parts != 0
    }

    /// Whether its rule matches all packets that the other's does.
    pub(super) fn covers(&self, other: &Self) -> bool {
        let within = |own: Span, other: Span| own[0] <= other[0] && other[1] <= own[1];
        self.is_full
            && within(self.source, other.source)
            && within(self.destination, other.destination)
            && self.numbers.iter().zip(&other.numbers).all(|(own, other)| own[0] <= other[0] && other[1] <= own[1])
            && self.protocols[0] <= other.protocols[0]
            && other.protocols[1] <= self.protocols[1]
            && other.versions & !self.versions == 0
            && other.parts & !self.parts == 0
    }
}

impl Gone {
    /// Of a rule and where the lists that it names stand for themselves, by their number; others may be anything.
    pub(super) fn of<'a>(rule: &Rule, list: impl Fn(usize) -> Option<&'a [Range]>) -> Self {
        let hull = Hull::of(rule);
        let [sources, destinations] = match &rule.network {
            None => [vec![EVERY], vec![EVERY]],
            Some(Network::Ipv4(asked)) => [&asked.source, &asked.destination]
                .map(|values| spans(values, span_v4, |number| Some(list(number)?.iter().map(ends_v4).collect()))),
            Some(Network::Ipv6(asked)) => [&asked.source, &asked.destination]
                .map(|values| spans(values, span_v6, |number| Some(list(number)?.iter().map(ends_v6).collect()))),
        };
        Self { hull, sources, destinations }
    }

    /// Of a rule whose lists may be anything.
    pub(super) fn from_hull(hull: Hull) -> Self {
        Self { hull, sources: vec![hull.source], destinations: vec![hull.destination] }
    }

    /// Whether a packet that this matches can be in the hull of another.
    pub(super) fn meets(&self, other: &Hull) -> bool {
        self.hull.meets(other)
            && self.sources.iter().any(|source| meet(*source, other.source))
            && self.destinations.iter().any(|destination| meet(*destination, other.destination))
    }
}

#[inline]
fn meet(one: Span, other: Span) -> bool {
    one[0] <= other[1] && other[0] <= one[1]
}

/// Each of the values by itself; everything when one of them may be anything.
fn spans<P>(
    values: &Option<Values<Member<P>>>,
    span: fn(&P) -> Span,
    list: impl Fn(usize) -> Option<Vec<Span>>,
) -> Vec<Span> {
    let Some(values) = values.as_ref().filter(|values| !values.negated) else { return vec![EVERY] };
    let members = values.members.iter().map(|member| match member {
        Member::Prefix(prefix) => Some(vec![span(prefix)]),
        Member::List(number) => list(*number),
    });
    let members: Option<Vec<_>> = members.collect();
    members.map_or_else(|| vec![EVERY], |members| members.concat())
}

fn prefix_of<P>(member: &Member<P>) -> Option<&P> {
    match member {
        Member::Prefix(prefix) => Some(prefix),
        Member::List(_) => None,
    }
}

fn span_v4(prefix: &Prefix<Ipv4Addr>) -> Span {
    let (first, last) = prefix.bounds();
    [first.into(), last.into()]
}

fn span_v6(prefix: &Prefix<Ipv6Addr>) -> Span {
    ends_v6(&prefix.bounds())
}

fn ends_v4(&(first, last): &Range) -> Span {
    [first as u64, last as u64]
}

fn ends_v6(&(first, last): &Range) -> Span {
    [(first >> 64) as u64, (last >> 64) as u64]
}

fn around(spans: impl Iterator<Item = Span> + Clone) -> Span {
    let first = spans.clone().map(|[first, _]| first).min();
    [first.unwrap_or(0), spans.map(|[_, last]| last).max().unwrap_or(u64::MAX)]
}

/// Around ports, and whether they are all of these.
fn ports(values: &Option<Values<RangeInclusive<u16>>>) -> Option<([u16; 2], bool)> {
    let values = values.as_ref()?;
    if values.negated {
        return Some(([0, u16::MAX], false));
    }
    let first = values.members.iter().map(|range| *range.start()).min();
    let last = values.members.iter().map(|range| *range.end()).max();
    Some(([first.unwrap_or(0), last.unwrap_or(u16::MAX)], values.members.len() == 1))
}

/// Around types or codes, and whether they are all of these.
fn kinds(values: &Option<Values<u8>>) -> Option<([u16; 2], bool)> {
    let ranges = values.as_ref().map(|values| Values {
        negated: values.negated,
        members: values.members.iter().map(|&number| u16::from(number)..=u16::from(number)).collect(),
    });
    ports(&ranges)
}
