//! The six configurations of the article, each in a real machine with packets on both sides of every rule.
use crate::on_each;
use crate::probe::{self, Probe, Send, let_in, refused};
use image::report::Cause;
use libtest_mimic::Trial;
use std::net::SocketAddr;
use tests::launch::Launch;
use tests::machine::Machine;
use tests::wire::Wire;
use tests::{Result, ensure, frame, http, program, tcp};

const RULE_0: &Cause = &Cause::Rule(0);
const RULE_1: &Cause = &Cause::Rule(1);
const RULE_2: &Cause = &Cause::Rule(2);
const RULE_3: &Cause = &Cause::Rule(3);
const DEFAULT: &Cause = &Cause::Default;

pub fn cases(trials: &mut Vec<Trial>) {
    trials.extend(on_each("configuration::tcp_8080_and_dhcp_only", tcp_8080_only));
    trials.extend(on_each("configuration::one_source_or_tcp_8080", source_or_tcp_8080));
    trials.extend(on_each("configuration::one_source_dropped", drop_source));
    trials.extend(on_each("configuration::all_but_one_source_dropped", drop_all_but_source));
    trials.extend(on_each("configuration::udp_from_a_subnet_dropped", drop_udp_from_subnet));
    trials.extend(on_each("configuration::one_ipv6_source_dropped", drop_ip6_source));
    trials.extend(on_each("configuration::fragments_and_options", fragments_and_options));
}

/// Starts the program `gate`, which answers all that reaches it, behind a configuration of `examples`.
fn start(machine: &str, wire: &Wire, example: &str) -> Result<Machine> {
    let machine = Launch::new(machine)?.wire(wire).example(example).start(program::built("gate")?, &[])?;
    machine.says("ready")?;
    Ok(machine)
}

/// The source gets a page from the port.
fn serves(wire: &Wire, source: &str, port: u16) -> Result {
    let received = tcp::exchange(wire, SocketAddr::new(source.parse()?, 40000), port, &http::request("/", false))?;
    let (response, _) = http::parse(&received, true)?.ok_or("half an answer")?;
    ensure!(response.status == 200 && response.body == b"through the gate\n", "{response:?}");
    Ok(())
}

