//! What rules mean, sentence by sentence of POLICY.md; and every boundary of what they can name, one by one. Interpreter
//! and compiled table give each answer together.
use firewall::{Action::Accept, Decision, Fragment, Icmp, Matched, Packet, Table};
use policy::compile::{CompileError, Strategy, ValueError, compile, compile_as};
use policy::policy::{
    Action, Addresses, Member, Messages, Network, Policy, Ports, Prefix, Rule, Transport, Transport::Icmp as ByIcmp,
    Transport::Icmp6 as ByIcmp6, Transport::Tcp, Transport::Udp, Values,
};
use policy::reference;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;

const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;

fn any<T>(members: impl IntoIterator<Item = T>) -> Option<Values<T>> {
    Some(Values { negated: false, members: members.into_iter().collect() })
}

fn none_of<T>(members: impl IntoIterator<Item = T>) -> Option<Values<T>> {
    Some(Values { negated: true, members: members.into_iter().collect() })
}

fn everywhere<P>() -> Addresses<P> {
    Addresses { source: None, destination: None, fragment: None, protocol: None }
}

type Sources<A> = Option<Values<Prefix<A>>>;

fn members<A>(values: Values<Prefix<A>>) -> Values<Member<Prefix<A>>> {
    Values { negated: values.negated, members: values.members.into_iter().map(Member::Prefix).collect() }
}

fn from_v4(source: Sources<Ipv4Addr>) -> Option<Network> {
    Some(Network::Ipv4(Addresses { source: source.map(members), ..everywhere() }))
}

fn from_v6(source: Sources<Ipv6Addr>) -> Option<Network> {
    Some(Network::Ipv6(Addresses { source: source.map(members), ..everywhere() }))
}

fn host(address: &str) -> Prefix<Ipv4Addr> {
    Prefix { address: address.parse().unwrap(), length: 32 }
}

fn to_port(protocol: fn(Ports) -> Transport, destination: Option<Values<RangeInclusive<u16>>>) -> Option<Transport> {
    Some(protocol(Ports { source: None, destination }))
}

fn rule(network: Option<Network>, transport: Option<Transport>) -> Rule {
    Rule { network, transport, action: Action::Drop, span: 0..0 }
}

fn packet(source: &str, protocol: u8, ports: Option<(u16, u16)>) -> Packet {
    let source: IpAddr = source.parse().unwrap();
    Packet {
        source,
        destination: if source.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() },
        protocol,
        fragment: Fragment::Whole,
        ports: ports.map(|(source, destination)| firewall::Ports { source, destination }),
        tcp_flags: None,
        icmp: None,
        payload_start: 34,
        payload_end: 54,
    }
}

fn later(packet: Packet) -> Packet {
    Packet { fragment: Fragment::Later, ports: None, icmp: None, ..packet }
}

fn decide(policy: &Policy, packet: &Packet) -> Decision {
    let blob = compile(policy).unwrap();
    let compiled = Table::decode(&blob).unwrap().decide(packet);
    assert_eq!(compiled, reference::decide(policy, packet), "{policy:?} on {packet:?}");
    compiled
}

/// Whether one rule matches a packet.
fn matches(rule: Rule, packet: &Packet) -> bool {
    decide(&Policy { rules: vec![rule], default: Action::Accept, lists: vec![] }, packet).cause == Matched::Rule(0)
}

#[test]
fn the_first_rule_that_matches_decides_and_the_default_decides_the_rest() {
    let accept_80 = Rule { action: Action::Accept, ..rule(None, to_port(Tcp, any([80..=80]))) };
    let policy =
        Policy { rules: vec![accept_80, rule(None, to_port(Tcp, None))], default: Action::Accept, lists: vec![] };
    let of = |packet| {
        let decision = decide(&policy, &packet);
        (decision.action == Accept, decision.cause)
    };
    assert_eq!(of(packet("10.0.2.2", TCP, Some((9, 80)))), (true, Matched::Rule(0)));
    assert_eq!(of(packet("10.0.2.2", TCP, Some((80, 9)))), (false, Matched::Rule(1)));
    assert_eq!(of(packet("10.0.2.2", UDP, Some((9, 80)))), (true, Matched::Default));
    let closed = Policy { rules: vec![], default: Action::Drop, lists: vec![] };
    let decision = decide(&closed, &packet("::1", UDP, Some((9, 80))));
    assert_eq!((decision.action == Accept, decision.cause), (false, Matched::Default));
}

