//! Packets to try trees with, and what a tree costs each of them.
use super::cut::gather;
use super::grow::{Grown, MISS, STEP};
use firewall::forest::{Condition, GROUP, KIND_NUMBERS, NO_RULE, Node};
use firewall::protocol;

/// How many packets of each kind.
const SAMPLES: usize = 256;
/// What a tree costs before its first node.
const TREE: f64 = 0.5;
/// The bits of the kind that are the protocol.
const PROTOCOL: u32 = 0xff;

/// What the trees see of a packet: the addresses, and the rest.
pub(super) struct Sample<const W: usize> {
    addresses: [u64; W],
    rest: u64,
}

/// What a tree said to a packet, and what that cost.
#[derive(Clone, Copy)]
pub(super) struct Walk {
    pub(super) answer: u32,
    pub(super) cost: f64,
}

/// Numbers that look random and are the same each time (SplitMix64, by Steele, Lea and Flood).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }
}

/// Packets for conditions: each meets one of them, or has its source from one, its destination from another, and the rest
/// from a third.
pub(super) fn samples<const W: usize>(conditions: &[Condition<W>]) -> Vec<Sample<W>> {
    let mut random = Random(conditions.len() as u64);
    let mut samples = Vec::with_capacity(2 * SAMPLES);
    while !conditions.is_empty() && samples.len() < 2 * SAMPLES {
        let mut any = || {
            let at = random.next() % conditions.len() as u64;
            let condition = &conditions[at as usize];
            (condition, point(condition, &mut random))
        };
        let (own, one) = any();
        samples.push(sample(own, one));
        let ((_, source), (_, destination), (own, rest)) = (any(), any(), any());
        let addresses = core::array::from_fn(|at| mixed::<W>(at, source.0[at], destination.0[at]));
        samples.push(sample(own, (addresses, rest.1)));
    }
    samples
}

/// A word with the source of one packet and the destination of another.
fn mixed<const W: usize>(at: usize, source: u64, destination: u64) -> u64 {
    match W {
        1 => source >> 32 << 32 | destination & 0xffff_ffff,
        _ if at < W / 2 => source,
        _ => destination,
    }
}

/// Addresses and numbers that meet a condition.
fn point<const W: usize>(condition: &Condition<W>, random: &mut Random) -> ([u64; W], [u16; 2]) {
    let addresses = core::array::from_fn(|at| condition.addresses[at] | random.next() & !condition.masks[at]);
    let number = |at: usize, random: &mut Random| {
        let above = random.next() % (u64::from(condition.more[at]) + 1);
        condition.least[at].wrapping_add(above as u16)
    };
    (addresses, [number(0, random), number(1, random)])
}

/// A packet of the kind that a condition asks for: TCP, if it does not say.
fn sample<const W: usize>(condition: &Condition<W>, (addresses, numbers): ([u64; W], [u16; 2])) -> Sample<W> {
    let free = u32::from(protocol::TCP) | KIND_NUMBERS;
    let asked = if condition.kind_mask & PROTOCOL == PROTOCOL { condition.kind_mask } else { 0 };
    let kind = condition.kind | free & !asked & !condition.kind_mask;
    let [first, second] = numbers.map(u64::from);
    Sample { addresses, rest: u64::from(kind) << 32 | first << 16 | second }
}

impl<const W: usize> Sample<W> {
    fn meets(&self, condition: &Condition<W>) -> bool {
        let words = self.addresses.iter().zip(condition.addresses.iter().zip(&condition.masks));
        let number = |at: usize| (self.rest >> (16 * (1 - at))) as u16;
        let within = |at: usize| number(at).wrapping_sub(condition.least[at]) <= condition.more[at];
        words.into_iter().all(|(is, (asked, mask))| (is ^ asked) & mask == 0)
            && ((self.rest >> 32) as u32 ^ condition.kind) & condition.kind_mask == 0
            && within(0)
            && within(1)
    }
}

/// The only tree of these, walked by a packet as [`firewall::forest`] does it.
pub(super) fn walk<const W: usize>(grown: &Grown<W>, sample: &Sample<W>) -> Walk {
    let (mut at, mut depth) = (0, 0);
    let (first, groups) = loop {
        match grown.slots[at] {
            Node::Leaf { first, groups } => break (first as usize, groups as usize),
            Node::Inner { word, mask, first } => {
                let word = sample.addresses.get(word as usize).copied().unwrap_or(sample.rest);
                (at, depth) = (first as usize + gather(word, mask), depth + 1);
            }
        }
    };
    let steps = grown.roots[0].steps.max(depth);
    let conditions = &grown.conditions[first * GROUP..(first + groups) * GROUP];
    let met = conditions.iter().position(|condition| sample.meets(condition));
    let searched = met.map_or(groups, |at| at / GROUP + 1);
    let unforeseen = usize::from(depth > grown.roots[0].steps) + usize::from(groups > 1);
    let cost = TREE + f64::from(steps) * STEP + searched as f64 + unforeseen as f64 * MISS;
    Walk { answer: met.map_or(NO_RULE, |at| conditions[at].answer), cost }
}
