//! The key `tests`: what is expected of the policy, as written and as resolved.
use super::error::{ErrorKind, Expected, Fault};
use super::json::{Json, Kind, Member};
use super::lists::Names;
use super::reader::Reader;
use super::written::{self, Scalar};
use super::{escapes, label, property, suggest, value};
use crate::diagnostic::Span;
use crate::packet;
use crate::policy::Action;
use crate::test::{Claim, Expectation, Property, Test as Resolved};
use firewall::Matched;
use std::collections::BTreeMap;

/// A member of `tests`, its values not yet looked at.
#[derive(Debug)]
pub(super) struct Test {
    name: Option<String>,
    span: Span,
    /// `None` after an error.
    claim: Option<Written>,
}

#[derive(Debug)]
enum Written {
    Property(Scalar),
    Packet { packet: Scalar, verdict: Option<Scalar>, rule: Option<Rule> },
}

/// The value of `rule`, and whether it is a number.
#[derive(Debug)]
struct Rule(Scalar, bool);

const TEST: &[&str] = &["packet", "verdict", "rule", "property", "name", "comment"];
const VERDICT: &str = "\"accept\" or \"drop\"";
/// Nothing is suggested for an unknown name of a rule but of so many.
const MOST_COMPARED: usize = 1000;
const RULE: &str = "the name of a rule, or its number from 1";

/// Reads the value of `tests`.
pub(super) fn tests(reader: &mut Reader, json: &Json) -> Vec<Test> {
    let Kind::Array(tests) = &json.kind else {
        reader.wrong_type(json, "`tests`", "an array of tests");
        return Vec::new();
    };
    tests.iter().map(|json| test(reader, json)).collect()
}

/// A property, or an object.
fn test(reader: &mut Reader, json: &Json) -> Test {
    let mut test = Test { name: None, span: json.span.clone(), claim: None };
    let members = match &json.kind {
        Kind::Text(text) => {
            test.claim = Some(Written::Property(Scalar { text: text.clone(), span: json.span.clone() }));
            return test;
        }
        Kind::Object(members) => members,
        _ => {
            reader.wrong_type(json, "a test", "a property such as \"never from 169.254.0.0/16\", or an object");
            return test;
        }
    };
    let (mut packet, mut property, mut verdict, mut rule) = (None, None, None, None);
    for member in members {
        let value = &member.value;
        match member.key.as_str() {
            "packet" => packet = text(reader, value, "`packet`"),
            "property" => property = text(reader, value, "`property`"),
            "verdict" => verdict = written::scalar(reader, value, "`verdict`", VERDICT),
            "rule" => {
                let is_number = matches!(value.kind, Kind::Number(_));
                rule = written::scalar(reader, value, "`rule`", RULE).map(|scalar| Rule(scalar, is_number));
            }
            "name" => test.name = reader.string(value, "`name`"),
            "comment" => drop(reader.string(value, "`comment`")),
            _ => written::refuse(reader, member, "a test", TEST, &[]),
        }
    }
    check_shape(reader, json, members);
    test.claim = match (packet, property) {
        (Some(packet), None) => Some(Written::Packet { packet, verdict, rule }),
        (None, property) => property.map(Written::Property),
        _ => None,
    };
    test
}

fn text(reader: &mut Reader, json: &Json, what: &str) -> Option<Scalar> {
    Some(Scalar { text: reader.string(json, what)?, span: json.span.clone() })
}

/// Which keys stand together.
fn check_shape(reader: &mut Reader, json: &Json, members: &[Member]) {
    let key = |name: &str| members.iter().find(|member| member.key == name);
    match (key("packet"), key("property")) {
        (Some(_), None) if key("verdict").is_none() && key("rule").is_none() => {
            reader.error(&json.span, ErrorKind::ExpectsNothing);
        }
        (Some(_), None) => (),
        (None, Some(_)) => {
            for name in ["verdict", "rule"] {
                if let Some(member) = key(name) {
                    reader.error(&member.key_span, ErrorKind::NotOfProperty { key: name });
                }
            }
        }
        (packet, property) => {
            reader.error(&json.span, ErrorKind::TestShape { both: packet.is_some() && property.is_some() })
        }
    }
}

