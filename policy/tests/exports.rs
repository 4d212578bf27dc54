//! Every export decides as the policy does: read back from its text, on generated policies and packets made to meet their rules.
use firewall::{Fragment, Packet};
use policy::export::{Approximate, Failure, Proof, Target, export, nftables, read};
use policy::generate::noise::bytes as noise;
use policy::generate::{Traffic, packets, policy_and_frames};
use policy::policy::Policy;
use policy::reference::decide;
use policy::space::Space;

/// Generated policies, and packets for each.
fn cases(seeds: core::ops::Range<u64>) -> impl Iterator<Item = (Policy, Vec<Packet>)> {
    seeds.map(|seed| {
        let (policy, frames) = policy_and_frames(&noise(seed, 2000), 40, Traffic::WellFormed).expect("a policy");
        (policy, packets(&frames))
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

/// A policy that every target can say, with something of each that all of them can.
fn sayable() -> Policy {
    let text = r#"{"ManifestPassthrough": {"firewall": {"rules": [
        {"ip": {"src": "10.0.2.0/24"}, "tcp": {"dest": "8000-8010"}, "action": "accept"},
        {"ip6": {"src": "2001:db8::/32", "proto": 50}, "action": "accept"},
        {"udp": {"dest": [53, 443]}, "action": "accept"},
        {"action": "drop"}]}}}"#;
    policy::config::parse(text).expect("a configuration").0.policy.expect("a policy")
}

/// The proof is of the text: with another number in it, it means something else.
#[test]
fn what_is_changed_in_a_text_is_noticed() {
    let policy = sayable();
    for target in Target::ALL {
        let exported = export(&policy, &[], target, None).expect("it can be said");
        assert_eq!(exported.proof, Proof::Equal, "{target:?}");
        let mut space = Space::new(&[&policy]).expect("room");
        let accepted = |space: &mut Space, text: &str| {
            let read = read(target, text).unwrap_or_else(|error| panic!("{error}\n{text}"));
            space.accepted(&read).expect("room")
        };
        let same = accepted(&mut space, &exported.text);
        let protocol = if exported.text.contains("Esp") { ("Esp", "Ah") } else { ("50", "52") };
        let changes = [
            ("8010", "8011"),
            ("10.0.2.0/24", "10.0.2.0/23"),
            ("2001:db8::/32", "2001:db8::/33"),
            ("443", "444"),
            protocol,
        ];
        for (old, new) in changes {
            assert!(exported.text.contains(old), "{target:?} {old}");
            let changed = exported.text.replace(old, new);
            assert_ne!(accepted(&mut space, &changed), same, "{target:?} {old} {new}");
        }
    }
}

/// Whatever stands in a text, it is read or refused.
#[test]
fn no_text_is_too_odd_to_be_refused() {
    let policy = sayable();
    for target in Target::ALL {
        let text = export(&policy, &[], target, None).expect("it can be said").text;
        let (mut read_anyway, mut refused) = (0, 0);
        for seed in 0..3000_u64 {
            let noise = noise(seed, 6);
            let mut bytes = text.clone().into_bytes();
            let at = usize::from(u16::from_le_bytes([noise[0], noise[1]])) % bytes.len();
            match noise[2] % 4 {
                0 => bytes.truncate(at),
                1 => bytes[at] = b" {}\"\n0-,9:/!"[usize::from(noise[3]) % 12],
                2 => drop(bytes.remove(at)),
                _ => {
                    let end = (at + usize::from(noise[4])).min(bytes.len());
                    bytes.splice(at..end, []);
                }
            }
            match read(target, &String::from_utf8_lossy(&bytes)) {
                Ok(_) => read_anyway += 1,
                Err(error) => refused += usize::from(!error.to_string().is_empty()),
            }
        }
        assert!(read_anyway > 0 && refused > 1000, "{target:?} {read_anyway} {refused}");
    }
}

/// Many addresses, none beside another: as what a rule must not match they are far more prefixes.
fn with_list(rule: &str) -> Policy {
    let addresses: Vec<String> = (0..10_000_u32)
        .map(|number| format!("\"{}\"", core::net::Ipv4Addr::from(number.wrapping_mul(0x9e37_79b1) | 1)))
        .collect();
    let text = format!(
        r#"{{"ManifestPassthrough": {{"firewall": {{"default": "drop", "lists": {{"bad": [{}]}}, "rules": [{rule}]}}}}}}"#,
        addresses.join(",")
    );
    policy::config::parse(&text).expect("a configuration").0.policy.expect("a policy")
}

/// Written as it stands this rule is tens of millions of Amazon's: what says the same in fewer is found without that, or it is
/// refused.
#[test]
fn what_would_be_too_long_is_not_written() {
    let policy = with_list(r#"{"ip": {"src": "!@bad", "proto": "!6"}, "action": "accept"}"#);
    for target in Target::ALL {
        let exported = export(&policy, &[], target, None).map(|exported| (exported.text.len(), exported.proof));
        match target {
            Target::AwsSecurityGroup => assert_eq!(exported, Err(Failure::TooMany(target, 1000))),
            _ => assert!(matches!(exported, Ok((..10_000_000, Proof::Equal))), "{target:?} {exported:?}"),
        }
    }
}

/// One list in many rules that ask for different ports: in the right order of bits it is there once.
#[test]
fn a_list_that_many_rules_name_is_compared() {
    let rules: Vec<String> = (0..100)
        .map(|port| format!(r#"{{"ip": {{"src": "@bad"}}, "tcp": {{"dest": {}}}, "action": "accept"}}"#, 2 * port))
        .collect();
    let policy = with_list(&rules.join(","));
    let nodes = |policy: &Policy| {
        let mut space = Space::new(&[policy]).expect("room");
        space.accepted(policy).expect("room");
        space.nodes()
    };
    assert!(nodes(&policy) < 1_000_000, "{}", nodes(&policy));
}
