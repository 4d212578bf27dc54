//! The key `allow`: lints that are not to be told.
use super::error::{ErrorKind, Expected, Fault};
use super::json::{Json, Kind};
use super::reader::Reader;
use crate::lint::Lint;

/// The lints that are named, one or an array of them.
pub(super) fn lints(reader: &mut Reader, json: &Json) -> Vec<Lint> {
    match &json.kind {
        Kind::Array(names) => names.iter().filter_map(|name| lint(reader, name)).collect(),
        Kind::Text(_) => lint(reader, json).into_iter().collect(),
        _ => {
            reader.wrong_type(json, "`allow`", "the name of a lint, or an array of names");
            Vec::new()
        }
    }
}

fn lint(reader: &mut Reader, json: &Json) -> Option<Lint> {
    let text = reader.string(json, "a member of `allow`")?;
    let lint = Lint::named(&text);
    if lint.is_none() {
        let (expected, fault) = (Expected::Lint, Fault::NotOneOf);
        reader.error(&json.span, ErrorKind::Value { expected, text, fault });
    }
    lint
}