/// Resolves every test; what is wrong with any of them is in `reader`, and then the result is not to be used.
pub(super) fn resolve(
    reader: &mut Reader,
    file: &str,
    firewall: &written::Firewall,
    lists: &mut Names,
) -> Vec<Resolved> {
    let rules = Rules::new(&firewall.rules);
    let resolved = firewall.tests.iter().filter_map(|test| {
        let (claim, text) = match test.claim.as_ref()? {
            Written::Property(text) => (read_property(reader, file, text, lists).map(Claim::Property), &text.text),
            Written::Packet { packet, verdict, rule } => {
                let expectation = expectation(reader, file, (packet, verdict, rule), &rules);
                (expectation.map(Claim::Packet), &packet.text)
            }
        };
        let name = test.name.as_deref().map(str::trim).filter(|name| !name.is_empty()).map(label::one_line);
        let text = label::one_line(&text.split_whitespace().collect::<Vec<_>>().join(" "));
        Some(Resolved { name, text, span: test.span.clone(), claim: claim? })
    });
    resolved.collect()
}

fn read_property(reader: &mut Reader, file: &str, text: &Scalar, lists: &mut Names) -> Option<Property> {
    let place = |part: &Span| escapes::place(file, &text.span, part);
    match property::parse(&text.text, lists) {
        Ok(mut property) => {
            property.packets.iter_mut().for_each(|rule| rule.span = place(&rule.span));
            Some(property)
        }
        Err(refused) => {
            reader.error(&place(&refused.span), refused.kind);
            None
        }
    }
}

fn expectation(
    reader: &mut Reader,
    file: &str,
    (packet, verdict, rule): (&Scalar, &Option<Scalar>, &Option<Rule>),
    rules: &Rules,
) -> Option<Expectation> {
    let parsed = packet::parse(&packet.text).map_err(|error| {
        let span = escapes::place(file, &packet.span, &error.span);
        reader.error(&span, ErrorKind::Packet { error: error.kind });
    });
    let verdict = verdict.as_ref().and_then(|word| action(reader, word));
    let deciders = rule.as_ref().and_then(|rule| deciders(reader, rule, rules));
    Some(Expectation { packet: parsed.ok()?, verdict, deciders })
}

fn action(reader: &mut Reader, word: &Scalar) -> Option<Action> {
    match word.text.as_str() {
        "accept" => Some(Action::Accept),
        "drop" => Some(Action::Drop),
        _ => {
            let (expected, text, fault) = (Expected::Verdict, word.text.clone(), Fault::NotOneOf);
            reader.error(&word.span, ErrorKind::Value { expected, text, fault });
            None
        }
    }
}

/// The rules of a policy, as tests name them.
struct Rules<'a> {
    count: usize,
    named: BTreeMap<&'a str, Vec<Matched>>,
}

impl<'a> Rules<'a> {
    fn new(rules: &'a [written::Rule]) -> Self {
        let mut named = BTreeMap::<_, Vec<_>>::new();
        for (number, rule) in (0..).zip(rules) {
            if let Some(name) = rule.name.as_deref() {
                named.entry(name.trim()).or_default().push(Matched::Rule(number));
            }
        }
        Self { count: rules.len(), named }
    }

    /// The rules of a name, or the rule of a number.
    fn find(&self, text: &str, is_number: bool) -> Result<Vec<Matched>, Fault> {
        if let Some(found) = self.named.get(text).filter(|_| !is_number) {
            return Ok(found.clone());
        }
        if text == "default" {
            return Ok(vec![Matched::Default]);
        }
        let no_such_rule = Fault::NoSuchRule { rules: self.count };
        match value::decimal(text, self.count as u64) {
            Ok(number) => number.checked_sub(1).map(|number| vec![Matched::Rule(number as u32)]).ok_or(no_such_rule),
            Err(Fault::TooLarge { .. }) => Err(no_such_rule),
            Err(_) if is_number => Err(no_such_rule),
            Err(_) => {
                let known: Vec<&str> = self.named.keys().copied().take(MOST_COMPARED).chain(["default"]).collect();
                Err(Fault::UnknownRule { meant: suggest::nearest(text, &known).map(str::to_string) })
            }
        }
    }
}

fn deciders(reader: &mut Reader, Rule(scalar, is_number): &Rule, rules: &Rules) -> Option<Vec<Matched>> {
    match rules.find(scalar.text.trim(), *is_number) {
        Ok(found) => Some(found),
        Err(fault) => {
            let (expected, text) = (Expected::RuleName, scalar.text.clone());
            reader.error(&scalar.span, ErrorKind::Value { expected, text, fault });
            None
        }
    }
}
