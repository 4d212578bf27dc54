//! Who watches a policy being read and compiled is told of all of it, in order.
use policy::compile::{Strategy, compile, compile_observed};
use policy::config;
use policy::policy::Policy;
use policy::progress::{Observer, Phase};

/// Keeps what it is told.
#[derive(Default)]
struct Kept(Vec<(Phase, usize, usize)>);

impl Observer for Kept {
    fn done(&mut self, phase: Phase, done: usize, total: usize) {
        self.0.push((phase, done, total));
    }
}

impl Kept {
    /// The phases, each once, with what there was to do; every one goes from nothing to all without a step back.
    fn phases(&self) -> Vec<(Phase, usize)> {
        let mut phases = Vec::new();
        for told in self.0.chunk_by(|one, other| one.0 == other.0) {
            let (phase, first, total) = told[0];
            assert_eq!(first, 0, "{told:?}");
            assert!(told.iter().all(|&(_, _, other)| other == total), "{told:?}");
            assert!(told.is_sorted_by(|one, other| one.1 < other.1), "{told:?}");
            assert_eq!(told.last().map(|&(_, done, _)| done), Some(total), "{told:?}");
            assert!(told.len() <= 258, "told {} times", told.len());
            phases.push((phase, total));
        }
        phases
    }
}

const LISTS: usize = 3;

/// So many rules for addresses of both versions, and lists in files.
fn read(rules: usize, observer: &mut Kept) -> Policy {
    let rule = |number: usize| match number % 2 {
        0 => format!(r#"{{"ip": {{"src": "10.{}.{}.0/24"}}, "action": "drop"}}"#, number / 250, number % 250),
        _ => format!(r#"{{"ip6": {{"dest": "2001:db8:{number:x}::/48"}}, "action": "drop"}}"#),
    };
    let named = (0..LISTS).map(|list| format!(r#"{{"ip": {{"src": "@l{list}"}}, "action": "drop"}}"#));
    let rules: Vec<String> = named.chain((0..rules - LISTS).map(rule)).collect();
    let lists: Vec<String> = (0..LISTS).map(|list| format!(r#""l{list}": {{"file": "{list}"}}"#)).collect();
    let firewall = format!(r#"{{"lists": {{{}}}, "rules": [{}]}}"#, lists.join(","), rules.join(","));
    let text = format!(r#"{{"ManifestPassthrough": {{"firewall": {firewall}}}}}"#);
    let mut load = |name: &str| Ok(format!("192.0.2.{name}").into_bytes());
    let read = config::parse_observed(&text, &mut load, |_| Vec::new(), observer);
    read.expect("it is right").0.policy.expect("there is a policy")
}

#[test]
fn reading_is_told_from_the_first_rule_to_the_last_list() {
    let mut kept = Kept::default();
    read(1000, &mut kept);
    assert_eq!(kept.phases(), [(Phase::ReadingRules, 1000), (Phase::ReadingLists, LISTS)]);
}

#[test]
fn compiling_is_told_from_the_first_rule_to_the_last_tree() {
    let policy = read(3000, &mut Kept::default());
    let mut kept = Kept::default();
    let blob = compile_observed(&policy, Strategy::Forest, &mut kept).expect("it compiles");
    let phases = kept.phases();
    assert_eq!(
        phases.iter().map(|(phase, _)| *phase).collect::<Vec<_>>(),
        [Phase::CompilingRules, Phase::GrowingTrees]
    );
    assert_eq!(phases[0].1, 3000);
    assert!(phases[1].1 >= 2997, "{phases:?}");
    // Being watched changes nothing.
    assert_eq!(compile(&policy), Ok(blob));
}

#[test]
fn a_list_of_rules_is_told_too() {
    let policy = read(12, &mut Kept::default());
    let mut kept = Kept::default();
    compile_observed(&policy, Strategy::Linear, &mut kept).expect("it compiles");
    assert_eq!(kept.phases(), [(Phase::CompilingRules, 12)]);
}
