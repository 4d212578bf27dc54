//! From what a rule asks to the set of packets that have it.
use super::diagram::{Diagrams, FULL, Id, NONE, Op, TooLarge};
use super::field::Field;
use crate::compile::ranges::{Range, complement, union};
use crate::policy::{Addresses, List, Member, Network, Prefix, Rule, Transport, Values};
use core::ops::RangeInclusive;
use firewall::protocol::{ICMP, ICMPV6, TCP, UDP};

/// Headers of IPv6 that are followed, so that none is the protocol of a packet; but of a later fragment they can be.
pub(super) const FOLLOWED: [u8; 5] = [0, 43, 44, 51, 60];

/// Values of one field: ranges of its first `width` bits.
struct Asked {
    field: Field,
    width: u16,
    ranges: Vec<Range>,
}

/// Every packet that can be.
pub(super) fn possible(diagrams: &mut Diagrams) -> Result<Id, TooLarge> {
    let followed = FOLLOWED.map(|protocol| (protocol.into(), protocol.into()));
    let asked = [one(Field::Version, 1), asked(Field::Protocol, union(followed.to_vec())), one(Field::Later, 0)];
    let impossible = product(diagrams, asked.into(), FULL)?;
    diagrams.apply(Op::Minus, FULL, impossible)
}

/// A diagram that ends in `end` for the packets that a rule matches, in [`NONE`] for all others.
pub(super) fn rule(diagrams: &mut Diagrams, rule: &Rule, lists: &[List], end: Id) -> Result<Id, TooLarge> {
    match fields(rule, lists) {
        Some(fields) => product(diagrams, fields, end),
        None => Ok(NONE),
    }
}

/// The values of one field alone; those of addresses are of its first `width` bits.
pub(super) fn of_field(diagrams: &mut Diagrams, field: Field, width: u16, ranges: Vec<Range>) -> Result<Id, TooLarge> {
    product(diagrams, vec![Asked { field, width, ranges: union(ranges) }], FULL)
}

/// All that a rule asks; `None` if no packet has it.
fn fields(rule: &Rule, lists: &[List]) -> Option<Vec<Asked>> {
    let mut all = Vec::new();
    let mut protocols = vec![(0, 255)];
    match &rule.network {
        Some(Network::Ipv4(asked)) => {
            all.push(one(Field::Version, 0));
            let list = |list: &List| list.ipv4.iter().map(|prefix| wide(prefix.bounds())).collect();
            addresses(&mut all, &mut protocols, asked, 32, lists, |prefix| wide(prefix.bounds()), list);
        }
        Some(Network::Ipv6(asked)) => {
            all.push(one(Field::Version, 1));
            let list = |list: &List| list.ipv6.iter().map(Prefix::<core::net::Ipv6Addr>::bounds).collect();
            addresses(&mut all, &mut protocols, asked, 128, lists, |prefix| prefix.bounds(), list);
        }
        None => {}
    }
    let (protocol, numbers) = match &rule.transport {
        None => (None, [None, None]),
        Some(Transport::Tcp(ports)) => (Some(TCP), [numbers(&ports.source), numbers(&ports.destination)]),
        Some(Transport::Udp(ports)) => (Some(UDP), [numbers(&ports.source), numbers(&ports.destination)]),
        Some(Transport::Icmp(messages) | Transport::Icmp6(messages)) => {
            let of = |values: &Option<Values<u8>>| {
                let byte = |byte: &u8| (u128::from(*byte), u128::from(*byte));
                values.as_ref().map(|values| ranges(values, 255, byte))
            };
            let is_v4 = matches!(rule.transport, Some(Transport::Icmp(_)));
            all.push(one(Field::Version, u128::from(!is_v4)));
            (Some(if is_v4 { ICMP } else { ICMPV6 }), [of(&messages.message_type), of(&messages.code)])
        }
    };
    if let Some(protocol) = protocol.map(u128::from) {
        let named = protocols.iter().any(|(first, last)| (*first..=*last).contains(&protocol));
        protocols = if named { vec![(protocol, protocol)] } else { Vec::new() };
    }
    all.push(asked(Field::Protocol, protocols));
    if numbers.iter().any(Option::is_some) {
        all.push(one(Field::Later, 0));
    }
    let width = if matches!(rule.transport, Some(Transport::Icmp(_) | Transport::Icmp6(_))) { 8 } else { 16 };
    let fields = [Field::SourcePort, Field::DestinationPort];
    all.extend(
        fields.into_iter().zip(numbers).filter_map(|(field, ranges)| Some(Asked { field, width, ranges: ranges? })),
    );
    all.iter().all(|asked| !asked.ranges.is_empty()).then_some(all)
}

