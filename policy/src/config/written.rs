//! A policy as written: the right shape, and values not yet looked at.
use super::allow;
use super::error::ErrorKind;
use super::json::{Json, Kind, Member};
use super::reader::Reader;
use super::test::{self, Test};
use crate::diagnostic::Span;
use crate::lint::Lint;

/// The object `firewall`.
#[derive(Debug, Default)]
pub(super) struct Firewall {
    pub rules: Vec<Rule>,
    /// The array of them.
    pub rules_span: Option<Span>,
    pub default: Option<Scalar>,
    pub lists: Vec<List>,
    pub allow: Vec<Lint>,
    pub tests: Vec<Test>,
}

/// An entry of `lists`.
#[derive(Debug)]
pub(super) struct List {
    pub name: String,
    pub name_span: Span,
    /// `None` after an error.
    pub source: Option<Source>,
}

/// Where the members of a list are.
#[derive(Debug)]
pub(super) enum Source {
    Members(Vec<Scalar>),
    /// The path of a file.
    File(Scalar),
}

/// A rule; at most one of each attribute.
#[derive(Debug, Default)]
pub(super) struct Rule {
    pub ip: Option<Addresses>,
    pub ip6: Option<Addresses>,
    pub tcp: Option<Ports>,
    pub udp: Option<Ports>,
    pub icmp: Option<Messages>,
    pub icmp6: Option<Messages>,
    pub action: Option<Scalar>,
    pub name: Option<String>,
    pub has_comment: bool,
    pub allow: Vec<Lint>,
    pub span: Span,
}

impl Rule {
    /// Whether it has nothing but what it asks and its action.
    pub fn is_plain(&self) -> bool {
        self.name.is_none() && !self.has_comment && self.allow.is_empty()
    }
}

/// The attribute `ip` or `ip6`.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    pub src: Option<OneOrMany>,
    pub dest: Option<OneOrMany>,
    pub fragment: Option<Scalar>,
    pub proto: Option<OneOrMany>,
}

/// The attribute `tcp` or `udp`.
#[derive(Debug, Default)]
pub(super) struct Ports {
    pub src: Option<OneOrMany>,
    pub dest: Option<OneOrMany>,
}

/// The attribute `icmp` or `icmp6`.
#[derive(Debug, Default)]
pub(super) struct Messages {
    pub message_type: Option<OneOrMany>,
    pub code: Option<OneOrMany>,
}

/// A string, or the text of a number.
#[derive(Debug)]
pub(super) struct Scalar {
    pub text: String,
    pub span: Span,
}

impl Scalar {
    pub fn is_negated(&self) -> bool {
        self.text.starts_with('!')
    }
}

/// One value, or an array of them.
#[derive(Debug)]
pub(super) struct OneOrMany {
    pub members: Vec<Scalar>,
    pub span: Span,
}

pub(super) const FIREWALL: &[&str] = &["rules", "default", "lists", "allow", "tests"];
pub(super) const FIREWALL_NOT_BUILT: &[&str] = &["egress", "dynamic_rules"];
const RULE: &[&str] = &["ip", "ip6", "tcp", "udp", "icmp", "icmp6", "action", "name", "comment", "allow"];
const RULE_NOT_BUILT: &[&str] = &["state", "limit", "log"];
const LIST: &[&str] = &["file"];
const ADDRESSES: &[&str] = &["src", "dest", "fragment", "proto"];
const PORTS: &[&str] = &["src", "dest"];
const MESSAGES: &[&str] = &["type", "code"];

const ACTION: &str = "\"accept\" or \"drop\"";
const ADDRESS: &str = "a string";
const LIST_OF: &str = "an array of addresses, or an object such as {\"file\": \"list.txt\"}";
const ONE_OR_MANY: &str = "a string, a number, or an array of them";

/// Attributes that exclude one another, a group a line.
const EXCLUSIVE: &[&[&str]] = &[&["ip", "ip6"], &["tcp", "udp", "icmp", "icmp6"], &["icmp", "ip6"], &["icmp6", "ip"]];

