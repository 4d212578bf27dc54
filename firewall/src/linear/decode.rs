//! The linear engine's part of a table, checked as a whole before anything is decided by it.
use super::{HEADER, Linear, RECORD, Record, RecordError, Set, Version, members};
use crate::lists::Lists;
use crate::ranges::{Bounds, Pool, in_order};
use crate::table::split_chunks;
use core::fmt;

impl<'a> Linear<'a> {
    /// Decodes the engine's part of a table with this many rules and these lists.
    pub(crate) fn decode(body: &'a [u8], rules: u32, lists: Lists<'a>) -> Result<Self, LinearError> {
        let (header, rest) = body.split_first_chunk::<HEADER>().ok_or(LinearError::Length)?;
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = *header;
        let (rules, rest) = split_chunks::<RECORD>(rest, rules).ok_or(LinearError::Length)?;
        let rules = rules.as_flattened().as_chunks().0.as_chunks().0;
        let (numbers, rest) = pool::<2>(rest, u32::from_le_bytes([a, b, c, d]))?;
        let (ipv4, rest) = pool::<4>(rest, u32::from_le_bytes([e, f, g, h]))?;
        let (ipv6, rest) = pool::<16>(rest, u32::from_le_bytes([i, j, k, l]))?;
        let references = split_chunks::<4>(rest, u32::from_le_bytes([m, n, o, p]));
        let (references, rest) = references.ok_or(LinearError::Length)?;
        if !rest.is_empty() {
            return Err(LinearError::Length);
        }
        let linear = Self { rules, numbers, ipv4, ipv6, references, lists };
        for (number, bytes) in (0..).zip(rules) {
            let record = Record::parse(bytes).map_err(|error| LinearError::Rule(number, error))?;
            if !linear.has_sets_of(&record) {
                return Err(LinearError::Set(number));
            }
            if !linear.has_lists_of(&record) {
                return Err(LinearError::List(number));
            }
        }
        Ok(linear)
    }

    fn has_sets_of(&self, record: &Record) -> bool {
        let addresses = [record.source, record.destination];
        let numbers = [record.protocol, record.source_port_or_type, record.destination_port_or_code];
        numbers.iter().all(|set| valid(self.numbers, *set))
            && match record.version {
                Some(Version::V4) => addresses.iter().all(|set| valid(self.ipv4, *set)),
                Some(Version::V6) => addresses.iter().all(|set| valid(self.ipv6, *set)),
                None => addresses.iter().all(Option::is_none),
            }
    }

    fn has_lists_of(&self, record: &Record) -> bool {
        let of = |version, reference: &[u8; 4]| {
            self.lists.set(u32::from_le_bytes(*reference)).is_some_and(|set| set.version() == version)
        };
        [record.source_lists, record.destination_lists].into_iter().flatten().all(|set| {
            let named = members(self.references, set).zip(record.version);
            named.is_some_and(|(references, version)| references.iter().all(|reference| of(version, reference)))
        })
    }
}

fn valid<R: Bounds>(pool: &[R], set: Option<Set>) -> bool {
    set.is_none_or(|set| members(pool, set).is_some_and(in_order))
}

/// The first `count` ranges of numbers of `N` bytes, and what follows them.
fn pool<const N: usize>(bytes: &[u8], count: u32) -> Result<(Pool<'_, N>, &[u8]), LinearError> {
    let bounds = split_chunks::<N>(bytes, count.checked_mul(2).ok_or(LinearError::Length)?);
    let (bounds, rest) = bounds.ok_or(LinearError::Length)?;
    Ok((bounds.as_chunks().0, rest))
}

/// Why bytes are not the linear engine's part of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinearError {
    /// It is shorter or longer than its rules and ranges take.
    Length,
    /// The rule of this number is wrong.
    Rule(u32, RecordError),
    /// The rule of this number names ranges that are not there or not in order.
    Set(u32),
    /// The rule of this number names lists that are not there or of the other IP version.
    List(u32),
}

impl fmt::Display for LinearError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length => f.write_str("it is not as long as its rules and ranges take"),
            Self::Rule(rule, error) => write!(f, "rule {rule} is wrong: {error}"),
            Self::Set(rule) => write!(f, "rule {rule} names ranges that are not there or not in order"),
            Self::List(rule) => write!(f, "rule {rule} names lists that are not there or of the other IP version"),
        }
    }
}
