//! What was added to lists and taken from them. A list stays as it was; what a long one is costs nothing.
use super::ChangeError;
use crate::compile::ranges::{Range, union};
use crate::policy::{Prefix, Prefixes};
use core::net::{Ipv4Addr, Ipv6Addr};
use std::collections::BTreeSet;

/// An address or a prefix that a list has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Of IPv4.
    Ipv4(Prefix<Ipv4Addr>),
    /// Of IPv6.
    Ipv6(Prefix<Ipv6Addr>),
}

/// Changes to the addresses of one version of a list. The prefixes of the list itself lie apart from each other, so that
/// what remains of it is all but those under the ones that are gone; and to that comes what is under those that were
/// added. Neither depends on the other, nor on how the rest of the list is.
#[derive(Clone, Debug)]
pub(super) struct Edits<A> {
    /// Prefixes that the list does not have itself.
    added: BTreeSet<Prefix<A>>,
    /// Prefixes that it has.
    taken: BTreeSet<Prefix<A>>,
}

impl<A> Default for Edits<A> {
    fn default() -> Self {
        Self { added: BTreeSet::new(), taken: BTreeSet::new() }
    }
}

impl<A: Ord + Copy> Edits<A> {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.added.len() + self.taken.len()
    }

    /// Adds a prefix; `false` if the list has it.
    pub(super) fn add(&mut self, list: &[Prefix<A>], prefix: Prefix<A>) -> bool {
        if list.binary_search(&prefix).is_ok() { self.taken.remove(&prefix) } else { self.added.insert(prefix) }
    }

    /// Takes a prefix away.
    pub(super) fn take(&mut self, list: &[Prefix<A>], prefix: Prefix<A>) -> Result<(), ChangeError> {
        let had =
            if list.binary_search(&prefix).is_ok() { self.taken.insert(prefix) } else { self.added.remove(&prefix) };
        if had { Ok(()) } else { Err(ChangeError::NoSuchEntry) }
    }

    /// All prefixes of the changed list.
    fn all(&self, list: &[Prefix<A>]) -> Vec<Prefix<A>> {
        let kept = list.iter().filter(|prefix| !self.taken.contains(prefix));
        kept.chain(&self.added).copied().collect()
    }
}

impl Edits<Ipv4Addr> {
    /// What is added and what is taken away, as ranges.
    pub(super) fn ranges(&self) -> [Vec<Range>; 2] {
        let wide = |prefix: &Prefix<Ipv4Addr>| {
            let (first, last) = prefix.bounds();
            (first.into(), last.into())
        };
        [&self.added, &self.taken].map(|prefixes| union(prefixes.iter().map(wide).collect()))
    }

    /// The changed list.
    pub(super) fn changed(&self, list: &Prefixes<Ipv4Addr>) -> Prefixes<Ipv4Addr> {
        Prefixes::<Ipv4Addr>::new(self.all(list))
    }
}

impl Edits<Ipv6Addr> {
    /// What is added and what is taken away, as ranges.
    pub(super) fn ranges(&self) -> [Vec<Range>; 2] {
        [&self.added, &self.taken].map(|prefixes| union(prefixes.iter().map(Prefix::<Ipv6Addr>::bounds).collect()))
    }

    /// The changed list.
    pub(super) fn changed(&self, list: &Prefixes<Ipv6Addr>) -> Prefixes<Ipv6Addr> {
        Prefixes::<Ipv6Addr>::new(self.all(list))
    }
}
