//! Sets of packets are exact: what is said of all packets is held against the naive interpreter, packet by packet.
use firewall::{Action, Decision, Matched, Packet};
use policy::generate::noise::bytes as noise;
use policy::generate::{Traffic, packets, policy_and_frames};
use policy::policy::{Policy, Rule};
use policy::reference::decide;
use policy::space::{Decider, Effect, Space};
use proptest::collection::vec;
use proptest::prelude::*;

/// A policy and the packets of frames that are made to meet its rules.
fn policy_and_packets(bytes: &[u8]) -> (Policy, Vec<Packet>) {
    let (policy, frames) = policy_and_frames(bytes, 64, Traffic::Any).expect("a policy and frames");
    (policy, packets(&frames))
}

fn accepts(policy: &Policy, packet: &Packet) -> bool {
    decide(policy, packet).action == Action::Accept
}

fn decider(decision: &Decision) -> Decider {
    match decision.cause {
        Matched::Rule(number) => Decider::Rule(number as usize),
        Matched::Default => Decider::Default,
    }
}

fn without(policy: &Policy, is_gone: impl Fn(usize) -> bool) -> Policy {
    let rules: Vec<Rule> = policy.rules.clone();
    let left = rules.into_iter().enumerate().filter(|(number, _)| !is_gone(*number)).map(|(_, rule)| rule);
    Policy { rules: left.collect(), ..policy.clone() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_packet_is_in_what_a_policy_accepts_when_the_rules_accept_it(bytes in vec(any::<u8>(), 0..2500)) {
        let (policy, packets) = policy_and_packets(&bytes);
        let mut space = Space::new(&[&policy])?;
        let accepted = space.accepted(&policy)?;
        let all = space.all();
        for packet in packets {
            prop_assert_eq!(space.has(accepted, &packet), accepts(&policy, &packet), "{:?}", packet);
            prop_assert!(space.has(all, &packet), "{:?}", packet);
            let alone = space.singleton(&packet)?;
            prop_assert!(space.has(alone, &packet));
            let both = space.and(alone, accepted)?;
            prop_assert_eq!(space.is_empty(both), !accepts(&policy, &packet));
        }
    }

    #[test]
    fn what_decides_about_a_set_decides_about_its_packets(bytes in vec(any::<u8>(), 0..2500)) {
        let (policy, packets) = policy_and_packets(&bytes);
        let mut space = Space::new(&[&policy])?;
        let parts = space.deciders(&policy, space.all())?;
        for packet in packets {
            let holds: Vec<Decider> =
                parts.iter().filter(|(_, part)| space.has(*part, &packet)).map(|(decider, _)| *decider).collect();
            prop_assert_eq!(holds, [decider(&decide(&policy, &packet))]);
        }
        for (found, part) in parts {
            let witness = space.witness(part).expect("a part is not empty");
            prop_assert_eq!(decider(&decide(&policy, &witness)), found);
        }
    }

    #[test]
    fn regions_have_the_packets_of_their_set_and_no_others(bytes in vec(any::<u8>(), 0..2500)) {
        let (policy, packets) = policy_and_packets(&bytes);
        let mut space = Space::new(&[&policy])?;
        let accepted = space.accepted(&policy)?;
        let found = space.regions(accepted, 1000)?;
        prop_assert!(found.is_all);
        let mut union = space.none();
        for region in &found.regions {
            union = space.or(union, region.set)?;
        }
        prop_assert_eq!(union, accepted);
        for packet in packets {
            let holds = found.regions.iter().any(|region| space.has(region.set, &packet));
            prop_assert_eq!(holds, accepts(&policy, &packet));
        }
    }

    #[test]
    fn a_rule_is_needed_when_the_policy_is_another_without_it(bytes in vec(any::<u8>(), 0..2500)) {
        let (policy, packets) = policy_and_packets(&bytes);
        let mut space = Space::new(&[&policy])?;
        let accepted = space.accepted(&policy)?;
        let effects = space.effects(&policy, &mut ())?;
        for (number, effect) in effects.iter().enumerate() {
            let rest = without(&policy, |other| other == number);
            prop_assert_eq!(space.accepted(&rest)? == accepted, *effect != Effect::Needed, "{} {:?}", number, effect);
            let decides = |packet: &Packet| decider(&decide(&policy, packet)) == Decider::Rule(number);
            let never = matches!(effect, Effect::Shadowed | Effect::Empty);
            prop_assert!(!never || !packets.iter().any(decides));
            let matched = space.matched(&policy.rules[number], &policy)?;
            prop_assert_eq!(space.is_empty(matched), *effect == Effect::Empty);
        }
        let in_turn = space.effects_in_turn(&policy, &mut ())?;
        let rest = without(&policy, |number| in_turn[number] != Effect::Needed);
        prop_assert_eq!(space.accepted(&rest)?, accepted);
        prop_assert!(space.effects(&rest, &mut ())?.iter().all(|effect| *effect == Effect::Needed));
        // Of some rules only, all others stay, and what goes changes nothing.
        let of_odd = space.effects_in_turn_of(&policy, |number| number % 2 == 1, &mut ())?;
        prop_assert!(of_odd.iter().step_by(2).all(|effect| matches!(effect, Effect::Needed | Effect::Empty)));
        let rest = without(&policy, |number| number % 2 == 1 && of_odd[number] != Effect::Needed);
        prop_assert_eq!(space.accepted(&rest)?, accepted);
    }

    #[test]
    fn two_policies_are_equal_or_a_witness_tells_them_apart(bytes in vec(any::<u8>(), 0..1500), place in any::<usize>()) {
        let (policy, _) = policy_and_packets(&bytes);
        let gone = place % policy.rules.len().max(1);
        let other = without(&policy, |number| number == gone);
        let mut space = Space::new(&[&policy, &other])?;
        let (one, two) = (space.accepted(&policy)?, space.accepted(&other)?);
        let (lost, gained) = (space.minus(one, two)?, space.minus(two, one)?);
        for (set, before) in [(lost, true), (gained, false)] {
            if let Some(witness) = space.witness(set) {
                prop_assert_eq!((accepts(&policy, &witness), accepts(&other, &witness)), (before, !before));
            }
        }
        prop_assert_eq!(one == two, space.is_empty(lost) && space.is_empty(gained));
    }
}

/// Of what is generated a good part must be of each kind, or the properties above say nothing.
#[test]
fn generated_policies_have_rules_of_every_effect_and_packets_of_both_verdicts() {
    let (mut effects, mut verdicts) = ([0; 4], [0; 2]);
    for seed in 0..400 {
        let (policy, packets) = policy_and_packets(&noise(seed, 2500));
        let mut space = Space::new(&[&policy]).expect("small");
        for effect in space.effects(&policy, &mut ()).expect("small") {
            effects[effect as usize] += 1;
        }
        packets.iter().for_each(|packet| verdicts[usize::from(accepts(&policy, packet))] += 1);
    }
    assert!(effects.iter().all(|count| *count > 40), "{effects:?}");
    assert!(verdicts.iter().all(|count| *count > 2000), "{verdicts:?}");
}

/// The header that IPv6 follows to the next is no packet's protocol, but of a later fragment it can be.
#[test]
fn a_rule_for_a_header_that_is_followed_is_empty() {
    let effects = |rules: &str| {
        let text = format!(r#"{{"ManifestPassthrough": {{"firewall": {{"rules": [{rules}]}}}}}}"#);
        let policy = policy::config::parse(&text).expect("valid").0.policy.expect("a policy");
        Space::new(&[&policy]).expect("small").effects(&policy, &mut ()).expect("small")
    };
    assert_eq!(effects(r#"{"ip6": {"proto": [0, 43, 44, 51, 60], "fragment": "n"}}"#), [Effect::Empty]);
    assert_eq!(effects(r#"{"ip6": {"proto": 44}}"#), [Effect::Needed]);
    assert_eq!(effects(r#"{"ip": {"proto": 44, "fragment": "n"}}"#), [Effect::Needed]);
    assert_eq!(effects(r#"{"ip": {"proto": 17}, "tcp": {"dest": 80}}"#), [Effect::Empty]);
}

/// Of what cannot be, nothing is said.
#[test]
fn a_region_names_no_header_that_is_followed() {
    let regions = |rule: &str| -> Vec<String> {
        let text = format!(
            r#"{{"ManifestPassthrough": {{"firewall": {{"default": "drop", "rules": [{{{rule}, "action": "accept"}}]}}}}}}"#
        );
        let policy = policy::config::parse(&text).expect("valid").0.policy.expect("a policy");
        let mut space = Space::new(&[&policy]).expect("small");
        let accepted = space.accepted(&policy).expect("small");
        space.regions(accepted, 10).expect("small").regions.iter().map(ToString::to_string).collect()
    };
    assert_eq!(regions(r#""ip6": {"proto": 50, "fragment": "n"}"#), ["ip6 proto 50 not fragments"]);
    assert_eq!(regions(r#""ip6": {"proto": "!6", "fragment": "n"}"#), ["ip6 proto not 6 not fragments"]);
    assert_eq!(regions(r#""ip6": {"proto": [44, 59]}"#), ["ip6 proto 44, 59"]);
}
