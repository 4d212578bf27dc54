//! JSON of the targets, read: values by their keys, with an error that says where one is missing or of another kind.
use super::ReadError;
use super::address::{prefixes_v4, prefixes_v6};
use crate::policy::{Action, Addresses, Member, Messages, Network, Ports, Prefix, Rule, Transport, Values};
use core::net::{Ipv4Addr, Ipv6Addr};
use core::ops::RangeInclusive;
use firewall::protocol;
use serde_json::{Map, Value};

pub(super) fn wrong(what: impl Into<String>) -> ReadError {
    ReadError { line: 0, what: what.into() }
}

/// A text as JSON.
pub(super) fn parse(text: &str) -> Result<Value, ReadError> {
    serde_json::from_str(text).map_err(|error| ReadError { line: error.line(), what: error.to_string() })
}

/// An object, which has no other keys than these: a key that is passed over may mean something.
pub(super) fn object<'v>(value: &'v Value, known: &[&str]) -> Result<&'v Map<String, Value>, ReadError> {
    let object = value.as_object().ok_or_else(|| wrong(format!("{value} is no object")))?;
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(wrong(format!("the key `{key}`"))),
        None => Ok(object),
    }
}

/// An array, empty if the key is not there.
pub(super) fn array<'v>(object: &'v Map<String, Value>, key: &str) -> Result<&'v [Value], ReadError> {
    match object.get(key) {
        None => Ok(&[]),
        Some(value) => value.as_array().map(Vec::as_slice).ok_or_else(|| wrong(format!("`{key}` is no array"))),
    }
}

/// Strings of an array, none if the key is not there.
pub(super) fn texts<'v>(object: &'v Map<String, Value>, key: &str) -> Result<Vec<&'v str>, ReadError> {
    let text =
        |value: &'v Value| value.as_str().ok_or_else(|| wrong(format!("`{key}` has {value}, which is no string")));
    array(object, key)?.iter().map(text).collect()
}

/// A string.
pub(super) fn text<'v>(object: &'v Map<String, Value>, key: &str) -> Result<&'v str, ReadError> {
    object.get(key).and_then(Value::as_str).ok_or_else(|| wrong(format!("`{key}` is no string")))
}

/// A whole number.
pub(super) fn number(object: &Map<String, Value>, key: &str) -> Result<i64, ReadError> {
    object.get(key).and_then(Value::as_i64).ok_or_else(|| wrong(format!("`{key}` is no number")))
}

/// Addresses of one version.
#[derive(Clone, Debug)]
pub(super) enum Side {
    Any,
    V4(Vec<Prefix<Ipv4Addr>>),
    V6(Vec<Prefix<Ipv6Addr>>),
}

impl Side {
    /// Prefixes in text, all of one version; none are any address.
    pub(super) fn of(texts: &[&str]) -> Result<Self, ReadError> {
        let Some(first) = texts.first() else { return Ok(Self::Any) };
        let bad = |text: &&str| wrong(format!("`{text}` is no prefix, or of another version than `{first}`"));
        if first.contains(':') {
            let all = texts.iter().map(|text| prefixes_v6(text).ok_or_else(|| bad(text)));
            Ok(Self::V6(all.collect::<Result<Vec<_>, _>>()?.concat()))
        } else {
            let all = texts.iter().map(|text| prefixes_v4(text).ok_or_else(|| bad(text)));
            Ok(Self::V4(all.collect::<Result<Vec<_>, _>>()?.concat()))
        }
    }
}

/// What a rule of a target asks of the transport.
#[derive(Clone, Debug)]
pub(super) enum Asked {
    /// Any protocol.
    Anything,
    /// A protocol.
    Protocol(u8),
    /// ICMP in IPv4, whatever the addresses are.
    IcmpV4,
    /// A protocol with ports, and its source and destination ports; none are any.
    Ports(u8, Vec<RangeInclusive<u16>>, Vec<RangeInclusive<u16>>),
    /// ICMP of the version of the addresses, with a type and a code; none is any.
    Message(Option<u8>, Option<u8>),
}

