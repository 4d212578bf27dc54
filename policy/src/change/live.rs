//! A policy in force, and its changes.
use super::entries::{Edits, Entry};
use super::hull::{Gone, Hull};
use super::order::{Id, Numbers, Order, Piece};
use super::overlay::Overlay;
use super::{Applied, Change, ChangeError, MOST_ENTRIES, MOST_LISTED, MOST_NAMING, MOST_PIECES, MOST_RULES, Reason};
use crate::compile::lists::{Place, Placed};
use crate::compile::part::{check_rule, part};
use crate::compile::ranges::Range;
use crate::compile::{CompileError, Strategy, ValueError, compile_placed};
use crate::policy::{Action, Addresses, Member, Network, Policy, Rule};
use core::net::{Ipv4Addr, Ipv6Addr};
use firewall::Table;
use firewall::linear::Version;
use firewall::patch::GONE;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// A list that is written out in the rules of the table that name it.
struct Inline {
    ranges: Vec<Range>,
    rules: Vec<u32>,
}

/// A rule that was added.
struct Added {
    rule: Rule,
    hull: Hull,
}

/// A policy as a table and a patch, and what a change to it needs to know.
pub struct Live {
    strategy: Strategy,
    /// What the table was compiled from.
    base: Policy,
    table: Vec<u8>,
    /// The table's checksum and how many rules it has.
    pub(super) bound_to: (u32, u32),
    patch: Vec<u8>,
    /// Of the table's rules.
    hulls: Vec<Hull>,
    /// The lists that are sets of the table, and then of the patch.
    pub(super) placed: Placed,
    inline: HashMap<(Version, usize), Inline>,
    pub(super) default: Action,
    pub(super) order: Order,
    /// All rules that were ever added to this table.
    added: Vec<Added>,
    pub(super) edits_v4: BTreeMap<usize, Edits<Ipv4Addr>>,
    pub(super) edits_v6: BTreeMap<usize, Edits<Ipv6Addr>>,
    /// The table's rules that a packet may come to where it met one that is gone.
    copies: BTreeSet<u32>,
    /// Added rules that match all that one that is gone did, so that what comes after them is not among the copies.
    covers: HashSet<u32>,
    /// An overlay that stays as it is, whichever of its rules are gone.
    pub(super) frozen: Option<Overlay>,
    /// The rules of the other, which is made with each change and has none that is gone.
    fresh: BTreeSet<Id>,
    /// Why the policy must be compiled anew, however small the patch.
    anew: Option<Reason>,
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

    fn insert(&mut self, at: usize, rule: Rule) {
        if self.has_new_list(&rule) {
            self.anew = Some(Reason::NewList);
        }
        let added = self.added.len() as u32;
        self.added.push(Added { hull: Hull::of(&rule), rule });
        self.order.insert(at, added);
        self.fresh.insert(Id::Added(added));
    }