/// Reads the value of `firewall`.
pub(super) fn firewall(reader: &mut Reader, json: &Json) -> Firewall {
    let mut firewall = Firewall::default();
    for member in reader.object(json, "`firewall`") {
        match member.key.as_str() {
            "rules" => {
                firewall.rules = rules(reader, &member.value);
                firewall.rules_span = Some(member.value.span.clone());
            }
            "lists" => firewall.lists = lists(reader, &member.value),
            "default" => firewall.default = scalar(reader, &member.value, "`default`", ACTION),
            "tests" => firewall.tests = test::tests(reader, &member.value),
            "allow" => firewall.allow = allow::lints(reader, &member.value),
            _ => refuse(reader, member, "`firewall`", FIREWALL, FIREWALL_NOT_BUILT),
        }
    }
    firewall
}

fn lists(reader: &mut Reader, json: &Json) -> Vec<List> {
    let members = reader.object(json, "`lists`");
    let list = |member: &Member| List {
        name: member.key.clone(),
        name_span: member.key_span.clone(),
        source: source(reader, &member.value),
    };
    members.iter().map(list).collect()
}

/// An array of addresses, or an object with the name of a file.
fn source(reader: &mut Reader, json: &Json) -> Option<Source> {
    match &json.kind {
        Kind::Array(values) => {
            let members = values.iter().filter_map(|value| scalar(reader, value, "a member of a list", ADDRESS));
            Some(Source::Members(members.collect()))
        }
        Kind::Object(members) => {
            let mut file = None;
            for member in members {
                match member.key.as_str() {
                    "file" => {
                        file = reader.string(&member.value, "`file`").map(|text| (text, member.value.span.clone()))
                    }
                    _ => refuse(reader, member, "a list", LIST, &[]),
                }
            }
            if !members.iter().any(|member| member.key == "file") {
                reader.wrong_type(json, "a list", LIST_OF);
            }
            file.map(|(text, span)| Source::File(Scalar { text, span }))
        }
        _ => {
            reader.wrong_type(json, "a list", LIST_OF);
            None
        }
    }
}

fn rules(reader: &mut Reader, json: &Json) -> Vec<Rule> {
    let Kind::Array(rules) = &json.kind else {
        reader.wrong_type(json, "`rules`", "an array of rules");
        return Vec::new();
    };
    rules.iter().map(|json| rule(reader, json)).collect()
}

fn rule(reader: &mut Reader, json: &Json) -> Rule {
    let mut rule = Rule { span: json.span.clone(), ..Rule::default() };
    let members = reader.object(json, "a rule");
    for member in members {
        let value = &member.value;
        match member.key.as_str() {
            "ip" => rule.ip = Some(addresses(reader, value, "`ip`")),
            "ip6" => rule.ip6 = Some(addresses(reader, value, "`ip6`")),
            "tcp" => rule.tcp = Some(ports(reader, value, "`tcp`")),
            "udp" => rule.udp = Some(ports(reader, value, "`udp`")),
            "icmp" => rule.icmp = Some(messages(reader, value, "`icmp`")),
            "icmp6" => rule.icmp6 = Some(messages(reader, value, "`icmp6`")),
            "action" => rule.action = scalar(reader, value, "`action`", ACTION),
            "name" => rule.name = reader.string(value, "`name`"),
            "comment" => rule.has_comment = reader.string(value, "`comment`").is_some(),
            "allow" => rule.allow = allow::lints(reader, value),
            _ => refuse(reader, member, "a rule", RULE, RULE_NOT_BUILT),
        }
    }
    conflicts(reader, members);
    rule
}

