//! A table with a patch decides as the changed policy reads, rule numbers included, whatever was changed before.
use arbitrary::Unstructured;
use firewall::{Cause, PatchError, Patched, Table, judge};
use policy::change::{Applied, Change, ChangeError, Entry, Live, MOST_LISTED, Reason};
use policy::compile::{Strategy, ValueError};
use policy::generate::noise::bytes as noise;
use policy::generate::properties::{change_and_compare, decide_by_patch, judge_changed};
use policy::generate::{Traffic, change, frame, policy_and_frames};
use policy::policy::{Action, Addresses, List, Member, Network, Policy, Prefix, Prefixes, Rule, Values};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use std::collections::HashSet;
use std::net::Ipv4Addr;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_changed_table_decides_as_the_changed_rules_read(bytes in vec(any::<u8>(), 0..3000)) {
        judge_changed(&bytes);
    }

    #[test]
    fn deciding_by_a_damaged_patch_that_decodes_does_not_panic(
        seed in any::<u64>(),
        changes in vec((any::<Index>(), any::<u8>()), 1..6),
    ) {
        let (live, frames) = changed(seed, if seed % 2 == 0 { Strategy::Linear } else { Strategy::Forest }, 6);
        let mut patch = live.patch().to_vec();
        let length = patch.len() - firewall::table::CHECKSUM;
        for (at, byte) in changes {
            patch[at.index(length)] = byte;
        }
        patch.truncate(length);
        patch.extend(firewall::table::emit_checksum(&patch));
        decide_by_patch(Table::decode(live.table()).expect("a table"), &patch, &frames);
    }

    #[test]
    fn a_damaged_patch_is_refused(seed in 0..64_u64, at: Index, change in 1..=255_u8) {
        let (live, _) = changed(seed, Strategy::Forest, 4);
        let table = Table::decode(live.table()).expect("a table");
        let mut patch = live.patch().to_vec();
        prop_assert!(Patched::decode(table, &patch[..at.index(patch.len())]).is_err());
        let at = at.index(patch.len());
        patch[at] ^= change;
        prop_assert!(Patched::decode(table, &patch).is_err());
    }
}

/// A generated policy after generated changes, and frames to meet it.
fn changed(seed: u64, strategy: Strategy, count: usize) -> (Live, Vec<Vec<u8>>) {
    let bytes = noise(seed, 6000);
    let (policy, _) = policy_and_frames(&bytes[..2000], 0, Traffic::Any).expect("a policy");
    let mut live = Live::new(policy, strategy).expect("it compiles");
    let mut choices = Unstructured::new(&bytes[2000..]);
    for _ in 0..count {
        let asked = change(&mut choices, &live.policy()).expect("a change");
        live.apply(asked).expect("it can be made");
    }
    let policy = live.policy();
    let frames = (0..8).map(|_| frame(&mut choices, &policy, Traffic::WellFormed).expect("a frame")).collect();
    (live, frames)
}

/// Two hundred changes to policies of many rules, one after the other; most of them must have come by a patch.
#[test]
fn after_two_hundred_changes_the_rules_still_decide_as_they_read() {
    let (mut patches, mut anew, mut hits) = (0, 0, HashSet::new());
    let (mut with_overlay, mut with_lists) = (0, 0);
    for seed in 0..6_u64 {
        let strategy = if seed % 2 == 0 { Strategy::Linear } else { Strategy::Forest };
        let policies = (0..40).map(|part| policy_and_frames(&noise(seed << 16 | part, 1200), 0, Traffic::Any));
        let rules = policies.flat_map(|made| made.expect("a policy").0.rules);
        let lists = lists(seed);
        with_lists += usize::from(lists.iter().any(|list| list.ipv4.len() > 16 || list.ipv6.len() > 16));
        let rules = rules.filter(|rule| is_narrow(rule, lists.len())).collect();
        let mut live = Live::new(Policy { rules, default: Action::Drop, lists }, strategy).expect("it compiles");
        let bytes = noise(seed, 300_000);
        let mut choices = Unstructured::new(&bytes);
        for _ in 0..200 {
            let policy = live.policy();
            let asked = change(&mut choices, &policy).expect("a change");
            let frames: Vec<_> =
                (0..8).map(|_| frame(&mut choices, &policy, Traffic::WellFormed).expect("a frame")).collect();
            match change_and_compare(&mut live, asked, &frames) {
                Applied::Patch => patches += 1,
                Applied::Anew(_) => anew += 1,
            }
            let table = Table::decode(live.table()).expect("a table");
            let patched = Patched::decode(table, live.patch()).expect("a patch");
            with_overlay += usize::from(patched.shape().overlays[1].is_some());
            hits.extend(frames.iter().map(|frame| judge(frame, &patched).cause));
        }
    }
    println!("{patches} by a patch, {anew} anew, {with_overlay} by two overlays, {} causes", hits.len());
    assert!(with_lists > 3, "{with_lists} policies with lists that are sets");
    assert!(patches > 1000 && with_overlay > 300, "{patches} by a patch, {anew} anew, {with_overlay} by two overlays");
    assert!(hits.len() > 40, "{}", hits.len());
}

