//! Decision diagrams with shared nodes.
use super::field::Layout;
use core::fmt;
use hashbrown::HashTable;

/// A node, or an end. Ends have the highest bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Id(u32);

const END: u32 = 1 << 31;

/// The end of packets that are in no set, or that nothing has decided about.
pub(super) const NONE: Id = Id(END);
/// The end of packets that are in a set.
pub(super) const FULL: Id = Id(END | 1);

impl Id {
    /// An end with a meaning of its own, for diagrams of more than sets; 0 and 1 are [`NONE`] and [`FULL`].
    pub(super) const fn end(value: u32) -> Self {
        Self(END | value)
    }

    /// The meaning of an end; `None` for a node.
    pub(super) const fn value(self) -> Option<u32> {
        if self.0 & END != 0 { Some(self.0 & !END) } else { None }
    }
}

/// A question: one bit of the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Node {
    /// Which bit: diagrams ask them in ascending order.
    pub level: u16,
    /// Where it leads when the bit is zero, and when it is one.
    pub sides: [Id; 2],
}

/// More nodes are needed than there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge;

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the policy is too large to be analysed exactly: name fewer separate addresses, or fewer rules")
    }
}

impl core::error::Error for TooLarge {}

/// How two diagrams are combined to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Op {
    /// In both sets.
    And,
    /// In one of the sets.
    Or,
    /// In the first set only.
    Minus,
    /// What the first says; where it says [`NONE`], what the second says.
    Else,
    /// What the first says, where the packet is in the second, a set; [`NONE`] elsewhere.
    Within,
}

impl Op {
    /// The result where it can be told from the two alone, as it must be of two ends.
    fn shortcut(self, one: Id, other: Id) -> Option<Id> {
        match self {
            Self::And if one == NONE || other == NONE => Some(NONE),
            Self::And if one == FULL || one == other => Some(other),
            Self::And if other == FULL => Some(one),
            Self::Or if one == FULL || other == FULL => Some(FULL),
            Self::Or if one == NONE || one == other => Some(other),
            Self::Or if other == NONE => Some(one),
            Self::Minus if one == NONE || other == FULL || one == other => Some(NONE),
            Self::Minus if other == NONE => Some(one),
            Self::Else if one == NONE => Some(other),
            Self::Else if one.value().is_some() || other == NONE || one == other => Some(one),
            Self::Within if one == NONE || other == NONE => Some(NONE),
            Self::Within if other == FULL => Some(one),
            _ => None,
        }
    }
}

/// All nodes, each once.
#[derive(Debug)]
pub(super) struct Diagrams {
    nodes: Vec<Node>,
    /// Places in it that are free again.
    free: Vec<u32>,
    unique: HashTable<u32>,
    cache: Vec<Cached>,
    limit: usize,
    pub(super) layout: Layout,
}

/// A result that was found before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cached {
    op: Option<Op>,
    one: Id,
    other: Id,
    result: Id,
}

const EMPTY: Cached = Cached { op: None, one: NONE, other: NONE, result: NONE };

/// The fewest results that are kept, and the most.
const LEAST_CACHE: usize = 1 << 12;
const MOST_CACHE: usize = 1 << 22;

impl Diagrams {
    pub(super) fn new(limit: usize, layout: Layout) -> Self {
        let limit = limit.min(END as usize);
        Self {
            nodes: Vec::new(),
            free: Vec::new(),
            unique: HashTable::new(),
            cache: vec![EMPTY; LEAST_CACHE],
            limit,
            layout,
        }
    }

    /// What a node asks; `None` of an end.
    pub(super) fn node(&self, id: Id) -> Option<Node> {
        self.nodes.get(id.0 as usize).copied()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.nodes.len() - self.free.len()
    }

    /// How many more there may be.
    pub(super) fn room(&self) -> usize {
        self.limit - self.len()
    }

    /// Forgets every node that none of these leads to.
    pub(super) fn keep_only(&mut self, roots: impl IntoIterator<Item = Id>) {
        let mut is_kept = vec![false; self.nodes.len()];
        let mut left: Vec<Id> = roots.into_iter().collect();
        while let Some(id) = left.pop() {
            if let (Some(node), Some(kept)) = (self.nodes.get(id.0 as usize), is_kept.get_mut(id.0 as usize))
                && !core::mem::replace(kept, true)
            {
                left.extend(node.sides);
            }
        }
        let is_kept = |at: u32| is_kept.get(at as usize) == Some(&true);
        self.unique.retain(|at| is_kept(*at));
        self.free = (0..self.nodes.len() as u32).filter(|at| !is_kept(*at)).collect();
        self.cache.fill(EMPTY);
    }