fn tcp_8080_only(machine: &str) -> Result {
    let wire = Wire::new()?;
    let vm = start(machine, &wire, "tcp-8080-only.json")?;
    for source in ["10.0.2.2", "10.0.2.77", "192.0.2.9"] {
        serves(&wire, source, 8080)?;
    }
    let ended = probe::check(
        &wire,
        vm,
        &[
            let_in(Send::Syn(8080), "10.0.2.2", RULE_0),
            let_in(Send::Syn(8080), "10.0.2.3", RULE_0),
            let_in(Send::Syn(8080), "198.51.100.1", RULE_0),
            let_in(Send::UdpFrom(67), "10.0.2.2", RULE_1),
            let_in(Send::UdpFrom(67), "203.0.113.5", RULE_1),
            refused(Send::Syn(8081), "10.0.2.2", RULE_2),
            refused(Send::Syn(8079), "10.0.2.2", RULE_2),
            refused(Send::Syn(67), "10.0.2.2", RULE_2),
            refused(Send::Syn(8081), "192.0.2.9", RULE_2),
            refused(Send::Ping, "10.0.2.2", RULE_2),
            refused(Send::Ping, "192.0.2.9", RULE_2),
            refused(Send::UdpFrom(53), "10.0.2.2", RULE_2),
            refused(Send::UdpFrom(66), "10.0.2.2", RULE_2),
            refused(Send::UdpFrom(68), "10.0.2.2", RULE_2),
            refused(Send::UdpFrom(8080), "10.0.2.2", RULE_2),
            refused(Send::Udp, "10.0.2.3", RULE_2),
            refused(Send::Solicitation, "fe80::1", RULE_2),
            refused(Send::Ping, "fe80::1", RULE_2),
            refused(Send::Syn(8081), "fe80::1", RULE_2),
        ],
    )?;
    let row = ended.stderr.lines().rfind(|line| line.contains(r#"{"action": "drop"}"#));
    let row = row.ok_or_else(|| format!("no row for the last rule in: {}", ended.stderr))?;
    ensure!(row.split_whitespace().any(|word| word == "14"), "the summary counts otherwise: {row}");
    Ok(())
}

fn source_or_tcp_8080(machine: &str) -> Result {
    let wire = Wire::new()?;
    let vm = start(machine, &wire, "source-or-tcp-8080.json")?;
    serves(&wire, "10.0.2.2", 8081)?;
    serves(&wire, "10.0.2.3", 8080)?;
    probe::check(
        &wire,
        vm,
        &[
            let_in(Send::Ping, "10.0.2.2", RULE_0),
            let_in(Send::Syn(8080), "10.0.2.2", RULE_0),
            let_in(Send::Syn(8081), "10.0.2.2", RULE_0),
            let_in(Send::Udp, "10.0.2.2", RULE_0),
            let_in(Send::UdpFrom(53), "10.0.2.2", RULE_0),
            let_in(Send::Syn(8080), "10.0.2.3", RULE_1),
            let_in(Send::Syn(8080), "192.0.2.9", RULE_1),
            let_in(Send::UdpFrom(67), "10.0.2.1", RULE_2),
            refused(Send::Ping, "10.0.2.3", RULE_3),
            refused(Send::Ping, "10.0.3.2", RULE_3),
            refused(Send::Syn(8081), "10.0.2.3", RULE_3),
            refused(Send::Syn(8081), "192.0.2.9", RULE_3),
            refused(Send::Udp, "10.0.2.1", RULE_3),
            refused(Send::UdpFrom(53), "10.0.2.3", RULE_3),
            refused(Send::Ping, "fe80::1", RULE_3),
        ],
    )?;
    Ok(())
}

fn drop_source(machine: &str) -> Result {
    let wire = Wire::new()?;
    let vm = start(machine, &wire, "drop-source.json")?;
    serves(&wire, "10.0.2.3", 8080)?;
    probe::check(&wire, vm, &from_one_and_from_others(refused, RULE_0, let_in, DEFAULT))?;
    Ok(())
}

fn drop_all_but_source(machine: &str) -> Result {
    let wire = Wire::new()?;
    let vm = start(machine, &wire, "drop-all-but-source.json")?;
    serves(&wire, "10.0.2.2", 8081)?;
    probe::check(&wire, vm, &from_one_and_from_others(let_in, DEFAULT, refused, RULE_0))?;
    Ok(())
}

type MakeProbe = fn(Send, &str, &'static Cause) -> Probe;

/// Everything from 10.0.2.2, and from its neighbours by number and by bit. IPv6 is answered: both configurations that
/// this is for speak of IPv4 alone.
fn from_one_and_from_others(
    one: MakeProbe,
    cause_of_one: &'static Cause,
    others: MakeProbe,
    cause_of_others: &'static Cause,
) -> Vec<Probe> {
    let mut probes = vec![
        let_in(Send::Solicitation, "fe80::1", DEFAULT),
        let_in(Send::Ping, "fe80::1", DEFAULT),
        let_in(Send::Syn(8080), "fe80::1", DEFAULT),
        let_in(Send::Udp, "fe80::1", DEFAULT),
        others(Send::UdpFrom(67), "10.0.2.3", cause_of_others),
        one(Send::UdpFrom(67), "10.0.2.2", cause_of_one),
    ];
    for what in [Send::Ping, Send::Syn(8080), Send::Syn(8081), Send::Udp] {
        probes.push(one(what, "10.0.2.2", cause_of_one));
        for source in ["10.0.2.1", "10.0.2.3", "10.0.2.130", "10.0.3.2", "10.1.2.2", "11.0.2.2", "138.0.2.2"] {
            probes.push(others(what, source, cause_of_others));
        }
    }
    probes
}

fn drop_udp_from_subnet(machine: &str) -> Result {
    let wire = Wire::new()?;
    let vm = start(machine, &wire, "drop-udp-from-subnet.json")?;
    serves(&wire, "10.0.2.200", 8080)?;
    let mut probes = vec![
        refused(Send::UdpFrom(67), "10.0.2.2", RULE_0),
        refused(Send::UdpFrom(53), "10.0.2.2", RULE_0),
        let_in(Send::UdpFrom(53), "10.0.3.2", DEFAULT),
        let_in(Send::Solicitation, "fe80::1", DEFAULT),
        let_in(Send::Udp, "fe80::1", DEFAULT),
    ];
    for source in ["10.0.2.1", "10.0.2.2", "10.0.2.128", "10.0.2.254"] {
        probes.push(refused(Send::Udp, source, RULE_0));
        probes.push(let_in(Send::Ping, source, DEFAULT));
        probes.push(let_in(Send::Syn(8080), source, DEFAULT));
    }
    for source in ["10.0.1.255", "10.0.3.0", "10.0.3.1", "10.1.2.2", "192.0.2.1"] {
        probes.push(let_in(Send::Udp, source, DEFAULT));
        probes.push(let_in(Send::Ping, source, DEFAULT));
    }
    probe::check(&wire, vm, &probes)?;
    Ok(())
}

fn drop_ip6_source(machine: &str) -> Result {
    let wire = Wire::new()?;
    let vm = start(machine, &wire, "drop-ip6-source.json")?;
    serves(&wire, "fe80::ff:7763", 8080)?;
    serves(&wire, "10.0.2.2", 8080)?;
    let mut probes = vec![let_in(Send::Ping, "10.0.2.2", DEFAULT), let_in(Send::Udp, "10.0.2.2", DEFAULT)];
    for what in [Send::Solicitation, Send::Ping, Send::Syn(8080), Send::Syn(8081), Send::Udp] {
        probes.push(refused(what, "fe80::ff:7762", RULE_0));
        for source in ["fe80::ff:7763", "fe80::ff:7760", "fe80::1:ff:7762", "fe80::1"] {
            probes.push(let_in(what, source, DEFAULT));
        }
    }
    probe::check(&wire, vm, &probes)?;
    Ok(())
}

/// A datagram in pieces, from a source that may send it and one that may not; options before the ports do not hide them.
fn fragments_and_options(machine: &str) -> Result {
    const UDP: etherparse::IpNumber = etherparse::IpNumber::UDP;
    let wire = Wire::new()?;
    let rules = r#"{"udp": {"dest": 5000}, "action": "accept"}, {"ip": {"src": "10.0.2.3", "fragment": "y"}, "action": "accept"}, {}"#;
    let vm = Launch::new(machine)?.wire(&wire).rules(rules)?.start(program::built("gate")?, &[])?;
    vm.says("ready")?;
    for source in [[10, 0, 2, 3], [10, 0, 2, 4]] {
        wire.introduce(source.into())?;
    }
    // The whole datagram as one frame; its pieces are cut from behind the Ethernet and IPv4 headers.
    let payload: Vec<u8> = (0..=255).cycle().take(600).collect();
    for source in [[10, 0, 2, 3], [10, 0, 2, 4]] {
        let whole = frame::udp(SocketAddr::from((source, 9)), probe::ECHO_PORT, &payload);
        let datagram = whole.get(14 + 20..).ok_or("a short frame")?;
        let (first, second) = datagram.split_at(304);
        wire.send(&frame::fragment(source.into(), UDP, 7, 0, true, first))?;
        wire.send(&frame::fragment(source.into(), UDP, 7, 304, false, second))?;
    }
    // No-operations and the end of the list.
    let options = [1, 1, 1, 0];
    let mut mark = wire.mark();
    wire.send(&frame::udp_with_options(
        SocketAddr::from(([10, 0, 2, 4], 10)),
        probe::ECHO_PORT,
        b"options",
        Some(&options),
    ))?;
    wire.send(&frame::udp_with_options(SocketAddr::from(([10, 0, 2, 4], 11)), 5001, b"options", Some(&options)))?;
    let echoed = |seen: &tests::seen::Seen, port| match seen {
        tests::seen::Seen::Ip { what: tests::seen::What::Udp { to, payload, .. }, .. } => {
            (*to == port).then(|| payload.clone())
        }
        _ => None,
    };
    let answer = wire.find(&mut mark, tests::PATIENCE, |seen| echoed(seen, 10));
    ensure!(answer.as_deref() == Some(b"options"), "{}", vm.complain(&format!("{answer:?}")));
    let pieces: Vec<_> = wire.since(0).iter().filter_map(|seen| echoed(seen, 9)).collect();
    ensure!(pieces == [payload], "one of two fragmented datagrams must be answered, got {}", pieces.len());
    vm.counted(RULE_2, false, 2)?;
    let ended = vm.stop()?;
    ensure!(ended.dropped(RULE_2) == 2 && ended.accepted(RULE_1) == 1, "{:?}", ended.reports);
    Ok(())
}
