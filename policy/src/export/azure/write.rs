//! Blocks as security rules.
use crate::export::Written;
use crate::export::block::{Block, prefixes, spans};
use crate::policy::Action;
use firewall::protocol;
use serde::Serialize;

const FIRST: usize = 100;
/// The priority of the rule that denies what is left.
const LAST: usize = 4096;
/// How many there may be, this one included.
pub(in crate::export) const MOST: usize = LAST - FIRST + 1;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    security_rules: Vec<Rule>,
}

#[derive(Serialize)]
struct Rule {
    name: String,
    properties: Properties,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    priority: usize,
    direction: &'static str,
    access: &'static str,
    protocol: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_address_prefix: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    source_address_prefixes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_port_range: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    source_port_ranges: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_address_prefix: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    destination_address_prefixes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_port_range: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    destination_port_ranges: Vec<String>,
}

/// The blocks in their order, and what denies the rest.
pub(in crate::export) fn write(blocks: &[Block]) -> Written {
    let mut security_rules = Vec::new();
    for block in blocks {
        let names = match &block.protocols {
            None => vec!["*"],
            Some(numbers) => numbers.iter().map(|number| name(*number)).collect(),
        };
        for protocol in names {
            security_rules.push(rule(block, protocol, FIRST + security_rules.len()));
        }
    }
    let mut last = rule(&Block::all(Action::Drop), "*", LAST);
    last.name = "DenyAll".to_string();
    security_rules.push(last);
    let count = security_rules.len();
    Written::json(&Group { security_rules }, count)
}

fn rule(block: &Block, protocol: &'static str, priority: usize) -> Rule {
    let accepts = block.action == Action::Accept;
    let has_ports = matches!(protocol, "Tcp" | "Udp");
    let numbers =
        |numbers: &Option<Vec<_>>| if has_ports { spans(numbers.as_deref().unwrap_or(&[])) } else { Vec::new() };
    let (first, second) = (numbers(&block.first), numbers(&block.second));
    // `*` is any address of both versions.
    let of = |addresses, is_any: bool| match block.is_v6 {
        Some(is_v6) if !is_any => prefixes(addresses, is_v6),
        _ => Vec::new(),
    };
    let source = of(&block.source, block.source.is_none() && block.destination.is_some());
    let destination = of(&block.destination, block.destination.is_none());
    let any = |values: &Vec<String>| values.is_empty().then_some("*");
    Rule {
        name: format!("Portcullis{}", priority - FIRST + 1),
        properties: Properties {
            priority,
            direction: "Inbound",
            access: if accepts { "Allow" } else { "Deny" },
            protocol,
            source_address_prefix: any(&source),
            source_address_prefixes: source,
            source_port_range: any(&first),
            source_port_ranges: first,
            destination_address_prefix: any(&destination),
            destination_address_prefixes: destination,
            destination_port_range: any(&second),
            destination_port_ranges: second,
        },
    }
}

fn name(number: u8) -> &'static str {
    match number {
        protocol::TCP => "Tcp",
        protocol::UDP => "Udp",
        protocol::ICMP => "Icmp",
        50 => "Esp",
        51 => "Ah",
        _ => "*",
    }
}
