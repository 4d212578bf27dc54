//! Ports that are forwarded to the instance, and ports that it lets in.
use super::needed::{OWN_PORTS, unreached};
use super::subject::{Subject, joined};
use super::{Finding, Forward, Lint, UserNetwork};
use crate::compile::ranges::{Range, union};
use crate::policy::{Action, Addresses, Member, Network, Ports, Prefix, Rule, Transport, Values};
use crate::space::{Decider, Effect, TooLarge};
use core::net::{IpAddr, Ipv4Addr};
use firewall::{Fragment, Packet};

/// Rules that let in more ports than this are not about specific ones.
const MOST_PORTS: usize = 1024;

/// Which source ports a packet to a port is from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum From {
    /// Those that connections are opened from.
    Clients,
    Anyone,
}

pub(super) fn find(subject: &mut Subject, effects: &[Effect]) -> Result<Vec<Finding>, TooLarge> {
    let mut found = Vec::new();
    let Some(network) = subject.setting.user_network else { return Ok(found) };
    for forward in &subject.setting.forwards {
        found.extend(dropped(subject, forward, network)?);
    }
    if !subject.setting.forwards.is_empty() {
        for (number, effect) in effects.iter().enumerate() {
            if matches!(effect, Effect::Needed | Effect::Redundant) {
                found.extend(not_forwarded(subject, number, network)?);
            }
        }
    }
    Ok(found)
}

/// A forwarded port at which nothing from the host arrives.
fn dropped(subject: &mut Subject, forward: &Forward, network: UserNetwork) -> Result<Option<Finding>, TooLarge> {
    let near = Addresses { source: only(network.host), destination: only(network.instance), ..Addresses::ANY };
    let rule = of_ports(forward.is_udp, &forward.ports, Some(Network::Ipv4(near)), From::Clients);
    let set = subject.of(&rule)?;
    let lost = unreached(subject, set)?;
    if subject.space.is_empty(lost) {
        return Ok(None);
    }
    let packet = |port: u16| packet(forward.is_udp, network, port);
    let ports: Vec<u16> =
        forward.ports.iter().copied().filter(|port| subject.space.has(lost, &packet(*port))).collect();
    let from_clients = subject.of(&of_ports(forward.is_udp, &ports, None, From::Clients))?;
    let accepted = subject.accepted()?;
    let kept = subject.space.and(from_clients, accepted)?;
    let causes = subject.causes(lost, &rule)?;
    let rules: Vec<usize> = causes.iter().filter_map(|cause| rule_of(*cause)).collect();
    let (what, host) = (format!("{} {}", forward.protocol(), told(&ports)), network.host);
    let (is, it) = if ports.len() == 1 { ("is", "it") } else { ("are", "them") };
    let is_closed = subject.space.is_empty(kept);
    let title = match is_closed {
        true => format!("{what} {is} forwarded, and every packet of a client to {it} is dropped"),
        false => format!("{what} {is} forwarded, and packets from {host}, where those come from, are dropped"),
    };
    let by = match (rules.is_empty(), rules.len()) {
        (true, _) => "no rule matches what comes there, and the default is to drop".to_string(),
        (_, 1) => format!("{} drops what comes there", subject.names(&rules)),
        _ => format!("{} drop what comes there", subject.names(&rules)),
    };
    let (span, label) = match (&forward.span, rules.first()) {
        (Some(span), _) => (span.clone(), by),
        (None, Some(first)) if rules.len() == 1 => (subject.span(*first), "this rule drops what comes there".into()),
        (None, Some(first)) => (subject.span(*first), by),
        (None, None) => (subject.default_span(), by),
    };
    let mut finding = Finding::new(Lint::ForwardedPortDropped, span, title, label);
    let place =
        rules.first().map_or("at the end of the rules".into(), |first| format!("before {}", subject.name(*first)));
    let (protocol, dest) = (forward.protocol(), json(&ports));
    // Where others are let in, the port is not to be opened to everybody.
    let source = if is_closed { String::new() } else { format!("\"ip\": {{\"src\": \"{host}\"}}, ") };
    let accept = format!("{{{source}\"{protocol}\": {{\"dest\": {dest}}}, \"action\": \"accept\"}}");
    finding.help = Some(format!("add {place}: {accept}"));
    finding.rules = rules;
    finding.witness = ports.first().map(|port| (packet(*port), firewall::Action::Drop));
    Ok(Some(finding))
}

