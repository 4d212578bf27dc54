//! Few changes to a compiled policy, decoded as a small blob of their own: the table stays as it is.
//!
//! | bytes | what |
//! |---|---|
//! | 0..4 | [`MAGIC`] |
//! | 4..6 | [`VERSION`] |
//! | 6 | zero |
//! | 7 | what happens to a packet that no rule matches: 0 drop, 1 accept |
//! | 8..12 | length of the whole patch |
//! | 12..16, 16..20 | the checksum of the table that it belongs to, and how many rules that has |
//! | 20..24 | how many rules the changed policy has |
//! | 24..28 | how many runs there are, see [`Run`] |
//! | 28..32 | how many overlays there are, at most [`OVERLAYS`] |
//! | 32..36 | how many lists are changed |
//! | 36..40 | length of the sets that the patch has |
//! | | the runs, [`RUN`] bytes each, which together are all rules of the table |
//! | | the changed lists, see [`lists::Change`](crate::lists::Change) |
//! | | the sets, as [`lists`](crate::lists) has them; their numbers come after those of the table's |
//! | | the overlays |
//! | n-4..n | CRC-32 of all before it |
//!
//! An overlay is the number of its [`engine`](crate::table::engine), how many rules it has, and the length of the engine's own part,
//! 4 bytes each; the number in the changed policy of each of its rules, or [`GONE`], 4 bytes each; and that part.
//!
//! # Why the earliest of the answers decides
//!
//! The table and each overlay are lists of rules in the order of the changed policy, some of which are gone from it. Each
//! gives the first of its rules that matches; if that is gone, no answer. The compiler keeps this: *where a rule is gone
//! from the table or an overlay, every rule after it there that remains and can match the same packet is also in a later
//! overlay, unless a rule that remains and matches all that the gone one does comes before it in the changed policy.*
//!
//! Let a packet's first match in the changed policy be R, and E the last of table and overlays that has R. E answers R: if
//! it answered another rule of its own, that would come before R. It can't remain, as R is the first that does and matches. So
//! it is gone and matches the same packet as R: then R is in an overlay after E, which E being the last rules out, or a rule
//! before R remains that matches the packet, which R being the first rules out. All other answers are rules that remain
//! and match, so that none comes before R.
use crate::classify::{Action, Decision, Matched};
use crate::packet::Packet;
use crate::shape::{Shape, Worst, halves};
use crate::table::Table;

mod decode;
mod run;

pub use decode::{PatchError, emit_header};
pub use run::{RUN, Run};

use run::Runs;

/// The first bytes of every patch.
pub const MAGIC: [u8; 4] = *b"PCPA";
/// The version of this format.
pub const VERSION: u16 = 1;
/// Bytes of the header.
pub const HEADER: usize = 40;
/// The most overlays.
pub const OVERLAYS: usize = 2;
/// Stands for the number of an overlay's rule that is gone.
pub const GONE: u32 = u32::MAX;

/// A compiled policy with changes. A value of this type is valid as a whole: deciding by it cannot fail.
#[derive(Clone, Copy, Debug)]
pub struct Patched<'a> {
    table: Table<'a>,
    default: Action,
    rules: u32,
    /// Whether there is anything but the default that a packet may find changed, other than in lists.
    has_rules: bool,
    runs: Runs<'a>,
    overlays: [Option<Overlay<'a>>; OVERLAYS],
}

/// Rules that a patch has.
#[derive(Clone, Copy, Debug)]
struct Overlay<'a> {
    table: Table<'a>,
    numbers: &'a [[u8; 4]],
}

/// What a verdict may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patches {
    /// By the table.
    pub table: Shape,
    /// By each overlay besides.
    pub overlays: [Option<Shape>; OVERLAYS],
    /// Runs of rules that keep their distance, which are searched by halves.
    pub runs: usize,
    /// Lists that are looked up in two small sets besides.
    pub lists: usize,
    /// How much of table and patch is read for one packet.
    pub worst: Worst,
}