#[test]
fn a_rule_without_attributes_matches_every_packet() {
    for packet in [packet("10.0.2.2", ICMP, None), packet("::", 59, None), later(packet("10.0.2.2", TCP, None))] {
        assert!(matches(rule(None, None), &packet));
    }
}

#[test]
fn a_negated_address_matches_other_addresses_of_its_version_only() {
    let others = || rule(from_v4(none_of([host("10.0.2.2")])), None);
    assert!(!matches(others(), &packet("10.0.2.2", TCP, Some((1, 2)))));
    assert!(matches(others(), &packet("10.0.2.3", TCP, Some((1, 2)))));
    assert!(!matches(others(), &packet("fe80::1", TCP, Some((1, 2)))));
    assert!(!matches(others(), &packet("::ffff:10.0.2.3", TCP, Some((1, 2)))));
    let others = || rule(from_v6(none_of([Prefix { address: "fe80::".parse().unwrap(), length: 10 }])), None);
    assert!(!matches(others(), &packet("febf::1", TCP, Some((1, 2)))));
    assert!(matches(others(), &packet("fec0::1", TCP, Some((1, 2)))));
    assert!(!matches(others(), &packet("10.0.2.2", TCP, Some((1, 2)))));
}

#[test]
fn a_negated_port_matches_other_ports_of_its_protocol_only() {
    let others = || rule(None, to_port(Tcp, none_of([22..=22])));
    assert!(!matches(others(), &packet("10.0.2.2", TCP, Some((80, 22)))));
    assert!(matches(others(), &packet("10.0.2.2", TCP, Some((22, 80)))));
    assert!(matches(others(), &packet("fe80::1", TCP, Some((22, 80)))));
    assert!(!matches(others(), &packet("10.0.2.2", UDP, Some((22, 80)))));
    assert!(!matches(others(), &packet("10.0.2.2", ICMP, None)));
}

#[test]
fn a_rule_that_names_a_port_negated_or_not_does_not_match_a_later_fragment() {
    for (protocol, number) in [(Tcp as fn(Ports) -> Transport, TCP), (Udp, UDP)] {
        let fragment = later(packet("10.0.2.2", number, None));
        for ports in [any([0..=65535]), any([0..=0]), none_of([0..=0]), none_of([0..=65535])] {
            assert!(!matches(rule(None, to_port(protocol, ports.clone())), &fragment));
            let from = protocol(Ports { source: ports, destination: None });
            assert!(!matches(rule(None, Some(from)), &fragment));
        }
        assert!(
            matches(rule(None, to_port(protocol, None)), &fragment),
            "a rule that names no port matches by protocol"
        );
    }
}

/// A message from an address of either version; whether it has a type and code is for the parser to say.
fn message(source: &str, protocol: u8, message_type: u8, code: u8) -> Packet {
    Packet { icmp: Some(Icmp { message_type, code }), ..packet(source, protocol, None) }
}

fn of_type(message_type: Option<Values<u8>>) -> Messages {
    Messages { message_type, code: None }
}

