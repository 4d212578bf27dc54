//! What firewall rules of Google Cloud let in.
use crate::export::ReadError;
use crate::export::json::{self, Asked, Side, array, object, parse, ports, rules, texts, wrong};
use crate::policy::{Action, Policy};
use firewall::protocol;
use serde_json::{Map, Value};

const KEYS: [&str; 7] = ["name", "direction", "priority", "allowed", "denied", "sourceRanges", "destinationRanges"];

/// A policy with the rules in the order in which they decide, that drops what none of them matches.
pub(in crate::export) fn read(text: &str) -> Result<Policy, ReadError> {
    let root = parse(text)?;
    let mut found = Vec::new();
    for rule in root.as_array().ok_or_else(|| wrong("no array of rules"))? {
        let rule = object(rule, &KEYS)?;
        let priority = json::number(rule, "priority")?;
        if !(0..=65535).contains(&priority) || json::text(rule, "direction")? != "INGRESS" {
            return Err(wrong("a priority that there is not, or a rule for what goes out"));
        }
        let sources = texts(rule, "sourceRanges")?;
        if sources.is_empty() {
            return Err(wrong("a rule without `sourceRanges`"));
        }
        let (sources, destinations) = (Side::of(&sources)?, Side::of(&texts(rule, "destinationRanges")?)?);
        let (allowed, denied) = (array(rule, "allowed")?, array(rule, "denied")?);
        let (action, asked) = match (allowed, denied) {
            (allowed, []) => (Action::Accept, allowed),
            ([], denied) => (Action::Drop, denied),
            _ => return Err(wrong("a rule that allows and denies")),
        };
        let mut all = Vec::new();
        for asked in asked {
            let asked = self::asked(object(asked, &["IPProtocol", "ports"])?)?;
            all.extend(rules(&sources, &destinations, &asked, action)?);
        }
        found.push((priority, action == Action::Accept, all));
    }
    // The lowest number first, and of the same what denies; what is left has the order of the text, which does not matter.
    found.sort_by_key(|(priority, accepts, _)| (*priority, *accepts));
    let rules = found.into_iter().flat_map(|(_, _, rules)| rules).collect();
    Ok(Policy { rules, default: Action::Drop, lists: Vec::new() })
}

fn asked(asked: &Map<String, Value>) -> Result<Asked, ReadError> {
    let ports = ports(&texts(asked, "ports")?)?;
    let number = match json::text(asked, "IPProtocol")? {
        "all" => return Ok(Asked::Anything),
        "tcp" => protocol::TCP,
        "udp" => protocol::UDP,
        "icmp" => protocol::ICMP,
        number => number.parse().map_err(|_| wrong(format!("the protocol `{number}`")))?,
    };
    match number {
        protocol::TCP | protocol::UDP => Ok(Asked::Ports(number, Vec::new(), ports)),
        _ if ports.is_empty() => Ok(Asked::Protocol(number)),
        _ => Err(wrong(format!("ports of the protocol {number}"))),
    }
}
