//! A policy as a table.
use super::values::{self, Ways, addresses, any, both, bytes, numbers};
use crate::policy::{Action, Addresses, Messages, Network, Policy, Ports, Prefix, Rule, Transport, Values};
use core::fmt::Write;
use core::ops::RangeInclusive;
use firewall::protocol;

/// Characters of a comment.
const LONGEST_COMMENT: usize = 120;

/// Which packets a chain is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chain {
    /// All but later fragments.
    Received,
    /// Fragments other than the first.
    Fragments,
}

/// The table. `labels` says for each rule what it is called; where there is none it has its number alone.
pub fn write(policy: &Policy, labels: &[String]) -> String {
    let mut out = String::from(
        "# To be loaded by `nft -f`, in place of what an earlier one loaded.\n\
         table inet portcullis\ndelete table inet portcullis\n\ntable inet portcullis {\n",
    );
    out += &values::sets(policy);
    let default = verdict(policy.default);
    let _ = write!(
        out,
        "\tchain received {{\n\t\ttype filter hook prerouting priority -450; policy {default};\n\
         \t\tiif \"lo\" accept\n\
         \t\tip frag-off & 0x1fff != 0 goto fragments\n\t\tfrag frag-off != 0 goto fragments\n"
    );
    if hides_authenticated(policy) {
        out += "\t\t# What is behind an authentication header in IPv6 cannot be told.\n\t\tmeta nfproto ipv6 meta l4proto 51 drop\n";
    }
    chain(&mut out, policy, labels, Chain::Received);
    out += "\t}\n\n\tchain fragments {\n";
    chain(&mut out, policy, labels, Chain::Fragments);
    out += "\t}\n}\n";
    out
}

/// The rules that can match packets of a chain, each under its name.
fn chain(out: &mut String, policy: &Policy, labels: &[String], chain: Chain) {
    for (number, rule) in policy.rules.iter().enumerate() {
        let ways = ways(rule, policy, chain);
        if ways.is_empty() {
            continue;
        }
        let label = labels.get(number).map(|label| comment(label)).unwrap_or_default();
        let _ = writeln!(out, "\t\t# {}{label}", number + 1);
        for matches in &ways {
            let _ = writeln!(out, "\t\t{matches}{}", verdict(rule.action));
        }
        if ways.iter().any(String::is_empty) {
            return;
        }
    }
}

fn verdict(action: Action) -> &'static str {
    match action {
        Action::Accept => "accept",
        Action::Drop => "drop",
    }
}

/// A label on one line, cut where it is long.
fn comment(label: &str) -> String {
    let clean: String = label.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match clean.char_indices().nth(LONGEST_COMMENT) {
        Some((at, _)) => format!(": {}...", clean.get(..at).unwrap_or_default()),
        None => format!(": {clean}"),
    }
}

/// All that a rule asks of a packet of a chain.
fn ways(rule: &Rule, policy: &Policy, chain: Chain) -> Ways {
    match &rule.network {
        None => transport_alone(&rule.transport, chain),
        Some(Network::Ipv4(asked)) => network(asked, rule, policy, chain, "ip protocol", "ipv4"),
        Some(Network::Ipv6(asked)) => {
            let word = if chain == Chain::Fragments { "frag nexthdr" } else { "meta l4proto" };
            network(asked, rule, policy, chain, word, "ipv6")
        }
    }
}

/// A rule without `ip` and `ip6`.
fn transport_alone(transport: &Option<Transport>, chain: Chain) -> Ways {
    match (transport, chain) {
        (None, _) => any(),
        (Some(asked), Chain::Received) => match asked {
            Transport::Tcp(ports) | Transport::Udp(ports) => {
                self::ports(ports, word_of(asked), || vec![format!("meta l4proto {} ", word_of(asked))])
            }
            Transport::Icmp(messages) => {
                self::messages(messages, "icmp", || vec!["meta nfproto ipv4 meta l4proto icmp ".into()])
            }
            Transport::Icmp6(messages) => {
                self::messages(messages, "icmpv6", || vec!["meta nfproto ipv6 meta l4proto ipv6-icmp ".into()])
            }
        },
        (Some(asked), Chain::Fragments) if !asks_header(asked) => match asked {
            Transport::Tcp(_) => vec!["ip protocol 6 ".into(), "frag nexthdr 6 ".into()],
            Transport::Udp(_) => vec!["ip protocol 17 ".into(), "frag nexthdr 17 ".into()],
            Transport::Icmp(_) => vec!["ip protocol 1 ".into()],
            Transport::Icmp6(_) => vec!["frag nexthdr 58 ".into()],
        },
        (Some(_), Chain::Fragments) => Ways::new(),
    }
}

