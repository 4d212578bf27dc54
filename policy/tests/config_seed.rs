//! The article's six configurations mean exactly what the article says.
use std::net::{Ipv4Addr, Ipv6Addr};

use policy::config;
use policy::policy::{Action, Addresses, Member, Network, Policy, Ports, Prefix, Rule, Transport, Values};

/// What a configuration says, the places of its rules left aside.
fn policy(text: &str) -> Policy {
    let (config, warnings) = config::parse(text).expect("the article's configurations are right");
    assert_eq!(warnings, [], "and nothing in them is passed over");
    let mut policy = config.policy.expect("a firewall object");
    for rule in &mut policy.rules {
        assert!(text[rule.span.clone()].starts_with('{') && text[rule.span.clone()].ends_with('}'));
        rule.span = 0..0;
    }
    assert_eq!(config.rule_labels.len(), policy.rules.len());
    policy
}

fn accepting_the_rest(rules: Vec<Rule>) -> Policy {
    Policy { rules, default: Action::Accept, lists: vec![] }
}

fn rule(network: Option<Network>, transport: Option<Transport>, action: Action) -> Rule {
    Rule { network, transport, action, span: 0..0 }
}

fn one<T>(member: T) -> Option<Values<T>> {
    Some(Values { negated: false, members: vec![member] })
}

fn from_source<A>(source: Option<Values<Prefix<A>>>) -> Addresses<Prefix<A>> {
    let members = |members: Vec<Prefix<A>>| members.into_iter().map(Member::Prefix).collect();
    let source = source.map(|source| Values { negated: source.negated, members: members(source.members) });
    Addresses { source, destination: None, fragment: None, protocol: None }
}

fn tcp_to_8080() -> Rule {
    let tcp = Transport::Tcp(Ports { source: None, destination: one(8080..=8080) });
    rule(None, Some(tcp), Action::Accept)
}

fn udp_from_67() -> Rule {
    let udp = Transport::Udp(Ports { source: one(67..=67), destination: None });
    rule(None, Some(udp), Action::Accept)
}

fn the_host() -> Prefix<Ipv4Addr> {
    Prefix { address: Ipv4Addr::new(10, 0, 2, 2), length: 32 }
}

#[test]
fn tcp_8080_only() {
    let expected = accepting_the_rest(vec![tcp_to_8080(), udp_from_67(), rule(None, None, Action::Drop)]);
    assert_eq!(policy(include_str!("../../examples/tcp-8080-only.json")), expected);
}

#[test]
fn source_or_tcp_8080() {
    let source = rule(Some(Network::Ipv4(from_source(one(the_host())))), None, Action::Accept);
    let expected = accepting_the_rest(vec![source, tcp_to_8080(), udp_from_67(), rule(None, None, Action::Drop)]);
    assert_eq!(policy(include_str!("../../examples/source-or-tcp-8080.json")), expected);
}

#[test]
fn drop_source() {
    let source = rule(Some(Network::Ipv4(from_source(one(the_host())))), None, Action::Drop);
    assert_eq!(policy(include_str!("../../examples/drop-source.json")), accepting_the_rest(vec![source]));
}

#[test]
fn drop_all_but_source() {
    let others = Some(Values { negated: true, members: vec![the_host()] });
    let source = rule(Some(Network::Ipv4(from_source(others))), None, Action::Drop);
    assert_eq!(policy(include_str!("../../examples/drop-all-but-source.json")), accepting_the_rest(vec![source]));
}

#[test]
fn drop_udp_from_subnet() {
    let subnet = Prefix { address: Ipv4Addr::new(10, 0, 2, 0), length: 24 };
    let udp = Transport::Udp(Ports::default());
    let expected = rule(Some(Network::Ipv4(from_source(one(subnet)))), Some(udp), Action::Drop);
    assert_eq!(policy(include_str!("../../examples/drop-udp-from-subnet.json")), accepting_the_rest(vec![expected]));
}

#[test]
fn drop_ip6_source() {
    let address = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0xff, 0x7762);
    let source = from_source(one(Prefix { address, length: 128 }));
    let expected = rule(Some(Network::Ipv6(source)), None, Action::Drop);
    assert_eq!(policy(include_str!("../../examples/drop-ip6-source.json")), accepting_the_rest(vec![expected]));
}
