//! The ranges of all rules. Rules that name the same values share them.
use super::ValueError;
use super::ranges::{Range, complement, union};
use crate::policy::{Prefix, Values};
use core::net::{Ipv4Addr, Ipv6Addr};
use core::ops::RangeInclusive;
use firewall::linear::{self, Set};
use std::collections::HashMap;

/// The ranges by the width of their numbers.
#[derive(Default)]
pub(super) struct Pools {
    numbers: Pool,
    ipv4: Pool,
    ipv6: Pool,
}

/// Ranges of one width, and the sets that are among them.
#[derive(Default)]
struct Pool {
    ranges: Vec<Range>,
    sets: HashMap<Vec<Range>, Set>,
}

impl Pools {
    /// Takes in protocol numbers.
    pub(super) fn protocols(&mut self, values: &Values<RangeInclusive<u8>>) -> Result<Set, ValueError> {
        self.numbers.add(values, u8::MAX.into(), |range| (u128::from(*range.start()), u128::from(*range.end())))
    }

    /// Takes in ports.
    pub(super) fn ports(&mut self, values: &Values<RangeInclusive<u16>>) -> Result<Set, ValueError> {
        self.numbers.add(values, u16::MAX.into(), |range| (u128::from(*range.start()), u128::from(*range.end())))
    }

    /// Takes in types or codes of ICMP.
    pub(super) fn icmp(&mut self, values: &Values<u8>) -> Result<Set, ValueError> {
        self.numbers.add(values, u8::MAX.into(), |&number| (number.into(), number.into()))
    }

    /// Takes in IPv4 addresses.
    pub(super) fn ipv4(&mut self, values: &Values<Prefix<Ipv4Addr>>) -> Result<Set, ValueError> {
        check_lengths(values, Ipv4Addr::BITS)?;
        self.ipv4.add(values, u32::MAX.into(), |prefix| {
            under(prefix.address.to_bits().into(), Ipv4Addr::BITS - u32::from(prefix.length))
        })
    }

    /// Takes in IPv6 addresses.
    pub(super) fn ipv6(&mut self, values: &Values<Prefix<Ipv6Addr>>) -> Result<Set, ValueError> {
        check_lengths(values, Ipv6Addr::BITS)?;
        self.ipv6
            .add(values, u128::MAX, |prefix| under(prefix.address.to_bits(), Ipv6Addr::BITS - u32::from(prefix.length)))
    }

    /// How many ranges there are, as [`firewall::linear`] has it. [`Pool::add`] keeps them under 2^32.
    pub(super) fn header(&self) -> [u8; linear::HEADER] {
        let mut header = [0; linear::HEADER];
        for (bytes, pool) in header.as_chunks_mut().0.iter_mut().zip([&self.numbers, &self.ipv4, &self.ipv6]) {
            *bytes = (pool.ranges.len() as u32).to_le_bytes();
        }
        header
    }

    /// The ranges as [`firewall::linear`] has them.
    pub(super) fn bytes(&self) -> Vec<u8> {
        [self.numbers.bytes::<2>(), self.ipv4.bytes::<4>(), self.ipv6.bytes::<16>()].concat()
    }
}

impl Pool {
    /// Takes in values up to `max`, negated ones as all others.
    fn add<T>(&mut self, values: &Values<T>, max: u128, range: impl Fn(&T) -> Range) -> Result<Set, ValueError> {
        let ranges: Vec<Range> = values.members.iter().map(range).collect();
        if ranges.is_empty() {
            return Err(ValueError::Empty);
        }
        if ranges.iter().any(|(first, last)| first > last) {
            return Err(ValueError::Backwards);
        }
        let named = union(ranges);
        self.share(if values.negated { complement(&named, max) } else { named })
    }

    fn share(&mut self, ranges: Vec<Range>) -> Result<Set, ValueError> {
        if let Some(set) = self.sets.get(&ranges) {
            return Ok(*set);
        }
        let number = |count: usize| u32::try_from(count).map_err(|_| ValueError::TooMany);
        number(self.ranges.len() + ranges.len())?;
        let set = Set { first: number(self.ranges.len())?, count: number(ranges.len())? };
        self.ranges.extend(&ranges);
        self.sets.insert(ranges, set);
        Ok(set)
    }

    /// The low `N` bytes of every number, little-endian.
    fn bytes<const N: usize>(&self) -> Vec<u8> {
        let low = |number: u128| number.to_le_bytes().into_iter().take(N);
        self.ranges.iter().flat_map(|&(first, last)| low(first).chain(low(last))).collect()
    }
}

fn check_lengths<A>(values: &Values<Prefix<A>>, bits: u32) -> Result<(), ValueError> {
    match values.members.iter().find(|prefix| u32::from(prefix.length) > bits) {
        Some(prefix) => Err(ValueError::PrefixLength(prefix.length)),
        None => Ok(()),
    }
}

/// The addresses under a prefix that leaves this many bits free.
fn under(address: u128, free: u32) -> Range {
    let host = 1_u128.checked_shl(free).map_or(u128::MAX, |size| size - 1);
    (address & !host, address | host)
}
