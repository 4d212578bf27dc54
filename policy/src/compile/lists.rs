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
pub(crate) enum Place {
    /// Among the ranges of the rule.
    Inline(Vec<Range>),
    /// In the set of this number.
    Set(u32),
}

/// The lists of a policy as far as its rules name them, each set once.
pub(super) struct Lists<'a> {
    lists: &'a [List],
    placed: Placed,
}

/// Where lists are, and the sets that were made of them.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub(crate) ipv4: Vec<Option<Place>>,
    pub(crate) ipv6: Vec<Option<Place>>,
    pub(crate) sets: Vec<Set>,
    /// How many sets there are besides, with the first numbers.
    pub(crate) before: u32,
    /// A list with no more ranges than this is written out among the ranges of the rules.
    pub(crate) most_inline: Option<usize>,
}

/// A set as bytes.
#[derive(Clone, Debug)]
pub(crate) struct Set {
    kind: u32,
    bytes: Vec<u8>,
}

impl Placed {
    /// None of a policy's lists placed yet.
    pub(super) fn none(lists: usize) -> Self {
        let (ipv4, ipv6) = (vec![None; lists], vec![None; lists]);
        Self { ipv4, ipv6, sets: Vec::new(), before: 0, most_inline: Some(MOST_INLINE) }
    }
}

impl Set {
    /// Few IPv4 addresses, in order.
    pub(crate) fn ipv4(ranges: &[Range]) -> Self {
        let bytes =
            ranges.iter().flat_map(|&(first, last)| [(first as u32).to_le_bytes(), (last as u32).to_le_bytes()]);
        Self { kind: kind::RANGES_V4, bytes: bytes.flatten().collect() }
    }

    /// Few IPv6 addresses, in order.
    pub(crate) fn ipv6(ranges: &[Range]) -> Self {
        let bytes = ranges.iter().flat_map(|(first, last)| [first.to_le_bytes(), last.to_le_bytes()]);
        Self { kind: kind::RANGES_V6, bytes: bytes.flatten().collect() }
    }
}

impl<'a> Lists<'a> {
    /// None of them placed yet.
    pub(super) fn new(policy: &'a Policy) -> Self {
        Self { lists: &policy.lists, placed: Placed::none(policy.lists.len()) }
    }

    /// Some of them placed already.
    pub(super) fn placed(lists: &'a [List], placed: Placed) -> Self {
        Self { lists, placed }
    }

    /// Where they are.
    pub(super) fn into_placed(self) -> Placed {
        self.placed
    }

    /// Where the IPv4 addresses of a list are.
    pub(super) fn ipv4(&mut self, list: usize) -> Result<Place, ValueError> {
        let Placed { ipv4, sets, before, most_inline, .. } = &mut self.placed;
        let place = ipv4.get_mut(list).zip(self.lists.get(list));
        let (place, list) = place.ok_or(ValueError::UnknownList(list))?;
        placed(place, sets, *before, || {
            super::pools::check_lengths(&list.ipv4, Ipv4Addr::BITS)?;
            let ranges = joined(&list.ipv4, Prefix::<Ipv4Addr>::bounds, |last| last.checked_add(1));
            if ranges.len() > MOST_RANGES {
                return Ok(Err(Set { kind: kind::IPV4, bytes: ipv4::ipv4_set(&ranges) }));
            }
            let wide = |(first, last): (u32, u32)| (u128::from(first), u128::from(last));
            let ranges: Vec<Range> = ranges.into_iter().map(wide).collect();
            if most_inline.is_some_and(|most| ranges.len() <= most) {
                return Ok(Ok(ranges));
            }
            Ok(Err(Set::ipv4(&ranges)))
        })
    }

    /// Where the IPv6 addresses of a list are.
    pub(super) fn ipv6(&mut self, list: usize) -> Result<Place, ValueError> {
        let Placed { ipv6, sets, before, most_inline, .. } = &mut self.placed;
        let place = ipv6.get_mut(list).zip(self.lists.get(list));
        let (place, list) = place.ok_or(ValueError::UnknownList(list))?;
        placed(place, sets, *before, || {
            super::pools::check_lengths(&list.ipv6, Ipv6Addr::BITS)?;
            let ranges = joined(&list.ipv6, Prefix::<Ipv6Addr>::bounds, |last| last.checked_add(1));
            if ranges.len() > MOST_RANGES {
                return Ok(Err(Set { kind: kind::IPV6, bytes: ipv6::ipv6_set(&ranges) }));
            }
            if most_inline.is_some_and(|most| ranges.len() <= most) {
                return Ok(Ok(ranges));
            }
            Ok(Err(Set::ipv6(&ranges)))
        })
    }

    /// The sets as [`firewall::lists`] has them; empty when there are none.
    pub(super) fn bytes(&self) -> Result<Vec<u8>, ValueError> {
        emit(&self.placed.sets.iter().collect::<Vec<_>>())
    }
}

/// Sets as [`firewall::lists`] has them; empty when there are none.
pub(crate) fn emit(sets: &[&Set]) -> Result<Vec<u8>, ValueError> {
    if sets.is_empty() {
        return Ok(Vec::new());
    }
    let number = |count: usize| u32::try_from(count).map_err(|_| ValueError::TooMany);
    let mut start = 4 + sets.len() * ENTRY;
    let mut bytes = number(sets.len())?.to_le_bytes().to_vec();
    for set in sets {
        start = start.next_multiple_of(LINE);
        let entry = [set.kind, number(start / LINE)?, number(set.bytes.len())?];
        bytes.extend(entry.map(u32::to_le_bytes).as_flattened());
        start += set.bytes.len();
    }
    bytes.reserve_exact(start - bytes.len());
    for set in sets {
        bytes.resize(bytes.len().next_multiple_of(LINE), 0);
        bytes.extend(&set.bytes);
    }
    Ok(bytes)
}

/// The place of a list, which is found when it is first asked for: its ranges, or a set.
fn placed(
    place: &mut Option<Place>,
    sets: &mut Vec<Set>,
    before: u32,
    find: impl FnOnce() -> Result<Result<Vec<Range>, Set>, ValueError>,
) -> Result<Place, ValueError> {
    if let Some(place) = place {
        return Ok(place.clone());
    }
    let found = match find()? {
        Ok(ranges) => Place::Inline(ranges),
        Err(set) => {
            let number = u32::try_from(sets.len()).ok().and_then(|own| own.checked_add(before));
            let number = number.ok_or(ValueError::TooMany)?;
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
