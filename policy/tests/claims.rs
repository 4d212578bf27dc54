//! What is said of all packets is true of those that are tried: properties of generated policies against the naive interpreter.
use arbitrary::Unstructured;
use firewall::{Action, Matched, Packet};
use policy::generate::noise::bytes as noise;
use policy::generate::{Traffic, frame, packets, policy_and_frames};
use policy::policy::{Action as Does, Policy};
use policy::reference;
use policy::test::{Claim, Kind, Outcome, Property, Test, run};

const KINDS: [Kind; 3] = [Kind::Only, Kind::Never, Kind::Always];

/// A generated policy, of whose rules the last are the packets that properties name.
struct Case {
    policy: Policy,
    named: Policy,
    /// All of them, whose edges packets are made from.
    whole: Policy,
}

impl Case {
    fn generate(seed: u64) -> Self {
        let (whole, _) = policy_and_frames(&noise(seed, 1500), 0, Traffic::WellFormed).expect("a policy");
        let named = usize::min(whole.rules.len(), 1 + seed as usize % 3);
        let (rules, sets) = whole.rules.split_at(whole.rules.len() - named);
        let mut sets = sets.to_vec();
        sets.iter_mut().for_each(|rule| rule.action = Does::Accept);
        let policy = Policy { rules: rules.to_vec(), ..whole.clone() };
        let named = Policy { rules: sets, default: Does::Drop, lists: whole.lists.clone() };
        Self { policy, named, whole }
    }

    fn outcome(&self, kind: Kind) -> Outcome {
        let property = Property { kind, packets: self.named.rules.clone() };
        let test = Test { name: None, text: String::new(), span: 0..0, claim: Claim::Property(property) };
        run(&self.policy, &[test], &mut ()).expect("a small policy")[0]
    }

    /// Packets at the edges of what rules ask, and others.
    fn packets(&self, seed: u64, count: usize) -> Vec<Packet> {
        let bytes = noise(seed | 1 << 20, count * 40);
        let mut choices = Unstructured::new(&bytes);
        let frames = (0..count).map(|_| frame(&mut choices, &self.whole, Traffic::WellFormed).expect("a frame"));
        packets(frames)
    }

    fn is_accepted(&self, packet: &Packet) -> bool {
        reference::decide(&self.policy, packet).action == Action::Accept
    }

    fn is_named(&self, packet: &Packet) -> bool {
        reference::decide(&self.named, packet).cause != Matched::Default
    }

    /// Whether a packet is one that a property says there is not.
    fn breaks(&self, kind: Kind, packet: &Packet) -> bool {
        match kind {
            Kind::Only => self.is_accepted(packet) && !self.is_named(packet),
            Kind::Never => self.is_accepted(packet) && self.is_named(packet),
            Kind::Always => !self.is_accepted(packet) && self.is_named(packet),
        }
    }
}

#[test]
fn what_holds_is_broken_by_no_packet_and_what_fails_by_the_packet_that_is_shown() {
    let (mut held, mut failed, mut of_nothing, mut tried) = ([0; 3], [0; 3], 0, 0);
    for seed in 0..400 {
        let case = Case::generate(seed);
        for (index, kind) in KINDS.into_iter().enumerate() {
            match case.outcome(kind) {
                Outcome::Fails { packet, decision } => {
                    failed[index] += 1;
                    assert!(case.breaks(kind, &packet), "{seed} {kind:?}: {packet:?}");
                    assert_eq!(decision, reference::decide(&case.policy, &packet));
                }
                outcome => {
                    held[index] += 1;
                    for packet in case.packets(seed, 2000) {
                        assert!(!case.breaks(kind, &packet), "{seed} {kind:?}: {packet:?}");
                        let is_named = case.is_named(&packet);
                        assert!(!is_named || outcome == Outcome::Holds, "{seed}: {packet:?} is there");
                        tried += usize::from(is_named || kind == Kind::Only);
                    }
                    of_nothing += usize::from(outcome == Outcome::HoldsOfNothing);
                }
            }
        }
    }
    // Of what is generated every kind must be a good part, or nothing was tried.
    assert!(held.iter().chain(&failed).all(|count| *count > 20), "{held:?} hold, {failed:?} do not");
    assert!(of_nothing > 3, "{of_nothing}");
    assert!(tried > 20_000, "{tried}");
}

#[test]
fn a_property_that_fails_for_one_packet_fails() {
    let config = |tests: &str| {
        let text = format!(
            r#"{{"ManifestPassthrough": {{"firewall": {{"tests": [{tests}], "default": "drop", "rules": [
                {{"ip": {{"src": "10.0.0.0/8"}}, "tcp": {{"dest": "22"}}, "action": "accept"}},
                {{"ip6": {{"src": "2001:db8::1", "dest": "fe80::1"}}, "udp": {{"src": 5, "dest": 7}}, "action": "accept"}}]}}}}}}"#
        );
        policy::config::parse(&text).expect("a configuration").0
    };
    for (words, holds) in [
        ("only tcp 22 from 10.0.0.0/8, ip6 udp from [2001:db8::1]:5 to [fe80::1]:7", true),
        ("only tcp 22 from 10.0.0.0/8, ip6 udp from [2001:db8::1]:5 to [fe80::1]:8", false),
        ("only tcp 22 from 10.0.0.0/8", false),
        ("never udp 7 from :6", true),
        ("never ip6 udp 7 from not 2001:db8::2", false),
        ("never from 9.0.0.0/8, tcp 23, tcp fragments", true),
        ("always tcp 22 from 10.0.0.0/8", true),
        ("always tcp 22 from 10.0.0.0/7", false),
        ("always tcp 22-23 from 10.0.0.0/8", false),
        ("always tcp from 10.0.0.0/8", false),
        ("never everything", false),
        ("only everything", true),
        ("always everything", false),
    ] {
        let config = config(&format!("\"{words}\""));
        let outcomes = run(config.policy.as_ref().expect("a policy"), &config.tests, &mut ()).expect("small");
        assert_eq!(!matches!(outcomes[0], Outcome::Fails { .. }), holds, "{words}");
    }
}
