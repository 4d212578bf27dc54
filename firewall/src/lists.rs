//! Sets of addresses that are too large to stand among the ranges of the rules: each stands once, and rules name it by
//! its number. Looking an address up costs about the same however many it has. Cannot panic.
//!
//! | bytes | what |
//! |---|---|
//! | 0..4 | how many sets there are |
//! | | of each set [`ENTRY`] bytes: its [`kind`]; where it starts, in [`LINE`]s from here; its length in bytes |
//! | | the sets |
use crate::linear::Version;
use crate::ranges::{Bounds, Pool, contains, in_order};
use core::fmt;
use core::net::IpAddr;

mod block;
mod changes;
mod cost;
pub mod ipv4;
pub mod ipv6;

pub(crate) use changes::Changes;
pub use changes::{CHANGE, Change};
pub use ipv4::Ipv4Set;
pub use ipv6::Ipv6Set;

/// Where lists and sets start: at a multiple of so many bytes, as many as a processor fetches together.
pub const LINE: usize = 64;
/// Bytes of a set's entry.
pub const ENTRY: usize = size_of::<Entry>();

type Entry = [[u8; 4]; 3];

/// What a set is made of.
pub mod kind {
    /// Ranges of IPv4 addresses in order, first and last, 4 bytes each.
    pub const RANGES_V4: u32 = 0;
    /// Ranges of IPv6 addresses in order, first and last, 16 bytes each.
    pub const RANGES_V6: u32 = 1;
    /// [`ipv4`](super::ipv4).
    pub const IPV4: u32 = 2;
    /// [`ipv6`](super::ipv6).
    pub const IPV6: u32 = 3;
}

/// The sets of a table, all of which have been found right.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lists<'a> {
    entries: &'a [Entry],
    bytes: &'a [u8],
    changes: Changes<'a>,
}

/// One set of addresses.
#[derive(Clone, Copy, Debug)]
pub enum Set<'a> {
    /// Few IPv4 addresses.
    RangesV4(Pool<'a, 4>),
    /// Few IPv6 addresses.
    RangesV6(Pool<'a, 16>),
    /// Many IPv4 addresses.
    Ipv4(Ipv4Set<'a>),
    /// Many IPv6 addresses.
    Ipv6(Ipv6Set<'a>),
}

impl<'a> Lists<'a> {
    /// Decodes the lists and checks all of them. No bytes at all are no lists.
    ///
    /// # Errors
    /// The first thing that is wrong with them.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, ListsError> {
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        let (count, rest) = bytes.split_first_chunk().ok_or(ListsError::Length)?;
        let count = usize::try_from(u32::from_le_bytes(*count)).map_err(|_| ListsError::Length)?;
        let length = count.checked_mul(ENTRY).ok_or(ListsError::Length)?;
        let entries = rest.get(..length).ok_or(ListsError::Length)?.as_chunks().0.as_chunks().0;
        let lists = Self { entries, bytes, changes: Changes::default() };
        for number in (0..).take(entries.len()) {
            let set = lists.set(number).ok_or(ListsError::Set(number))?;
            set.check().map_err(|fault| ListsError::Fault(number, fault))?;
        }
        Ok(lists)
    }

    /// Whether an address is in the set of this number. A set has addresses of one version only.
    #[inline]
    pub fn contains(&self, number: u32, address: &IpAddr) -> bool {
        if self.changes.is_empty() {
            return self.set(number).is_some_and(|set| set.contains(address));
        }
        self.contains_changed(number, address)
    }

    /// The set of this number, as it is without what a patch changes in it; `None` when there is none.
    #[inline]
    pub fn set(&self, number: u32) -> Option<Set<'a>> {
        match self.entries.get(usize::try_from(number).ok()?) {
            Some(entry) => self.of_entry(entry),
            None => self.added(number),
        }
    }

    #[inline]
    fn of_entry(&self, entry: &Entry) -> Option<Set<'a>> {
        let [kind, start, length] = entry.map(u32::from_le_bytes);
        let start = usize::try_from(start).ok()?.checked_mul(LINE)?;
        let bytes = self.bytes.get(start..start.checked_add(usize::try_from(length).ok()?)?)?;
        match kind {
            kind::RANGES_V4 => Some(Set::RangesV4(ranges::<4>(bytes)?)),
            kind::RANGES_V6 => Some(Set::RangesV6(ranges::<16>(bytes)?)),
            kind::IPV4 => Some(Set::Ipv4(Ipv4Set::of(bytes)?)),
            kind::IPV6 => Some(Set::Ipv6(Ipv6Set::of(bytes)?)),
            _ => None,
        }
    }
}

/// Ranges of numbers of `N` bytes and nothing after them.
fn ranges<const N: usize>(bytes: &[u8]) -> Option<Pool<'_, N>> {
    let (numbers, []) = bytes.as_chunks() else { return None };
    let (ranges, []) = numbers.as_chunks() else { return None };
    Some(ranges)
}

impl Set<'_> {
    /// The version of its addresses.
    pub fn version(&self) -> Version {
        match self {
            Self::RangesV4(_) | Self::Ipv4(_) => Version::V4,
            Self::RangesV6(_) | Self::Ipv6(_) => Version::V6,
        }
    }

    /// Whether an address is in it.
    #[inline]
    pub fn contains(&self, address: &IpAddr) -> bool {
        match (self, address) {
            (Self::Ipv4(set), IpAddr::V4(address)) => set.contains(address.to_bits()),
            _ => self.other_contains(address),
        }
    }

    /// Apart from the most common, so that little stands in the way of that.
    #[inline(never)]
    fn other_contains(&self, address: &IpAddr) -> bool {
        match (self, address) {
            (Self::RangesV4(ranges), IpAddr::V4(address)) => contains(ranges, address.to_bits()),
            (Self::RangesV6(ranges), IpAddr::V6(address)) => contains(ranges, address.to_bits()),
            (Self::Ipv6(set), IpAddr::V6(address)) => set.contains(address.to_bits()),
            _ => false,
        }
    }

    fn check(&self) -> Result<(), Fault> {
        match self {
            Self::RangesV4(ranges) => check_order(ranges),
            Self::RangesV6(ranges) => check_order(ranges),
            Self::Ipv4(set) => set.check(),
            Self::Ipv6(set) => set.check(),
        }
    }
}

fn check_order<R: Bounds>(ranges: &[R]) -> Result<(), Fault> {
    if in_order(ranges) { Ok(()) } else { Err(Fault::Order) }
}

/// Why bytes are not lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListsError {
    /// They are shorter than their sets' entries take.
    Length,
    /// The set of this number is of no kind that is known, or not where its entry says, or cut short.
    Set(u32),
    /// The set of this number is wrong.
    Fault(u32, Fault),
}

/// What is wrong with a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Its length is none that such a set has.
    Length,
    /// Ranges are not in order.
    Order,
    /// The index has an entry that means nothing, or points past the end.
    Entry,
}

impl fmt::Display for ListsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length => f.write_str("its address lists are shorter than their entries take"),
            Self::Set(set) => write!(f, "address list {set} is of no kind that is known, or not where it should be"),
            Self::Fault(set, fault) => write!(f, "address list {set} is wrong: {fault}"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Length => "it is cut short",
            Self::Order => "its ranges are not in order",
            Self::Entry => "its index points to what is not there",
        })
    }
}
