//! What the security rules of a group of Azure let in.
use crate::export::ReadError;
use crate::export::json::{self, Asked, Side, array, object, parse, ports, rules, texts, wrong};
use crate::policy::{Action, Policy};
use firewall::protocol;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

const KEYS: [&str; 12] = [
    "priority",
    "direction",
    "access",
    "protocol",
    "sourceAddressPrefix",
    "sourceAddressPrefixes",
    "sourcePortRange",
    "sourcePortRanges",
    "destinationAddressPrefix",
    "destinationAddressPrefixes",
    "destinationPortRange",
    "destinationPortRanges",
];

/// A policy with the rules in the order of their priorities. One of them must deny everything, so that Azure's own decide
/// about nothing.
pub(in crate::export) fn read(text: &str) -> Result<Policy, ReadError> {
    let root = parse(text)?;
    let mut found = BTreeMap::new();
    for rule in array(object(&root, &["securityRules"])?, "securityRules")? {
        let rule = object(rule, &["name", "properties"])?;
        let properties = rule.get("properties").ok_or_else(|| wrong("a rule without `properties`"))?;
        let properties = object(properties, &KEYS)?;
        let priority = json::number(properties, "priority")?;
        if !(100..=4096).contains(&priority) || found.insert(priority, properties).is_some() {
            return Err(wrong(format!("the priority {priority}")));
        }
    }
    let mut all = Vec::new();
    let mut is_closed = false;
    for properties in found.values() {
        if json::text(properties, "direction")? != "Inbound" {
            return Err(wrong("a rule for what goes out"));
        }
        let action = match json::text(properties, "access")? {
            "Allow" => Action::Accept,
            "Deny" => Action::Drop,
            other => return Err(wrong(format!("the access `{other}`"))),
        };
        let (source, destination) = (side(properties, "source")?, side(properties, "destination")?);
        let asked = asked(properties)?;
        is_closed =
            matches!((action, &source, &destination, &asked), (Action::Drop, Side::Any, Side::Any, Asked::Anything));
        all.extend(rules(&source, &destination, &asked, action)?);
    }
    if !is_closed {
        return Err(wrong("the last rule does not deny what is left"));
    }
    Ok(Policy { rules: all, default: Action::Drop, lists: Vec::new() })
}

/// One value, or several: the two keys exclude each other.
fn values<'v>(properties: &'v Map<String, Value>, key: &str) -> Result<Vec<&'v str>, ReadError> {
    let (one, many) = (key.to_string(), format!("{key}{}", if key.ends_with("Prefix") { "es" } else { "s" }));
    match (properties.contains_key(&one), texts(properties, &many)?) {
        (true, many) if many.is_empty() => Ok(vec![json::text(properties, &one)?]),
        (false, many) if !many.is_empty() => Ok(many),
        _ => Err(wrong(format!("`{key}` twice, or not at all"))),
    }
}

fn side(properties: &Map<String, Value>, side: &str) -> Result<Side, ReadError> {
    let texts = values(properties, &format!("{side}AddressPrefix"))?;
    if texts == ["*"] { Ok(Side::Any) } else { Side::of(&texts) }
}

fn asked(properties: &Map<String, Value>) -> Result<Asked, ReadError> {
    let source = ports(&values(properties, "sourcePortRange")?)?;
    let destination = ports(&values(properties, "destinationPortRange")?)?;
    let name = json::text(properties, "protocol")?;
    match name {
        "Tcp" => return Ok(Asked::Ports(protocol::TCP, source, destination)),
        "Udp" => return Ok(Asked::Ports(protocol::UDP, source, destination)),
        _ if !source.is_empty() || !destination.is_empty() => {
            return Err(wrong(format!("ports of the protocol {name}")));
        }
        _ => {}
    }
    match name {
        "*" => Ok(Asked::Anything),
        "Esp" => Ok(Asked::Protocol(50)),
        "Ah" => Ok(Asked::Protocol(51)),
        "Icmp" => Ok(Asked::IcmpV4),
        other => Err(wrong(format!("the protocol `{other}`"))),
    }
}
