//! The article's first example: the bundled server behind one open port, over QEMU's user networking.
use crate::{on_each, once};
use image::report::{Cause, Report};
use libtest_mimic::Trial;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tests::launch::{Launch, MACHINES, free_port};
use tests::machine::Machine;
use tests::{PATIENCE, Result, ensure, http};

pub fn cases(trials: &mut Vec<Trial>) {
    trials.extend(on_each("serve::the_open_port_answers", open_port));
    trials.push(once("serve::a_closed_port_times_out_and_its_drops_are_counted", || closed_port(MACHINES[0])));
}

/// Where the host forwards a port from.
pub fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// Starts the bundled server `g`, its port 8080 forwarded from `port`, and waits until it runs.
pub fn start_g(launch: Launch, port: u16) -> Result<Machine> {
    let vm = launch.args(["-p", &format!("{port}:8080")]).start("g", &[])?;
    vm.report("an address", |report| matches!(report, Report::Address(..)).then_some(()))?;
    vm.report("the program's start", |report| matches!(report, Report::Started).then_some(()))?;
    Ok(vm)
}

/// Asks until the program listens: before, each connection is refused at once, and the next attempt is made.
pub fn first_answer(vm: &Machine, port: u16, path: &str) -> Result<http::Response> {
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        match http::get(local(port), path) {
            Ok(response) => return Ok(response),
            Err(error) if std::time::Instant::now() > deadline => {
                return Err(vm.complain(&format!("no answer on port {port}: {error}")).into());
            }
            Err(_) => {}
        }
    }
}

fn open_port(machine: &str) -> Result {
    let port = free_port()?;
    let vm = start_g(Launch::new(machine)?.example("tcp-8080-only.json"), port)?;
    let response = first_answer(&vm, port, "/")?;
    ensure!(response.status == 200 && !response.body.is_empty(), "{response:?}");
    // The connection goes on after an answer.
    let mut stream = http::connect(local(port))?;
    for _ in 0..3 {
        ensure!(http::ask(&mut stream, "/", true)? == response, "another answer to the same request");
    }
    // Two connections with four requests, and the offer and the acknowledgment of the DHCP server.
    vm.counted(&Cause::Rule(0), true, 10)?;
    vm.counted(&Cause::Rule(1), true, 2)?;
    let ended = vm.stop()?;
    ensure!(ended.code == 130, "exit code {}", ended.code);
    Ok(())
}

fn closed_port(machine: &str) -> Result {
    let port = free_port()?;
    let rules = r#"{"tcp": {"dest": "8081"}, "action": "accept"}, {"udp": {"src": "67"}, "action": "accept"}, {"action": "drop"}"#;
    let vm = start_g(Launch::new(machine)?.rules(rules)?, port)?;
    // QEMU takes the connection on the host's side before it asks the machine.
    let mut stream = http::connect(local(port))?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    stream.write_all(&http::request("/", false))?;
    let answer = stream.read(&mut [0; 100]);
    ensure!(
        matches!(&answer, Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)),
        "an answer from a port that is closed: {answer:?}"
    );
    vm.counted(&Cause::Rule(2), false, 1)?;
    let ended = vm.stop()?;
    let (first, last) = (ended.accepted(&Cause::Rule(0)), ended.dropped(&Cause::Rule(2)));
    ensure!(first == 0 && last >= 1, "rule 1 let in {first}, rule 3 dropped {last}");
    let row = ended.stderr.lines().rfind(|line| line.contains(r#"{"action": "drop"}"#)).unwrap_or_default();
    ensure!(row.split_whitespace().any(|word| word == last.to_string()), "{last} drops are not in the row {row:?}");
    Ok(())
}