    /// Takes the rule at a place away. Where it still stands, in the table or the frozen overlay, it hides others of the
    /// same from packets that both match: these become copies.
    fn take(&mut self, at: usize) -> Result<(), ChangeError> {
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

    fn rule(&self, id: Id) -> &Rule {
        match id {
            Id::Table(rule) => &self.base.rules[rule as usize],
            Id::Added(added) => &self.added[added as usize].rule,
        }
    }

    fn hull(&self, id: Id) -> &Hull {
        match id {
            Id::Table(rule) => &self.hulls[rule as usize],
            Id::Added(added) => &self.added[added as usize].hull,
        }
    }
}

/// What is copied of rules that are gone.
impl Live {
    fn settle(&mut self) -> Result<Applied, CompileError> {
        if let Some(reason) = self.is_too_much() {
            *self = Self::new(self.policy(), self.strategy)?;
            return Ok(Applied::Anew(reason));
        }
        let numbers = self.order.numbers(self.added.len());
        if self.fresh.len() > MOST_LISTED {
            self.fresh.clear();
            let all = self.order.added().map(Id::Added).chain(self.copies.iter().copied().map(Id::Table));
            self.frozen = Some(self.overlay(all.collect(), &numbers, Strategy::Best)?);
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

    /// A long list that only an added rule names would be a set of the patch.
    fn has_new_list(&self, rule: &Rule) -> bool {
        let is_new =
            |place: Option<&Option<Place>>, length: usize| place.is_some_and(Option::is_none) && length > MOST_ENTRIES;
        lists_of(rule).any(|(version, list)| match version {
            Version::V4 => is_new(self.placed.ipv4.get(list), self.base.lists[list].ipv4.len()),
            Version::V6 => is_new(self.placed.ipv6.get(list), self.base.lists[list].ipv6.len()),
        })
    }
}

/// Entries of lists.
impl Live {
    fn add_entry(&mut self, list: usize, entry: Entry) -> Result<(), ChangeError> {
        let own = self.base.lists.get(list).ok_or(ChangeError::NoSuchList)?;
        let is_new = match entry {
            Entry::Ipv4(prefix) => {
                check_length(prefix.length, Ipv4Addr::BITS)?;
                self.edits_v4.entry(list).or_default().add(&own.ipv4, prefix)
            }
            Entry::Ipv6(prefix) => {
                check_length(prefix.length, Ipv6Addr::BITS)?;
                self.edits_v6.entry(list).or_default().add(&own.ipv6, prefix)
            }
        };
        if is_new {
            self.write_apart(list, entry);
        }
        Ok(())
    }

    fn take_entry(&mut self, list: usize, entry: Entry) -> Result<(), ChangeError> {
        let own = self.base.lists.get(list).ok_or(ChangeError::NoSuchList)?;
        match entry {
            Entry::Ipv4(prefix) => self.edits_v4.entry(list).or_default().take(&own.ipv4, prefix)?,
            Entry::Ipv6(prefix) => self.edits_v6.entry(list).or_default().take(&own.ipv6, prefix)?,
        }
        self.write_apart(list, entry);
        Ok(())
    }

    /// A short list is written out in the rules of the table that name it. They are put in their own places again, in the
    /// patch, where the list is a set that can change.
    fn write_apart(&mut self, list: usize, entry: Entry) {
        let version = match entry {
            Entry::Ipv4(_) => Version::V4,
            Entry::Ipv6(_) => Version::V6,
        };
        let Some(inline) = self.inline.get(&(version, list)) else { return };
        let rules = inline.rules.clone();
        if rules.len() > MOST_NAMING {
            self.anew = Some(Reason::Naming);
            return;
        }
        for rule in rules {
            let place = self.order.numbers(self.added.len()).of(Id::Table(rule));
            if place != GONE {
                self.insert(place as usize + 1, self.base.rules[rule as usize].clone());
                // It is there: its number is a place.
                let _ = self.take(place as usize);
            }
        }
        self.inline.remove(&(version, list));
    }
}

fn check_length(length: u8, bits: u32) -> Result<(), ChangeError> {
    let is_right = u32::from(length) <= bits;
    if is_right { Ok(()) } else { Err(ChangeError::Value(ValueError::PrefixLength(length))) }
}

/// The lists that a rule names.
fn lists_of(rule: &Rule) -> impl Iterator<Item = (Version, usize)> {
    fn named<P>(asked: &Addresses<P>) -> Vec<usize> {
        let members = asked.source.iter().chain(&asked.destination).flat_map(|values| &values.members);
        let lists = members.filter_map(|member| match member {
            Member::Prefix(_) => None,
            Member::List(list) => Some(*list),
        });
        lists.collect()
    }
    let (version, lists) = match &rule.network {
        None => (Version::V4, vec![]),
        Some(Network::Ipv4(asked)) => (Version::V4, named(asked)),
        Some(Network::Ipv6(asked)) => (Version::V6, named(asked)),
    };
    lists.into_iter().map(move |list| (version, list))
}

/// The lists that are written out in rules of the table.
fn inline(policy: &Policy, places: &Placed) -> HashMap<(Version, usize), Inline> {
    let mut all = HashMap::<_, Inline>::new();
    for (number, rule) in (0..).zip(&policy.rules) {
        for (version, list) in lists_of(rule) {
            let place = match version {
                Version::V4 => places.ipv4.get(list),
                Version::V6 => places.ipv6.get(list),
            };
            let Some(Some(Place::Inline(ranges))) = place else { continue };
            let of_list = || Inline { ranges: ranges.clone(), rules: Vec::new() };
            let rules = &mut all.entry((version, list)).or_insert_with(of_list).rules;
            if rules.last() != Some(&number) {
                rules.push(number);
            }
        }
    }
    all
}