/// A rule with one of them, which says the protocol by `word`.
fn network<A: values::Address>(
    asked: &Addresses<Prefix<A>>,
    rule: &Rule,
    policy: &Policy,
    chain: Chain,
    word: &str,
    version: &str,
) -> Ways {
    let is_later = chain == Chain::Fragments;
    if asked.fragment.is_some_and(|wanted| wanted != is_later) {
        return Ways::new();
    }
    let source = addresses("saddr", &asked.source, policy);
    let both_addresses = both(&source, &addresses("daddr", &asked.destination, policy));
    let upper = match &rule.transport {
        None => numbers(word, &asked.protocol, 255),
        Some(transport) if !has(&asked.protocol, number_of(transport)) => Ways::new(),
        Some(transport) if is_later && asks_header(transport) => Ways::new(),
        Some(transport) => {
            let alone = || vec![format!("{word} {} ", number_of(transport))];
            match transport {
                _ if is_later => alone(),
                Transport::Tcp(ports) | Transport::Udp(ports) => self::ports(ports, word_of(transport), alone),
                Transport::Icmp(messages) | Transport::Icmp6(messages) => {
                    self::messages(messages, word_of(transport), alone)
                }
            }
        }
    };
    // The words of addresses say the version, too; so do `ip protocol` and `frag`.
    let says_version = |way: &String| ["ip ", "ip6 ", "frag ", "icmp"].iter().any(|word| way.starts_with(word));
    let named = |way| if says_version(&way) { way } else { format!("meta nfproto {version} {way}") };
    both(&both_addresses, &upper).into_iter().map(named).collect()
}

fn ports(ports: &Ports, word: &str, alone: impl Fn() -> Ways) -> Ways {
    let source = numbers(&format!("{word} sport"), &ports.source, u16::MAX.into());
    let destination = numbers(&format!("{word} dport"), &ports.destination, u16::MAX.into());
    named(both(&source, &destination), alone)
}

fn messages(messages: &Messages, word: &str, alone: impl Fn() -> Ways) -> Ways {
    let of = |member: &str, asked: &Option<Values<u8>>| bytes(&format!("{word} {member}"), asked);
    named(both(&of("type", &messages.message_type), &of("code", &messages.code)), alone)
}

/// Ways that say nothing do not say the protocol either.
fn named(ways: Ways, alone: impl Fn() -> Ways) -> Ways {
    if ways.iter().any(String::is_empty) { alone() } else { ways }
}

/// Whether IPv6 packets with an authentication header are dropped, because nftables does not tell what is behind it.
pub fn hides_authenticated(policy: &Policy) -> bool {
    policy.rules.iter().any(asks_protocol_v6)
}

/// Whether what a rule does to an IPv6 packet that is no later fragment depends on the packet's protocol.
fn asks_protocol_v6(rule: &Rule) -> bool {
    let is_v6 = !matches!(rule.transport, Some(Transport::Icmp(_)));
    match &rule.network {
        None => is_v6 && rule.transport.is_some(),
        Some(Network::Ipv4(_)) => false,
        Some(Network::Ipv6(asked)) => {
            asked.fragment != Some(true) && (rule.transport.is_some() || asked.protocol.is_some())
        }
    }
}

/// Whether it asks for what a later fragment does not have.
fn asks_header(transport: &Transport) -> bool {
    match transport {
        Transport::Tcp(ports) | Transport::Udp(ports) => ports.source.is_some() || ports.destination.is_some(),
        Transport::Icmp(messages) | Transport::Icmp6(messages) => {
            messages.message_type.is_some() || messages.code.is_some()
        }
    }
}

fn word_of(transport: &Transport) -> &'static str {
    match transport {
        Transport::Tcp(_) => "tcp",
        Transport::Udp(_) => "udp",
        Transport::Icmp(_) => "icmp",
        Transport::Icmp6(_) => "icmpv6",
    }
}

fn number_of(transport: &Transport) -> u8 {
    match transport {
        Transport::Tcp(_) => protocol::TCP,
        Transport::Udp(_) => protocol::UDP,
        Transport::Icmp(_) => protocol::ICMP,
        Transport::Icmp6(_) => protocol::ICMPV6,
    }
}

fn has(asked: &Option<Values<RangeInclusive<u8>>>, number: u8) -> bool {
    let Some(asked) = asked else { return true };
    asked.members.iter().any(|range| range.contains(&number)) != asked.negated
}
