//! What tables say about their costs, for policies whose costs can be counted by hand.
use firewall::Table;
use firewall::lists::{Ipv4Set, Ipv6Set};
use firewall::shape::{Shape, Worst};
use policy::compile::{Strategy, compile_as, ipv4_set, ipv6_set};
use policy::config;
use policy::policy::Policy;

/// The policy of these rules and lists, as a configuration has them.
fn policy(rules: &[String], lists: &str) -> Policy {
    let rules = rules.join(",");
    let firewall = format!(r#"{{"firewall": {{"lists": {lists}, "rules": [{rules}]}}}}"#);
    let text = format!(r#"{{"RunConfig": {{"Klibs": ["firewall"]}}, "ManifestPassthrough": {firewall}}}"#);
    match config::parse(&text) {
        Ok((config, _)) => config.policy.expect("there is a firewall"),
        Err(errors) => panic!("{errors:?}"),
    }
}

fn shape(policy: &Policy, strategy: Strategy) -> Shape {
    let blob = compile_as(policy, strategy).expect("it compiles");
    Table::decode(&blob).expect("it decodes").shape()
}

/// So many hosts that are not beside each other, as the members of a list.
fn hosts(count: u32) -> String {
    let hosts = (0..count).map(|number| format!("\"10.{}.{}.1\"", number / 250, number % 250));
    hosts.collect::<Vec<_>>().join(",")
}

#[test]
fn a_list_of_rules_costs_a_line_for_each_and_the_ranges_that_they_name() {
    let rules = ["8080", "8081", "8082"].map(|port| format!(r#"{{"tcp": {{"dest": "{port}"}}, "action": "accept"}}"#));
    // Three rules of a line each, and three ranges of ports, which are in one.
    let all = policy(&rules, "{}");
    assert_eq!(shape(&all, Strategy::Linear).worst, Worst { v4: 4, v6: 4 });
    // A packet of the other version is not asked for its addresses.
    let rules = [r#"{"ip6": {"src": "2001:db8::1"}, "action": "drop"}"#.to_string()];
    let one = shape(&policy(&rules, "{}"), Strategy::Linear);
    assert_eq!(one.worst, Worst { v4: 1, v6: 2 });
    assert_eq!((one.rules, one.trees, one.listed, one.lists), (1, 0, 1, 0));
    let none = shape(&policy(&[], "{}"), Strategy::Linear);
    assert_eq!((none.worst, none.listed), (Worst { v4: 0, v6: 0 }, 0));
}

#[test]
fn what_many_rules_name_is_counted_once() {
    let lists = format!(r#"{{"many": [{}]}}"#, hosts(3000));
    let of = |count: usize| {
        let rules = (0..count).map(|port| {
            let port = 1000 + port;
            format!(r#"{{"ip": {{"src": "@many"}}, "tcp": {{"dest": "{port}"}}, "action": "drop"}}"#)
        });
        shape(&policy(&rules.collect::<Vec<_>>(), &lists), Strategy::Linear)
    };
    let (one, ten) = (of(1), of(10));
    assert_eq!((one.lists, ten.lists), (1, 1));
    assert_eq!(one.list_bytes, ten.list_bytes);
    assert!(one.list_bytes > 3000 * 2, "{}", one.list_bytes);
    // Nine more rules; the ranges are in one line, and the same address in the same list is the same memory.
    assert_eq!(ten.worst.v4, one.worst.v4 + 9);
    // The rule, its port, a reference, where the list is, its index, two lines.
    assert_eq!(one.worst.v4, 7);
    assert_eq!(one.worst.v6, 1);
}

#[test]
fn trees_cost_more_with_what_stands_beside_them() {
    let prefixes = |count: u32, more: &[String]| {
        let rule = |number: u32| {
            let (high, low) = (number / 200, number % 200);
            format!(r#"{{"ip": {{"src": "10.{high}.{low}.0/24"}}, "action": "accept"}}"#)
        };
        let rules: Vec<_> = (0..count).map(rule).chain(more.iter().cloned()).collect();
        let lists = format!(r#"{{"many": [{}]}}"#, hosts(100));
        let lists = if more.is_empty() { "{}" } else { &lists };
        shape(&policy(&rules, lists), Strategy::Forest)
    };
    let alone = prefixes(400, &[]);
    assert!(alone.trees >= 1 && alone.listed == 0 && alone.worst.v4 >= 3, "{alone:?}");
    // A rule that names a list stands in the trees; the list is read beside them, its number and its place too.
    let named = prefixes(400, &[r#"{"ip": {"dest": "@many"}, "action": "drop"}"#.to_string()]);
    assert_eq!((named.listed, named.lists), (0, 1));
    assert!(named.worst.v4 >= alone.worst.v4 + 3, "{named:?} beside {alone:?}");
    // IPv6 packets meet no tree, and no rule is for them.
    assert_eq!(named.worst.v6, alone.worst.v6);
    // A hundred pairs of hosts are too many for a tree.
    let hosts = hosts(10);
    let pairs = format!(r#"{{"ip": {{"src": [{hosts}], "dest": [{hosts}]}}, "action": "drop"}}"#);
    let beside = prefixes(400, &[pairs]);
    assert_eq!((beside.trees, beside.listed), (alone.trees, 1));
    assert!(beside.worst.v4 > alone.worst.v4 + 3, "{beside:?} beside {alone:?}");
    // IPv6 packets find that no rule of theirs is in a tree, and the rule beside is none for them.
    // An IPv6 packet meets no tree: the number of the rule beside, the rule, and its action if it were for it.
    assert_eq!(beside.worst.v6, alone.worst.v6 + 3);
}

#[test]
fn a_set_of_ipv4_addresses_costs_what_its_worst_entry_does() {
    let accesses = |ranges: &[(u32, u32)]| Ipv4Set::decode(&ipv4_set(ranges)).expect("it decodes").accesses();
    let points = |count: u32| (0..count).map(|number| (number * 3, number * 3)).collect::<Vec<_>>();
    assert_eq!(accesses(&[]), 1);
    // All of 10.0.0.0/16, or none.
    assert_eq!(accesses(&[(0x0a00_0000, 0x0a00_ffff)]), 1);
    assert_eq!(accesses(&points(32)), 2);
    assert_eq!(accesses(&points(33)), 3);
    // A bit for each.
    assert_eq!(accesses(&points(20_000)), 2);
}

#[test]
fn a_set_of_ipv6_addresses_costs_its_deepest_path() {
    let accesses = |ranges: &[(u128, u128)]| Ipv6Set::decode(&ipv6_set(ranges)).expect("it decodes").accesses();
    // The root alone.
    assert_eq!(accesses(&[]), 1);
    // And a line with the addresses.
    assert_eq!(accesses(&[(1 << 120, 1 << 120), (2 << 120, 2 << 120)]), 2);
    // And a node, of whose leaves with two addresses one is on two lines.
    let hosts: Vec<_> = (1..9_u128).map(|number| (number << 120, number << 120)).collect();
    assert_eq!(accesses(&hosts), 4);
    // Addresses that only differ at the very end stand below a second node; four of them are a line.
    let groups = (0..64_u128).flat_map(|number| (0..8).map(move |low| number << 100 | low << 1));
    let groups: Vec<_> = groups.map(|host| (host, host)).collect();
    assert_eq!(accesses(&groups), 4);
}
