//! What the permissions of a security group let in.
use crate::export::ReadError;
use crate::export::json::{self, Asked, Side, array, object, parse, rules, wrong};
use crate::policy::{Action, Policy};
use firewall::protocol;
use serde_json::{Map, Value};

/// A policy that accepts what the group lets in of what begins a connection, and drops all else.
pub(in crate::export) fn read(text: &str) -> Result<Policy, ReadError> {
    let root = parse(text)?;
    let mut all = Vec::new();
    for permission in array(object(&root, &["IpPermissions"])?, "IpPermissions")? {
        let permission = object(permission, &["IpProtocol", "FromPort", "ToPort", "IpRanges", "Ipv6Ranges"])?;
        let v4 = addresses(permission, "IpRanges", "CidrIp")?;
        let v6 = addresses(permission, "Ipv6Ranges", "CidrIpv6")?;
        for (is_v6, addresses) in [(false, v4), (true, v6)] {
            if !addresses.is_empty() {
                let asked = asked(permission, is_v6)?;
                let side = Side::of(&addresses)?;
                if matches!(side, Side::V6(_)) != is_v6 {
                    return Err(wrong(format!("{addresses:?} are of the other version of IP")));
                }
                all.extend(rules(&side, &Side::Any, &asked, Action::Accept)?);
            }
        }
    }
    Ok(Policy { rules: all, default: Action::Drop, lists: Vec::new() })
}

fn addresses<'v>(permission: &'v Map<String, Value>, key: &str, inner: &str) -> Result<Vec<&'v str>, ReadError> {
    array(permission, key)?.iter().map(|range| json::text(object(range, &[inner])?, inner)).collect()
}

fn asked(permission: &Map<String, Value>, is_v6: bool) -> Result<Asked, ReadError> {
    let number = |key| match permission.contains_key(key) {
        true => json::number(permission, key).map(Some),
        false => Ok(None),
    };
    let (from, to) = (number("FromPort")?, number("ToPort")?);
    let name = json::text(permission, "IpProtocol")?;
    let protocol = match name {
        "-1" => return Ok(Asked::Anything),
        "tcp" => protocol::TCP,
        "udp" => protocol::UDP,
        "icmp" => protocol::ICMP,
        "icmpv6" => protocol::ICMPV6,
        number => number.parse().map_err(|_| wrong(format!("the protocol `{number}`")))?,
    };
    let none = || wrong(format!("`{name}` without its numbers"));
    match protocol {
        protocol::TCP | protocol::UDP => {
            let port = |number: Option<i64>| u16::try_from(number.ok_or_else(none)?).map_err(|_| none());
            let (first, last) = (port(from)?, port(to)?);
            let any = (first, last) == (0, u16::MAX);
            Ok(Asked::Ports(protocol, Vec::new(), if any { Vec::new() } else { vec![first..=last] }))
        }
        protocol::ICMP | protocol::ICMPV6 if is_v6 == (protocol == protocol::ICMPV6) => {
            let byte = |number: Option<i64>| match number {
                None if protocol == protocol::ICMP => Err(none()),
                None | Some(-1) => Ok(None),
                Some(number) => u8::try_from(number).map(Some).map_err(|_| none()),
            };
            match (byte(from)?, byte(to)?) {
                (None, Some(_)) => Err(wrong("a code of any type")),
                (of, code) => Ok(Asked::Message(of, code)),
            }
        }
        _ => Ok(Asked::Protocol(protocol)),
    }
}
