//! Why a packet gets its verdict.
use arbitrary::Unstructured;
use firewall::{Inspected, Matched, Packet, inspect};
use policy::generate::{self, Traffic};
use policy::packet::parse;
use policy::policy::Policy;
use policy::trace::{Trace, mismatch, trace};
use policy::{config, reference};
use proptest::collection::vec;
use proptest::prelude::*;

fn policy(firewall: &str) -> Policy {
    let text = format!(r#"{{"ManifestPassthrough": {{"firewall": {firewall}}}}}"#);
    config::parse(&text).unwrap_or_else(|errors| panic!("{errors:?}")).0.policy.unwrap()
}

/// What the one rule of a policy says to a packet.
fn told(rule: &str, packet: &str) -> Option<String> {
    let policy = policy(&format!(r#"{{"rules": [{rule}], "lists": {{"office": ["10.0.0.0/8"]}}}}"#));
    let packet = parse(packet).unwrap_or_else(|error| panic!("{packet}: {error}"));
    mismatch(&policy, &policy.rules[0], &packet).map(|mismatch| mismatch.to_string())
}

#[test]
fn the_first_attribute_that_does_not_match_is_told() {
    for (rule, packet, expected) in [
        (r#"{"tcp": {"dest": 22}}"#, "tcp to :8080", "tcp.dest 22: the packet has 8080"),
        (r#"{"tcp": {"src": "!40000"}}"#, "tcp", "tcp.src !40000: the packet has 40000"),
        (r#"{"udp": {"dest": ["1-9", 53]}}"#, "udp to :80", "udp.dest 1-9, 53: the packet has 80"),
        (r#"{"udp": {"dest": [1, 2, 3, 4, 5, 6]}}"#, "udp to :80", "udp.dest 1, 2, 3, 4 and 2 more: the packet has 80"),
        (r#"{"tcp": {"dest": 22}}"#, "udp", "tcp: the packet is UDP"),
        (r#"{"udp": {}}"#, "ip proto 47", "udp: the packet is protocol 47 in IPv4"),
        (r#"{"tcp": {"dest": 22}}"#, "tcp fragment", "tcp.dest 22: a fragment other than the first has no ports"),
        (r#"{"icmp": {"type": 0}}"#, "icmp", "icmp.type 0: the packet has 8"),
        (r#"{"icmp": {"code": [1, 2]}}"#, "icmp", "icmp.code 1, 2: the packet has 0"),
        (
            r#"{"icmp": {"type": 8}}"#,
            "icmp fragment",
            "icmp.type 8: a fragment other than the first has no ICMP type or code",
        ),
        (r#"{"icmp": {}}"#, "icmp6", "icmp: the packet is ICMPv6"),
        (r#"{"icmp": {}}"#, "ip6 proto 1", "icmp: the packet is protocol 1 in IPv6"),
        (r#"{"icmp6": {}}"#, "icmp", "icmp6: the packet is ICMP"),
        (r#"{"ip6": {}, "tcp": {}}"#, "udp", "ip6: the packet is IPv4"),
        (r#"{"ip": {"src": "!10.0.2.2"}}"#, "tcp from ::1", "ip: the packet is IPv6"),
        (
            r#"{"ip": {"src": "!10.0.2.2/24"}, "tcp": {"dest": 1}}"#,
            "tcp",
            "ip.src !10.0.2.0/24: the packet has 10.0.2.2",
        ),
        (r#"{"ip": {"src": "!@office"}}"#, "tcp", "ip.src !@office: the packet has 10.0.2.2"),
        (
            r#"{"ip": {"dest": ["1.2.3.4", "5.0.0.0/8"]}}"#,
            "tcp",
            "ip.dest 1.2.3.4, 5.0.0.0/8: the packet has 10.0.2.15",
        ),
        (r#"{"ip6": {"dest": "::1"}}"#, "tcp to ::2", "ip6.dest ::1: the packet has ::2"),
        (r#"{"ip": {"proto": 47}}"#, "tcp", "ip.proto 47: the packet has 6"),
        (r#"{"ip": {"fragment": "y"}}"#, "tcp", "ip.fragment y: the packet is not a fragment other than the first"),
        (
            r#"{"ip6": {"fragment": "n"}}"#,
            "ip6 tcp fragment",
            "ip6.fragment n: the packet is a fragment other than the first",
        ),
    ] {
        assert_eq!(told(rule, packet).as_deref(), Some(expected), "{rule} {packet}");
    }
    for (rule, packet) in [("{}", "tcp"), (r#"{"ip": {"src": "@office"}, "tcp": {"dest": 22}}"#, "tcp to 22")] {
        assert_eq!(told(rule, packet), None);
    }
}

fn packets(frames: &[Vec<u8>]) -> impl Iterator<Item = Packet> + '_ {
    frames.iter().map(|frame| match inspect(frame) {
        Ok(Inspected::Packet(packet)) => packet,
        other => panic!("{other:?} of {frame:02x?}"),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    /// A rule has a mismatch exactly if it does not match, and a policy's decision is the interpreter's.
    #[test]
    fn it_agrees_with_the_interpreter(bytes in vec(any::<u8>(), 0..600)) {
        let mut choices = Unstructured::new(&bytes);
        let policy = generate::policy(&mut choices).expect("a policy");
        let frames: Vec<_> = (0..8)
            .map(|_| generate::frame(&mut choices, &policy, Traffic::WellFormed).expect("a frame"))
            .collect();
        for packet in packets(&frames) {
            let Trace { decision, passed } = trace(&policy, &packet);
            prop_assert_eq!(decision, reference::decide(&policy, &packet));
            let before = match decision.cause {
                Matched::Rule(number) => number as usize,
                Matched::Default => policy.rules.len(),
            };
            prop_assert_eq!(passed.len(), before, "every earlier rule has a mismatch");
            for (number, rule) in policy.rules.iter().enumerate() {
                let alone = Policy { rules: vec![rule.clone()], ..policy.clone() };
                let matches = reference::decide(&alone, &packet).cause == Matched::Rule(0);
                let mismatch = mismatch(&policy, rule, &packet);
                prop_assert_eq!(mismatch.is_none(), matches);
                if let Some(passed) = passed.get(number) {
                    prop_assert_eq!(Some(passed), mismatch.as_ref());
                }
            }
        }
    }
}
