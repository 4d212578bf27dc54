//! Policies from arbitrary bytes.
use super::lists::lists;
use super::world::{self, LENGTHS_V4, LENGTHS_V6, MESSAGES, PORTS, PROTOCOLS};
use crate::policy::{Action, Addresses, Member, Messages, Network, Policy, Ports, Prefix, Rule, Transport, Values};
use arbitrary::{Result, Unstructured};
use core::net::{Ipv4Addr, Ipv6Addr};
use core::ops::RangeInclusive;

/// A policy of up to eight rules.
///
/// # Errors
/// Never for want of bytes; see [`arbitrary`].
pub fn policy(u: &mut Unstructured) -> Result<Policy> {
    let lists = lists(u)?;
    let rules = (0..u.int_in_range(0..=8)?).map(|_| rule(u, lists.len())).collect::<Result<_>>()?;
    Ok(Policy { rules, default: action(u)?, lists })
}

pub(super) fn action(u: &mut Unstructured) -> Result<Action> {
    Ok(if u.arbitrary()? { Action::Accept } else { Action::Drop })
}

pub(super) fn rule(u: &mut Unstructured, lists: usize) -> Result<Rule> {
    let network = match u.int_in_range(0..=3)? {
        0 => None,
        1 => Some(Network::Ipv6(addresses(u, lists, prefix_v6)?)),
        _ => Some(Network::Ipv4(addresses(u, lists, prefix_v4)?)),
    };
    let transport =
        if u.ratio(if lists > 0 { 1 } else { 2 }, 3)? { Some(transport(u, network.as_ref())?) } else { None };
    Ok(Rule { network, transport, action: action(u)?, span: 0..0 })
}

fn addresses<P>(
    u: &mut Unstructured,
    lists: usize,
    prefix: fn(&mut Unstructured) -> Result<P>,
) -> Result<Addresses<P>> {
    let member = |u: &mut Unstructured| {
        let is_list = lists > 0 && u.ratio(3, 4)?;
        if is_list { Ok(Member::List(u.choose_index(lists)?)) } else { prefix(u).map(Member::Prefix) }
    };
    Ok(Addresses {
        source: if lists > 0 && u.arbitrary()? {
            Some(values(u, member)?)
        } else {
            sometimes(u, |u| values(u, member))?
        },
        destination: sometimes(u, |u| values(u, member))?,
        fragment: sometimes(u, |u| u.arbitrary())?,
        protocol: sometimes(u, |u| values(u, |u| range(u, &PROTOCOLS)))?,
    })
}

/// ICMP and ICMPv6 only where the version of IP allows them.
fn transport(u: &mut Unstructured, network: Option<&Network>) -> Result<Transport> {
    let is_icmp6 = match network {
        None => u.arbitrary()?,
        Some(Network::Ipv4(_)) => false,
        Some(Network::Ipv6(_)) => true,
    };
    Ok(match u.int_in_range(0..=2)? {
        0 => Transport::Tcp(ports(u)?),
        1 => Transport::Udp(ports(u)?),
        _ if is_icmp6 => Transport::Icmp6(messages(u)?),
        _ => Transport::Icmp(messages(u)?),
    })
}

fn ports(u: &mut Unstructured) -> Result<Ports> {
    Ok(Ports {
        source: sometimes(u, |u| values(u, |u| range(u, &PORTS)))?,
        destination: sometimes(u, |u| values(u, |u| range(u, &PORTS)))?,
    })
}

fn messages(u: &mut Unstructured) -> Result<Messages> {
    Ok(Messages {
        message_type: sometimes(u, |u| values(u, |u| u.choose(&MESSAGES).copied()))?,
        code: sometimes(u, |u| values(u, |u| u.choose(&MESSAGES).copied()))?,
    })
}

/// One value in three.
fn sometimes<T>(u: &mut Unstructured, make: impl FnOnce(&mut Unstructured) -> Result<T>) -> Result<Option<T>> {
    if u.ratio(1, 3)? { make(u).map(Some) } else { Ok(None) }
}

fn values<T>(u: &mut Unstructured, one: impl Fn(&mut Unstructured) -> Result<T>) -> Result<Values<T>> {
    let count = if u.ratio(1, 2)? { u.int_in_range(1..=5)? } else { 1 };
    Ok(Values { negated: u.arbitrary()?, members: (0..count).map(|_| one(u)).collect::<Result<_>>()? })
}

/// One number, or all from one to another.
fn range<N: Copy + Ord>(u: &mut Unstructured, numbers: &[N]) -> Result<RangeInclusive<N>> {
    let (one, other) = (*u.choose(numbers)?, *u.choose(numbers)?);
    Ok(if u.ratio(1, 2)? { one..=one } else { one.min(other)..=one.max(other) })
}

pub(super) fn prefix_v4(u: &mut Unstructured) -> Result<Prefix<Ipv4Addr>> {
    let length = *u.choose(&LENGTHS_V4)?;
    let host = u32::MAX.checked_shr(length.into()).unwrap_or(0);
    Ok(Prefix { address: Ipv4Addr::from_bits(world::ipv4(u)?.to_bits() & !host), length })
}

pub(super) fn prefix_v6(u: &mut Unstructured) -> Result<Prefix<Ipv6Addr>> {
    let length = *u.choose(&LENGTHS_V6)?;
    let host = u128::MAX.checked_shr(length.into()).unwrap_or(0);
    Ok(Prefix { address: Ipv6Addr::from_bits(world::ipv6(u)?.to_bits() & !host), length })
}