/// A rule that lets packets in to ports by name, some of which are not forwarded.
fn not_forwarded(subject: &mut Subject, number: usize, network: UserNetwork) -> Result<Option<Finding>, TooLarge> {
    let Some(rule) = subject.policy.rules.get(number).filter(|rule| rule.action == Action::Accept) else {
        return Ok(None);
    };
    let (is_udp, named) = match &rule.transport {
        Some(Transport::Tcp(Ports { source: None, destination: Some(named) })) => (false, named),
        Some(Transport::Udp(Ports { source: None, destination: Some(named) })) => (true, named),
        _ => return Ok(None),
    };
    let forwards = subject.setting.forwards.iter().filter(|forward| forward.is_udp == is_udp);
    let forwarded: Vec<u16> = forwards.flat_map(|forward| forward.ports.iter().copied()).collect();
    let named: Vec<u16> = if named.negated {
        return Ok(None);
    } else {
        named.members.iter().flat_map(|range| range.clone()).take(MOST_PORTS + 1).collect()
    };
    let mut missing: Vec<u16> = named.iter().copied().filter(|port| !forwarded.contains(port)).collect();
    if named.len() > MOST_PORTS || missing.is_empty() {
        return Ok(None);
    }
    // Ports that earlier rules have decided about are not this one's.
    let Some(own) = subject.own(number)? else { return Ok(None) };
    let mut left = own;
    missing.sort_unstable();
    missing.dedup();
    let mut open = Vec::new();
    for port in missing {
        let to_port = subject.of(&of_ports(is_udp, &[port], None, From::Anyone))?;
        let part = subject.space.and(left, to_port)?;
        if !subject.space.is_empty(part) {
            open.push(port);
            left = subject.space.minus(left, part)?;
        }
    }
    let Some(first) = open.first() else { return Ok(None) };
    let protocol = if is_udp { "udp" } else { "tcp" };
    let is = if open.len() == 1 { "is" } else { "are" };
    let title = format!("{protocol} {} {is} let in and not forwarded", told(&open));
    let mut finding = Finding::new(Lint::OpenPortNotForwarded, rule.span.clone(), title, "nothing reaches it there");
    let written: Vec<String> = ranges(&open).into_iter().map(span).collect();
    let it = if open.len() == 1 { "it" } else { "them" };
    // Nothing else comes to a port that is forwarded.
    let near = Network::Ipv4(Addresses { source: only(network.host), ..Addresses::ANY });
    let near = subject.of(&of_ports(is_udp, &open, Some(near), From::Clients))?;
    let near = subject.space.and(own, near)?;
    let besides = match subject.space.is_empty(near) {
        true => format!(" and let {it} in from {}, where what is forwarded comes from", network.host),
        false => String::new(),
    };
    finding.help = Some(format!("{}{besides}, or remove {it} from the rule", forward(subject, is_udp, &written)));
    finding.rules.push(number);
    let to_first = subject.of(&of_ports(is_udp, &[*first], None, From::Anyone))?;
    let example = subject.space.and(own, to_first)?;
    finding.witness = subject.space.witness(example).map(|packet| (packet, firewall::Action::Accept));
    Ok(Some(finding))
}

/// How more ports are forwarded: the option takes the place of what the configuration has.
fn forward(subject: &Subject, is_udp: bool, ports: &[String]) -> String {
    let (option, key) = if is_udp { ("--udp", "UDPPorts") } else { ("-p", "Ports") };
    let mut forwards = subject.setting.forwards.iter().filter(|forward| forward.is_udp == is_udp);
    if forwards.any(|forward| forward.span.is_some()) {
        let quoted: Vec<String> = ports.iter().map(|ports| format!("\"{ports}\"")).collect();
        format!("add {} to `{key}`", quoted.join(", "))
    } else {
        let it = if ports.len() == 1 && !ports.iter().any(|ports| ports.contains('-')) { "it" } else { "them" };
        format!("forward {it} with `{option} {}`", ports.join(","))
    }
}

/// This address.
fn only(address: Ipv4Addr) -> Option<Values<Member<Prefix<Ipv4Addr>>>> {
    Some(Values { negated: false, members: vec![Member::Prefix(Prefix { address, length: 32 })] })
}

/// A rule for ports; from clients, or from any port.
fn of_ports(is_udp: bool, ports: &[u16], network: Option<Network>, from: From) -> Rule {
    let members = ranges(ports).into_iter().map(|(first, last)| first as u16..=last as u16).collect();
    // Whoever connects does so from a port of its own: a rule for replies of servers lets nobody in.
    let source = (from == From::Clients).then(|| Values { negated: false, members: vec![OWN_PORTS] });
    let ports = Ports { source, destination: Some(Values { negated: false, members }) };
    let transport = Some(if is_udp { Transport::Udp(ports) } else { Transport::Tcp(ports) });
    Rule { network, transport, action: Action::Accept, span: 0..0 }
}

/// What comes from the host to a port of the instance.
fn packet(is_udp: bool, network: UserNetwork, port: u16) -> Packet {
    Packet {
        source: network.host.into(),
        destination: IpAddr::V4(Ipv4Addr::from_bits(network.instance.to_bits())),
        protocol: if is_udp { firewall::protocol::UDP } else { firewall::protocol::TCP },
        fragment: Fragment::Whole,
        ports: Some(firewall::Ports { source: crate::packet::PORT, destination: port }),
        tcp_flags: (!is_udp).then_some(2),
        icmp: None,
        payload_start: 0,
        payload_end: 0,
    }
}

fn rule_of(cause: Decider) -> Option<usize> {
    match cause {
        Decider::Rule(number) => Some(number),
        Decider::Default => None,
    }
}

fn ranges(ports: &[u16]) -> Vec<Range> {
    union(ports.iter().map(|port| (u128::from(*port), u128::from(*port))).collect())
}

fn span((first, last): Range) -> String {
    if first == last { first.to_string() } else { format!("{first}-{last}") }
}

/// `port 80`, `ports 80, 82 and 90-99`.
fn told(ports: &[u16]) -> String {
    let all = ranges(ports);
    let mut parts: Vec<String> = all.iter().take(MOST_TOLD).copied().map(span).collect();
    if all.len() > MOST_TOLD {
        parts.push(format!("{} more", all.len() - MOST_TOLD));
    }
    format!("port{} {}", if ports.len() == 1 { "" } else { "s" }, joined(&parts))
}

const MOST_TOLD: usize = 4;

/// As a rule has them.
fn json(ports: &[u16]) -> String {
    let all = ranges(ports);
    let parts: Vec<String> = all
        .iter()
        .map(|(first, last)| if first == last { first.to_string() } else { format!("\"{}\"", span((*first, *last))) })
        .collect();
    if let [only] = parts.as_slice() { only.clone() } else { format!("[{}]", parts.join(", ")) }
}