/// Generated lists, at least one of which is long; but every fourth seed has none.
fn lists(seed: u64) -> Vec<List> {
    let made =
        (seed << 8..).map(|seed| policy_and_frames(&noise(seed, 1500), 0, Traffic::Any).expect("a policy").0.lists);
    let is_long = |list: &List| (17..1000).contains(&list.ipv4.len()) || (17..1000).contains(&list.ipv6.len());
    let mut fitting =
        made.filter(|lists| lists.is_empty() == (seed % 4 == 3) && (seed % 4 == 3 || lists.iter().any(is_long)));
    fitting.next().expect("lists of every kind are generated")
}

/// It names lists that there are, or addresses: the first of wide rules would decide about everything.
fn is_narrow(rule: &Rule, lists: usize) -> bool {
    fn asks<P>(asked: &Addresses<P>, lists: usize) -> bool {
        let sides = || asked.source.iter().chain(&asked.destination);
        let there = |member: &Member<P>| !matches!(member, Member::List(list) if *list >= lists);
        sides().all(|values| values.members.iter().all(there)) && sides().any(|values| !values.negated)
    }
    match &rule.network {
        Some(Network::Ipv4(asked)) => asks(asked, lists),
        Some(Network::Ipv6(asked)) => asks(asked, lists),
        None => false,
    }
}

fn prefix(address: [u8; 4], length: u8) -> Prefix<Ipv4Addr> {
    Prefix { address: address.into(), length }
}

/// A rule for packets from these.
fn from(member: Member<Prefix<Ipv4Addr>>, action: Action) -> Rule {
    let source = Some(Values { negated: false, members: vec![member] });
    let network = Network::Ipv4(Addresses { source, destination: None, fragment: None, protocol: None });
    Rule { network: Some(network), transport: None, action, span: 0..0 }
}

fn host(number: u32) -> Member<Prefix<Ipv4Addr>> {
    Member::Prefix(Prefix { address: Ipv4Addr::from_bits(number), length: 32 })
}

/// A UDP packet from an address.
fn packet(address: impl Into<Ipv4Addr>) -> Vec<u8> {
    let [a, b, c, d] = address.into().octets();
    let mut frame = vec![0x52, 0x54, 0, 0x12, 0x34, 0x56, 0x52, 0x55, 10, 0, 2, 2, 0x08, 0x00];
    frame.extend([0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, a, b, c, d, 10, 0, 2, 15]);
    frame.extend([0x9c, 0x40, 0, 53, 0, 8, 0, 0]);
    frame
}

fn cause(live: &Live, address: impl Into<Ipv4Addr>) -> Cause {
    let table = Table::decode(live.table()).expect("a table");
    judge(&packet(address), &Patched::decode(table, live.patch()).expect("a patch")).cause
}

#[test]
fn a_rule_that_is_gone_does_not_hide_those_behind_it() {
    let wide = |length| from(Member::Prefix(prefix([10, 0, 0, 0], length)), Action::Accept);
    for strategy in [Strategy::Linear, Strategy::Forest] {
        let rules = vec![wide(30), wide(24), wide(16), wide(8)];
        let mut live =
            Live::new(Policy { rules, default: Action::Drop, lists: vec![] }, strategy).expect("it compiles");
        assert_eq!(cause(&live, [10, 0, 0, 1]), Cause::Rule(0));
        for _ in 0..3 {
            assert_eq!(live.apply(Change::Take { at: 0 }), Ok(Applied::Patch));
            assert_eq!(cause(&live, [10, 0, 0, 1]), Cause::Rule(0));
        }
        assert_eq!(cause(&live, [10, 9, 0, 1]), Cause::Rule(0));
        assert_eq!(live.apply(Change::Take { at: 0 }), Ok(Applied::Patch));
        assert_eq!(cause(&live, [10, 0, 0, 1]), Cause::Default);
        assert_eq!(live.apply(Change::Take { at: 0 }), Err(ChangeError::NoSuchRule));
        assert_eq!(live.apply(Change::Add { at: 1, rule: wide(8) }), Err(ChangeError::NoSuchRule));
        assert_eq!(live.apply(Change::Add { at: 0, rule: wide(8) }), Ok(Applied::Patch));
        assert_eq!(cause(&live, [10, 0, 0, 1]), Cause::Rule(0));
    }
}

