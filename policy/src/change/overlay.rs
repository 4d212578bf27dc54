//! Rules that stand in a patch, compiled.
use super::order::{Id, Numbers};
use crate::compile::CompileError;
use crate::compile::part::Part;
use std::collections::HashSet;

/// Some rules in the order of the policy.
pub(super) struct Overlay {
    ids: Vec<Id>,
    known: HashSet<Id>,
    part: Part,
}

impl Overlay {
    /// Of these rules, in their order, as they were compiled.
    pub(super) fn new(ids: Vec<Id>, part: Part) -> Self {
        Self { known: ids.iter().copied().collect(), ids, part }
    }

    /// Whether it has a rule.
    pub(super) fn has(&self, id: Id) -> bool {
        self.known.contains(&id)
    }

    /// The rules after one of its own.
    pub(super) fn after(&self, id: Id) -> &[Id] {
        let place = self.ids.iter().position(|other| *other == id).map(|place| place + 1);
        place.and_then(|place| self.ids.get(place..)).unwrap_or_default()
    }

    /// It as a patch has it.
    pub(super) fn emit(&self, numbers: &Numbers, bytes: &mut Vec<u8>) -> Result<(), CompileError> {
        let number = |count: usize| u32::try_from(count).map_err(|_| CompileError::TooLarge);
        for word in [self.part.engine.into(), number(self.ids.len())?, number(self.part.bytes.len())?] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend(self.ids.iter().flat_map(|id| numbers.of(*id).to_le_bytes()));
        bytes.extend(&self.part.bytes);
        Ok(())
    }
}
