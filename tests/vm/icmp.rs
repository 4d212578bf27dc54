//! Rules on the types of ICMP and ICMPv6: an echo is let in by one, and neighbour discovery without the echo by another.
use crate::on_each;
use crate::probe::{self, Send, let_in, refused};
use etherparse::IpNumber;
use image::report::Cause;
use libtest_mimic::Trial;
use tests::launch::Launch;
use tests::wire::Wire;
use tests::{Result, ensure, frame, program};

const ECHO: &Cause = &Cause::Rule(0);
const NEIGHBORS: &Cause = &Cause::Rule(1);
const OTHER_ICMP: &Cause = &Cause::Rule(2);
const ECHO_OF_IPV6: &Cause = &Cause::Rule(3);

const RULES: &str = r#"
    {"icmp": {"type": 8, "code": 0}, "action": "accept"},
    {"icmp6": {"type": [135, 136]}, "action": "accept"},
    {"icmp": {}},
    {"icmp6": {"type": "128"}}"#;

/// A timestamp request (RFC 792), its checksum right.
const TIMESTAMP: [u8; 20] = [13, 0, 0xf2, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

pub fn cases(trials: &mut Vec<Trial>) {
    trials.extend(on_each("icmp::let_in_by_its_type", let_in_by_its_type));
}

fn let_in_by_its_type(machine: &str) -> Result {
    let wire = Wire::new()?;
    let vm = Launch::new(machine)?.wire(&wire).rules(RULES)?.start(program::built("gate")?, &[])?;
    vm.says("ready")?;
    // A later fragment has no type, even if its bytes look like an echo request.
    wire.send(&frame::fragment(frame::GATEWAY, IpNumber::ICMP, 1, 0, false, &TIMESTAMP))?;
    wire.send(&frame::fragment(frame::GATEWAY, IpNumber::ICMP, 2, 8, false, &[8, 0, 0, 0, 0, 0, 0, 0]))?;
    vm.counted(OTHER_ICMP, false, 2)?;
    let probes = [
        refused(Send::Ping, "fe80::1", ECHO_OF_IPV6),
        let_in(Send::Ping, "10.0.2.2", ECHO),
        let_in(Send::Ping, "192.0.2.9", ECHO),
        let_in(Send::Solicitation, "fe80::1", NEIGHBORS),
    ];
    let ended = probe::check(&wire, vm, &probes)?;
    ensure!(ended.dropped(OTHER_ICMP) == 2, "{:?}", ended.reports);
    Ok(())
}
