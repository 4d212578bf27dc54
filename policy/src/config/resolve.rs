//! From a policy as written to one as resolved.
use super::error::{ErrorKind, Expected, Fault};
use super::lists::{self, Names};
use super::places::HostBits;
use super::reader::Reader;
use super::written::{self, OneOrMany, Scalar};
use super::{Load, value};
use crate::policy::{Action, Addresses, Member, Messages, Network, Policy, Ports, Prefix, Rule, Transport, Values};
use crate::progress::{Observer, Phase, Steps};
use core::fmt::Display;
use core::str::FromStr;

/// Resolves every value; what is wrong with any of them is in `reader`, and then the result is not to be used.
pub(super) fn policy(
    reader: &mut Reader,
    firewall: &written::Firewall,
    names: &mut Names,
    load: &mut Load,
    observer: &mut dyn Observer,
) -> Policy {
    let default = firewall.default.as_ref().and_then(|word| action(reader, word, Expected::Default));
    let mut steps = Steps::new(observer, Phase::ReadingRules, firewall.rules.len());
    let resolved = firewall.rules.iter().enumerate().map(|(number, written)| {
        steps.add(1);
        let known = reader.host_bits.len();
        let rule = rule(reader, written, names);
        reader.host_bits.iter_mut().skip(known).for_each(|bits| bits.rule = Some(number));
        rule
    });
    let rules = resolved.collect();
    let lists = lists::resolve(reader, &firewall.lists, load, observer);
    Policy { rules, default: default.unwrap_or(Action::Accept), lists }
}

fn rule(reader: &mut Reader, rule: &written::Rule, lists: &mut Names) -> Rule {
    let ipv4 = rule.ip.as_ref().map(|ip| addresses(reader, ip, lists, value::ipv4_prefix, Expected::Ipv4Prefix));
    let ipv6 = rule.ip6.as_ref().map(|ip6| addresses(reader, ip6, lists, value::ipv6_prefix, Expected::Ipv6Prefix));
    let tcp = rule.tcp.as_ref().map(|tcp| Transport::Tcp(ports(reader, tcp)));
    let udp = rule.udp.as_ref().map(|udp| Transport::Udp(ports(reader, udp)));
    let icmp = rule.icmp.as_ref().map(|icmp| Transport::Icmp(messages(reader, icmp)));
    let icmp6 = rule.icmp6.as_ref().map(|icmp6| Transport::Icmp6(messages(reader, icmp6)));
    let action = rule.action.as_ref().and_then(|word| action(reader, word, Expected::Action));
    Rule {
        network: ipv4.map(Network::Ipv4).or(ipv6.map(Network::Ipv6)),
        transport: tcp.or(udp).or(icmp).or(icmp6),
        action: action.unwrap_or(Action::Drop),
        span: rule.span.clone(),
    }
}

fn addresses<A: FromStr + PartialEq + Display>(
    reader: &mut Reader,
    written: &written::Addresses,
    lists: &mut Names,
    prefix: fn(&str) -> Result<Prefix<A>, Fault>,
    expected: Expected,
) -> Addresses<Prefix<A>> {
    let mut host_bits = Vec::new();
    let mut member = |scalar: &Scalar| {
        let text = scalar.text.as_str();
        if let Some(name) = text.strip_prefix('!').unwrap_or(text).strip_prefix('@') {
            return lists.find(name).map(Member::List);
        }
        let prefix = value::unnegated(text).and_then(prefix)?;
        host_bits.extend(HostBits::of(text, &prefix, &scalar.span));
        Ok(Member::Prefix(prefix))
    };
    let source = members(reader, written.src.as_ref(), &mut member, expected);
    let destination = members(reader, written.dest.as_ref(), &mut member, expected);
    reader.host_bits.append(&mut host_bits);
    Addresses {
        source,
        destination,
        fragment: written.fragment.as_ref().and_then(|word| fragment(reader, word)),
        protocol: values(reader, written.proto.as_ref(), value::protocol, Expected::Protocol),
    }
}

fn ports(reader: &mut Reader, written: &written::Ports) -> Ports {
    Ports {
        source: values(reader, written.src.as_ref(), value::ports, Expected::Port),
        destination: values(reader, written.dest.as_ref(), value::ports, Expected::Port),
    }
}

fn messages(reader: &mut Reader, written: &written::Messages) -> Messages {
    Messages {
        message_type: values(reader, written.message_type.as_ref(), value::byte, Expected::IcmpType),
        code: values(reader, written.code.as_ref(), value::byte, Expected::IcmpCode),
    }
}

/// One value or several, each parsed without the `!` that it may begin with.
fn values<T>(
    reader: &mut Reader,
    written: Option<&OneOrMany>,
    parse: fn(&str) -> Result<T, Fault>,
    expected: Expected,
) -> Option<Values<T>> {
    members(reader, written, |scalar| value::unnegated(&scalar.text).and_then(parse), expected)
}

/// One value or several, of which all are negated or none.
fn members<T>(
    reader: &mut Reader,
    written: Option<&OneOrMany>,
    mut parse: impl FnMut(&Scalar) -> Result<T, Fault>,
    expected: Expected,
) -> Option<Values<T>> {
    let written = written?;
    if written.members.is_empty() {
        reader.error(&written.span, ErrorKind::EmptyArray { expected });
        return None;
    }
    let mut members = Vec::with_capacity(written.members.len());
    for scalar in &written.members {
        match parse(scalar) {
            Ok(member) => members.push(member),
            Err(fault) => refuse(reader, scalar, expected, fault),
        }
    }
    let negated = written.members.iter().all(Scalar::is_negated);
    if !negated && written.members.iter().any(Scalar::is_negated) {
        reader.error(&written.span, ErrorKind::MixedNegation);
    }
    Some(Values { negated, members })
}

fn action(reader: &mut Reader, word: &Scalar, expected: Expected) -> Option<Action> {
    match word.text.as_str() {
        "accept" => Some(Action::Accept),
        "drop" => Some(Action::Drop),
        "reject" => {
            reader.error(&word.span, ErrorKind::NotSupported { what: "`reject`".to_string() });
            None
        }
        _ => {
            refuse(reader, word, expected, Fault::NotOneOf);
            None
        }
    }
}

fn fragment(reader: &mut Reader, word: &Scalar) -> Option<bool> {
    match word.text.as_str() {
        "y" => Some(true),
        "n" => Some(false),
        _ => {
            refuse(reader, word, Expected::Fragment, Fault::NotOneOf);
            None
        }
    }
}

fn refuse(reader: &mut Reader, scalar: &Scalar, expected: Expected, fault: Fault) {
    reader.error(&scalar.span, ErrorKind::Value { expected, text: scalar.text.clone(), fault });
}
