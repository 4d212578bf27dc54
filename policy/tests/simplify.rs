//! What a policy is shortened to decides alike; what one is said to change, it changes.
use firewall::{Action, Packet};
use policy::config::{self, Config};
use policy::diff::diff;
use policy::generate::noise::bytes as noise;
use policy::generate::{Traffic, packets, policy_and_frames};
use policy::policy::{Policy, Ports, Rule, Transport, Values};
use policy::reference::decide;
use policy::simplify::{rewrite, shorten};
use policy::space::Space;
use policy::write;
use proptest::collection::vec;
use proptest::prelude::*;

fn policy_and_packets(bytes: &[u8]) -> (Policy, Vec<Packet>) {
    let (policy, frames) = policy_and_frames(bytes, 64, Traffic::Any).expect("a policy and frames");
    (policy, packets(&frames))
}

/// The same with each rule that asks nothing of the transport layer twice, for two ports: rules that can become one.
fn with_twins(mut policy: Policy) -> Policy {
    let twins = |(number, rule): (u16, &Rule)| {
        if rule.transport.is_some() {
            return vec![rule.clone()];
        }
        let to = |port: u16| {
            let asked = Values { negated: false, members: vec![port..=port] };
            let ports = Ports { source: None, destination: Some(asked) };
            Rule { transport: Some(Transport::Tcp(ports)), ..rule.clone() }
        };
        vec![to(1000 + number), to(2000 + number)]
    };
    policy.rules = (0..).zip(&policy.rules).flat_map(twins).collect();
    policy
}

fn action(policy: &Policy, packet: &Packet) -> Action {
    decide(policy, packet).action
}

/// A configuration with this policy; its lists are written out.
fn written(policy: &Policy) -> String {
    let rules: Vec<String> =
        policy.rules.iter().map(|rule| format!("    {}", write::rule(rule, &policy.lists))).collect();
    let lists: Vec<String> = policy.lists.iter().map(list).collect();
    let default = if policy.default == policy::policy::Action::Accept { "accept" } else { "drop" };
    format!(
        "{{\"ManifestPassthrough\": {{\"firewall\": {{\n  \"default\": \"{default}\",\n  \"lists\": {{{}}},\n  \"rules\": [\n{}\n  ]\n}}}}}}\n",
        lists.join(", "),
        rules.join(",\n")
    )
}

fn list(list: &policy::policy::List) -> String {
    let ipv4 = list.ipv4.iter().map(|prefix| format!("\"{}/{}\"", prefix.address, prefix.length));
    let ipv6 = list.ipv6.iter().map(|prefix| format!("\"{}/{}\"", prefix.address, prefix.length));
    let members: Vec<String> = ipv4.chain(ipv6).collect();
    format!("\"{}\": [{}]", list.name, members.join(", "))
}

fn read(text: &str) -> (Config, Policy) {
    let (config, _) = config::parse(text).unwrap_or_else(|errors| panic!("{errors:?} in {text}"));
    let policy = config.policy.clone().expect("a policy");
    (config, policy)
}

fn unplaced(rules: &[Rule]) -> Vec<Rule> {
    rules.iter().map(|rule| Rule { span: 0..0, ..rule.clone() }).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_rule_that_is_written_reads_back_as_it_was(bytes in vec(any::<u8>(), 0..1500)) {
        let (policy, _) = policy_and_packets(&bytes);
        let (_, again) = read(&written(&policy));
        // A range of protocols is written number by number.
        let texts = |policy: &Policy| policy.rules.iter().map(|rule| write::rule(rule, &policy.lists)).collect::<Vec<_>>();
        prop_assert_eq!(texts(&policy), texts(&again));
        let mut space = Space::new(&[&policy])?;
        for (one, other) in policy.rules.iter().zip(&again.rules) {
            prop_assert_eq!(space.matched(one, &policy)?, space.matched(other, &again)?);
            prop_assert_eq!(one.action, other.action);
        }
    }

    #[test]
    fn a_shorter_policy_decides_alike_and_so_does_its_text(bytes in vec(any::<u8>(), 0..2500)) {
        let (policy, packets) = policy_and_packets(&bytes);
        let policy = with_twins(policy);
        let text = written(&policy);
        let (_, policy_read) = read(&text);
        let shorter = shorten(&policy_read, |number| number % 5 != 4, &mut ())?;
        let (_, again) = read(&rewrite(&text, &policy_read, &shorter.kept));
        prop_assert_eq!(again.rules.len(), shorter.kept.len());
        prop_assert!(again.rules.len() <= policy.rules.len());
        for packet in &packets {
            let expected = action(&policy, packet);
            prop_assert_eq!(action(&shorter.policy, packet), expected, "{:?}", packet);
            prop_assert_eq!(action(&again, packet), expected, "{:?}", packet);
        }
        let once_more = shorten(&again, |_| true, &mut ())?;
        prop_assert!(once_more.effects.iter().all(|effect| *effect == policy::space::Effect::Needed));
    }

    #[test]
    fn a_difference_has_the_packets_that_change(one in vec(any::<u8>(), 0..1500), other in vec(any::<u8>(), 0..40)) {
        let (old, packets) = policy_and_packets(&one);
        let (new, _) = policy_and_packets(&other);
        let found = diff(&old, &new, 10_000)?;
        for part in [&found.accepted, &found.dropped] {
            prop_assert!(part.is_all);
            for (region, witness) in &part.regions {
                prop_assert_eq!(action(&new, witness), part.action.into(), "{}", region);
                prop_assert!(action(&old, witness) != part.action.into(), "{}", region);
            }
        }
        if found.is_none() {
            for packet in packets {
                prop_assert_eq!(action(&old, &packet), action(&new, &packet));
            }
        }
    }
}

