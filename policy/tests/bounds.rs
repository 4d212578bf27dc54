//! Policies that an unlucky or hostile author could write: how large what they compile to is, and how far a packet has to go
//! at worst. The bounds are what holds, which is more than it should be where rules go to the list or all match the same packets.
//! `--nocapture` shows how large they are and how long they took.
use core::net::{Ipv4Addr, Ipv6Addr};
use core::ops::RangeInclusive;
use firewall::{Shape, Table};
use policy::compile::compile;
use policy::generate::noise::number as noise;
use policy::policy::{
    Action, Addresses, List, Member, Network, Policy, Ports, Prefix, Prefixes, Rule, Transport, Values,
};
use std::time::Instant;

type V4 = Prefix<Ipv4Addr>;
type V6 = Prefix<Ipv6Addr>;

/// What a policy compiles to: how large, and how it is decided by.
fn compiled(name: &str, rules: Vec<Rule>, lists: Vec<List>) -> (usize, Shape) {
    let policy = Policy { rules, default: Action::Drop, lists };
    let started = Instant::now();
    let blob = compile(&policy).expect("it compiles");
    let time = started.elapsed();
    let shape = Table::decode(&blob).expect("it decodes").shape();
    println!("{name}: {time:.1?}, {} KiB, peak {} MiB, {shape:?}", blob.len() >> 10, peak());
    (blob.len(), shape)
}

/// The most memory that this process has had, in MiB (proc_pid_status(5), `VmHWM`).
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0) >> 10
}

fn host(seed: u64) -> V4 {
    Prefix { address: Ipv4Addr::from_bits(noise(seed) as u32), length: 32 }
}

fn values<T>(negated: bool, members: impl IntoIterator<Item = T>) -> Option<Values<T>> {
    Some(Values { negated, members: members.into_iter().collect() })
}

/// Addresses of a version, on one side or both.
fn addresses<P>(source: Option<Values<Member<P>>>, destination: Option<Values<Member<P>>>) -> Addresses<P> {
    Addresses { source, destination, fragment: None, protocol: None }
}

fn rule(number: u64, network: Network, transport: Option<Transport>) -> Rule {
    let action = if number.is_multiple_of(2) { Action::Accept } else { Action::Drop };
    Rule { network: Some(network), transport, action, span: 0..0 }
}

/// A rule that every packet meets.
fn any_v4() -> Network {
    Network::Ipv4(addresses(None, None))
}

fn tcp(source: Option<RangeInclusive<u16>>, destination: RangeInclusive<u16>) -> Option<Transport> {
    let source = source.and_then(|source| values(false, [source]));
    Some(Transport::Tcp(Ports { source, destination: values(false, [destination]) }))
}

const MIB: usize = 1 << 20;

/// So many rules, each for all but an IPv6 prefix and for a port of its own.
fn negated(rules: u64) -> (usize, Shape) {
    let rules = (0..rules).map(|number| {
        let address = Ipv6Addr::from_bits((u128::from(noise(number)) << 64) & !0 << 80);
        let not_from = values(true, [Member::Prefix(V6 { address, length: 48 })]);
        let port = number as u16;
        rule(number, Network::Ipv6(addresses(not_from, None)), tcp(None, port..=port))
    });
    compiled("rules of negated IPv6 prefixes", rules.collect(), vec![])
}

#[test]
fn negated_ipv6_prefixes() {
    let (size, some) = negated(1000);
    assert!(size <= 32 * MIB, "{size}");
    assert!(some.listed == 0 && some.worst.v6 <= 256, "{some:?}");
    // Forty-eight conditions each would be too many.
    let (size, many) = negated(20_000);
    assert!(size <= 4 * MIB, "{size}");
    assert!(many.worst.v6 <= 41_300, "{many:?}");
}

#[test]
fn ten_thousand_rules_of_eight_by_eight_addresses() {
    let side = |seed: u64| values(false, (0..8).map(|index| Member::Prefix(host(seed * 8 + index))));
    let rules = (0..10_000).map(|number| {
        let network = Network::Ipv4(addresses(side(number * 2), side(number * 2 + 1)));
        rule(number, network, None)
    });
    let (size, shape) = compiled("10,000 rules of 8x8 addresses", rules.collect(), vec![]);
    assert!(size <= 64 * MIB, "{size}");
    assert!(shape.worst.v4 <= 256, "{shape:?}");
}

#[test]
fn two_thousand_rules_for_all_but_a_host_on_both_sides() {
    let but = |seed: u64| values(true, [Member::Prefix(host(seed))]);
    let rules = (0..2000).map(|number| {
        let port = 1000 + number as u16;
        let network = Network::Ipv4(addresses(but(number * 2), but(number * 2 + 1)));
        rule(number, network, tcp(None, port..=port))
    });
    let (size, shape) = compiled("2,000 rules with !host on both sides", rules.collect(), vec![]);
    assert!(size <= MIB, "{size}");
    assert!(shape.worst.v4 <= 3200, "{shape:?}");
}