#[test]
fn icmp_matches_icmp_in_ipv4_and_icmp6_matches_icmpv6_in_ipv6() {
    let packets = [
        message("10.0.2.2", ICMP, 8, 0),
        message("fe80::1", ICMPV6, 128, 0),
        packet("10.0.2.2", ICMPV6, None),
        packet("fe80::1", ICMP, None),
        packet("10.0.2.2", TCP, Some((1, 8))),
        packet("fe80::1", UDP, Some((8, 1))),
        packet("fe80::1", 59, None),
    ];
    let by = |transport: Transport| packets.map(|packet| matches(rule(None, Some(transport.clone())), &packet));
    assert_eq!(by(ByIcmp(Messages::default())), [true, false, false, false, false, false, false]);
    assert_eq!(by(ByIcmp6(Messages::default())), [false, true, false, false, false, false, false]);
    assert_eq!(by(ByIcmp(of_type(none_of([0])))), [true, false, false, false, false, false, false]);
    assert_eq!(by(ByIcmp6(of_type(none_of([0])))), [false, true, false, false, false, false, false]);
}

#[test]
fn every_type_and_every_code_can_be_named() {
    for number in 0..=u8::MAX {
        for other in 0..=u8::MAX {
            let (typed, coded) = (message("10.0.2.2", ICMP, other, 7), message("fe80::1", ICMPV6, 7, other));
            let code = |code| Some(ByIcmp6(Messages { message_type: None, code }));
            assert_eq!(matches(rule(None, Some(ByIcmp(of_type(any([number]))))), &typed), number == other);
            assert_eq!(matches(rule(None, Some(ByIcmp(of_type(none_of([number]))))), &typed), number != other);
            assert_eq!(matches(rule(None, code(any([number]))), &coded), number == other);
            assert_eq!(matches(rule(None, code(none_of([number]))), &coded), number != other);
        }
    }
}

#[test]
fn a_rule_that_names_type_and_code_matches_when_both_do() {
    let both = || rule(None, Some(ByIcmp(Messages { message_type: any([3, 5]), code: none_of([4, 255]) })));
    for (message_type, code, expected) in
        [(3, 0, true), (5, 3, true), (3, 4, false), (5, 255, false), (4, 0, false), (8, 4, false)]
    {
        let packet = message("10.0.2.2", ICMP, message_type, code);
        assert_eq!(matches(both(), &packet), expected, "type {message_type} code {code}");
    }
}

#[test]
fn a_rule_that_names_a_type_or_code_negated_or_not_does_not_match_a_later_fragment() {
    let versions = [
        (ByIcmp as fn(Messages) -> Transport, later(message("10.0.2.2", ICMP, 8, 0))),
        (ByIcmp6, later(message("fe80::1", ICMPV6, 128, 0))),
    ];
    for (protocol, fragment) in versions {
        for numbers in [any(0..=255), any([0]), none_of([0]), none_of(0..=255)] {
            assert!(!matches(rule(None, Some(protocol(of_type(numbers.clone())))), &fragment));
            let coded = Messages { message_type: None, code: numbers };
            assert!(!matches(rule(None, Some(protocol(coded))), &fragment));
        }
        let by_protocol = rule(None, Some(protocol(Messages::default())));
        assert!(matches(by_protocol, &fragment), "a rule that names neither matches by protocol");
    }
}

#[test]
fn icmp_stands_with_addresses_and_protocols_of_its_version() {
    let asked = || Addresses {
        source: any([Member::Prefix(host("10.0.2.2"))]),
        protocol: none_of([TCP..=TCP]),
        ..everywhere()
    };
    let from_host = || rule(Some(Network::Ipv4(asked())), Some(ByIcmp(of_type(any([8])))));
    assert!(matches(from_host(), &message("10.0.2.2", ICMP, 8, 0)));
    assert!(!matches(from_host(), &message("10.0.2.3", ICMP, 8, 0)));
    assert!(!matches(from_host(), &message("10.0.2.2", ICMP, 13, 0)));
}

