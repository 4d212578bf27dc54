//! Exact sets of packets, and what a policy does to all of them.
//!
//! A set is a decision diagram (Bryant, "Graph-Based Algorithms for Boolean Function Manipulation", 1986): a graph that asks
//! the bits of a packet in one fixed order and ends in "in it" or "not". Equal sets are the same node, so that whether two
//! policies are equal is one comparison.
//!
//! A packet here is what rules can ask: see [`field::Field`]. Two packets that no rule can tell apart are one.
mod accepted;
mod build;
mod cover;
mod diagram;
mod effect;
pub mod field;
mod forget;
mod region;
mod size;
mod witness;

pub use accepted::Decider;
pub use diagram::TooLarge;
pub use effect::Effect;
pub use region::{Region, Regions, Values};

use crate::policy::Policy;
use diagram::{Diagrams, Id, NONE, Op};
use field::Layout;

/// Packets, of one [`Space`]. Two sets of it have the same packets exactly when they are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Set(Id);

/// Where sets live. What it holds is bounded: what would take more is an error.
#[derive(Debug)]
pub struct Space {
    diagrams: Diagrams,
    possible: Set,
}

/// How many nodes of diagrams there may be, each of about 30 bytes.
const MOST: usize = 16_000_000;

impl Space {
    /// One that is laid out for sets of these policies: any others are as exact in it, but may be larger.
    pub fn new(policies: &[&Policy]) -> Result<Self, TooLarge> {
        Self::laid_out(accepted::best_layout(policies), MOST)
    }

    fn laid_out(layout: Layout, limit: usize) -> Result<Self, TooLarge> {
        let mut diagrams = Diagrams::new(limit, layout);
        let possible = Set(build::possible(&mut diagrams)?);
        Ok(Self { diagrams, possible })
    }

    /// Whether half of what it may hold is taken: who can do with less should begin to.
    pub fn is_half_full(&self) -> bool {
        self.diagrams.room() < MOST / 2
    }

    /// No packet.
    pub fn none(&self) -> Set {
        Set(NONE)
    }

    /// Every packet that can be.
    pub fn all(&self) -> Set {
        self.possible
    }

    /// Those in both.
    pub fn and(&mut self, one: Set, other: Set) -> Result<Set, TooLarge> {
        self.diagrams.apply(Op::And, one.0, other.0).map(Set)
    }

    /// Those in one of them or both.
    pub fn or(&mut self, one: Set, other: Set) -> Result<Set, TooLarge> {
        self.diagrams.apply(Op::Or, one.0, other.0).map(Set)
    }

    /// Those in the first that are not in the second.
    pub fn minus(&mut self, one: Set, other: Set) -> Result<Set, TooLarge> {
        self.diagrams.apply(Op::Minus, one.0, other.0).map(Set)
    }

    /// Every packet that is not in the set.
    pub fn not(&mut self, set: Set) -> Result<Set, TooLarge> {
        self.minus(self.possible, set)
    }

    /// Whether there is none in it.
    pub fn is_empty(&self, set: Set) -> bool {
        set.0 == NONE
    }

    /// Whether every packet of the first is in the second.
    pub fn is_within(&mut self, inner: Set, outer: Set) -> Result<bool, TooLarge> {
        self.minus(inner, outer).map(|rest| self.is_empty(rest))
    }

    /// How many nodes its diagrams have taken so far.
    pub fn nodes(&self) -> usize {
        self.diagrams.len()
    }
}