#[test]
fn a_rule_that_covers_one_that_is_gone_may_go_too() {
    let rules = (0..3000).map(|number| from(host(number), Action::Accept));
    let every = from(Member::Prefix(prefix([0; 4], 0)), Action::Accept);
    let rules = std::iter::once(every.clone()).chain(rules).collect();
    let mut live =
        Live::new(Policy { rules, default: Action::Drop, lists: vec![] }, Strategy::Forest).expect("it compiles");
    let table = live.table().to_vec();
    // Its own place is taken by one that matches the same: nothing behind it is looked at again.
    let dropping = Rule { action: Action::Drop, ..every };
    assert_eq!(live.apply(Change::Replace { at: 0, rule: dropping }), Ok(Applied::Patch));
    assert_eq!(live.table(), table);
    assert!(live.patch().len() < 400, "{}", live.patch().len());
    assert_eq!(cause(&live, Ipv4Addr::from_bits(77)), Cause::Rule(0));
    // Without it, all of them are.
    assert_eq!(live.apply(Change::Take { at: 0 }), Ok(Applied::Anew(Reason::Rules)));
    assert_ne!(live.table(), table);
    assert_eq!(cause(&live, Ipv4Addr::from_bits(77)), Cause::Rule(77));
}

#[test]
fn many_added_rules_are_searched_and_too_many_compiled_anew() {
    let rules = (0..3000).map(|number| from(host(number * 2), Action::Accept)).collect();
    let mut live =
        Live::new(Policy { rules, default: Action::Drop, lists: vec![] }, Strategy::Forest).expect("it compiles");
    let mut added = 0;
    while live.apply(Change::Add { at: 10 + added, rule: from(host(added as u32 * 2 + 1), Action::Drop) })
        == Ok(Applied::Patch)
    {
        added += 1;
        if added.is_multiple_of(97) {
            let table = Table::decode(live.table()).expect("a table");
            let shape = Patched::decode(table, live.patch()).expect("a patch").shape();
            let listed: usize = shape.overlays.iter().flatten().map(|overlay| overlay.listed).sum();
            assert!(listed <= MOST_LISTED && shape.worst.v4 > shape.table.worst.v4, "{shape:?}");
            for index in [0, added / 2, added - 1] {
                assert_eq!(cause(&live, Ipv4Addr::from_bits(index as u32 * 2 + 1)), Cause::Rule(10 + index as u32));
            }
            assert_eq!(cause(&live, Ipv4Addr::from_bits(5998)), Cause::Rule(2999 + added as u32));
        }
    }
    assert_eq!(added, policy::change::MOST_RULES);
    assert_eq!(cause(&live, Ipv4Addr::from_bits(5998)), Cause::Rule(3000 + added as u32));
}

/// A policy with rules that name a list of this many hosts, of every other address, and the list.
fn with_list(hosts: u32) -> Policy {
    let ipv4 = Prefixes::<Ipv4Addr>::new(
        (0..hosts).map(|index| Prefix { address: Ipv4Addr::from_bits(index * 2), length: 32 }).collect(),
    );
    let lists = vec![List { name: "l".into(), ipv4, ..List::default() }];
    let rules = vec![from(host(4), Action::Accept), from(Member::List(0), Action::Drop)];
    Policy { rules, default: Action::Accept, lists }
}

#[test]
fn entries_come_and_go_whatever_the_list_is_made_of() {
    for hosts in [0, 3, 40, 5000] {
        let policy = with_list(hosts);
        let mut live = Live::new(policy, Strategy::Forest).expect("it compiles");
        let entry = |address: u32, length: u8| Entry::Ipv4(Prefix { address: Ipv4Addr::from_bits(address), length });
        let add = |entry| Change::AddEntry { list: 0, entry };
        let take = |entry| Change::TakeEntry { list: 0, entry };
        let listed = |live: &Live, address: u32| cause(live, Ipv4Addr::from_bits(address)) == Cause::Rule(1);
        assert_eq!(live.apply(take(entry(1, 32))), Err(ChangeError::NoSuchEntry));
        assert_eq!(live.apply(add(entry(1, 32))), Ok(Applied::Patch));
        assert!(listed(&live, 1) && !listed(&live, 3));
        assert_eq!(live.apply(add(entry(0, 28))), Ok(Applied::Patch));
        assert!((0..16).all(|address| listed(&live, address) == (address != 4)));
        // What the other covers stays.
        assert_eq!(live.apply(take(entry(1, 32))), Ok(Applied::Patch));
        assert!(listed(&live, 1));
        if hosts > 0 {
            assert_eq!(live.apply(take(entry(2, 32))), Ok(Applied::Patch));
            assert!(listed(&live, 2));
        }
        assert_eq!(live.apply(take(entry(0, 28))), Ok(Applied::Patch));
        assert!(!listed(&live, 1) && !listed(&live, 2) && listed(&live, 0) == (hosts > 0));
        assert_eq!(live.apply(add(entry(2, 33))), Err(ChangeError::Value(ValueError::PrefixLength(33))));
        assert_eq!(live.apply(add(entry(2, 32))), Ok(Applied::Patch));
        assert!(listed(&live, 2));
        assert_eq!(live.apply(Change::AddEntry { list: 1, entry: entry(2, 32) }), Err(ChangeError::NoSuchList));
        assert!(live.patch().len() < 1000, "{}", live.patch().len());
    }
}

