//! Strict JSON (RFC 8259) into a tree that knows where each value stands.
use std::collections::HashMap;

use jsonc_parser::ast;
use jsonc_parser::common::Ranged;
use jsonc_parser::errors::ParseErrorKind;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::error::{Error, ErrorKind};
use crate::diagnostic::Span;

/// A JSON value and where it stands.
#[derive(Debug)]
pub(super) struct Json {
    pub span: Span,
    pub kind: Kind,
}

/// What a JSON value is.
#[derive(Debug)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    /// As written: nothing is rounded.
    Number(String),
    /// With its escapes resolved.
    Text(String),
    Array(Vec<Json>),
    Object(Vec<Member>),
}

/// A member of an object.
#[derive(Debug)]
pub(super) struct Member {
    pub key: String,
    pub key_span: Span,
    pub value: Json,
}

impl Kind {
    /// What to call it in a message.
    pub fn name(&self) -> &'static str {
        match self {
            Kind::Null => "null",
            Kind::Bool(_) => "a boolean",
            Kind::Number(_) => "a number",
            Kind::Text(_) => "a string",
            Kind::Array(_) => "an array",
            Kind::Object(_) => "an object",
        }
    }
}

/// Parses `text`; spans are bytes from its start, a byte order mark counted.
///
/// Syntax ends at the first error; keys that stand twice are all reported, and the first of them counts.
pub(super) fn parse(text: &str, errors: &mut Vec<Error>) -> Option<Json> {
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let base = text.len() - body.len();
    refuse_foreign_space(text, base, errors);
    let parsed = match parse_to_ast(body, &CollectOptions::default(), &strict()) {
        Ok(parsed) => parsed.value,
        Err(error) => {
            let span = error.range().start + base..error.range().end + base;
            errors.push(Error { span, kind: syntax(error.kind()) });
            return None;
        }
    };
    let Some(root) = parsed else {
        errors.push(Error { span: 0..text.len().min(1), kind: ErrorKind::EmptyFile });
        return None;
    };
    Some(Builder { text, base, errors }.value(root))
}

/// RFC 8259 section 2: space, tab, line feed and carriage return are all the white space there is.
fn refuse_foreign_space(text: &str, base: usize, errors: &mut Vec<Error>) {
    let (mut in_string, mut escaped) = (false, false);
    for (at, c) in text.char_indices().skip_while(|(at, _)| *at < base) {
        if c == '"' && !escaped {
            in_string = !in_string;
        }
        escaped = in_string && c == '\\' && !escaped;
        if !in_string && c.is_whitespace() && !matches!(c, ' ' | '\t' | '\n' | '\r') {
            let kind = ErrorKind::Syntax { message: format!("U+{:04X} between values", u32::from(c)) };
            errors.push(Error { span: at..at + c.len_utf8(), kind });
        }
    }
}

/// RFC 8259 and nothing else.
fn strict() -> ParseOptions {
    ParseOptions {
        allow_comments: false,
        allow_loose_object_property_names: false,
        allow_trailing_commas: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    }
}

fn syntax(kind: &ParseErrorKind) -> ErrorKind {
    match kind {
        ParseErrorKind::NestingDepthExceeded => ErrorKind::TooDeep,
        other => ErrorKind::Syntax { message: lower_first(&other.to_string()) },
    }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

/// Turns the parser's tree into ours, and refuses what it lets pass.
struct Builder<'a> {
    text: &'a str,
    base: usize,
    errors: &'a mut Vec<Error>,
}

impl Builder<'_> {
    fn value(&mut self, value: ast::Value) -> Json {
        let span = self.span(&value);
        let kind = match value {
            ast::Value::NullKeyword(_) => Kind::Null,
            ast::Value::BooleanLit(boolean) => Kind::Bool(boolean.value),
            ast::Value::NumberLit(number) => Kind::Number(number.value.to_string()),
            ast::Value::StringLit(text) => {
                self.refuse_control_characters(&span);
                Kind::Text(text.value.into_owned())
            }
            ast::Value::Array(array) => Kind::Array(array.elements.into_iter().map(|v| self.value(v)).collect()),
            ast::Value::Object(object) => Kind::Object(self.members(object)),
        };
        Json { span, kind }
    }

    fn members(&mut self, object: ast::Object) -> Vec<Member> {
        let mut seen: HashMap<String, Span> = HashMap::new();
        let mut members = Vec::with_capacity(object.properties.len());
        for property in object.properties {
            let key_span = self.span(&property.name);
            self.refuse_control_characters(&key_span);
            let key = property.name.into_string();
            let value = self.value(property.value);
            if let Some(first) = seen.get(&key) {
                let kind = ErrorKind::DuplicateKey { key, first: first.clone() };
                self.errors.push(Error { span: key_span, kind });
            } else {
                seen.insert(key.clone(), key_span.clone());
                members.push(Member { key, key_span, value });
            }
        }
        members
    }

    fn span(&self, node: &impl Ranged) -> Span {
        node.start() + self.base..node.end() + self.base
    }

    /// RFC 8259 section 7: U+0000 to U+001F must be escaped; the parser takes them as they are.
    fn refuse_control_characters(&mut self, span: &Span) {
        let raw = self.text.get(span.clone()).unwrap_or_default();
        if let Some(at) = raw.bytes().position(|byte| byte < 0x20) {
            let at = span.start + at;
            self.errors.push(Error { span: at..at + 1, kind: ErrorKind::ControlCharacter });
        }
    }
}