    /// The node that asks for a bit: an old one if there is one like it; none where the answer does not count.
    pub(super) fn ask(&mut self, level: u16, sides: [Id; 2]) -> Result<Id, TooLarge> {
        if sides[0] == sides[1] {
            return Ok(sides[0]);
        }
        let node = Node { level, sides };
        let nodes = &self.nodes;
        let hash =
            |node: &Node| mix(u64::from(node.level), u64::from(node.sides[0].0) << 32 | u64::from(node.sides[1].0));
        let same = |at: &u32| nodes.get(*at as usize) == Some(&node);
        let again = |at: &u32| nodes.get(*at as usize).map_or(0, hash);
        match self.unique.entry(hash(&node), same, again) {
            hashbrown::hash_table::Entry::Occupied(found) => Ok(Id(*found.get())),
            hashbrown::hash_table::Entry::Vacant(free) => {
                let at = match self.free.pop() {
                    Some(at) => at,
                    None if nodes.len() < self.limit => nodes.len() as u32,
                    None => return Err(TooLarge),
                };
                free.insert(at);
                match self.nodes.get_mut(at as usize) {
                    Some(place) => *place = node,
                    None => self.nodes.push(node),
                }
                Ok(Id(at))
            }
        }
    }

    /// Combines two diagrams.
    pub(super) fn apply(&mut self, op: Op, one: Id, other: Id) -> Result<Id, TooLarge> {
        if let Some(result) = op.shortcut(one, other) {
            return Ok(result);
        }
        let asked = Cached { op: Some(op), one, other, result: NONE };
        if let Some(result) = self.cached(asked) {
            return Ok(result);
        }
        let (level, ones, others) = self.split(one, other);
        let low = self.apply(op, ones[0], others[0])?;
        let high = self.apply(op, ones[1], others[1])?;
        let result = self.ask(level, [low, high])?;
        self.keep(Cached { result, ..asked });
        Ok(result)
    }

    /// The first bit that one of two diagrams asks for, and where both lead for either value of it.
    fn split(&self, one: Id, other: Id) -> (u16, [Id; 2], [Id; 2]) {
        let (first, second) = (self.node(one), self.node(other));
        let level_of = |node: Option<Node>| node.map_or(u16::MAX, |node| node.level);
        let level = level_of(first).min(level_of(second));
        let sides = |id, node: Option<Node>| match node {
            Some(node) if node.level == level => node.sides,
            _ => [id, id],
        };
        (level, sides(one, first), sides(other, second))
    }

    fn cached(&self, asked: Cached) -> Option<Id> {
        let found = self.cache.get(self.place(asked))?;
        (Cached { result: NONE, ..*found } == asked).then_some(found.result)
    }

    fn keep(&mut self, found: Cached) {
        // About as many results as nodes; one that gave way to another is found anew when it is needed.
        if self.nodes.len() > self.cache.len() && self.cache.len() < MOST_CACHE {
            let wider = self.cache.len() * 4;
            let old = core::mem::replace(&mut self.cache, vec![EMPTY; wider]);
            old.into_iter().filter(|kept| kept.op.is_some()).for_each(|kept| self.put(kept));
        }
        self.put(found);
    }

    fn put(&mut self, found: Cached) {
        let place = self.place(found);
        if let Some(slot) = self.cache.get_mut(place) {
            *slot = found;
        }
    }

    fn place(&self, asked: Cached) -> usize {
        mix(asked.op.map_or(0, |op| op as u64), u64::from(asked.one.0) << 32 | u64::from(asked.other.0)) as usize
            & (self.cache.len() - 1)
    }
}

/// A hash of two numbers.
fn mix(one: u64, other: u64) -> u64 {
    let product = u128::from(other ^ one << 20 ^ 0x9e37_79b9_7f4a_7c15) * u128::from(0xd6e8_feb8_6659_fd93_u64);
    (product >> 64) as u64 ^ product as u64
}
