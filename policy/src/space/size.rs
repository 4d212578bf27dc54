//! What can be told of diagrams by walking all of them.
use super::diagram::{Diagrams, FULL, Id, NONE, TooLarge};
use std::collections::{HashMap, HashSet};

impl Diagrams {
    /// The set of packets that come to an end that is chosen.
    pub(super) fn whose(&mut self, id: Id, is_chosen: impl Fn(Id) -> bool) -> Result<Id, TooLarge> {
        self.chosen(id, &is_chosen, &mut HashMap::new())
    }

    fn chosen(&mut self, id: Id, is: &impl Fn(Id) -> bool, known: &mut HashMap<Id, Id>) -> Result<Id, TooLarge> {
        let Some(node) = self.node(id) else { return Ok(if is(id) { FULL } else { NONE }) };
        if let Some(found) = known.get(&id) {
            return Ok(*found);
        }
        let low = self.chosen(node.sides[0], is, known)?;
        let high = self.chosen(node.sides[1], is, known)?;
        let result = self.ask(node.level, [low, high])?;
        known.insert(id, result);
        Ok(result)
    }

    /// Whether some packet comes to an end.
    pub(super) fn leads_to(&self, id: Id, end: Id) -> bool {
        let (mut seen, mut left) = (HashSet::new(), vec![id]);
        while let Some(id) = left.pop() {
            match self.node(id) {
                None if id == end => return true,
                Some(node) if seen.insert(id) => left.extend(node.sides),
                _ => {}
            }
        }
        false
    }

    /// The part of all points that a set has, from 0 to 1.
    pub(super) fn size(&self, id: Id) -> f64 {
        self.sized(id, &mut HashMap::new())
    }

    fn sized(&self, id: Id, known: &mut HashMap<Id, f64>) -> f64 {
        let Some(node) = self.node(id) else { return if id == NONE { 0.0 } else { 1.0 } };
        if let Some(found) = known.get(&id) {
            return *found;
        }
        let size = (self.sized(node.sides[0], known) + self.sized(node.sides[1], known)) / 2.0;
        known.insert(id, size);
        size
    }
}
