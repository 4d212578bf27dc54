//! Single values, each parsed whole: what is left over is an error, never ignored.
use core::net::{Ipv4Addr, Ipv6Addr};
use core::ops::RangeInclusive;

use super::error::Fault;
use crate::policy::Prefix;

/// Names of protocols, after IANA's "Protocol Numbers"; `icmp6` and `icmpv6` besides.
pub(super) const PROTOCOLS: &[(&str, u8)] = &[
    ("icmp", 1),
    ("igmp", 2),
    ("tcp", 6),
    ("udp", 17),
    ("gre", 47),
    ("esp", 50),
    ("ah", 51),
    ("icmp6", 58),
    ("icmpv6", 58),
    ("ipv6-icmp", 58),
    ("sctp", 132),
];

/// What stands after the optional `!`, if it is one value.
pub(super) fn unnegated(text: &str) -> Result<&str, Fault> {
    let rest = text.strip_prefix('!').unwrap_or(text);
    if rest.starts_with('!') { Err(Fault::NegatedTwice) } else { one(rest) }
}

fn one(rest: &str) -> Result<&str, Fault> {
    match rest.chars().next() {
        None => Err(Fault::Empty),
        Some('@') => Err(Fault::NamedList),
        Some(_) if rest.contains([',', ';']) => Err(Fault::List),
        Some(_) if rest.contains(char::is_whitespace) => Err(Fault::Space),
        Some(_) => Ok(rest),
    }
}

/// The most processors a machine has, here as in the command's `--smp`.
const MOST_CPUS: u64 = 64;

/// A number from 0 to `most` in decimal digits.
pub(super) fn decimal(text: &str, most: u64) -> Result<u64, Fault> {
    if text.is_empty() {
        return Err(Fault::Empty);
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Fault::NotDecimal);
    }
    if text.len() > 1 && text.starts_with('0') {
        return Err(Fault::LeadingZero);
    }
    match text.parse::<u64>() {
        Ok(number) if number <= most => Ok(number),
        _ => Err(Fault::TooLarge { most }),
    }
}

/// A port, or a range of ports (`8000-8010`).
pub(super) fn ports(text: &str) -> Result<RangeInclusive<u16>, Fault> {
    let (from, to) = match text.split_once('-') {
        Some(("", _)) | Some((_, "")) => return Err(Fault::NotDecimal),
        Some((from, to)) => (port(from)?, port(to)?),
        None => (port(text)?, port(text)?),
    };
    if from > to {
        return Err(Fault::Reversed { from, to });
    }
    Ok(from..=to)
}

fn port(text: &str) -> Result<u16, Fault> {
    narrow(decimal(text, u16::MAX.into())?, u16::MAX.into())
}

/// A number of one byte, such as a type of ICMP.
pub(super) fn byte(text: &str) -> Result<u8, Fault> {
    narrow(decimal(text, u8::MAX.into())?, u8::MAX.into())
}

/// A protocol's number or name.
pub(super) fn protocol(text: &str) -> Result<RangeInclusive<u8>, Fault> {
    let number =
        if text.starts_with(|first: char| first.is_ascii_digit()) { byte(text)? } else { named_protocol(text)? };
    Ok(number..=number)
}

/// A protocol's name.
pub(crate) fn named_protocol(text: &str) -> Result<u8, Fault> {
    let found = PROTOCOLS.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
    found.map(|(_, number)| *number).ok_or(Fault::NotOneOf)
}

fn narrow<N: TryFrom<u64>>(number: u64, most: u64) -> Result<N, Fault> {
    N::try_from(number).map_err(|_| Fault::TooLarge { most })
}

/// An IPv4 address, with an optional mask; the host part is set to zero.
pub(super) fn ipv4_prefix(text: &str) -> Result<Prefix<Ipv4Addr>, Fault> {
    let (address, length) = masked(text, 32, ipv4_address)?;
    let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
    Ok(Prefix { address: Ipv4Addr::from_bits(address.to_bits() & mask), length })
}

