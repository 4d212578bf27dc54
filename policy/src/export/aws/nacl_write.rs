//! Blocks as the entries of a network ACL.
use super::asked::{Numbers, all};
use crate::export::Written;
use crate::export::block::{Block, prefixes};
use crate::policy::Action;
use serde::Serialize;

/// The last number that an entry may have.
pub(in crate::export) const LAST: usize = 32766;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Entries {
    entries: Vec<Entry>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    rule_number: usize,
    protocol: String,
    rule_action: &'static str,
    egress: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    cidr_block: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ipv6_cidr_block: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port_range: Option<PortRange>,
    #[serde(skip_serializing_if = "Option::is_none")]
    icmp_type_code: Option<IcmpTypeCode>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PortRange {
    from: u16,
    to: u16,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct IcmpTypeCode {
    #[serde(rename = "Type")]
    of: i16,
    code: i16,
}

/// The blocks in their order; behind them everything is denied, as in every ACL.
pub(in crate::export) fn write(blocks: &[Block]) -> Written {
    let mut entries = Vec::new();
    for block in blocks {
        for is_v6 in block.versions() {
            for asked in all(block, is_v6) {
                for source in prefixes(&block.source, is_v6) {
                    let (cidr_block, ipv6_cidr_block) = if is_v6 { (None, Some(source)) } else { (Some(source), None) };
                    entries.push(Entry {
                        rule_number: 0,
                        protocol: asked.protocol.to_string(),
                        rule_action: if block.action == Action::Accept { "allow" } else { "deny" },
                        egress: false,
                        cidr_block,
                        ipv6_cidr_block,
                        port_range: match asked.numbers {
                            Numbers::Ports(from, to) => Some(PortRange { from, to }),
                            _ => None,
                        },
                        icmp_type_code: match asked.numbers {
                            Numbers::Message(of, code) => Some(IcmpTypeCode { of, code }),
                            // One must be given for ICMP, whichever the version.
                            Numbers::None if matches!(asked.protocol, 1 | 58) => {
                                Some(IcmpTypeCode { of: -1, code: -1 })
                            }
                            _ => None,
                        },
                    });
                }
            }
        }
    }
    // With room for others between them, if there is any.
    let count = entries.len();
    let step = if count <= 100 { 10 } else { 1 };
    for (entry, place) in entries.iter_mut().zip(1..) {
        entry.rule_number = place * step + if step == 10 { 90 } else { 0 };
    }
    Written::json(&Entries { entries }, count)
}
