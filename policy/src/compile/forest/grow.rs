//! A tree from conditions: at every node the bits that part them best.
use super::region::{REST_BITS, Region};
use core::mem::take;
use firewall::forest::{Condition, GROUP, Node};
use std::collections::HashMap;

/// A leaf has at most so many conditions, if more bits would part them.
const LEAF: usize = 4;
/// A node has at most two to the power of this children.
const MOST_BITS: usize = 12;
/// To choose bits, at most so many conditions of a node are looked at.
const SAMPLE: usize = 2048;
/// All leaves together have at most so many times as many conditions as there are; what goes beyond is not parted.
const COPIES: usize = 24;
/// A path has at most so many nodes.
const DEPTH: u32 = 48;
/// Conditions in a cache line, and slots.
const LINE: usize = 64;

/// What a node costs, where a group of conditions costs one.
const STEP: f64 = 1.5;
/// A node must leave no more than this part of what was there, or paths would be long.
const PROGRESS: f64 = 0.9;

/// What a leaf of so many conditions costs.
fn leaf(size: f64) -> f64 {
    1.0 + (size / GROUP as f64).ceil()
}

/// What so many conditions cost at best, parted further where that is better.
fn search(size: f64) -> f64 {
    let deeper = STEP * (1.0 + (size / LEAF as f64).log2().max(0.0) / 4.0) + leaf(LEAF as f64);
    leaf(size).min(deeper)
}

/// Trees, as [`firewall::forest`] has them.
pub(super) struct Grown<const W: usize> {
    pub(super) roots: Vec<Root>,
    pub(super) slots: Vec<Node>,
    /// The leaves' conditions, in groups.
    pub(super) conditions: Vec<Condition<W>>,
    /// The leaves that there are, by their conditions: equal ones are one.
    leaves: HashMap<Vec<Condition<W>>, u32>,
    budget: usize,
}

/// A tree.
pub(super) struct Root {
    pub(super) node: Node,
    pub(super) first_rule: u32,
    /// Accesses to memory on its worst path.
    pub(super) worst: u32,
}

/// A node that is still to be made: where it goes, and what can be met there.
struct Pending<const W: usize> {
    slot: Option<usize>,
    region: Region<W>,
    members: Vec<u32>,
    depth: u32,
}

/// How a node's conditions are parted.
struct Cut<const W: usize> {
    word: usize,
    mask: u64,
    parts: Vec<(Region<W>, Vec<u32>)>,
}

impl<const W: usize> Default for Grown<W> {
    fn default() -> Self {
        Grown { roots: vec![], slots: vec![], conditions: vec![], leaves: HashMap::new(), budget: 0 }
    }
}

impl<const W: usize> Grown<W> {
    /// Adds a tree for these conditions, which are in the order of their rules.
    pub(super) fn add_tree(&mut self, all: &[Condition<W>]) {
        let members = (0..all.len() as u32).collect();
        self.budget = self.conditions.len() + all.len() * COPIES + 1024;
        let first_rule = all.first().map_or(0, |first| first.rule);
        let mut root = Root { node: Node::Leaf { first: 0, groups: 0 }, first_rule, worst: 0 };
        let mut pending = vec![Pending { slot: None, region: Region::ALL, members, depth: 0 }];
        while let Some(mut next) = pending.pop() {
            // What comes after a condition that is met everywhere here never decides.
            let decides = next.members.iter().position(|&index| next.region.is_within(&all[index as usize]));
            next.members.truncate(decides.map_or(usize::MAX, |last| last + 1));
            let node = match self.cut(all, &next) {
                Some(cut) => self.branch(cut, next.depth, &mut pending),
                None => self.leaf(all, &next.members),
            };
            if let Node::Leaf { groups, .. } = node {
                let line = groups as usize * GROUP * Condition::<W>::BYTES;
                root.worst = root.worst.max(next.depth + line.div_ceil(LINE) as u32);
            }
            match next.slot.and_then(|slot| self.slots.get_mut(slot)) {
                Some(slot) => *slot = node,
                None => root.node = node,
            }
        }
        self.roots.push(root);
    }

    /// The best bits of the best word; `None` if what is there had better be a leaf.
    fn cut(&self, all: &[Condition<W>], next: &Pending<W>) -> Option<Cut<W>> {
        let count = next.members.len();
        if count <= LEAF || next.depth >= DEPTH || self.conditions.len() > self.budget {
            return None;
        }
        let step = count.div_ceil(SAMPLE);
        let sample: Vec<u32> = next.members.iter().step_by(step).copied().collect();
        let cuts = (0..=W).filter_map(|word| choose(all, next.region, &sample, word));
        let (_, word, bits) = cuts.min_by(|one, other| one.0.total_cmp(&other.0))?;
        let mut parts = vec![(next.region, next.members.clone())];
        let mut mask = 0;
        for bit in bits {
            mask |= 1 << bit;
            parts = parts.into_iter().flat_map(|(region, members)| part(all, region, &members, word, bit)).collect();
        }
        let sizes = || parts.iter().map(|(_, members)| members.len() as f64);
        let total: f64 = sizes().sum();
        // Of a condition's part, as for headers that come where conditions are; and of any part, as for all others.
        let met = |cost: fn(f64) -> f64| sizes().map(|size| size * cost(size)).sum::<f64>() / total.max(1.0);
        let any = |cost: fn(f64) -> f64| sizes().map(cost).sum::<f64>() / parts.len() as f64;
        let least = leaf(count as f64) - STEP;
        let pays = (met(search) < least && met(|size| size) < PROGRESS * count as f64)
            || (any(search) < least && any(|size| size) < PROGRESS * count as f64 && met(|size| size) < count as f64);
        pays.then_some(Cut { word, mask, parts })
    }

