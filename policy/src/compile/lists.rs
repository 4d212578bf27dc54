//! Address lists to the sets that a table has of them ([`firewall::lists`]).
use super::ValueError;
use super::ranges::Range;
use crate::policy::{List, Policy, Prefix};
use core::net::{Ipv4Addr, Ipv6Addr};
use firewall::lists::{ENTRY, LINE, kind};

mod blocks;
pub mod ipv4;
pub mod ipv6;

/// A list with no more ranges than this is written out among the ranges of the rules that name it.
const MOST_INLINE: usize = 16;

/// A list with no more ranges than this is searched by halves: an index would be larger than all of it.
const MOST_RANGES: usize = 2048;

/// Where the addresses of one version of a list are.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// Among the ranges of the rule.
    Inline(Vec<Range>),
    /// In the set of this number.
    Set(u32),
}

/// The lists of a policy as far as its rules name them, each set once.
pub(super) struct Lists<'a> {
    lists: &'a [List],
    ipv4: Vec<Option<Place>>,
    ipv6: Vec<Option<Place>>,
    sets: Vec<Set>,
}

/// A set as bytes.
struct Set {
    kind: u32,
    bytes: Vec<u8>,
}

impl<'a> Lists<'a> {
    /// None of them placed yet.
    pub(super) fn new(policy: &'a Policy) -> Self {
        let lists = &policy.lists;
        Self { lists, ipv4: vec![None; lists.len()], ipv6: vec![None; lists.len()], sets: Vec::new() }
    }

    /// Where the IPv4 addresses of a list are.
    pub(super) fn ipv4(&mut self, list: usize) -> Result<Place, ValueError> {
        let place = self.ipv4.get_mut(list).zip(self.lists.get(list));
        let (place, list) = place.ok_or(ValueError::UnknownList(list))?;
        placed(place, &mut self.sets, || {
            super::pools::check_lengths(&list.ipv4, Ipv4Addr::BITS)?;
            let ranges = joined(&list.ipv4, Prefix::<Ipv4Addr>::bounds, |last| last.checked_add(1));
            if ranges.len() <= MOST_INLINE {
                let wide = |(first, last): (u32, u32)| (u128::from(first), u128::from(last));
                return Ok(Ok(ranges.into_iter().map(wide).collect()));
            }
            let bytes = ranges.iter().flat_map(|(first, last)| [first.to_le_bytes(), last.to_le_bytes()]);
            if ranges.len() > MOST_RANGES {
                return Ok(Err(Set { kind: kind::IPV4, bytes: ipv4::ipv4_set(&ranges) }));
            }
            Ok(Err(Set { kind: kind::RANGES_V4, bytes: bytes.flatten().collect() }))
        })
    }

    /// Where the IPv6 addresses of a list are.
    pub(super) fn ipv6(&mut self, list: usize) -> Result<Place, ValueError> {
        let place = self.ipv6.get_mut(list).zip(self.lists.get(list));
        let (place, list) = place.ok_or(ValueError::UnknownList(list))?;
        placed(place, &mut self.sets, || {
            super::pools::check_lengths(&list.ipv6, Ipv6Addr::BITS)?;
            let ranges = joined(&list.ipv6, Prefix::<Ipv6Addr>::bounds, |last| last.checked_add(1));
            if ranges.len() <= MOST_INLINE {
                return Ok(Ok(ranges));
            }
            let bytes = ranges.iter().flat_map(|(first, last)| [first.to_le_bytes(), last.to_le_bytes()]);
            if ranges.len() > MOST_RANGES {
                return Ok(Err(Set { kind: kind::IPV6, bytes: ipv6::ipv6_set(&ranges) }));
            }
            Ok(Err(Set { kind: kind::RANGES_V6, bytes: bytes.flatten().collect() }))
        })
    }

    /// The sets as [`firewall::lists`] has them; empty when there are none.
    pub(super) fn bytes(&self) -> Result<Vec<u8>, ValueError> {
        if self.sets.is_empty() {
            return Ok(Vec::new());
        }
        let number = |count: usize| u32::try_from(count).map_err(|_| ValueError::TooMany);
        let mut start = 4 + self.sets.len() * ENTRY;
        let mut bytes = number(self.sets.len())?.to_le_bytes().to_vec();
        for set in &self.sets {
            start = start.next_multiple_of(LINE);
            let entry = [set.kind, number(start / LINE)?, number(set.bytes.len())?];
            bytes.extend(entry.map(u32::to_le_bytes).as_flattened());
            start += set.bytes.len();
        }
        bytes.reserve_exact(start - bytes.len());
        for set in &self.sets {
            bytes.resize(bytes.len().next_multiple_of(LINE), 0);
            bytes.extend(&set.bytes);
        }
        Ok(bytes)
    }
}

/// The place of a list, which is found when it is first asked for: its ranges, or a set.
fn placed(
    place: &mut Option<Place>,
    sets: &mut Vec<Set>,
    find: impl FnOnce() -> Result<Result<Vec<Range>, Set>, ValueError>,
) -> Result<Place, ValueError> {
    if let Some(place) = place {
        return Ok(place.clone());
    }
    let found = match find()? {
        Ok(ranges) => Place::Inline(ranges),
        Err(set) => {
            let number = u32::try_from(sets.len()).map_err(|_| ValueError::TooMany)?;
            sets.push(set);
            Place::Set(number)
        }
    };
    Ok(place.insert(found).clone())
}

/// Prefixes in order, none under another, as ranges that do not touch.
fn joined<P, N: Copy + Eq>(
    prefixes: &[P],
    bounds: impl Fn(&P) -> (N, N),
    after: impl Fn(N) -> Option<N>,
) -> Vec<(N, N)> {
    let mut ranges: Vec<(N, N)> = Vec::with_capacity(prefixes.len());
    for (first, last) in prefixes.iter().map(bounds) {
        match ranges.last_mut() {
            Some((_, end)) if after(*end) == Some(first) => *end = last,
            _ => ranges.push((first, last)),
        }
    }
    ranges
}