/// An IPv6 address, with an optional mask; the host part is set to zero.
pub(super) fn ipv6_prefix(text: &str) -> Result<Prefix<Ipv6Addr>, Fault> {
    let (address, length) = masked(text, 128, ipv6_address)?;
    let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
    Ok(Prefix { address: Ipv6Addr::from_bits(address.to_bits() & mask), length })
}

/// A member of a list.
pub(super) enum ListMember {
    /// Of IPv4.
    Ipv4(Prefix<Ipv4Addr>),
    /// Of IPv6, whose addresses have a colon in them.
    Ipv6(Prefix<Ipv6Addr>),
}

/// An address of either version, with an optional mask.
pub(super) fn list_member(text: &str) -> Result<ListMember, Fault> {
    if text.starts_with('!') {
        return Err(Fault::NegatedMember);
    }
    let text = one(text)?;
    if text.contains(':') { ipv6_prefix(text).map(ListMember::Ipv6) } else { ipv4_prefix(text).map(ListMember::Ipv4) }
}

/// The address and the length of its mask, which is `most` unless written.
fn masked<A>(text: &str, most: u8, address: fn(&str) -> Result<A, Fault>) -> Result<(A, u8), Fault> {
    let Some((before, mask)) = text.split_once('/') else { return Ok((address(text)?, most)) };
    let address = address(before)?;
    let length = decimal(mask, most.into()).map_err(|fault| match fault {
        Fault::LeadingZero => fault,
        _ => Fault::Mask { most },
    })?;
    Ok((address, narrow(length, most.into())?))
}

/// Four decimal octets without leading zeros.
pub(super) fn ipv4_address(text: &str) -> Result<Ipv4Addr, Fault> {
    text.parse().map_err(|_| match text {
        _ if text.parse::<Ipv6Addr>().is_ok() => Fault::OtherVersion,
        _ if has_padded_octet(text) => Fault::LeadingZero,
        _ => Fault::NotAddress,
    })
}

fn ipv6_address(text: &str) -> Result<Ipv6Addr, Fault> {
    text.parse().map_err(|_| match text {
        _ if text.parse::<Ipv4Addr>().is_ok() => Fault::OtherVersion,
        _ if text.contains('%') => Fault::Zone,
        _ => Fault::NotAddress,
    })
}

fn has_padded_octet(text: &str) -> bool {
    let mut octets = text.split('.');
    let padded = octets.clone().any(|octet| octet.len() > 1 && octet.starts_with('0'));
    padded && octets.all(|octet| !octet.is_empty() && octet.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A network mask: ones, then zeros.
pub(super) fn net_mask(text: &str) -> Result<Ipv4Addr, Fault> {
    let mask = ipv4_address(text)?;
    let bits = mask.to_bits();
    if bits.leading_ones() + bits.trailing_zeros() < 32 {
        return Err(Fault::NotContiguous);
    }
    Ok(mask)
}

/// A size in bytes: `512M`, `2G` in either case, or mebibytes without a letter, as QEMU's `-m` reads it.
pub(super) fn memory(text: &str) -> Result<u64, Fault> {
    const MEBIBYTE: u64 = 1 << 20;
    let (digits, unit) = match text.strip_suffix(['m', 'M']) {
        Some(digits) => (digits, MEBIBYTE),
        None => match text.strip_suffix(['g', 'G']) {
            Some(digits) => (digits, MEBIBYTE << 10),
            None => (text, MEBIBYTE),
        },
    };
    match decimal(digits, u64::MAX / unit)? {
        0 => Err(Fault::Zero),
        count => Ok(count * unit),
    }
}

/// A number of processors.
pub(super) fn cpus(text: &str) -> Result<u32, Fault> {
    match decimal(text, MOST_CPUS)? {
        0 => Err(Fault::Zero),
        count => narrow(count, MOST_CPUS),
    }
}
