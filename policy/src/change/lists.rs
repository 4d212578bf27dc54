//! Changes to the entries of lists.
use super::entries::Entry;
use super::live::Live;
use super::order::Id;
use super::{ChangeError, MOST_ENTRIES, MOST_NAMING, Reason};
use crate::compile::ValueError;
use crate::compile::lists::{Place, Placed};
use crate::compile::ranges::Range;
use crate::policy::{Addresses, Member, Network, Policy, Rule};
use core::net::{Ipv4Addr, Ipv6Addr};
use firewall::linear::Version;
use firewall::patch::GONE;
use std::collections::HashMap;

/// A list that is written out in the rules of the table that name it.
pub(super) struct Inline {
    pub(super) ranges: Vec<Range>,
    rules: Vec<u32>,
}

impl Live {
    /// A long list that only an added rule names would be a set of the patch.
    pub(super) fn has_new_list(&self, rule: &Rule) -> bool {
        let is_new =
            |place: Option<&Option<Place>>, length: usize| place.is_some_and(Option::is_none) && length > MOST_ENTRIES;
        lists_of(rule).any(|(version, list)| match version {
            Version::V4 => is_new(self.placed.ipv4.get(list), self.base.lists[list].ipv4.len()),
            Version::V6 => is_new(self.placed.ipv6.get(list), self.base.lists[list].ipv6.len()),
        })
    }

    pub(super) fn add_entry(&mut self, list: usize, entry: Entry) -> Result<(), ChangeError> {
        let own = self.base.lists.get(list).ok_or(ChangeError::NoSuchList)?;
        let is_new = match entry {
            Entry::Ipv4(prefix) => {
                check_length(prefix.length, Ipv4Addr::BITS)?;
                self.edits_v4.entry(list).or_default().add(&own.ipv4, prefix)
            }
            Entry::Ipv6(prefix) => {
                check_length(prefix.length, Ipv6Addr::BITS)?;
                self.edits_v6.entry(list).or_default().add(&own.ipv6, prefix)
            }
        };
        if is_new {
            self.write_apart(list, entry);
        }
        Ok(())
    }

    pub(super) fn take_entry(&mut self, list: usize, entry: Entry) -> Result<(), ChangeError> {
        let own = self.base.lists.get(list).ok_or(ChangeError::NoSuchList)?;
        match entry {
            Entry::Ipv4(prefix) => self.edits_v4.entry(list).or_default().take(&own.ipv4, prefix)?,
            Entry::Ipv6(prefix) => self.edits_v6.entry(list).or_default().take(&own.ipv6, prefix)?,
        }
        self.write_apart(list, entry);
        Ok(())
    }

    /// A short list is written out in the rules of the table that name it. They are put in their own places again, in the
    /// patch, where the list is a set that can change.
    fn write_apart(&mut self, list: usize, entry: Entry) {
        let version = match entry {
            Entry::Ipv4(_) => Version::V4,
            Entry::Ipv6(_) => Version::V6,
        };
        let Some(inline) = self.inline.get(&(version, list)) else { return };
        let rules = inline.rules.clone();
        if rules.len() > MOST_NAMING {
            self.anew = Some(Reason::Naming);
            return;
        }
        for rule in rules {
            let place = self.order.numbers(self.added.len()).of(Id::Table(rule));
            if place != GONE {
                self.insert(place as usize + 1, self.base.rules[rule as usize].clone());
                // It is there: its number is a place.
                let _ = self.take(place as usize);
            }
        }
        self.inline.remove(&(version, list));
    }
}

fn check_length(length: u8, bits: u32) -> Result<(), ChangeError> {
    let is_right = u32::from(length) <= bits;
    if is_right { Ok(()) } else { Err(ChangeError::Value(ValueError::PrefixLength(length))) }
}

/// The lists that a rule names.
fn lists_of(rule: &Rule) -> impl Iterator<Item = (Version, usize)> {
    fn named<P>(asked: &Addresses<P>) -> Vec<usize> {
        let members = asked.source.iter().chain(&asked.destination).flat_map(|values| &values.members);
        let lists = members.filter_map(|member| match member {
            Member::Prefix(_) => None,
            Member::List(list) => Some(*list),
        });
        lists.collect()
    }
    let (version, lists) = match &rule.network {
        None => (Version::V4, vec![]),
        Some(Network::Ipv4(asked)) => (Version::V4, named(asked)),
        Some(Network::Ipv6(asked)) => (Version::V6, named(asked)),
    };
    lists.into_iter().map(move |list| (version, list))
}

/// The lists that are written out in rules of the table.
pub(super) fn inline(policy: &Policy, places: &Placed) -> HashMap<(Version, usize), Inline> {
    let mut all = HashMap::<_, Inline>::new();
    for (number, rule) in (0..).zip(&policy.rules) {
        for (version, list) in lists_of(rule) {
            let place = match version {
                Version::V4 => places.ipv4.get(list),
                Version::V6 => places.ipv6.get(list),
            };
            let Some(Some(Place::Inline(ranges))) = place else { continue };
            let of_list = || Inline { ranges: ranges.clone(), rules: Vec::new() };
            let rules = &mut all.entry((version, list)).or_insert_with(of_list).rules;
            if rules.last() != Some(&number) {
                rules.push(number);
            }
        }
    }
    all
}
