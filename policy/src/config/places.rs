//! Where the parts of a policy stand, for messages about one that is right.
use core::fmt::Display;
use core::str::FromStr;

use crate::diagnostic::Span;
use crate::policy::Prefix;

/// Where the parts of the object `firewall` stand; a rule has its own place in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// The key `firewall`.
    pub firewall: Span,
    /// The value of `rules`, if there is one.
    pub rules: Option<Span>,
    /// The value of `default`, if there is one.
    pub default: Option<Span>,
    /// Addresses with bits that their masks take away, in rules and in lists.
    pub host_bits: Vec<HostBits>,
}

/// An address with bits that its mask takes away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostBits {
    /// The value; of a list in a file, the file's name.
    pub span: Span,
    /// As it stands there, with its `!`.
    pub written: String,
    /// The same without these bits.
    pub meant: String,
    /// The number of the rule that it stands in, counted from 0; `None` for a list.
    pub rule: Option<usize>,
    /// For a list in a file: where in it.
    pub line: Option<Line>,
}

/// The first such line of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// From 1.
    pub number: usize,
    /// How many more there are.
    pub more: usize,
}

impl HostBits {
    /// `text` if it says a prefix with bits that the mask takes away; `prefix` is what was read from it.
    pub(super) fn of<A>(text: &str, prefix: &Prefix<A>, span: &Span) -> Option<HostBits>
    where
        A: FromStr + PartialEq + Display,
    {
        let (before, _) = text.split_once('/')?;
        let address = before.strip_prefix('!').unwrap_or(before);
        if address.parse::<A>().ok()? == prefix.address {
            return None;
        }
        let negation = if before.starts_with('!') { "!" } else { "" };
        let meant = format!("{negation}{}/{}", prefix.address, prefix.length);
        Some(HostBits { span: span.clone(), written: text.to_string(), meant, rule: None, line: None })
    }
}
