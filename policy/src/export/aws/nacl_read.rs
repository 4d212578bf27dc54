//! What the entries of a network ACL let in.
use crate::export::ReadError;
use crate::export::json::{self, Asked, Side, array, object, parse, rules, wrong};
use crate::policy::{Action, Policy};
use firewall::protocol;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

const KEYS: [&str; 8] =
    ["RuleNumber", "Protocol", "RuleAction", "Egress", "CidrBlock", "Ipv6CidrBlock", "PortRange", "IcmpTypeCode"];

/// A policy with the entries in the order of their numbers, that drops what none of them matches.
pub(in crate::export) fn read(text: &str) -> Result<Policy, ReadError> {
    let root = parse(text)?;
    let mut entries = BTreeMap::new();
    for entry in array(object(&root, &["Entries"])?, "Entries")? {
        let entry = object(entry, &KEYS)?;
        let number = json::number(entry, "RuleNumber")?;
        if !(1..=32766).contains(&number) || entries.insert(number, entry).is_some() {
            return Err(wrong(format!("the rule number {number}")));
        }
    }
    let mut all = Vec::new();
    for entry in entries.values() {
        if entry.get("Egress") != Some(&Value::Bool(false)) {
            return Err(wrong("an entry that is not for packets that come in"));
        }
        let action = match json::text(entry, "RuleAction")? {
            "allow" => Action::Accept,
            "deny" => Action::Drop,
            other => return Err(wrong(format!("the action `{other}`"))),
        };
        let is_v6 = entry.contains_key("Ipv6CidrBlock");
        let address = json::text(entry, if is_v6 { "Ipv6CidrBlock" } else { "CidrBlock" })?;
        if is_v6 != address.contains(':') || is_v6 && entry.contains_key("CidrBlock") {
            return Err(wrong(format!("the version of IP of `{address}`")));
        }
        all.extend(rules(&Side::of(&[address])?, &Side::Any, &asked(entry, is_v6)?, action)?);
    }
    Ok(Policy { rules: all, default: Action::Drop, lists: Vec::new() })
}

fn asked(entry: &Map<String, Value>, is_v6: bool) -> Result<Asked, ReadError> {
    let name = json::text(entry, "Protocol")?;
    if name == "-1" {
        return Ok(Asked::Anything);
    }
    let protocol: u8 = name.parse().map_err(|_| wrong(format!("the protocol `{name}`")))?;
    match protocol {
        protocol::TCP | protocol::UDP => {
            let range = entry.get("PortRange").ok_or_else(|| wrong("a protocol with ports, and no range of them"))?;
            let range = object(range, &["From", "To"])?;
            let port = |key| u16::try_from(json::number(range, key)?).map_err(|_| wrong(format!("`{key}` is no port")));
            let (first, last) = (port("From")?, port("To")?);
            let any = (first, last) == (0, u16::MAX);
            Ok(Asked::Ports(protocol, Vec::new(), if any { Vec::new() } else { vec![first..=last] }))
        }
        protocol::ICMP | protocol::ICMPV6 if is_v6 == (protocol == protocol::ICMPV6) => {
            let message = entry.get("IcmpTypeCode").ok_or_else(|| wrong("ICMP without a type"))?;
            let message = object(message, &["Type", "Code"])?;
            let byte = |key| match json::number(message, key)? {
                -1 => Ok(None),
                number => u8::try_from(number).map(Some).map_err(|_| wrong(format!("`{key}` is {number}"))),
            };
            match (byte("Type")?, byte("Code")?) {
                (None, Some(_)) => Err(wrong("a code of any type")),
                (of, code) => Ok(Asked::Message(of, code)),
            }
        }
        _ => Ok(Asked::Protocol(protocol)),
    }
}