/// What `ip` or `ip6` asks beside the version.
fn addresses<P>(
    all: &mut Vec<Asked>,
    protocols: &mut Vec<Range>,
    asked: &Addresses<P>,
    width: u16,
    lists: &[List],
    bounds: impl Fn(&P) -> Range,
    listed: impl Fn(&List) -> Vec<Range>,
) {
    for (field, values) in [(Field::Source, &asked.source), (Field::Destination, &asked.destination)] {
        let Some(values) = values else { continue };
        let of = |member: &Member<P>| match member {
            Member::Prefix(prefix) => vec![bounds(prefix)],
            Member::List(number) => lists.get(*number).map(&listed).unwrap_or_default(),
        };
        let ranges = negated(values.negated, values.members.iter().flat_map(of).collect(), u128::MAX >> (128 - width));
        all.push(Asked { field, width, ranges });
    }
    if let Some(later) = asked.fragment {
        all.push(one(Field::Later, later.into()));
    }
    if let Some(values) = &asked.protocol {
        *protocols = ranges(values, 255, bounds_of);
    }
}

fn numbers(values: &Option<Values<RangeInclusive<u16>>>) -> Option<Vec<Range>> {
    values.as_ref().map(|values| ranges(values, u16::MAX.into(), bounds_of))
}

fn bounds_of<T: Copy + Into<u128>>(range: &RangeInclusive<T>) -> Range {
    ((*range.start()).into(), (*range.end()).into())
}

fn ranges<T>(values: &Values<T>, most: u128, range: impl Fn(&T) -> Range) -> Vec<Range> {
    negated(values.negated, values.members.iter().map(range).collect(), most)
}

fn negated(negated: bool, ranges: Vec<Range>, most: u128) -> Vec<Range> {
    let ranges = union(ranges);
    if negated { complement(&ranges, most) } else { ranges }
}

fn wide((first, last): (u32, u32)) -> Range {
    (first.into(), last.into())
}

fn asked(field: Field, ranges: Vec<Range>) -> Asked {
    Asked { field, width: field.width(), ranges }
}

fn one(field: Field, value: u128) -> Asked {
    asked(field, vec![(value, value)])
}

/// Packets that have all of it. A field that is asked twice must have both.
fn product(diagrams: &mut Diagrams, mut all: Vec<Asked>, end: Id) -> Result<Id, TooLarge> {
    // From the last bit that is asked to the first.
    all.sort_by_key(|asked| core::cmp::Reverse(diagrams.layout.levels(asked.field).start));
    let mut result = end;
    let mut before: Option<(Field, Id)> = None;
    for asked in all {
        let inside = match before {
            Some((field, inside)) if field == asked.field => inside,
            _ => result,
        };
        let part = values(diagrams, &asked, inside)?;
        result = match before {
            Some((field, _)) if field == asked.field => diagrams.apply(Op::And, result, part)?,
            _ => part,
        };
        before = Some((asked.field, inside));
    }
    Ok(result)
}

/// Goes on to `inside` for the values, ends in [`NONE`] for others.
fn values(diagrams: &mut Diagrams, asked: &Asked, inside: Id) -> Result<Id, TooLarge> {
    let level = diagrams.layout.levels(asked.field).start;
    block(diagrams, level, asked.width, 0, &asked.ranges, inside)
}

/// The part of it for the `2^bits` values from `first` on, where `ranges` are those that meet them.
fn block(
    diagrams: &mut Diagrams,
    level: u16,
    bits: u16,
    first: u128,
    ranges: &[Range],
    inside: Id,
) -> Result<Id, TooLarge> {
    let last = first | u128::MAX.checked_shr(128 - u32::from(bits)).unwrap_or(0);
    match ranges {
        [] => return Ok(NONE),
        [(from, to)] if *from <= first && last <= *to => return Ok(inside),
        _ => {}
    }
    let bits = bits - 1;
    let middle = first | 1 << bits;
    let below = ranges.partition_point(|(from, _)| *from < middle);
    let above = ranges.partition_point(|(_, to)| *to < middle);
    let low = block(diagrams, level + 1, bits, first, &ranges[..below], inside)?;
    let high = block(diagrams, level + 1, bits, middle, &ranges[above..], inside)?;
    diagrams.ask(level, [low, high])
}
