//! A policy with a list of a million addresses, in a real machine.
use crate::once;
use crate::probe::{self, Send, let_in, refused};
use image::report::Cause;
use libtest_mimic::Trial;
use std::fmt::Write;
use std::net::Ipv4Addr;
use tests::launch::Launch;
use tests::wire::Wire;
use tests::{Result, program};

const BLOCKED: &Cause = &Cause::Rule(0);
const PARTNER: &Cause = &Cause::Rule(1);
const REST: &Cause = &Cause::Rule(2);

const MEMBERS: u32 = 1_000_000;

pub fn cases(trials: &mut Vec<Trial>) {
    trials.push(once("lists::a_million_addresses", a_million_addresses));
}

/// The members: every other address from 100.64.0.0 on, so that each has one beside it that is none; and a network.
fn file() -> Result<String> {
    let first = Ipv4Addr::new(100, 64, 0, 0).to_bits();
    let mut text = String::from("# blocked\n203.0.113.0/24 ; a network\nfe80::bad\n\n");
    for index in 0..MEMBERS {
        // In no order, and none left out: the two numbers have no divisor in common.
        let place = u64::from(index) * 7_368_787 % u64::from(MEMBERS);
        writeln!(text, "{}", Ipv4Addr::from_bits(first + place as u32 * 2))?;
    }
    Ok(text)
}

fn a_million_addresses() -> Result {
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("blocked.txt"), file()?)?;
    let configuration = folder.path().join("lists.json");
    std::fs::write(
        &configuration,
        r#"{"ManifestPassthrough": {"firewall": {
            "lists": {"blocked": {"file": "blocked.txt"}, "partners": ["10.0.2.0/24", "100.64.0.0/10", "fe80::/10"]},
            "rules": [
                {"ip": {"src": "@blocked"}},
                {"ip": {"src": ["@partners", "198.51.100.7"]}, "action": "accept"},
                {"action": "drop"}
            ]}}}"#,
    )?;
    let wire = Wire::new()?;
    let launch = Launch::new("microvm")?.wire(&wire).args(["-c".as_ref(), configuration.as_os_str()]);
    let machine = launch.start(program::built("gate")?, &[])?;
    machine.says("ready")?;
    // The last member is 100.94.132.126.
    probe::check(
        &wire,
        machine,
        &[
            refused(Send::Ping, "100.64.0.0", BLOCKED),
            refused(Send::Udp, "100.64.0.2", BLOCKED),
            refused(Send::Syn(8080), "100.80.1.4", BLOCKED),
            refused(Send::Udp, "100.94.132.126", BLOCKED),
            refused(Send::Udp, "203.0.113.0", BLOCKED),
            refused(Send::Udp, "203.0.113.255", BLOCKED),
            let_in(Send::Udp, "10.0.2.2", PARTNER),
            let_in(Send::Udp, "100.64.0.1", PARTNER),
            let_in(Send::Udp, "100.94.132.127", PARTNER),
            let_in(Send::Syn(8080), "100.94.132.128", PARTNER),
            let_in(Send::Ping, "198.51.100.7", PARTNER),
            refused(Send::Udp, "203.0.114.0", REST),
            refused(Send::Udp, "198.51.100.8", REST),
            refused(Send::Ping, "fe80::1", REST),
        ],
    )?;
    Ok(())
}
