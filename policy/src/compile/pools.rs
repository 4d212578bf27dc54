//! The ranges of all rules. Rules that name the same values share them.
use super::ValueError;
use super::lists::{Lists, Place};
use super::ranges::{Range, complement, union};
use crate::policy::{Member, Prefix, Values};
use core::net::{Ipv4Addr, Ipv6Addr};
use core::ops::RangeInclusive;
use firewall::linear::{self, Set, Version};
use std::collections::HashMap;

/// The ranges by the width of their numbers.
#[derive(Default)]
pub(super) struct Pools {
    numbers: Pool,
    ipv4: Pool,
    ipv6: Pool,
    references: Pool,
}

/// Addresses that a rule names: ranges, and references to lists. Negation is in the ranges, unless there are lists.
#[derive(Clone, Copy, Default)]
pub(super) struct Addresses {
    pub(super) ranges: Option<Set>,
    pub(super) lists: Option<Set>,
    pub(super) negated: bool,
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
    pub(super) fn ipv4(
        &mut self,
        values: &Values<Member<Prefix<Ipv4Addr>>>,
        lists: &mut Lists,
    ) -> Result<Addresses, ValueError> {
        let (prefixes, named) = apart(values);
        check_lengths(&prefixes, Ipv4Addr::BITS)?;
        let places = named.into_iter().map(|list| lists.ipv4(list)).collect::<Result<_, _>>()?;
        let wide = |(first, last): (u32, u32)| (u128::from(first), u128::from(last));
        let ranges = prefixes.iter().map(|prefix| wide(prefix.bounds())).collect();
        self.addresses(|pools| &mut pools.ipv4, u32::MAX.into(), ranges, places, values.negated)
    }

    /// Takes in IPv6 addresses.
    pub(super) fn ipv6(
        &mut self,
        values: &Values<Member<Prefix<Ipv6Addr>>>,
        lists: &mut Lists,
    ) -> Result<Addresses, ValueError> {
        let (prefixes, named) = apart(values);
        check_lengths(&prefixes, Ipv6Addr::BITS)?;
        let places = named.into_iter().map(|list| lists.ipv6(list)).collect::<Result<_, _>>()?;
        let ranges = prefixes.iter().map(|prefix| prefix.bounds()).collect();
        self.addresses(|pools| &mut pools.ipv6, u128::MAX, ranges, places, values.negated)
    }

    fn addresses(
        &mut self,
        pool: fn(&mut Self) -> &mut Pool,
        max: u128,
        mut ranges: Vec<Range>,
        places: Vec<Place>,
        negated: bool,
    ) -> Result<Addresses, ValueError> {
        if ranges.is_empty() && places.is_empty() {
            return Err(ValueError::Empty);
        }
        let mut sets = Vec::new();
        for place in places {
            match place {
                Place::Inline(members) => ranges.extend(members),
                Place::Set(set) => sets.push((set.into(), set.into())),
            }
        }
        let ranges = union(ranges);
        if sets.is_empty() {
            let ranges = if negated { complement(&ranges, max) } else { ranges };
            return Ok(Addresses { ranges: Some(pool(self).share(ranges)?), ..Addresses::default() });
        }
        sets.sort_unstable();
        sets.dedup();
        let ranges = if ranges.is_empty() { None } else { Some(pool(self).share(ranges)?) };
        Ok(Addresses { ranges, lists: Some(self.references.share(sets)?), negated })
    }

    /// The small numbers of a set.
    pub(super) fn numbers_of(&self, set: Set) -> &[Range] {
        self.numbers.members(set)
    }

    /// The addresses of a set, of this version of IP.
    pub(super) fn addresses_of(&self, set: Set, version: Version) -> &[Range] {
        match version {
            Version::V4 => self.ipv4.members(set),
            Version::V6 => self.ipv6.members(set),
        }
    }

    /// The numbers of the lists of a set of references. [`Pools::addresses`] makes them of 32 bits.
    pub(super) fn lists_of(&self, set: Set) -> impl Iterator<Item = u32> + '_ {
        self.references.members(set).iter().map(|(list, _)| *list as u32)
    }

    fn all(&self) -> [&Pool; 4] {
        [&self.numbers, &self.ipv4, &self.ipv6, &self.references]
    }

    /// How many ranges and references there are, as [`firewall::linear`] has it. [`Pool::add`] keeps them under 2^32.
    pub(super) fn header(&self) -> [u8; linear::HEADER] {
        let mut header = [0; linear::HEADER];
        for (bytes, pool) in header.as_chunks_mut().0.iter_mut().zip(self.all()) {
            *bytes = (pool.ranges.len() as u32).to_le_bytes();
        }
        header
    }

    /// The ranges and references as [`firewall::linear`] has them.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let references = self.references.ranges.iter().flat_map(|&(set, _)| (set as u32).to_le_bytes()).collect();
        [self.numbers.bytes::<2>(), self.ipv4.bytes::<4>(), self.ipv6.bytes::<16>(), references].concat()
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

    fn members(&self, set: Set) -> &[Range] {
        let first = set.first as usize;
        self.ranges.get(first..first + set.count as usize).unwrap_or_default()
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

/// The prefixes, and the numbers of the lists.
fn apart<P: Copy>(values: &Values<Member<P>>) -> (Vec<P>, Vec<usize>) {
    let prefixes = values.members.iter().filter_map(|member| match member {
        Member::Prefix(prefix) => Some(*prefix),
        Member::List(_) => None,
    });
    let lists = values.members.iter().filter_map(|member| match member {
        Member::Prefix(_) => None,
        Member::List(list) => Some(*list),
    });
    (prefixes.collect(), lists.collect())
}

pub(super) fn check_lengths<A>(prefixes: &[Prefix<A>], bits: u32) -> Result<(), ValueError> {
    match prefixes.iter().find(|prefix| u32::from(prefix.length) > bits) {
        Some(prefix) => Err(ValueError::PrefixLength(prefix.length)),
        None => Ok(()),
    }
}
