//! Every engine decides as the rules read: the compiled table against the naive interpreter, on generated policies and
//! frames that are made to collide.
use firewall::{Cause, Fragment, Malformed, Table, judge};
use policy::compile::compile;
use policy::generate::noise::bytes as noise;
use policy::generate::properties::assert_agreed;
use policy::generate::{Traffic, frame, policy_and_frames};
use policy::policy::{Addresses, Member, Messages, Network, Policy, Rule, Transport, Values};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::HashSet;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn the_compiled_table_decides_as_the_rules_read(bytes in vec(any::<u8>(), 0..1500)) {
        let (policy, frames) = policy_and_frames(&bytes, 16, Traffic::Any).expect("a policy and frames");
        assert_agreed(&policy, &frames);
    }

    #[test]
    fn the_same_policy_compiles_to_the_same_bytes(bytes in vec(any::<u8>(), 0..300)) {
        let (policy, _) = policy_and_frames(&bytes, 16, Traffic::Any).expect("a policy and frames");
        prop_assert_eq!(compile(&policy), compile(&policy.clone()));
    }
}

/// A test that generates only trivial cases cannot fail: of what the generator makes, every kind of verdict must be a
/// good part.
#[test]
fn generated_frames_meet_every_kind_of_verdict() {
    let (mut by_rule, mut by_default, mut malformed, mut later, mut reasons) = (0, 0, 0, 0, HashSet::new());
    let mut rules_hit = [0; 8];
    let mut by_type_or_code = [0; 2];
    let (mut by_list, mut by_none_of_list) = ([0; 2], [0; 2]);
    for seed in 0..3000_u64 {
        let bytes = noise(seed, 1500);
        let (policy, frames) = policy_and_frames(&bytes, 16, Traffic::Any).expect("a policy and frames");
        let blob = compile(&policy).expect("a generated policy compiles");
        let table = Table::decode(&blob).expect("a compiled policy decodes");
        for frame in frames {
            let verdict = judge(&frame, &table);
            match verdict.cause {
                Cause::Rule(rule) => {
                    by_rule += 1;
                    rules_hit[rule as usize] += 1;
                    for (version, is_negated) in large_lists(&policy, rule as usize) {
                        let hits = if is_negated { &mut by_none_of_list } else { &mut by_list };
                        hits[version] += 1;
                    }
                    match &policy.rules[rule as usize].transport {
                        Some(Transport::Icmp(asked)) if *asked != Messages::default() => by_type_or_code[0] += 1,
                        Some(Transport::Icmp6(asked)) if *asked != Messages::default() => by_type_or_code[1] += 1,
                        _ => (),
                    }
                }
                Cause::Default => by_default += 1,
                Cause::Malformed(reason) => {
                    malformed += 1;
                    reasons.insert(reason);
                }
                Cause::NotIp | Cause::Arp => (),
            }
            later += u32::from(verdict.packet.is_some_and(|packet| packet.fragment == Fragment::Later));
        }
    }
    println!(
        "{by_rule} by rule, {by_default} by default, {malformed} malformed ({reasons:?}), {later} later fragments, {rules_hit:?}, \
         {by_type_or_code:?} by type or code, {by_list:?} by large list, {by_none_of_list:?} by none of one"
    );
    assert!(by_list.iter().chain(&by_none_of_list).all(|&hits| hits > 15), "{by_list:?} {by_none_of_list:?}");
    assert!(by_rule > 12_000 && by_default > 4500 && malformed > 1500 && later > 4500);
    assert_eq!(reasons.len(), Malformed::ALL.len(), "{reasons:?}");
    assert!(by_type_or_code.iter().all(|&hits| hits > 75), "{by_type_or_code:?}");
    assert!(rules_hit.iter().all(|&hits| hits > 75), "{rules_hit:?}");
}

/// The large lists that a rule names: IP version (0 or 1), and whether they are negated.
fn large_lists(policy: &Policy, rule: usize) -> Vec<(usize, bool)> {
    fn named<P>(asked: &Addresses<P>, is_large: impl Fn(usize) -> bool) -> Vec<bool> {
        let values = asked.source.iter().chain(&asked.destination);
        let large = |members: &[Member<P>]| {
            members.iter().any(|member| matches!(member, Member::List(list) if is_large(*list)))
        };
        values.filter(|values| large(&values.members)).map(|values| values.negated).collect()
    }
    let (version, named) = match &policy.rules[rule].network {
        None => return vec![],
        Some(Network::Ipv4(asked)) => (0, named(asked, |list| policy.lists[list].ipv4.len() > 40)),
        Some(Network::Ipv6(asked)) => (1, named(asked, |list| policy.lists[list].ipv6.len() > 40)),
    };
    named.into_iter().map(|is_negated| (version, is_negated)).collect()
}

/// Long lists of rules, so that trees have nodes and rules stand under several of their children.
#[test]
fn long_lists_of_rules_decide_as_they_read() {
    let mut hits = HashSet::new();
    for seed in 0..10_u64 {
        let policies = (0..400).map(|part| policy_and_frames(&noise(seed << 16 | part, 1200), 0, Traffic::Any));
        let rules = policies.flat_map(|made| made.expect("a policy").0.rules).filter(is_narrow);
        let policy = Policy { rules: rules.collect(), default: policy::policy::Action::Drop, lists: vec![] };
        assert!(policy.rules.len() > 200, "{}", policy.rules.len());
        let bytes = noise(seed, 60_000);
        let mut choices = arbitrary::Unstructured::new(&bytes);
        let frames: Vec<_> =
            (0..300).map(|_| frame(&mut choices, &policy, Traffic::WellFormed).expect("a frame")).collect();
        assert_agreed(&policy, &frames);
        let blob = compile(&policy).expect("it compiles");
        let table = Table::decode(&blob).expect("it decodes");
        assert!(table.shape().trees > 0 && table.shape().worst.most() > 0, "{:?}", table.shape());
        hits.extend(frames.iter().map(|frame| judge(frame, &table).cause));
    }
    // First rules take most: what matters is that others decide too.
    assert!(hits.len() > 40, "{}", hits.len());
}

/// It names addresses, lists aside: the first of wide rules would decide about everything.
fn is_narrow(rule: &Rule) -> bool {
    fn asks<P>(asked: &Addresses<P>) -> bool {
        let sides = [&asked.source, &asked.destination];
        let lists = |values: &Values<Member<P>>| values.members.iter().any(|member| matches!(member, Member::List(_)));
        sides.iter().any(|side| side.as_ref().is_some_and(|values| !values.negated))
            && !sides.into_iter().flatten().any(lists)
    }
    match &rule.network {
        Some(Network::Ipv4(asked)) => asks(asked),
        Some(Network::Ipv6(asked)) => asks(asked),
        None => false,
    }
}