#[test]
fn ten_thousand_ranges_of_ports_across_the_middle() {
    let around = |seed: u64| {
        let (below, above) = (noise(seed) % 200 + 1, noise(!seed) % 200);
        0x8000 - below as u16..=0x8000 + above as u16
    };
    let rules = (0..10_000).map(|number| {
        let ports = tcp(Some(around(number * 2)), around(number * 2 + 1));
        rule(number, any_v4(), ports)
    });
    let (size, shape) = compiled("10,000 ranges of ports across 0x8000", rules.collect(), vec![]);
    assert!(size <= MIB, "{size}");
    assert!(shape.worst.v4 <= 3700, "{shape:?}");
}

#[test]
fn five_thousand_rules_that_differ_in_the_protocol() {
    let rules = (0..5000).map(|number| {
        let protocols = (0..1 + number % 3).map(|index| noise(number * 3 + index) as u8).map(|number| number..=number);
        let asked: Addresses<V4> = Addresses { protocol: values(false, protocols), ..addresses(None, None) };
        rule(number, Network::Ipv4(asked), None)
    });
    let (size, shape) = compiled("5,000 rules that differ in the protocol", rules.collect(), vec![]);
    assert!(size <= MIB, "{size}");
    assert!(shape.worst.v4 <= 64, "{shape:?}");
}

/// Rules that each name a list of so many hosts, of their own or all the same one.
fn rules_with_lists(name: &str, lists: u64, hosts: u64) -> (usize, Shape) {
    let list = |number: u64| {
        let hosts = (0..hosts).map(|index| host(number * hosts + index));
        List { name: number.to_string(), ipv4: Prefixes::<Ipv4Addr>::new(hosts.collect()), ..List::default() }
    };
    let rules = (0..1000).map(|number| {
        let named = values(false, [Member::List((number % lists) as usize)]);
        let port = number as u16;
        rule(number, Network::Ipv4(addresses(named, None)), tcp(None, port..=port))
    });
    compiled(name, rules.collect(), (0..lists).map(list).collect())
}

#[test]
fn a_thousand_rules_with_a_list_each() {
    let (size, shape) = rules_with_lists("1,000 rules with a list of 100 each", 1000, 100);
    assert!(size <= MIB, "{size}");
    assert!(shape.worst.v4 <= 10_200, "{shape:?}");
}

#[test]
fn fifty_large_lists() {
    let (size, shape) = rules_with_lists("1,000 rules, 50 lists of 3,000", 50, 3000);
    assert!(size <= 24 * MIB, "{size}");
    assert!(shape.worst.v4 <= 1300, "{shape:?}");
}

#[test]
fn a_thousand_rules_with_the_same_list() {
    let (size, shape) = rules_with_lists("1,000 rules with the same list of 100,000", 1, 100_000);
    assert!(size <= 4 * MIB, "{size}");
    assert!(shape.listed == 0 && shape.worst.v4 <= 32, "{shape:?}");
}

/// Part of 10.0.0.0/8, of any length from there on; number 0 is all of it.
fn part(number: u64) -> Network {
    let length = 8 + (number % 25) as u8;
    let mask = u32::MAX << (32 - length);
    let address = Ipv4Addr::from_bits((0x0a00_0000 | noise(number) as u32 >> 8) & mask);
    Network::Ipv4(addresses(values(false, [Member::Prefix(V4 { address, length })]), None))
}

#[test]
fn twenty_thousand_equal_rules() {
    let rules = (0..20_000).map(|number| rule(number, part(8), None));
    let (size, shape) = compiled("20,000 equal rules", rules.collect(), vec![]);
    assert!(size <= MIB, "{size}");
    assert!(shape.worst.v4 <= 16, "{shape:?}");
}

#[test]
fn twenty_thousand_rules_that_the_first_covers() {
    let rules = (0..20_000).map(|number| rule(number, part(number), None));
    let (size, shape) = compiled("20,000 covered rules", rules.collect(), vec![]);
    assert!(size <= MIB, "{size}");
    assert!(shape.worst.v4 <= 16, "{shape:?}");
}

#[test]
fn twenty_thousand_nested_rules_the_narrowest_first() {
    let rules = (0..20_000).rev().map(|number| rule(number, part(number), None));
    let (size, shape) = compiled("20,000 nested rules", rules.collect(), vec![]);
    assert!(size <= 4 * MIB, "{size}");
    assert!(shape.worst.v4 <= 256, "{shape:?}");
}
