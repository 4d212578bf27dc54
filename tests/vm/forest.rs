//! A policy of many rules, which is decided by trees, in a real machine.
use crate::probe::{self, Send, let_in, refused};
use crate::{on_each, once};
use image::report::Cause;
use libtest_mimic::Trial;
use std::fmt::Write;
use tests::launch::{Launch, MACHINES};
use tests::wire::Wire;
use tests::{Result, program};

/// So often three rules: an address is refused, a network let in, and a port of another network.
const PAIRS: u32 = 200;

const FIRST: &Cause = &Cause::Rule(0);
const OWN: &Cause = &Cause::Rule(199 * 3);
const NETWORK: &Cause = &Cause::Rule(50 * 3 + 1);
const HUNDREDTH: &Cause = &Cause::Rule(100 * 3 + 1);
const REST: &Cause = &Cause::Rule(PAIRS * 3);

pub fn cases(trials: &mut Vec<Trial>) {
    trials.extend(on_each("forest::many_rules_decide_in_their_order", many_rules));
    trials.push(once("forest::each_of_very_many_rules_is_counted", very_many_rules));
}

/// All of their counters together would be too long for a report.
fn very_many_rules() -> Result {
    const OTHERS: u32 = 20_000;
    let mut rules = String::new();
    for other in 0..OTHERS {
        writeln!(rules, r#"{{"ip": {{"src": "203.{}.{}.1"}}, "tcp": {{"dest": "1"}}}},"#, other / 200, other % 200)?;
    }
    rules += r#"{"udp": {}, "action": "accept"}, {"action": "drop"}"#;
    let wire = Wire::new()?;
    let machine = Launch::new(MACHINES[0])?.wire(&wire).rules(&rules)?.start(program::built("gate")?, &[])?;
    machine.says("ready")?;
    let probes = [
        let_in(Send::Udp, "198.51.100.1", &Cause::Rule(OTHERS)),
        refused(Send::Ping, "203.1.7.1", &Cause::Rule(OTHERS + 1)),
    ];
    probe::check(&wire, machine, &probes)?;
    Ok(())
}

fn rules() -> Result<String> {
    let mut rules = String::new();
    for pair in 0..PAIRS {
        writeln!(rules, r#"{{"ip": {{"src": "198.51.100.{pair}"}}}},"#)?;
        writeln!(
            rules,
            r#"{{"ip": {{"src": "198.51.{}.0/24"}}, "udp": {{"dest": "1-65535"}}, "action": "accept"}},"#,
            pair
        )?;
        let port = 20_000 + pair;
        writeln!(
            rules,
            r#"{{"ip6": {{"src": "2001:db8:{pair:x}::/48"}}, "tcp": {{"dest": "{port}"}}, "action": "accept"}},"#
        )?;
    }
    writeln!(rules, r#"{{"action": "drop"}}"#)?;
    Ok(rules)
}

fn many_rules(machine: &str) -> Result {
    let wire = Wire::new()?;
    let launch = Launch::new(machine)?.wire(&wire).rules(&rules()?)?;
    let machine = launch.start(program::built("gate")?, &[])?;
    machine.says("ready")?;
    probe::check(
        &wire,
        machine,
        &[
            refused(Send::Udp, "198.51.100.0", FIRST),
            refused(Send::Syn(8080), "198.51.100.199", OWN),
            let_in(Send::Udp, "198.51.50.7", NETWORK),
            refused(Send::Syn(8080), "198.51.50.7", REST),
            let_in(Send::Udp, "198.51.100.200", HUNDREDTH),
            refused(Send::Ping, "198.51.100.200", REST),
            refused(Send::Udp, "198.51.200.1", REST),
            refused(Send::Syn(20_000), "2001:db8:1::1", REST),
            refused(Send::Ping, "2001:db8::1", REST),
        ],
    )?;
    Ok(())
}
