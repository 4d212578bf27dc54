//! Properties in words.
//!
//! ```text
//! only tcp 8080 from anywhere, udp from 10.0.0.0/8
//! never from 169.254.0.0/16
//! always tcp 22 from @office
//! ```
//!
//! What follows the first word are sets of packets, with a comma between. Of each set `draft.rs` keeps what is said, and makes
//! rules that match these packets.
mod draft;
mod fault;
mod host;
mod set;

pub use fault::PropertyFault;
pub(super) use fault::words;

use super::error::{ErrorKind, Expected, Fault};
use super::lists::Names;
use super::suggest;
use crate::diagnostic::Span;
use crate::policy::Rule;
use crate::test::{Kind, Property};
use crate::words;

const KINDS: [(&str, Kind); 3] = [("only", Kind::Only), ("never", Kind::Never), ("always", Kind::Always)];

/// Why a text is no property, and which part of it.
#[derive(Debug, PartialEq)]
pub(super) struct Refused {
    pub span: Span,
    pub kind: ErrorKind,
}

impl Refused {
    fn fault(span: &Span, fault: PropertyFault) -> Self {
        Self { span: span.clone(), kind: ErrorKind::Property { fault } }
    }

    fn value(span: &Span, text: &str, expected: Expected, fault: Fault) -> Self {
        Self { span: span.clone(), kind: ErrorKind::Value { expected, text: text.to_string(), fault } }
    }
}

/// Reads sets of packets, with a comma between, as rules that match them; the spans of the rules are parts of `text`.
pub(super) fn packets(text: &str, lists: &mut Names) -> Result<Vec<Rule>, Refused> {
    let mut rules = Vec::new();
    for set in words::sets(text) {
        if set.is_empty() {
            return Err(Refused::fault(&(0..text.len()), PropertyFault::NoPackets));
        }
        rules.extend(set::parse(set, lists)?);
    }
    Ok(rules)
}

/// Reads a property; the spans of its rules are parts of `text`.
pub(super) fn parse(text: &str, lists: &mut Names) -> Result<Property, Refused> {
    let mut sets = words::sets(text);
    let end = text.trim_end().len();
    let Some(first) = sets.first_mut().filter(|set| !set.is_empty()).map(|set| set.remove(0)) else {
        return Err(Refused::fault(&(0..end), PropertyFault::Empty));
    };
    let Some((_, kind)) = KINDS.iter().find(|(name, _)| first.is(name)) else {
        let word = first.text.to_string();
        let meant = suggest::nearest(&word, &KINDS.map(|(name, _)| name));
        return Err(Refused::fault(&first.span, PropertyFault::Kind { word, meant }));
    };
    let mut packets = Vec::new();
    let mut before = first;
    for set in sets {
        let last = set.last().cloned();
        let Some(last) = last else {
            return Err(Refused::fault(&before.span, PropertyFault::EmptySet { after: before.text.to_string() }));
        };
        packets.extend(set::parse(set, lists)?);
        before = last;
    }
    Ok(Property { kind: *kind, packets })
}