    /// Makes a node, and what is below it pending.
    fn branch(&mut self, cut: Cut<W>, depth: u32, pending: &mut Vec<Pending<W>>) -> Node {
        let first = self.slots.len();
        self.slots.resize(first + cut.parts.len(), Node::Leaf { first: 0, groups: 0 });
        for (region, members) in cut.parts {
            let child = gather(region.bits(cut.word), cut.mask);
            pending.push(Pending { slot: Some(first + child), region, members, depth: depth + 1 });
        }
        Node::Inner { word: cut.word as u32, mask: cut.mask, first: first as u32 }
    }

    fn leaf(&mut self, all: &[Condition<W>], members: &[u32]) -> Node {
        let mut own: Vec<_> = members.iter().map(|&index| all[index as usize]).collect();
        own.resize(own.len().next_multiple_of(GROUP), Condition::NEVER);
        let groups = (own.len() / GROUP) as u32;
        if let Some(&first) = self.leaves.get(&own) {
            return Node::Leaf { first, groups };
        }
        let first = (self.conditions.len() / GROUP) as u32;
        self.conditions.extend(&own);
        self.leaves.insert(own, first);
        Node::Leaf { first, groups }
    }
}

/// The members that can be met where a bit is zero, and where it is one.
fn part<const W: usize>(
    all: &[Condition<W>],
    region: Region<W>,
    members: &[u32],
    word: usize,
    bit: u32,
) -> [(Region<W>, Vec<u32>); 2] {
    let (mut zero, mut one) = (Vec::new(), Vec::new());
    for &index in members {
        let (can_zero, can_one) = region.sides(&all[index as usize], word, bit);
        if can_zero {
            zero.push(index);
        }
        if can_one {
            one.push(index);
        }
    }
    [(region.with(word, bit, false), zero), (region.with(word, bit, true), one)]
}

/// The bits of a word that part the members best, one after the other, and what a part is then expected to cost.
fn choose<const W: usize>(
    all: &[Condition<W>],
    region: Region<W>,
    members: &[u32],
    word: usize,
) -> Option<(f64, usize, Vec<u32>)> {
    let usable = if word < W { u64::MAX } else { REST_BITS } & !region.known(word);
    let wanted = ((members.len() as f64 / LEAF as f64).log2().ceil() as usize + 1).clamp(1, MOST_BITS);
    let mut parts = vec![(region, members.to_vec())];
    let (mut bits, mut cost) = (Vec::new(), f64::MAX);
    while bits.len() < wanted {
        let free = (0..64).filter(|bit| usable >> bit & 1 == 1 && !bits.contains(bit));
        let priced = free.map(|bit| (price(all, &parts, word, bit), bit));
        let Some((least, bit)) = priced.min_by(|one, other| one.0.total_cmp(&other.0)) else { break };
        if least >= cost * 0.98 {
            break;
        }
        cost = least;
        bits.push(bit);
        parts = take(&mut parts).into_iter().flat_map(|(region, own)| part(all, region, &own, word, bit)).collect();
    }
    let squares = parts.iter().map(|(_, own)| (own.len() * own.len()) as f64).sum::<f64>();
    (!bits.is_empty()).then(|| (squares / parts.len() as f64, word, bits))
}

/// What the parts would cost if they were parted by this bit too: small ones little, large ones by their square.
fn price<const W: usize>(all: &[Condition<W>], parts: &[(Region<W>, Vec<u32>)], word: usize, bit: u32) -> f64 {
    let mut price = 0.0;
    for (region, members) in parts {
        if members.len() <= LEAF {
            price += (members.len() * LEAF * 2) as f64;
            continue;
        }
        let (mut zero, mut one) = (0_usize, 0_usize);
        for &index in members {
            let (can_zero, can_one) = region.sides(&all[index as usize], word, bit);
            zero += usize::from(can_zero);
            one += usize::from(can_one);
        }
        price += (zero * zero + one * one) as f64;
    }
    price
}

/// The bits under the mask, moved together.
fn gather(word: u64, mask: u64) -> usize {
    let ones = (0..64).filter(|bit| mask >> bit & 1 == 1);
    ones.enumerate().fold(0, |bits, (at, bit)| bits | ((word >> bit & 1) as usize) << at)
}
