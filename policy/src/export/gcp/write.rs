//! Blocks as firewall rules.
use crate::export::Written;
use crate::export::block::{Block, prefixes, spans};
use crate::policy::Action;
use firewall::protocol;
use serde::Serialize;

/// The priority of the first rule; each has one of its own.
pub(in crate::export) const FIRST: usize = 1000;

/// A rule has no more ranges than this, of sources and of destinations.
pub(in crate::export) const MOST_RANGES: usize = 5000;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    name: String,
    direction: &'static str,
    priority: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    allowed: Vec<Asked>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    denied: Vec<Asked>,
    source_ranges: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    destination_ranges: Vec<String>,
}

#[derive(Clone, Serialize)]
struct Asked {
    #[serde(rename = "IPProtocol")]
    protocol: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ports: Vec<String>,
}

/// The blocks in their order; behind them everything is denied, as in every network.
pub(in crate::export) fn write(blocks: &[Block]) -> Written {
    let mut rules = Vec::new();
    for block in blocks {
        for is_v6 in block.versions() {
            let asked = asked(block);
            let destinations =
                block.destination.as_ref().map(|_| prefixes(&block.destination, is_v6)).unwrap_or_default();
            let destinations = match destinations.is_empty() {
                true => vec![Vec::new()],
                false => destinations.chunks(MOST_RANGES).map(<[String]>::to_vec).collect(),
            };
            for source_ranges in prefixes(&block.source, is_v6).chunks(MOST_RANGES) {
                for destination_ranges in &destinations {
                    let accepts = block.action == Action::Accept;
                    rules.push(Rule {
                        name: format!("portcullis-{}", rules.len() + 1),
                        direction: "INGRESS",
                        priority: FIRST + rules.len(),
                        allowed: if accepts { asked.clone() } else { Vec::new() },
                        denied: if accepts { Vec::new() } else { asked.clone() },
                        source_ranges: source_ranges.to_vec(),
                        destination_ranges: destination_ranges.clone(),
                    });
                }
            }
        }
    }
    Written::json(&rules, rules.len())
}

fn asked(block: &Block) -> Vec<Asked> {
    let Some(protocols) = &block.protocols else {
        return vec![Asked { protocol: "all".to_string(), ports: Vec::new() }];
    };
    let one = |number: &u8| match *number {
        protocol::TCP => Asked { protocol: "tcp".to_string(), ports: spans(block.second.as_deref().unwrap_or(&[])) },
        protocol::UDP => Asked { protocol: "udp".to_string(), ports: spans(block.second.as_deref().unwrap_or(&[])) },
        protocol::ICMP => Asked { protocol: "icmp".to_string(), ports: Vec::new() },
        number => Asked { protocol: number.to_string(), ports: Vec::new() },
    };
    protocols.iter().map(one).collect()
}
