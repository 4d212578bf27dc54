//! Blocks as the permissions of a security group.
use super::asked::{self, Asked, Numbers};
use crate::export::Written;
use crate::export::block::{Block, prefixes};
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    ip_permissions: Vec<Permission>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Permission {
    ip_protocol: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    from_port: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to_port: Option<i32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ip_ranges: Vec<IpRange>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ipv6_ranges: Vec<Ipv6Range>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct IpRange {
    cidr_ip: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Ipv6Range {
    cidr_ipv6: String,
}

/// The blocks, all of which accept. Every address of a permission is a rule.
pub(in crate::export) fn write(blocks: &[Block]) -> Written {
    // What is asked, with the addresses that may ask it, in both versions.
    let mut all: Vec<(Asked, [Vec<String>; 2])> = Vec::new();
    for block in blocks {
        for is_v6 in block.versions() {
            let sources = prefixes(&block.source, is_v6);
            for asked in asked::all(block, is_v6) {
                let at = all.iter().position(|(other, _)| *other == asked).unwrap_or_else(|| {
                    all.push((asked, Default::default()));
                    all.len() - 1
                });
                if let Some((_, known)) = all.get_mut(at) {
                    let known = &mut known[usize::from(is_v6)];
                    known.extend(sources.iter().cloned());
                    known.sort();
                    known.dedup();
                }
            }
        }
    }
    let rules = [0, 1].map(|version| all.iter().map(|(_, sources)| sources[version].len()).sum::<usize>());
    let ip_permissions = all.into_iter().map(|(asked, sources)| permission(asked, sources)).collect();
    Written::json(&Request { ip_permissions }, rules.into_iter().max().unwrap_or_default())
}

fn permission(asked: Asked, [v4, v6]: [Vec<String>; 2]) -> Permission {
    let ip_protocol = match asked.protocol {
        6 => "tcp".to_string(),
        17 => "udp".to_string(),
        1 => "icmp".to_string(),
        58 => "icmpv6".to_string(),
        number => number.to_string(),
    };
    let (from_port, to_port) = match asked.numbers {
        // A range must be given for ICMP.
        Numbers::None if asked.protocol == 1 => (Some(-1), Some(-1)),
        Numbers::None => (None, None),
        Numbers::Ports(first, last) => (Some(first.into()), Some(last.into())),
        Numbers::Message(of, code) => (Some(of.into()), Some(code.into())),
    };
    Permission {
        ip_protocol,
        from_port,
        to_port,
        ip_ranges: v4.into_iter().map(|cidr_ip| IpRange { cidr_ip }).collect(),
        ipv6_ranges: v6.into_iter().map(|cidr_ipv6| Ipv6Range { cidr_ipv6 }).collect(),
    }
}
