//! What else must be looked at where a rule is gone.
use super::hull::Gone;
use super::live::Live;
use super::order::{Id, Piece};
use super::{ChangeError, MOST_RULES};
use crate::policy::Network;
use firewall::linear::Version;
use firewall::patch::GONE;

impl Live {
    /// Takes the rule at a place away. Where it still stands, in the table or the frozen overlay, it hides others of the
    /// same from packets that both match: these become copies.
    pub(super) fn take(&mut self, at: usize) -> Result<(), ChangeError> {
        let id = self.order.remove(at).ok_or(ChangeError::NoSuchRule)?;
        self.fresh.remove(&id);
        let gone = self.gone(id);
        let is_of_table = match id {
            Id::Table(rule) => {
                self.copies.remove(&rule);
                true
            }
            Id::Added(added) => self.covers.remove(&added),
        };
        if is_of_table {
            self.copy(at, &gone);
        }
        if let Some(frozen) = self.frozen.as_ref().filter(|frozen| frozen.has(id)) {
            let numbers = self.order.numbers(self.added.len());
            let remain = frozen.after(id).iter().filter(|id| numbers.of(**id) != GONE && gone.meets(self.hull(**id)));
            let remain: Vec<Id> = remain.copied().collect();
            self.fresh.extend(remain);
        }
        Ok(())
    }

    /// Looks for what a packet may come to in the table that met a rule that is gone, from a place on.
    fn copy(&mut self, at: usize, gone: &Gone) {
        let mut found = Vec::new();
        for piece in self.order.from(at) {
            match piece {
                Piece::Added(added) => {
                    if self.added[added as usize].hull.covers(&gone.hull) {
                        self.covers.insert(added);
                        break;
                    }
                }
                Piece::Kept { first, count } => {
                    let rules = (first..).zip(&self.hulls[first as usize..(first + count) as usize]);
                    let mut is_covered = false;
                    for (rule, _) in rules.filter(|(_, hull)| gone.meets(hull)) {
                        found.push(rule);
                        is_covered = self.hulls[rule as usize].covers(&gone.hull);
                        if is_covered || found.len() > MOST_RULES {
                            break;
                        }
                    }
                    if is_covered || found.len() > MOST_RULES {
                        break;
                    }
                }
            }
        }
        for rule in found {
            let id = Id::Table(rule);
            if self.copies.insert(rule) && !self.frozen.as_ref().is_some_and(|frozen| frozen.has(id)) {
                self.fresh.insert(id);
            }
        }
    }

    fn gone(&self, id: Id) -> Gone {
        match id {
            Id::Table(rule) => {
                let rule = &self.base.rules[rule as usize];
                let version = match rule.network {
                    Some(Network::Ipv6(_)) => Version::V6,
                    _ => Version::V4,
                };
                Gone::of(rule, |list| self.inline.get(&(version, list)).map(|inline| inline.ranges.as_slice()))
            }
            Id::Added(added) => Gone::from_hull(self.added[added as usize].hull),
        }
    }
}
