//! A set without regard to a field.
use super::diagram::{Diagrams, Id, Op, TooLarge};
use super::field::Field;
use super::{Set, Space};
use std::collections::HashMap;

impl Space {
    /// Every packet that differs from one of the set in this field alone, or not at all.
    pub fn forget(&mut self, set: Set, field: Field) -> Result<Set, TooLarge> {
        let levels = self.diagrams.layout.levels(field);
        let forgotten = self.diagrams.forgotten(set.0, &levels, &mut HashMap::new())?;
        self.and(Set(forgotten), self.possible)
    }
}

impl Diagrams {
    fn forgotten(
        &mut self,
        id: Id,
        levels: &core::ops::Range<u16>,
        known: &mut HashMap<Id, Id>,
    ) -> Result<Id, TooLarge> {
        let Some(node) = self.node(id).filter(|node| node.level < levels.end) else { return Ok(id) };
        if let Some(found) = known.get(&id) {
            return Ok(*found);
        }
        let low = self.forgotten(node.sides[0], levels, known)?;
        let high = self.forgotten(node.sides[1], levels, known)?;
        let result = match levels.contains(&node.level) {
            true => self.apply(Op::Or, low, high)?,
            false => self.ask(node.level, [low, high])?,
        };
        known.insert(id, result);
        Ok(result)
    }
}
