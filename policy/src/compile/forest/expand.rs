//! A rule as conditions that a leaf can hold.
use super::asked;
use crate::compile::bits::{Bits, blocks};
use crate::compile::pools::Pools;
use crate::compile::ranges::{Range, complement};
use firewall::forest::{Condition, KIND_LATER, KIND_NUMBERS, answer};
use firewall::linear::{Record, Set, Version};

/// What a rule asks: one of each of these.
pub(super) struct Asked {
    source: Vec<Side>,
    destination: Vec<Side>,
    kinds: Vec<Side>,
    first: Vec<Range>,
    second: Vec<Range>,
}

/// Bits of an address, or all of them free, and bits of the kind.
#[derive(Clone, Copy)]
struct Side {
    address: Bits,
    kind: u32,
    kind_mask: u32,
}

/// The address does not count.
const ANY: Bits = Bits { bits: 0, mask: 0 };

impl Asked {
    /// What a rule asks of packets of one version; `None` if it names a list that has no bit in the key.
    pub(super) fn of(rule: &Record, pools: &Pools, version: Version, lists: &asked::Bits) -> Option<Self> {
        let (source, destination) = (
            Sides { ranges: rule.source, lists: rule.source_lists, negated: rule.source_negated, destination: false },
            Sides {
                ranges: rule.destination,
                lists: rule.destination_lists,
                negated: rule.destination_negated,
                destination: true,
            },
        );
        let numbers = |set: Option<Set>| {
            set.map_or_else(|| vec![(0, u128::from(u16::MAX))], |set| pools.numbers_of(set).to_vec())
        };
        Some(Self {
            source: source.all(pools, version, lists)?,
            destination: destination.all(pools, version, lists)?,
            kinds: kinds(rule, pools),
            first: numbers(rule.source_port_or_type),
            second: numbers(rule.destination_port_or_code),
        })
    }

    /// How many conditions they are.
    pub(super) fn count(&self) -> usize {
        let lengths =
            [self.source.len(), self.destination.len(), self.kinds.len(), self.first.len(), self.second.len()];
        lengths.into_iter().fold(1, usize::saturating_mul)
    }

    /// Them for IPv4.
    pub(super) fn v4(&self, number: u32, rule: &Record) -> Vec<Condition<1>> {
        let join = |source: u128, destination: u128| [(source as u64) << 32 | destination as u64 & 0xffff_ffff];
        self.conditions(join, answer(number, rule.action))
    }

    /// Them for IPv6.
    pub(super) fn v6(&self, number: u32, rule: &Record) -> Vec<Condition<4>> {
        let halves = |address: u128| [(address >> 64) as u64, address as u64];
        let join = |source, destination| {
            let ([a, b], [c, d]) = (halves(source), halves(destination));
            [a, b, c, d]
        };
        self.conditions(join, answer(number, rule.action))
    }

    fn conditions<const W: usize>(&self, join: impl Fn(u128, u128) -> [u64; W], answer: u32) -> Vec<Condition<W>> {
        let mut all = Vec::with_capacity(self.count());
        for (source, destination) in pairs(&self.source, &self.destination) {
            for (first, second) in pairs(&self.first, &self.second) {
                all.extend(self.kinds.iter().map(|kind| Condition {
                    addresses: join(source.address.bits, destination.address.bits),
                    masks: join(source.address.mask, destination.address.mask),
                    least: [first.0 as u16, second.0 as u16],
                    more: [(first.1 - first.0) as u16, (second.1 - second.0) as u16],
                    kind: kind.kind | source.kind | destination.kind,
                    kind_mask: kind.kind_mask | source.kind_mask | destination.kind_mask,
                    answer,
                }));
            }
        }
        all
    }
}

fn pairs<'a, T: Copy>(ones: &'a [T], others: &'a [T]) -> impl Iterator<Item = (T, T)> + 'a {
    ones.iter().flat_map(|one| others.iter().map(|other| (*one, *other)))
}

/// What a rule says of one of the two addresses.
struct Sides {
    ranges: Option<Set>,
    lists: Option<Set>,
    negated: bool,
    destination: bool,
}

impl Sides {
    /// The ways to meet it; `None` if a list has no bit.
    fn all(&self, pools: &Pools, version: Version, lists: &asked::Bits) -> Option<Vec<Side>> {
        let width = match version {
            Version::V4 => 32,
            Version::V6 => 128,
        };
        let ranges = self.ranges.map(|set| pools.addresses_of(set, version));
        let plain = |address| Side { address, kind: 0, kind_mask: 0 };
        let Some(named) = self.lists else {
            return Some(ranges.map_or_else(|| vec![plain(ANY)], |ranges| all(ranges, width, plain)));
        };
        let bits = lists.find(named, self.destination, pools)?;
        if self.negated {
            // In none of the ranges, and in none of the lists.
            let others = complement(ranges.unwrap_or_default(), u128::MAX >> (128 - width));
            let kind_mask = bits.iter().fold(0, |all, bit| all | bit);
            return Some(all(&others, width, |address| Side { address, kind: 0, kind_mask }));
        }
        let ranges = ranges.map(|ranges| all(ranges, width, plain)).unwrap_or_default();
        let lists = bits.into_iter().map(|bit| Side { address: ANY, kind: bit, kind_mask: bit });
        Some(ranges.into_iter().chain(lists).collect())
    }
}

/// The numbers of ranges, block by block.
fn all(ranges: &[Range], width: u32, side: impl Fn(Bits) -> Side) -> Vec<Side> {
    blocks(ranges, width).into_iter().map(side).collect()
}

/// The protocols, with what is asked of fragments and whether numbers are asked.
fn kinds(rule: &Record, pools: &Pools) -> Vec<Side> {
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
    let kind = |protocol: Bits| Side {
        address: ANY,
        kind: protocol.bits as u32 | later | numbers,
        kind_mask: protocol.mask as u32 | later_mask | numbers,
    };
    all(&protocols, 8, kind)
}
