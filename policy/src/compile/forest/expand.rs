//! A rule as conditions that a leaf can hold.
use super::bits::{Bits, blocks};
use crate::compile::pools::Pools;
use crate::compile::ranges::Range;
use firewall::forest::{Condition, KIND_LATER, KIND_NUMBERS};
use firewall::linear::{Record, Set, Version};

/// A rule that would take more conditions than this stands in the list.
const MOST: usize = 64;

/// The conditions of all rules, in their order.
#[derive(Default)]
pub(super) struct Conditions {
    pub(super) v4: Vec<Condition<1>>,
    pub(super) v6: Vec<Condition<4>>,
}

/// What a rule asks: one of each of these.
struct Asked {
    source: Vec<Bits>,
    destination: Vec<Bits>,
    kinds: Vec<Bits>,
    first: Vec<Range>,
    second: Vec<Range>,
}

impl Conditions {
    /// Adds a rule's; `false` if they would be too many or it names lists, and then nothing is added.
    pub(super) fn add(&mut self, number: u32, rule: &Record, pools: &Pools) -> bool {
        let of = |version| rule.version.is_none_or(|own| own == version).then(|| Asked::of(rule, pools, version));
        let (v4, v6) = (of(Version::V4), of(Version::V6));
        let count = [&v4, &v6].into_iter().flatten().map(Asked::count).max().unwrap_or(0);
        if count > MOST || rule.source_lists.is_some() || rule.destination_lists.is_some() {
            return false;
        }
        if let Some(asked) = v4 {
            self.v4.extend(asked.conditions(join_v4, number));
        }
        if let Some(asked) = v6 {
            self.v6.extend(asked.conditions(join_v6, number));
        }
        true
    }
}

fn join_v4(source: u128, destination: u128) -> [u64; 1] {
    [(source as u64) << 32 | destination as u64 & 0xffff_ffff]
}

fn join_v6(source: u128, destination: u128) -> [u64; 4] {
    [(source >> 64) as u64, source as u64, (destination >> 64) as u64, destination as u64]
}

impl Asked {
    fn of(rule: &Record, pools: &Pools, version: Version) -> Self {
        let width = match version {
            Version::V4 => 32,
            Version::V6 => 128,
        };
        let everything = vec![(0, u128::MAX)];
        let addresses = |set: Option<Set>| {
            set.map_or_else(|| blocks(&everything, width), |set| blocks(pools.addresses_of(set, version), width))
        };
        let numbers = |set: Option<Set>| {
            set.map_or_else(|| vec![(0, u128::from(u16::MAX))], |set| pools.numbers_of(set).to_vec())
        };
        Self {
            source: addresses(rule.source),
            destination: addresses(rule.destination),
            kinds: kinds(rule, pools),
            first: numbers(rule.source_port_or_type),
            second: numbers(rule.destination_port_or_code),
        }
    }

    fn count(&self) -> usize {
        let lengths =
            [self.source.len(), self.destination.len(), self.kinds.len(), self.first.len(), self.second.len()];
        lengths.into_iter().fold(1, usize::saturating_mul)
    }

    fn conditions<const W: usize>(&self, join: fn(u128, u128) -> [u64; W], rule: u32) -> Vec<Condition<W>> {
        let mut all = Vec::with_capacity(self.count());
        for (source, destination) in pairs(&self.source, &self.destination) {
            for (first, second) in pairs(&self.first, &self.second) {
                all.extend(self.kinds.iter().map(|kind| Condition {
                    addresses: join(source.bits, destination.bits),
                    masks: join(source.mask, destination.mask),
                    least: [first.0 as u16, second.0 as u16],
                    more: [(first.1 - first.0) as u16, (second.1 - second.0) as u16],
                    kind: kind.bits as u16,
                    kind_mask: kind.mask as u16,
                    rule,
                }));
            }
        }
        all
    }
}

fn pairs<'a, T: Copy>(ones: &'a [T], others: &'a [T]) -> impl Iterator<Item = (T, T)> + 'a {
    ones.iter().flat_map(|one| others.iter().map(|other| (*one, *other)))
}

/// The protocols, with what is asked of fragments and whether numbers are asked.
fn kinds(rule: &Record, pools: &Pools) -> Vec<Bits> {
    let mut protocols = rule.protocol.map_or_else(|| vec![(0, 255)], |set| pools.numbers_of(set).to_vec());
    if let Some(transport) = rule.transport.map(u128::from) {
        let named = protocols.iter().any(|(first, last)| (*first..=*last).contains(&transport));
        protocols = if named { vec![(transport, transport)] } else { vec![] };
    }
    let (later, later_mask) = match rule.later {
        None => (0, 0),
        Some(true) => (KIND_LATER, KIND_LATER),
        Some(false) => (0, KIND_LATER),
    };
    let asks_numbers = rule.source_port_or_type.is_some() || rule.destination_port_or_code.is_some();
    let numbers = if asks_numbers { KIND_NUMBERS } else { 0 };
    let kind = |protocol: Bits| Bits {
        bits: protocol.bits | u128::from(later | numbers),
        mask: protocol.mask | u128::from(later_mask | numbers),
    };
    blocks(&protocols, 8).into_iter().map(kind).collect()
}
