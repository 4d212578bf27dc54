//! Changes to a policy that is in force, without compiling all of it again.
//!
//! [`Live`] compiles a policy to a table once. After that each [`Change`] gives a [patch](firewall::patch): a small blob that has
//! all changes since, and that is decoded together with the table. What it costs to make and to decode depends on how much
//! was changed, but for one pass over the bounds of the rules where one is taken away. When a patch would grow too large, the policy is
//! compiled anew, and [`Applied`] says why.
use crate::compile::{CompileError, ValueError};
use crate::policy::{Action, Rule};
use core::fmt;

mod emit;
mod entries;
pub(crate) mod hull;
mod lists;
mod live;
mod order;
mod overlay;
mod settle;
mod take;

pub use entries::Entry;
pub use live::Live;

/// The most rules in a patch: those that were added, and those that must be looked at again where others are gone.
pub const MOST_RULES: usize = 1024;
/// The most entries of lists that a patch adds and takes away.
pub const MOST_ENTRIES: usize = 2048;
/// The most pieces into which the rules of a table are cut.
pub const MOST_PIECES: usize = 4096;
/// The most rules that name a short list one of whose entries changes.
pub const MOST_NAMING: usize = 64;
/// So many rules of a patch are tried one after the other; more become an overlay that is searched.
pub const MOST_LISTED: usize = 16;

/// One change. Places of rules are counted from 0 in the policy as it is before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Puts a rule before the one at this place, or behind all.
    Add {
        /// The place.
        at: usize,
        /// The rule.
        rule: Rule,
    },
    /// Takes the rule at this place away.
    Take {
        /// The place.
        at: usize,
    },
    /// Puts a rule in the place of another.
    Replace {
        /// The place.
        at: usize,
        /// The rule.
        rule: Rule,
    },
    /// What happens to a packet that no rule matches.
    Default(Action),
    /// Adds an entry to the list of this number. One that it has already changes nothing.
    AddEntry {
        /// The list.
        list: usize,
        /// The entry.
        entry: Entry,
    },
    /// Takes an entry from the list of this number. What another entry covers stays in the list.
    TakeEntry {
        /// The list.
        list: usize,
        /// The entry.
        entry: Entry,
    },
}

/// How a change came into force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// By the patch; the table is the same.
    Patch,
    /// By a new table, whose patch changes nothing.
    Anew(Reason),
}

/// Why a policy is compiled anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The patch would have more than [`MOST_RULES`].
    Rules,
    /// It would have more than [`MOST_ENTRIES`].
    Entries,
    /// It would have more than [`MOST_PIECES`].
    Pieces,
    /// More than [`MOST_NAMING`] rules name a short list, which is written out in each.
    Naming,
    /// An added rule names a long list that no other does, so that the table does not have it.
    NewList,
}

/// Why a change is refused. Then nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeError {
    /// There are not so many rules.
    NoSuchRule,
    /// There are not so many lists.
    NoSuchList,
    /// The list does not have this entry by itself.
    NoSuchEntry,
    /// The rule or the entry has a wrong value.
    Value(ValueError),
    /// The changed policy can't be compiled. The changes before this are in force.
    Compile(CompileError),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rules => {
                write!(f, "more than {MOST_RULES} rules would have to be looked at besides the compiled ones")
            }
            Self::Entries => write!(f, "more than {MOST_ENTRIES} entries of lists were changed"),
            Self::Pieces => write!(f, "rules were changed in more than {} places", MOST_PIECES / 2),
            Self::Naming => {
                write!(f, "more than {MOST_NAMING} rules name the short list, which is written out in each")
            }
            Self::NewList => f.write_str("the rule names a long list that no other rule does"),
        }
    }
}

impl fmt::Display for ChangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchRule => f.write_str("the policy does not have so many rules"),
            Self::NoSuchList => f.write_str("the policy does not have so many lists"),
            Self::NoSuchEntry => f.write_str("the list does not have this entry by itself"),
            Self::Value(error) => write!(f, "{error}"),
            Self::Compile(error) => write!(f, "{error}"),
        }
    }
}

impl core::error::Error for ChangeError {}