/// The properties above say nothing unless rules go and join in a good part of what is generated.
#[test]
fn generated_policies_get_shorter_in_both_ways() {
    let (mut gone, mut joined) = (0, 0);
    for seed in 0..400 {
        let policy = with_twins(policy_and_packets(&noise(seed, 2500)).0);
        let shorter = shorten(&policy, |_| true, &mut ()).expect("small");
        let left: usize = shorter.kept.iter().map(|kept| kept.numbers.len()).sum();
        gone += policy.rules.len() - left;
        joined += left - shorter.kept.len();
    }
    assert!(gone > 400 && joined > 40, "{gone} gone, {joined} joined");
}

#[test]
fn rules_that_differ_in_one_member_become_one_and_named_ones_stay() {
    let text = r#"{"ManifestPassthrough": {"firewall": {"rules": [
    {"tcp": {"dest": 80}, "action": "accept"},
    {"ip": {"src": "10.0.0.0/8"}, "tcp": {"dest": 80}, "action": "accept"},
    {"tcp": {"dest": "443"}, "action": "accept"},
    {"udp": {"dest": 53}, "action": "accept"},
    {"tcp": {"dest": "8000-8010"}, "action": "accept", "name": "dev"},
    {"tcp": {"dest": 22}, "action": "accept"},
    {"action": "drop"},
    {"udp": {"dest": 53}, "action": "drop"}
  ]}}}
"#;
    let (_, policy) = read(text);
    let shorter = shorten(&policy, |number| number != 4, &mut ()).expect("small");
    let expected = r#"{"ManifestPassthrough": {"firewall": {"rules": [
    {"tcp": {"dest": ["80", "443", "22"]}, "action": "accept"},
    {"udp": {"dest": 53}, "action": "accept"},
    {"tcp": {"dest": "8000-8010"}, "action": "accept", "name": "dev"},
    {"action": "drop"}
  ]}}}
"#;
    assert_eq!(rewrite(text, &policy, &shorter.kept), expected);
    assert_eq!(unplaced(&read(expected).1.rules), unplaced(&shorter.policy.rules));
}

/// In the order of their ports, so that none is the neighbour of the one that it differs least from.
#[test]
fn every_combination_of_many_values_becomes_one_rule() {
    let (mut rules, mut addresses) = (Vec::new(), Vec::new());
    for port in 0..100 {
        for host in 0..100 {
            let rule =
                format!(r#"{{"ip": {{"src": "10.0.0.{host}"}}, "tcp": {{"dest": {}}}, "action": "accept"}}"#, 2 * port);
            rules.push(rule);
        }
    }
    addresses.extend((0..100).map(|host| format!("\"10.0.0.{host}\"")));
    let ports: Vec<String> = (0..100).map(|port| format!("\"{}\"", 2 * port)).collect();
    let text = format!(
        r#"{{"ManifestPassthrough": {{"firewall": {{"default": "drop", "rules": [{}]}}}}}}"#,
        rules.join(",\n")
    );
    let (_, policy) = read(&text);
    let shorter = shorten(&policy, |_| true, &mut ()).expect("small");
    let numbers: Vec<Vec<usize>> = shorter.kept.iter().map(|kept| kept.numbers.clone()).collect();
    assert_eq!(numbers, [(0..10_000).collect::<Vec<_>>()]);
    let expected = format!(
        r#"{{"ip": {{"src": [{}]}}, "tcp": {{"dest": [{}]}}, "action": "accept"}}"#,
        addresses.join(", "),
        ports.join(", ")
    );
    assert_eq!(write::rule(&shorter.kept[0].rule, &policy.lists), expected);
    assert!(decide(&shorter.policy, &packet("tcp from 10.0.0.99 to :198")).action == Action::Accept);
    assert!(decide(&shorter.policy, &packet("tcp from 10.0.0.99 to :197")).action == Action::Drop);
}

fn packet(words: &str) -> Packet {
    policy::packet::parse(words).expect("a packet")
}
