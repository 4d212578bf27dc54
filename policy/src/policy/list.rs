//! Lists of addresses.
use super::Prefix;
use core::net::{Ipv4Addr, Ipv6Addr};

/// An entry of `lists`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List {
    /// What rules call it, after `@`.
    pub name: String,
    /// Its IPv4 members.
    pub ipv4: Prefixes<Ipv4Addr>,
    /// Its IPv6 members.
    pub ipv6: Prefixes<Ipv6Addr>,
}

/// Prefixes in the order of their addresses, none of which lies under another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefixes<A>(Vec<Prefix<A>>);

impl<A> Default for Prefixes<A> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<A> core::ops::Deref for Prefixes<A> {
    type Target = [Prefix<A>];

    fn deref(&self) -> &[Prefix<A>] {
        &self.0
    }
}

impl Prefixes<Ipv4Addr> {
    /// Puts prefixes in order; those that others cover are gone.
    pub fn new(prefixes: Vec<Prefix<Ipv4Addr>>) -> Self {
        Self(outermost(prefixes, |prefix| prefix.bounds()))
    }
}

impl Prefixes<Ipv6Addr> {
    /// Puts prefixes in order; those that others cover are gone.
    pub fn new(prefixes: Vec<Prefix<Ipv6Addr>>) -> Self {
        Self(outermost(prefixes, |prefix| prefix.bounds()))
    }
}

impl Prefix<Ipv4Addr> {
    /// The first address under it, and the last.
    pub fn bounds(&self) -> (u32, u32) {
        let first = self.address.to_bits();
        (first, first | u32::MAX.checked_shr(self.length.into()).unwrap_or(0))
    }
}

impl Prefix<Ipv6Addr> {
    /// The first address under it, and the last.
    pub fn bounds(&self) -> (u128, u128) {
        let first = self.address.to_bits();
        (first, first | u128::MAX.checked_shr(self.length.into()).unwrap_or(0))
    }
}

/// Two prefixes never overlap in part, so that one that begins where another still goes on lies under it.
fn outermost<P, N: Ord + Copy>(mut prefixes: Vec<P>, bounds: impl Fn(&P) -> (N, N)) -> Vec<P> {
    prefixes.sort_unstable_by_key(|prefix| (bounds(prefix).0, core::cmp::Reverse(bounds(prefix).1)));
    let mut end = None;
    prefixes.retain(|prefix| {
        let (first, last) = bounds(prefix);
        let is_outside = end.is_none_or(|end| first > end);
        if is_outside {
            end = Some(last);
        }
        is_outside
    });
    prefixes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(address: [u8; 4], length: u8) -> Prefix<Ipv4Addr> {
        Prefix { address: address.into(), length }
    }

    #[test]
    fn prefixes_come_in_order_and_without_those_that_others_cover() {
        let prefixes = Prefixes::<Ipv4Addr>::new(vec![
            prefix([10, 0, 0, 1], 32),
            prefix([255, 255, 255, 255], 32),
            prefix([10, 0, 0, 0], 24),
            prefix([9, 255, 255, 255], 32),
            prefix([10, 0, 0, 0], 8),
            prefix([10, 255, 255, 255], 32),
            prefix([11, 0, 0, 0], 32),
            prefix([11, 0, 0, 0], 32),
        ]);
        let expected = [
            prefix([9, 255, 255, 255], 32),
            prefix([10, 0, 0, 0], 8),
            prefix([11, 0, 0, 0], 32),
            prefix([255, 255, 255, 255], 32),
        ];
        assert_eq!(*prefixes, expected);
        assert_eq!(*Prefixes::<Ipv4Addr>::new(vec![prefixes[0], prefix([0; 4], 0)]), [prefix([0; 4], 0)]);
    }
}