#[test]
fn fragment_y_matches_fragments_other_than_the_first_and_n_all_else() {
    let first = Packet { fragment: Fragment::First, ..packet("10.0.2.2", UDP, Some((1, 2))) };
    let whole = Packet { fragment: Fragment::Whole, ..first };
    for (fragment, expected) in [(true, [false, false, true]), (false, [true, true, false])] {
        let asked = || Some(Network::Ipv4(Addresses { fragment: Some(fragment), ..everywhere() }));
        assert_eq!([whole, first, later(first)].map(|packet| matches(rule(asked(), None), &packet)), expected);
    }
}

#[test]
fn a_rule_with_several_attributes_matches_when_all_of_them_do() {
    let both = || rule(from_v4(any([host("10.0.2.2")])), to_port(Udp, any([53..=53])));
    assert!(matches(both(), &packet("10.0.2.2", UDP, Some((1, 53)))));
    assert!(!matches(both(), &packet("10.0.2.3", UDP, Some((1, 53)))));
    assert!(!matches(both(), &packet("10.0.2.2", UDP, Some((1, 54)))));
    assert!(!matches(both(), &packet("10.0.2.2", TCP, Some((1, 53)))));
}

#[test]
fn every_number_of_a_range_matches_and_none_beside_it() {
    let edges = [0_u16, 1, 2, 255, 256, 32767, 32768, 65533, 65534, 65535];
    let is_near = |port: u16| edges.iter().any(|edge| edge.abs_diff(port) <= 2);
    for (index, &first) in edges.iter().enumerate() {
        for &last in &edges[index..] {
            let plain = compile(&Policy {
                rules: vec![
                    rule(None, to_port(Tcp, any([first..=last]))),
                    rule(None, to_port(Udp, none_of([first..=last]))),
                ],
                default: Action::Accept,
                lists: vec![],
            })
            .unwrap();
            let table = Table::decode(&plain).unwrap();
            for port in (0..=u16::MAX).filter(|&port| is_near(port) || port % 97 == 0) {
                let inside = first <= port && port <= last;
                let tcp = table.decide(&packet("10.0.2.2", TCP, Some((0, port))));
                let udp = table.decide(&packet("10.0.2.2", UDP, Some((0, port))));
                assert_eq!(tcp.cause == Matched::Rule(0), inside, "{first}-{last} and {port}");
                assert_eq!(udp.cause == Matched::Rule(1), !inside, "!{first}-{last} and {port}");
            }
        }
    }
}

#[test]
fn every_protocol_number_can_be_named() {
    for number in 0..=u8::MAX {
        let asked = |protocol| Some(Network::Ipv4(Addresses { protocol, ..everywhere() }));
        for other in 0..=u8::MAX {
            let packet = packet("10.0.2.2", other, None);
            assert_eq!(matches(rule(asked(any([number..=number])), None), &packet), number == other);
            assert_eq!(matches(rule(asked(none_of([number..=number])), None), &packet), number != other);
        }
    }
}

/// Whether an address is under a prefix, said in another way than interpreter and compiler do: by division.
fn is_under(address: u128, base: u128, free: u32) -> bool {
    free == 128 || address >> free == base >> free
}

#[test]
fn every_ipv4_prefix_ends_where_its_length_says() {
    for length in 0..=32_u8 {
        let free = 32 - u32::from(length);
        for base in [0, 0x0a00_0202, 0x8000_0000, 0x7fff_ffff, u32::MAX] {
            let first = base & u32::MAX.checked_shl(free).unwrap_or(0);
            let last = first | u32::MAX.checked_shr(length.into()).unwrap_or(0);
            let prefix = Prefix { address: Ipv4Addr::from_bits(first), length };
            for address in [first.wrapping_sub(1), first, base, last, last.wrapping_add(1), 0, u32::MAX] {
                let inside = is_under(address.into(), first.into(), free);
                let packet = packet(&Ipv4Addr::from_bits(address).to_string(), ICMP, None);
                assert_eq!(matches(rule(from_v4(any([prefix])), None), &packet), inside, "{prefix:?}");
                assert_eq!(matches(rule(from_v4(none_of([prefix])), None), &packet), !inside, "not {prefix:?}");
            }
        }
    }
}

