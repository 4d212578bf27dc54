//! Which lists have a bit in the key: those that the most rules name.
use crate::compile::pools::Pools;
use firewall::forest::{Asked, KIND_LISTS, MOST_LISTS};
use firewall::linear::{Record, Set, Version};
use std::collections::BTreeMap;

/// The lists that are asked of one version of IP, in the order of their bits.
pub(super) struct Bits(Vec<Asked>);

impl Bits {
    /// Of these rules, whose values are in the pools.
    pub(super) fn of(rules: &[Record], pools: &Pools, version: Version) -> Self {
        let mut named = BTreeMap::<Asked, usize>::new();
        for rule in rules.iter().filter(|rule| rule.version == Some(version)) {
            for (destination, lists) in [(false, rule.source_lists), (true, rule.destination_lists)] {
                for set in lists.into_iter().flat_map(|lists| pools.lists_of(lists)) {
                    *named.entry(Asked { set, destination }).or_default() += 1;
                }
            }
        }
        let mut named: Vec<_> = named.into_iter().collect();
        named.sort_by_key(|(_, rules)| core::cmp::Reverse(*rules));
        Self(named.into_iter().map(|(asked, _)| asked).take(MOST_LISTS).collect())
    }

    /// The kind's bit of each list of a set of references; `None` if one has none.
    pub(super) fn find(&self, lists: Set, destination: bool, pools: &Pools) -> Option<Vec<u32>> {
        let bit = |set| self.0.iter().position(|asked| *asked == Asked { set, destination });
        pools.lists_of(lists).map(|set| bit(set).map(|at| 1 << (KIND_LISTS as usize + at))).collect()
    }

    /// Them as the table has them.
    pub(super) fn emit(&self, bytes: &mut Vec<u8>) {
        // There are no more than have a bit.
        bytes.extend((self.0.len() as u32).to_le_bytes());
        bytes.extend(self.0.iter().flat_map(|asked| asked.emit()));
    }
}
