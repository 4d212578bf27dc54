//! Rules as JSON, as a configuration has them.
use crate::policy::{Action, Addresses, List, Member, Messages, Network, Ports, Prefix, Rule, Transport, Values};
use core::fmt::Display;
use core::ops::RangeInclusive;

/// A rule on one line. What it reads back to is the same rule, but for its place. `lists` are those of its policy.
pub fn rule(rule: &Rule, lists: &[List]) -> String {
    let mut members = Vec::new();
    match &rule.network {
        Some(Network::Ipv4(asked)) => members.push(("ip", addresses(asked, 32, lists))),
        Some(Network::Ipv6(asked)) => members.push(("ip6", addresses(asked, 128, lists))),
        None => {}
    }
    members.extend(rule.transport.as_ref().map(|transport| match transport {
        Transport::Tcp(asked) => ("tcp", ports(asked)),
        Transport::Udp(asked) => ("udp", ports(asked)),
        Transport::Icmp(asked) => ("icmp", messages(asked)),
        Transport::Icmp6(asked) => ("icmp6", messages(asked)),
    }));
    members.push(("action", if rule.action == Action::Accept { r#""accept""# } else { r#""drop""# }.to_string()));
    object(members)
}

fn addresses<A: Display>(asked: &Addresses<Prefix<A>>, width: u8, lists: &[List]) -> String {
    let member = |member: &Member<Prefix<A>>| match member {
        Member::Prefix(prefix) if prefix.length == width => prefix.address.to_string(),
        Member::Prefix(prefix) => format!("{}/{}", prefix.address, prefix.length),
        Member::List(number) => format!("@{}", lists.get(*number).map_or("", |list| &list.name)),
    };
    let mut members = Vec::new();
    members.extend(asked.source.as_ref().map(|asked| ("src", values(asked, member))));
    members.extend(asked.destination.as_ref().map(|asked| ("dest", values(asked, member))));
    members.extend(asked.fragment.map(|later| ("fragment", if later { r#""y""# } else { r#""n""# }.to_string())));
    // As one value a range of protocols cannot be written.
    let numbers = asked
        .protocol
        .as_ref()
        .map(|asked| Values { negated: asked.negated, members: asked.members.iter().cloned().flatten().collect() });
    members.extend(numbers.map(|asked| ("proto", values(&asked, u8::to_string))));
    object(members)
}

fn ports(asked: &Ports) -> String {
    let range = |range: &RangeInclusive<u16>| match (range.start(), range.end()) {
        (first, last) if first == last => first.to_string(),
        (first, last) => format!("{first}-{last}"),
    };
    let mut members = Vec::new();
    members.extend(asked.source.as_ref().map(|asked| ("src", values(asked, range))));
    members.extend(asked.destination.as_ref().map(|asked| ("dest", values(asked, range))));
    object(members)
}

fn messages(asked: &Messages) -> String {
    let mut members = Vec::new();
    members.extend(asked.message_type.as_ref().map(|asked| ("type", values(asked, u8::to_string))));
    members.extend(asked.code.as_ref().map(|asked| ("code", values(asked, u8::to_string))));
    object(members)
}

fn values<T>(values: &Values<T>, write: impl Fn(&T) -> String) -> String {
    let not = if values.negated { "!" } else { "" };
    let written: Vec<String> = values.members.iter().map(|value| text(&format!("{not}{}", write(value)))).collect();
    match written.as_slice() {
        [one] => one.clone(),
        _ => format!("[{}]", written.join(", ")),
    }
}

/// A JSON string (RFC 8259, 7).
fn text(text: &str) -> String {
    let escaped = text.chars().map(|letter| match letter {
        '"' | '\\' => format!("\\{letter}"),
        '\0'..' ' => format!("\\u{:04x}", u32::from(letter)),
        _ => letter.to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>())
}

fn object(members: Vec<(&str, String)>) -> String {
    let written: Vec<String> = members.iter().map(|(key, value)| format!("\"{key}\": {value}")).collect();
    format!("{{{}}}", written.join(", "))
}
