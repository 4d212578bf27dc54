//! A change comes into force: as a patch, or with a table.
use super::entries::Edits;
use super::live::Live;
use super::order::{Id, Numbers};
use super::overlay::Overlay;
use super::{Applied, MOST_ENTRIES, MOST_LISTED, MOST_PIECES, MOST_RULES, Reason};
use crate::compile::part::part;
use crate::compile::{CompileError, Strategy};

impl Live {
    pub(super) fn settle(&mut self) -> Result<Applied, CompileError> {
        if let Some(reason) = self.is_too_much() {
            *self = Self::new(self.policy(), self.strategy)?;
            return Ok(Applied::Anew(reason));
        }
        let numbers = self.order.numbers(self.added.len());
        if self.fresh.len() > MOST_LISTED {
            self.fresh.clear();
            let all = self.order.added().map(Id::Added).chain(self.copies.iter().copied().map(Id::Table));
            self.frozen = Some(self.overlay(all.collect(), &numbers, Strategy::Hasty)?);
        }
        let fresh: Vec<Id> = self.fresh.iter().copied().collect();
        let fresh = if fresh.is_empty() { None } else { Some(self.overlay(fresh, &numbers, Strategy::Linear)?) };
        self.patch = self.emit(&numbers, fresh.as_ref())?;
        Ok(Applied::Patch)
    }

    fn is_too_much(&mut self) -> Option<Reason> {
        let entries = self.edits_v4.values().map(Edits::len).chain(self.edits_v6.values().map(Edits::len));
        if self.copies.len() + self.order.added().count() > MOST_RULES {
            Some(Reason::Rules)
        } else if entries.sum::<usize>() > MOST_ENTRIES {
            Some(Reason::Entries)
        } else if self.order.pieces().len() > MOST_PIECES {
            Some(Reason::Pieces)
        } else {
            self.anew
        }
    }

    fn overlay(&mut self, mut ids: Vec<Id>, numbers: &Numbers, strategy: Strategy) -> Result<Overlay, CompileError> {
        ids.sort_unstable_by_key(|id| numbers.of(*id));
        let rules = ids.iter().map(|id| self.rule(*id).clone()).collect();
        let part = part(rules, strategy, &self.base.lists, &mut self.placed)?;
        Ok(Overlay::new(ids, part))
    }
}
