//! Every export decides as the policy does: read back from its text, on generated policies and packets made to meet their rules.
use firewall::{Fragment, Inspected, Packet, inspect};
use policy::export::{Approximate, Failure, Proof, Target, export, nftables, read};
use policy::generate::noise::bytes as noise;
use policy::generate::{Traffic, policy_and_frames};
use policy::policy::Policy;
use policy::reference::decide;

/// Generated policies, and packets for each.
fn cases(seeds: core::ops::Range<u64>) -> impl Iterator<Item = (Policy, Vec<Packet>)> {
    seeds.map(|seed| {
        let (policy, frames) = policy_and_frames(&noise(seed, 2000), 40, Traffic::WellFormed).expect("a policy");
        let packets = frames.iter().filter_map(|frame| match inspect(frame) {
            Ok(Inspected::Packet(packet)) => Some(packet),
            _ => None,
        });
        (policy, packets.collect())
    })
}

#[test]
fn nftables_decides_as_the_policy() {
    let (mut accepted, mut dropped) = (0, 0);
    for (policy, packets) in cases(0..3000) {
        let text = nftables::write(&policy, &[]);
        let read = nftables::read(&text).unwrap_or_else(|error| panic!("{error}\n{text}\n{policy:#?}"));
        for packet in &packets {
            let (wanted, found) = (decide(&policy, packet).action, decide(&read, packet).action);
            assert_eq!(wanted, found, "{packet:?}\n{policy:#?}\n{text}\n{read:#?}");
            *if found == firewall::Action::Accept { &mut accepted } else { &mut dropped } += 1;
        }
    }
    assert!(accepted > 20_000 && dropped > 20_000, "{accepted} {dropped}");
}

/// What a packet gets from the text of an export.
fn read_back(target: Target, text: &str) -> Policy {
    read(target, text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Each export says what it proved, and that holds for packets too.
#[test]
fn clouds_decide_as_the_policy_or_as_was_proved() {
    let clouds = Target::ALL.into_iter().filter(|target| *target != Target::Nftables);
    for target in clouds {
        let (mut equal, mut refused, mut wider, mut narrower, mut none) = (0, 0, 0, 0, 0);
        for (policy, packets) in cases(0..60) {
            let whole: Vec<&Packet> = packets.iter().filter(|packet| packet.fragment != Fragment::Later).collect();
            for approximate in [None, Some(Approximate::Wider), Some(Approximate::Narrower)] {
                let exported = match export(&policy, &[], target, approximate) {
                    Ok(exported) => exported,
                    Err(Failure::Unsayable(_, rules)) if approximate.is_none() && !rules.is_empty() => {
                        refused += 1;
                        continue;
                    }
                    Err(Failure::NoForm(_) | Failure::TooMany(..)) => {
                        none += 1;
                        continue;
                    }
                    Err(error) => panic!("{target:?} {approximate:?} {error}\n{:#?}", policy.rules),
                };
                let found = read_back(target, &exported.text);
                let is_accepted =
                    |policy: &Policy, packet: &Packet| decide(policy, packet).action == firewall::Action::Accept;
                for packet in &whole {
                    let (wanted, got) = (is_accepted(&policy, packet), is_accepted(&found, packet));
                    let holds = match exported.proof {
                        Proof::Equal => wanted == got,
                        Proof::Wider(_) => got || !wanted,
                        Proof::Narrower(_) => wanted || !got,
                    };
                    assert!(holds, "{target:?} {packet:?} {wanted} {got}\n{policy:#?}\n{}", exported.text);
                }
                match exported.proof {
                    Proof::Equal => equal += 1,
                    Proof::Wider(witness) => {
                        wider += 1;
                        assert!(!is_accepted(&policy, &witness) && is_accepted(&found, &witness), "{witness:?}");
                    }
                    Proof::Narrower(witness) => {
                        narrower += 1;
                        assert!(is_accepted(&policy, &witness) && !is_accepted(&found, &witness), "{witness:?}");
                    }
                }
            }
        }
        println!(
            "{target:?}: {equal} equal, {refused} refused, {wider} wider, {narrower} narrower, {none} without a form"
        );
        assert!([equal, refused, wider, narrower].iter().all(|count| *count > 5));
        // What takes over 1,000 rules is no security group.
        assert!(none < if target == Target::AwsSecurityGroup { 100 } else { 10 });
    }
}