#[test]
fn every_ipv6_prefix_ends_where_its_length_says() {
    for length in 0..=128_u8 {
        let free = 128 - u32::from(length);
        for base in [0, 0xfe80_u128 << 112 | 1, 1 << 127, u128::MAX >> 1, u128::MAX] {
            let first = base & u128::MAX.checked_shl(free).unwrap_or(0);
            let last = first | u128::MAX.checked_shr(length.into()).unwrap_or(0);
            let prefix = Prefix { address: Ipv6Addr::from_bits(first), length };
            for address in [first.wrapping_sub(1), first, base, last, last.wrapping_add(1), 0, u128::MAX] {
                let inside = is_under(address, first, free);
                let packet = packet(&Ipv6Addr::from_bits(address).to_string(), 58, None);
                assert_eq!(matches(rule(from_v6(any([prefix])), None), &packet), inside, "{prefix:?}");
                assert_eq!(matches(rule(from_v6(none_of([prefix])), None), &packet), !inside, "not {prefix:?}");
            }
        }
    }
}

#[test]
fn a_list_means_any_of_them_and_a_negated_list_none_of_them() {
    let ports = || [22..=22, 80..=90, 85..=100, 65535..=65535];
    for port in [0, 21, 22, 23, 79, 80, 84, 91, 100, 101, 65534, 65535] {
        let inside = matches!(port, 22 | 80..=100 | 65535);
        let packet = packet("10.0.2.2", TCP, Some((0, port)));
        assert_eq!(matches(rule(None, to_port(Tcp, any(ports()))), &packet), inside, "{port}");
        assert_eq!(matches(rule(None, to_port(Tcp, none_of(ports()))), &packet), !inside, "not {port}");
    }
}

#[test]
fn rules_that_name_the_same_values_share_them() {
    let one = Policy {
        rules: vec![rule(None, to_port(Tcp, any([22..=23, 80..=80])))],
        default: Action::Accept,
        lists: vec![],
    };
    let two = Policy { rules: vec![one.rules[0].clone(), one.rules[0].clone()], ..one };
    let length = |policy| compile_as(policy, Strategy::Linear).unwrap().len();
    let alone = Policy { rules: vec![two.rules[0].clone()], ..two.clone() };
    assert_eq!(length(&two), length(&alone) + firewall::linear::RECORD);
}

#[test]
#[expect(clippy::reversed_empty_ranges, reason = "that is what is refused")]
fn values_that_a_resolved_policy_cannot_have_are_refused() {
    let error = |rules| compile(&Policy { rules, default: Action::Accept, lists: vec![] }).unwrap_err();
    let fine = || rule(None, None);
    let of = |bad| error(vec![fine(), bad]);
    let ports = |members: Vec<RangeInclusive<u16>>| rule(None, to_port(Tcp, any(members)));
    assert_eq!(of(ports(vec![])), CompileError::Rule(1, ValueError::Empty));
    assert_eq!(of(ports(vec![1..=2, 2..=1])), CompileError::Rule(1, ValueError::Backwards));
    let long = Prefix { address: Ipv4Addr::LOCALHOST, length: 33 };
    assert_eq!(of(rule(from_v4(any([long])), None)), CompileError::Rule(1, ValueError::PrefixLength(33)));
    let other_version = CompileError::Rule(1, ValueError::IcmpOfOtherVersion);
    assert_eq!(of(rule(from_v6(None), Some(ByIcmp(Messages::default())))), other_version);
    assert_eq!(of(rule(from_v4(None), Some(ByIcmp6(Messages::default())))), other_version);
    assert_eq!(of(rule(None, Some(ByIcmp(of_type(any([])))))), CompileError::Rule(1, ValueError::Empty));
    let message = of(rule(from_v4(any([long])), None)).to_string();
    assert_eq!(message, "rule 1: a prefix length of 33 is more than its address has bits");
}