/// Reports each attribute that cannot stand with one before it, once.
fn conflicts(reader: &mut Reader, members: &[Member]) {
    let exclusive = |member: &&Member| EXCLUSIVE.iter().any(|group| group.contains(&member.key.as_str()));
    let members: Vec<&Member> = members.iter().filter(exclusive).collect();
    for (at, member) in members.iter().enumerate() {
        let before = members.iter().take(at);
        let clash = before.flat_map(|other| EXCLUSIVE.iter().find_map(|group| clash(group, other, member))).next();
        if let Some((first, second)) = clash {
            reader.error(&member.key_span, ErrorKind::Conflict { first, second });
        }
    }
}

fn clash(group: &[&'static str], first: &Member, second: &Member) -> Option<(&'static str, &'static str)> {
    let find = |key: &str| group.iter().copied().find(|name| *name == key);
    Some((find(&first.key)?, find(&second.key)?))
}

fn addresses(reader: &mut Reader, json: &Json, place: &'static str) -> Addresses {
    let mut addresses = Addresses::default();
    for member in reader.object(json, place) {
        let value = &member.value;
        match member.key.as_str() {
            "src" => addresses.src = one_or_many(reader, value, "`src`"),
            "dest" => addresses.dest = one_or_many(reader, value, "`dest`"),
            "fragment" => addresses.fragment = scalar(reader, value, "`fragment`", "\"y\" or \"n\""),
            "proto" => addresses.proto = one_or_many(reader, value, "`proto`"),
            _ => refuse(reader, member, place, ADDRESSES, &[]),
        }
    }
    addresses
}

fn ports(reader: &mut Reader, json: &Json, place: &'static str) -> Ports {
    let mut ports = Ports::default();
    for member in reader.object(json, place) {
        match member.key.as_str() {
            "src" => ports.src = one_or_many(reader, &member.value, "`src`"),
            "dest" => ports.dest = one_or_many(reader, &member.value, "`dest`"),
            _ => refuse(reader, member, place, PORTS, &[]),
        }
    }
    ports
}

fn messages(reader: &mut Reader, json: &Json, place: &'static str) -> Messages {
    let mut messages = Messages::default();
    for member in reader.object(json, place) {
        match member.key.as_str() {
            "type" => messages.message_type = one_or_many(reader, &member.value, "`type`"),
            "code" => messages.code = one_or_many(reader, &member.value, "`code`"),
            _ => refuse(reader, member, place, MESSAGES, &[]),
        }
    }
    messages
}

/// A key that is not built, or not known.
pub(super) fn refuse(
    reader: &mut Reader,
    member: &Member,
    place: &'static str,
    known: &'static [&'static str],
    not_built: &[&str],
) {
    let key = member.key.clone();
    if not_built.contains(&key.as_str()) {
        let what = format!("`{key}` in {place}");
        reader.error(&member.key_span, ErrorKind::NotSupported { what });
    } else {
        reader.error(&member.key_span, ErrorKind::UnknownKey { key, place, known, passed_over: &[] });
    }
}

/// `expected` is for the message.
pub(super) fn scalar(reader: &mut Reader, json: &Json, what: &str, expected: &'static str) -> Option<Scalar> {
    match &json.kind {
        Kind::Text(text) | Kind::Number(text) => Some(Scalar { text: text.clone(), span: json.span.clone() }),
        _ => {
            reader.wrong_type(json, what, expected);
            None
        }
    }
}

fn one_or_many(reader: &mut Reader, json: &Json, what: &str) -> Option<OneOrMany> {
    let members: Vec<Scalar> = match &json.kind {
        Kind::Array(values) => {
            let members: Vec<Scalar> =
                values.iter().filter_map(|value| scalar(reader, value, what, "a string or a number")).collect();
            if members.len() < values.len() {
                return None;
            }
            members
        }
        Kind::Text(_) | Kind::Number(_) => scalar(reader, json, what, ONE_OR_MANY).into_iter().collect(),
        _ => {
            reader.wrong_type(json, what, ONE_OR_MANY);
            return None;
        }
    };
    Some(OneOrMany { members, span: json.span.clone() })
}