/// Rules of a policy that together ask the same. ICMP with a type or a code in IPv4 is protocol 1, in IPv6 protocol 58.
pub(super) fn rules(source: &Side, destination: &Side, asked: &Asked, action: Action) -> Result<Vec<Rule>, ReadError> {
    let mut rules = Vec::new();
    let is_v4 = !matches!((source, destination), (Side::V6(_), _) | (_, Side::V6(_)));
    let is_v6 = !matches!((source, destination), (Side::V4(_), _) | (_, Side::V4(_)));
    if !is_v4 && !is_v6 {
        return Err(wrong("a source and a destination of different versions of IP"));
    }
    let is_v6 = is_v6 && !matches!(asked, Asked::IcmpV4);
    let (transport, protocol) = of_asked(asked);
    let message = |number: u8| match asked {
        Asked::Message(..) => Some(Values { negated: false, members: vec![number..=number] }),
        _ => protocol.clone(),
    };
    let rule = |network, transport| Rule { network: Some(network), transport, action, span: 0..0 };
    if is_v4 {
        let (source, destination) = (side_v4(source), side_v4(destination));
        let network =
            Network::Ipv4(Addresses { source, destination, fragment: None, protocol: message(protocol::ICMP) });
        rules.push(rule(network, transport.clone().or_else(|| icmp(asked).map(Transport::Icmp))));
    }
    if is_v6 {
        let (source, destination) = (side_v6(source), side_v6(destination));
        let network =
            Network::Ipv6(Addresses { source, destination, fragment: None, protocol: message(protocol::ICMPV6) });
        rules.push(rule(network, transport.or_else(|| icmp(asked).map(Transport::Icmp6))));
    }
    Ok(rules)
}

fn icmp(asked: &Asked) -> Option<Messages> {
    let Asked::Message(message_type, code) = asked else { return None };
    let one = |number: &Option<u8>| number.map(|number| Values { negated: false, members: vec![number] });
    Some(Messages { message_type: one(message_type), code: one(code) })
}

fn of_asked(asked: &Asked) -> (Option<Transport>, Option<Values<RangeInclusive<u8>>>) {
    let some = |ranges: &Vec<RangeInclusive<u16>>| {
        (!ranges.is_empty()).then(|| Values { negated: false, members: ranges.clone() })
    };
    match asked {
        Asked::Anything | Asked::Message(..) => (None, None),
        Asked::Protocol(number) => (None, Some(Values { negated: false, members: vec![*number..=*number] })),
        Asked::IcmpV4 => (None, Some(Values { negated: false, members: vec![protocol::ICMP..=protocol::ICMP] })),
        Asked::Ports(number, source, destination) => {
            let ports = Ports { source: some(source), destination: some(destination) };
            (Some(if *number == protocol::TCP { Transport::Tcp(ports) } else { Transport::Udp(ports) }), None)
        }
    }
}

fn side_v4(side: &Side) -> Option<Values<Member<Prefix<Ipv4Addr>>>> {
    let Side::V4(prefixes) = side else { return None };
    Some(Values { negated: false, members: prefixes.iter().copied().map(Member::Prefix).collect() })
}

fn side_v6(side: &Side) -> Option<Values<Member<Prefix<Ipv6Addr>>>> {
    let Side::V6(prefixes) = side else { return None };
    Some(Values { negated: false, members: prefixes.iter().copied().map(Member::Prefix).collect() })
}

/// Ports as `22` or `8000-8010`; `*` and all of them are any.
pub(super) fn ports(texts: &[&str]) -> Result<Vec<RangeInclusive<u16>>, ReadError> {
    if texts.contains(&"*") {
        return Ok(Vec::new());
    }
    let range = |text: &&str| {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let range = first.parse().ok().zip(last.parse().ok()).map(|(first, last): (u16, u16)| first..=last);
        range.filter(|range| !range.is_empty()).ok_or_else(|| wrong(format!("`{text}` is no port")))
    };
    texts.iter().map(range).collect()
}