impl Overlay<'_> {
    /// The number in the changed policy of the first rule that matches, if that is not gone.
    #[inline]
    fn first_match(&self, packet: &Packet) -> Option<(u32, Action)> {
        let Decision { action, cause: Matched::Rule(rule) } = self.table.decide(packet) else { return None };
        Some((self.number(rule)?, action))
    }

    fn number(&self, rule: u32) -> Option<u32> {
        let number = self.numbers.get(usize::try_from(rule).ok()?)?;
        Some(u32::from_le_bytes(*number)).filter(|number| *number != GONE)
    }

    /// The numbers of all rules that are not gone, with their actions.
    fn iter(&self) -> impl Iterator<Item = (u32, Action)> + '_ {
        (0..self.table.rules()).filter_map(|rule| Some((self.number(rule)?, self.table.action(rule)?)))
    }
}

impl<'a> Patched<'a> {
    /// Decides about a packet.
    #[inline]
    pub fn decide(&self, packet: &Packet) -> Decision {
        self.changed(self.table.decide(packet), packet)
    }

    /// Decides about packets that came together, as [`Table::decide_burst`] does.
    pub fn decide_burst(&self, packets: &[Packet], decisions: &mut [Decision]) {
        self.table.decide_burst(packets, decisions);
        for (decision, packet) in decisions.iter_mut().zip(packets) {
            *decision = self.changed(*decision, packet);
        }
    }

    /// What the changed policy says where the table says this.
    #[inline]
    fn changed(&self, by_table: Decision, packet: &Packet) -> Decision {
        let kept = match by_table.cause {
            Matched::Rule(_) if !self.has_rules => return by_table,
            Matched::Rule(rule) => self.runs.number(rule).map(|number| (number, by_table.action)),
            Matched::Default => None,
        };
        let added = self.overlays.iter().flatten().filter_map(|overlay| overlay.first_match(packet));
        match kept.into_iter().chain(added).min_by_key(|(number, _)| *number) {
            Some((number, action)) => Decision { action, cause: Matched::Rule(number) },
            None => Decision { action: self.default, cause: Matched::Default },
        }
    }

    /// How many rules the changed policy has.
    pub fn rules(&self) -> u32 {
        self.rules
    }

    /// What the rule of this number in the changed policy does; `None` when there is no such rule.
    pub fn action(&self, number: u32) -> Option<Action> {
        if let Some(rule) = self.runs.rule(number) {
            return self.table.action(rule);
        }
        let mut added = self.overlays.iter().flatten().flat_map(Overlay::iter);
        added.find(|(other, _)| *other == number).map(|(_, action)| action)
    }

    /// What happens to a packet that no rule matches.
    pub fn default_action(&self) -> Action {
        self.default
    }

    /// What a verdict may cost: the sum of all of it.
    pub fn shape(&self) -> Patches {
        let table = self.table.shape();
        let overlays = self.overlays.map(|overlay| overlay.map(|overlay| overlay.table.shape()));
        let runs = halves(self.runs.len(), RUN);
        // And the number of the rule that an overlay finds.
        let added = overlays.iter().flatten().map(|overlay| [overlay.worst.v4 + 1, overlay.worst.v6 + 1]);
        let [v4, v6] = added.fold([0, 0], |[v4, v6], [more_v4, more_v6]| [v4 + more_v4, v6 + more_v6]);
        let worst = Worst { v4: table.worst.v4 + runs + v4, v6: table.worst.v6 + runs + v6 };
        Patches { table, overlays, runs: self.runs.len(), lists: self.table.lists.changes().len(), worst }
    }
}

impl<'a> From<Table<'a>> for Patched<'a> {
    /// The table as it is.
    fn from(table: Table<'a>) -> Self {
        let (default, rules) = (table.default_action(), table.rules());
        Self { table, default, rules, has_rules: false, runs: Runs::default(), overlays: [None; OVERLAYS] }
    }
}
