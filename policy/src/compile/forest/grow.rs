//! A tree from conditions: at every node the bits that part them best.
use super::cut::{choose, gather, part, uncovered};
use super::region::Region;
use firewall::forest::{Condition, GROUP, MOST_STEPS, Node, Root};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

/// A leaf has at most so many conditions, if more bits would part them.
pub(super) const LEAF: usize = 4;
/// To choose bits, at most so many conditions of a node are looked at.
const SAMPLE: usize = 2048;
/// How many copies of each condition a tree may have.
pub(super) const COPIES: usize = 24;
/// A path has at most so many nodes.
const DEPTH: u32 = 48;
/// Conditions in a cache line, and slots.
const LINE: usize = 64;

/// What a node costs, where a group of conditions costs one.
pub(super) const STEP: f64 = 0.4;
/// What it costs not to know how many groups a leaf has.
pub(super) const MISS: f64 = 0.8;
/// A node must leave no more than this part of what was there, or paths would be long.
const PROGRESS: f64 = 0.9;

/// What a leaf of so many conditions costs.
fn leaf(size: f64) -> f64 {
    let groups = (size / GROUP as f64).ceil();
    if groups > 1.0 { groups + MISS } else { 1.0 }
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
    leaves: HashMap<u64, Vec<Leaf>>,
    hasher: RandomState,
    copies: usize,
    budget: usize,
}

/// The groups of a leaf.
#[derive(Clone, Copy)]
struct Leaf {
    first: u32,
    groups: u32,
}

/// A node that is still to be made: where it goes, and what can be met there.
struct Pending<const W: usize> {
    slot: usize,
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

impl<const W: usize> Grown<W> {
    /// For so many trees, of which there is none yet. The leaves of each will have at most about so many times as many
    /// conditions as there are; what goes beyond is not parted.
    pub(super) fn new(trees: usize, copies: usize) -> Self {
        let slots = vec![Node::Leaf { first: 0, groups: 0 }; trees];
        Grown {
            roots: vec![],
            slots,
            conditions: vec![],
            leaves: HashMap::new(),
            hasher: RandomState::new(),
            copies,
            budget: 0,
        }
    }

    /// Adds the tree of this number for these conditions, which are in the order of their rules.
    pub(super) fn add_tree(&mut self, number: usize, all: &[Condition<W>]) {
        let members = (0..all.len() as u32).collect();
        self.budget = self.conditions.len() + all.len() * self.copies + 1024;
        let least = all.first().map_or(0, |first| first.answer);
        let (mut worst, mut depths) = (0, [0_usize; MOST_STEPS as usize + 1]);
        let mut pending = vec![Pending { slot: number, region: Region::ALL, members, depth: 0 }];
        while let Some(mut next) = pending.pop() {
            // What comes after a condition that is met everywhere here never decides.
            let decides = next.members.iter().position(|&index| next.region.is_within(&all[index as usize]));
            next.members.truncate(decides.map_or(usize::MAX, |last| last + 1));
            next.members = uncovered(all, next.region, next.members);
            let node = match self.cut(all, &next) {
                Some(cut) => self.branch(cut, next.depth, &mut pending),
                None => self.leaf(all, &next.members),
            };
            if let Node::Leaf { groups, .. } = node {
                // The slots from the root on, the groups, and their answers.
                let (groups, answers) = (groups as usize * GROUP * Condition::<W>::BYTES, groups as usize * GROUP * 4);
                let lines = groups.div_ceil(LINE) + answers.div_ceil(LINE);
                worst = worst.max(1 + next.depth + lines as u32);
                depths[next.depth.min(MOST_STEPS) as usize] += next.members.len();
            }
            self.slots[next.slot] = node;
        }
        self.roots.push(Root { least, steps: usual(&depths), worst });
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
        let least = leaf(count as f64) - STEP;
        let pays = met(search) < least && met(|size| size) < PROGRESS * count as f64;
        pays.then_some(Cut { word, mask, parts })
    }

    /// Makes a node, and what is below it pending.
    fn branch(&mut self, cut: Cut<W>, depth: u32, pending: &mut Vec<Pending<W>>) -> Node {
        let first = self.slots.len();
        self.slots.resize(first + cut.parts.len(), Node::Leaf { first: 0, groups: 0 });
        for (region, members) in cut.parts {
            let child = gather(region.bits(cut.word), cut.mask);
            pending.push(Pending { slot: first + child, region, members, depth: depth + 1 });
        }
        Node::Inner { word: cut.word as u32, mask: cut.mask, first: first as u32 }
    }

    fn leaf(&mut self, all: &[Condition<W>], members: &[u32]) -> Node {
        let mut own: Vec<_> = members.iter().map(|&index| all[index as usize]).collect();
        own.resize(own.len().max(1).next_multiple_of(GROUP), Condition::NEVER);
        let groups = (own.len() / GROUP) as u32;
        // Equal leaves are one.
        let hash = self.hasher.hash_one(&own);
        let equal = |leaf: &&Leaf| {
            let start = leaf.first as usize * GROUP;
            self.conditions.get(start..start + leaf.groups as usize * GROUP) == Some(&own)
        };
        if let Some(&Leaf { first, groups }) = self.leaves.get(&hash).and_then(|leaves| leaves.iter().find(equal)) {
            return Node::Leaf { first, groups };
        }
        let first = (self.conditions.len() / GROUP) as u32;
        self.conditions.extend(&own);
        self.leaves.entry(hash).or_default().push(Leaf { first, groups });
        Node::Leaf { first, groups }
    }
}

/// How many steps a tree had better take without looking whether it is at a leaf, by how many conditions leaves of each
/// depth have: a step that was not needed costs less than a look whose answer is not foreseen.
fn usual(depths: &[usize]) -> u32 {
    let all = depths.iter().sum::<usize>().max(1) as f64;
    let cost = |steps: usize| {
        let deeper = depths.iter().skip(steps + 1).sum::<usize>() as f64;
        steps as f64 * STEP + deeper / all * 2.0 * MISS
    };
    let steps = (0..depths.len()).min_by(|one, other| cost(*one).total_cmp(&cost(*other)));
    steps.unwrap_or(0) as u32
}