#[test]
fn a_rule_may_name_a_list_that_no_other_does() {
    for (hosts, expected) in [(3, Applied::Patch), (40, Applied::Patch), (5000, Applied::Anew(Reason::NewList))] {
        let mut policy = with_list(hosts);
        policy.rules.truncate(1);
        let mut live = Live::new(policy, Strategy::Forest).expect("it compiles");
        let rule = from(Member::List(0), Action::Drop);
        assert_eq!(live.apply(Change::Add { at: 1, rule }), Ok(expected));
        assert_eq!(cause(&live, Ipv4Addr::from_bits(2)), Cause::Rule(1));
        let entry = Entry::Ipv4(Prefix { address: Ipv4Addr::from_bits(2), length: 32 });
        assert_eq!(live.apply(Change::TakeEntry { list: 0, entry }), Ok(Applied::Patch));
        assert_eq!(cause(&live, Ipv4Addr::from_bits(2)), Cause::Default);
        assert_eq!(live.apply(Change::Add { at: 0, rule: from(Member::List(7), Action::Drop) }), {
            Err(ChangeError::Value(ValueError::UnknownList(7)))
        });
    }
}

#[test]
fn a_patch_belongs_to_its_table() {
    let one = Live::new(with_list(40), Strategy::Forest).expect("it compiles");
    let other = Live::new(with_list(41), Strategy::Forest).expect("it compiles");
    let table = Table::decode(one.table()).expect("a table");
    assert_eq!(Patched::decode(table, other.patch()).err(), Some(PatchError::OtherTable));
    assert_eq!(Patched::decode(table, &[]).err(), Some(PatchError::Length));
    assert_eq!(Patched::decode(table, one.table()).err(), Some(PatchError::Version));
}

/// What becomes of a patch of one added rule with one byte changed and the checksum made to fit.
fn refused(at: usize, byte: u8) -> String {
    let mut live = Live::new(with_list(40), Strategy::Forest).expect("it compiles");
    live.apply(Change::Take { at: 0 }).expect("it can be made");
    live.apply(Change::Add { at: 1, rule: from(host(9), Action::Accept) }).expect("it can be made");
    let entry = Entry::Ipv4(prefix([10, 0, 0, 0], 8));
    live.apply(Change::AddEntry { list: 0, entry }).expect("it can be made");
    let mut patch = live.patch().to_vec();
    assert_ne!(patch[at], byte);
    patch[at] = byte;
    patch.truncate(patch.len() - firewall::table::CHECKSUM);
    patch.extend(firewall::table::emit_checksum(&patch));
    let error = Patched::decode(Table::decode(live.table()).expect("a table"), &patch);
    error.map(|_| ()).expect_err("it does not decode").to_string()
}

#[test]
fn a_refusal_says_what_is_wrong_with_a_patch() {
    let version = "this is not a change to a policy of the version that is known here";
    assert_eq!([refused(0, b'X'), refused(4, 2), refused(6, 1)], [version; 3]);
    assert_eq!(refused(7, 2), "the change to the policy has a default action 2, not 0 or 1");
    let length = "the change to the policy is not as long as it says";
    assert_eq!(refused(8, 0), length);
    assert_eq!(refused(12, refused_checksum()), "the change was made to another policy than the one in force");
    assert_eq!(refused(16, 3), "the change was made to another policy than the one in force");
    let numbers = "the change to the policy does not number every rule once";
    assert_eq!(refused(20, 3), numbers);
    let runs = "the change to the policy does not say what becomes of every rule";
    assert_eq!(refused(20, 0), runs);
    assert_eq!(refused(28, 3), "the change to the policy has rules for no engine that is known");
    assert_eq!(refused(28, 0), length);
    // The runs: the first rule is gone, the second remains.
    assert_eq!(refused(40, 1), runs);
    assert_eq!(refused(52, 0), runs);
    assert_eq!(refused(56, 1), numbers);
    assert_eq!(refused(60, 2), runs);
    // The changed list: the table's only set, with the second and the third.
    let lists = "the change to the policy names address lists that are not there";
    assert_eq!(refused(64, 3), lists);
    assert_eq!(refused(68, 9), lists);
}

/// Another lowest byte than the checksum of the table has.
fn refused_checksum() -> u8 {
    let live = Live::new(with_list(40), Strategy::Forest).expect("it compiles");
    !live.patch()[12]
}
