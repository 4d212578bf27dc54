//! Takes values out of the tree by type, and keeps what is wrong.
use super::error::{Error, ErrorKind, Warning, WarningKind};
use super::json::{Json, Kind, Member};
use super::places::HostBits;
use crate::diagnostic::Span;

/// Goes on after an error, so that all of them are found.
#[derive(Default)]
pub(super) struct Reader {
    pub errors: Vec<Error>,
    pub warnings: Vec<Warning>,
    /// Addresses with bits that their masks take away.
    pub host_bits: Vec<HostBits>,
}

impl Reader {
    pub fn error(&mut self, span: &Span, kind: ErrorKind) {
        self.errors.push(Error { span: span.clone(), kind });
    }

    pub fn warning(&mut self, span: &Span, kind: WarningKind) {
        self.warnings.push(Warning { span: span.clone(), kind });
    }

    pub fn wrong_type(&mut self, json: &Json, what: &str, expected: &'static str) {
        let found = json.kind.name();
        self.error(&json.span, ErrorKind::WrongType { what: what.to_string(), expected, found });
    }

    /// The members of an object; none after an error.
    pub fn object<'a>(&mut self, json: &'a Json, what: &str) -> &'a [Member] {
        match &json.kind {
            Kind::Object(members) => members,
            _ => {
                self.wrong_type(json, what, "an object");
                &[]
            }
        }
    }

    pub fn boolean(&mut self, json: &Json, what: &str) -> Option<bool> {
        match json.kind {
            Kind::Bool(value) => Some(value),
            _ => {
                self.wrong_type(json, what, "true or false");
                None
            }
        }
    }

    /// A string that may go to the program: without U+0000.
    pub fn string(&mut self, json: &Json, what: &str) -> Option<String> {
        match &json.kind {
            Kind::Text(text) if text.contains('\0') => {
                self.error(&json.span, ErrorKind::NulCharacter);
                None
            }
            Kind::Text(text) => Some(text.clone()),
            _ => {
                self.wrong_type(json, what, "a string");
                None
            }
        }
    }

    /// A string, or a number as it is written.
    pub fn string_or_number(&mut self, json: &Json, what: &str) -> Option<String> {
        match &json.kind {
            Kind::Number(text) => Some(text.clone()),
            Kind::Text(_) => self.string(json, what),
            _ => {
                self.wrong_type(json, what, "a string or a number");
                None
            }
        }
    }

    pub fn array<'a>(&mut self, json: &'a Json, what: &str) -> &'a [Json] {
        match &json.kind {
            Kind::Array(values) => values,
            _ => {
                self.wrong_type(json, what, "an array");
                &[]
            }
        }
    }

    pub fn strings(&mut self, json: &Json, what: &str) -> Vec<String> {
        let member = format!("a member of {what}");
        self.array(json, what).iter().filter_map(|value| self.string(value, &member)).collect()
    }

    /// An object whose values are strings, in the order of the file.
    pub fn map(&mut self, json: &Json, what: &str) -> Vec<(String, String)> {
        let mut entries = Vec::new();
        for member in self.object(json, what) {
            if member.key.contains('\0') {
                self.error(&member.key_span, ErrorKind::NulCharacter);
            }
            if let Some(value) = self.string(&member.value, &format!("a value of {what}")) {
                entries.push((member.key.clone(), value));
            }
        }
        entries
    }
}
