//! A policy in force, and its changes.
use super::entries::Edits;
use super::hull::Hull;
use super::lists::{Inline, inline};
use super::order::{Id, Order, Piece};
use super::overlay::Overlay;
use super::{Applied, Change, ChangeError, Reason};
use crate::compile::lists::{Place, Placed};
use crate::compile::part::check_rule;
use crate::compile::{CompileError, Strategy, compile_placed};
use crate::policy::{Action, Policy, Rule};
use core::net::{Ipv4Addr, Ipv6Addr};
use firewall::Table;
use firewall::linear::Version;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// A rule that was added.
pub(super) struct Added {
    pub(super) rule: Rule,
    pub(super) hull: Hull,
}

/// A policy as a table and a patch, and what a change to it needs to know.
pub struct Live {
    pub(super) strategy: Strategy,
    /// What the table was compiled from.
    pub(super) base: Policy,
    pub(super) table: Vec<u8>,
    /// The table's checksum and how many rules it has.
    pub(super) bound_to: (u32, u32),
    pub(super) patch: Vec<u8>,
    /// Of the table's rules.
    pub(super) hulls: Vec<Hull>,
    /// The lists that are sets of the table, and then of the patch.
    pub(super) placed: Placed,
    pub(super) inline: HashMap<(Version, usize), Inline>,
    pub(super) default: Action,
    pub(super) order: Order,
    /// All rules that were ever added to this table.
    pub(super) added: Vec<Added>,
    pub(super) edits_v4: BTreeMap<usize, Edits<Ipv4Addr>>,
    pub(super) edits_v6: BTreeMap<usize, Edits<Ipv6Addr>>,
    /// The table's rules that a packet may come to where it met one that is gone.
    pub(super) copies: BTreeSet<u32>,
    /// Added rules that match all that one that is gone did, so that what comes after them is not among the copies.
    pub(super) covers: HashSet<u32>,
    /// An overlay that stays as it is, whichever of its rules are gone.
    pub(super) frozen: Option<Overlay>,
    /// The rules of the other, which is made with each change and has none that is gone.
    pub(super) fresh: BTreeSet<Id>,
    /// Why the policy must be compiled anew, however small the patch.
    pub(super) anew: Option<Reason>,
}

impl Live {
    /// Compiles a policy, which then can be changed.
    ///
    /// # Errors
    /// When it can't be compiled.
    pub fn new(base: Policy, strategy: Strategy) -> Result<Self, CompileError> {
        let (table, places) = compile_placed(&base, strategy, &mut ())?;
        let decoded = Table::decode(&table).map_err(|_| CompileError::TooLarge)?;
        let bound_to = (decoded.checksum(), decoded.rules());
        let set = |place: &Option<Place>| place.clone().filter(|place| matches!(place, Place::Set(_)));
        let placed = Placed {
            ipv4: places.ipv4.iter().map(set).collect(),
            ipv6: places.ipv6.iter().map(set).collect(),
            before: places.sets.len() as u32,
            sets: Vec::new(),
            most_inline: None,
        };
        let mut live = Self {
            strategy,
            hulls: base.rules.iter().map(Hull::of).collect(),
            default: base.default,
            order: Order::new(bound_to.1),
            inline: inline(&base, &places),
            placed,
            base,
            table,
            bound_to,
            patch: Vec::new(),
            added: Vec::new(),
            edits_v4: BTreeMap::new(),
            edits_v6: BTreeMap::new(),
            copies: BTreeSet::new(),
            covers: HashSet::new(),
            frozen: None,
            fresh: BTreeSet::new(),
            anew: None,
        };
        live.patch = live.emit(&live.order.numbers(0), None)?;
        Ok(live)
    }

    /// The compiled policy, to which the patch belongs.
    pub fn table(&self) -> &[u8] {
        &self.table
    }

    /// All changes since the table was made, as [`firewall::patch`] has them.
    pub fn patch(&self) -> &[u8] {
        &self.patch
    }

    /// How many rules there are.
    pub fn rules(&self) -> usize {
        self.order.len()
    }

    /// The rule at a place.
    pub fn rule_at(&self, at: usize) -> Option<&Rule> {
        self.order.at(at).map(|id| self.rule(id))
    }

    /// The policy as it is with all changes.
    pub fn policy(&self) -> Policy {
        let rules = self.order.pieces().iter().flat_map(|piece| match *piece {
            Piece::Kept { first, count } => self.base.rules[first as usize..(first + count) as usize].to_vec(),
            Piece::Added(added) => vec![self.added[added as usize].rule.clone()],
        });
        let rules = rules.collect();
        let mut lists = self.base.lists.clone();
        self.edits_v4.iter().for_each(|(list, edits)| lists[*list].ipv4 = edits.changed(&self.base.lists[*list].ipv4));
        self.edits_v6.iter().for_each(|(list, edits)| lists[*list].ipv6 = edits.changed(&self.base.lists[*list].ipv6));
        Policy { rules, default: self.default, lists }
    }

    /// Makes a change, and with it a new [`patch`](Self::patch) or, where that would be too large, a new
    /// [`table`](Self::table).
    ///
    /// # Errors
    /// When there is no such rule, list or entry, or a value is wrong.
    pub fn apply(&mut self, change: Change) -> Result<Applied, ChangeError> {
        match change {
            Change::Default(action) => self.default = action,
            Change::Add { at, rule } => {
                self.check(&rule)?;
                if at > self.order.len() {
                    return Err(ChangeError::NoSuchRule);
                }
                self.insert(at, rule);
            }
            Change::Take { at } => self.take(at)?,
            Change::Replace { at, rule } => {
                self.check(&rule)?;
                if at >= self.order.len() {
                    return Err(ChangeError::NoSuchRule);
                }
                // It is there first: what it matches need not be looked for further on.
                self.insert(at + 1, rule);
                self.take(at)?;
            }
            Change::AddEntry { list, entry } => self.add_entry(list, entry)?,
            Change::TakeEntry { list, entry } => self.take_entry(list, entry)?,
        }
        self.settle().map_err(ChangeError::Compile)
    }

    fn check(&self, rule: &Rule) -> Result<(), ChangeError> {
        check_rule(rule, self.base.lists.len()).map_err(ChangeError::Value)
    }

    pub(super) fn insert(&mut self, at: usize, rule: Rule) {
        if self.has_new_list(&rule) {
            self.anew = Some(Reason::NewList);
        }
        let added = self.added.len() as u32;
        self.added.push(Added { hull: Hull::of(&rule), rule });
        self.order.insert(at, added);
        self.fresh.insert(Id::Added(added));
    }

    pub(super) fn rule(&self, id: Id) -> &Rule {
        match id {
            Id::Table(rule) => &self.base.rules[rule as usize],
            Id::Added(added) => &self.added[added as usize].rule,
        }
    }

    pub(super) fn hull(&self, id: Id) -> &Hull {
        match id {
            Id::Table(rule) => &self.hulls[rule as usize],
            Id::Added(added) => &self.added[added as usize].hull,
        }
    }
}
