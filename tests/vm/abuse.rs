//! A program that passes bad pointers to every call and makes a million calls at random: the kernel goes on, and so does
//! the policy.
use crate::once;
use crate::serve::local;
use image::report::Cause;
use kernel::syscall::table;
use libtest_mimic::Trial;
use std::io::{ErrorKind, Read, Write};
use std::time::Duration;
use tests::launch::{Launch, MACHINES, free_port};
use tests::machine::Machine;
use tests::{Result, ensure, http, program};

const RULES: &str = r#"{"tcp": {"dest": 8080}, "action": "accept"}, {"udp": {"src": 67}, "action": "accept"},
    {"action": "drop"}"#;
/// The last of them.
const REFUSED: Cause = Cause::Rule(2);

/// How long the calls may take on a host that has more to do.
const LONG: Duration = Duration::from_secs(240);

pub fn cases(trials: &mut Vec<Trial>) {
    trials.push(once("abuse::a_million_calls_end_neither_the_kernel_nor_the_policy", abuse));
}

fn abuse() -> Result {
    let numbers: Vec<String> = table::ALL.iter().map(|entry| entry.number.to_string()).collect();
    let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
    let (open, closed) = (free_port()?, free_port()?);
    let vm = Launch::new(MACHINES[0])?
        .rules(RULES)?
        .args(["-p", &format!("{open}:8080"), "-p", &format!("{closed}:8081")])
        .start(program::built("abuse")?, &numbers)?;
    vm.says("ready")?;
    let during = policy_holds(&vm, open, closed, 1)?;
    for text in ["every bad pointer was refused", "every call came back"] {
        let said = vm.stdout.wait_for(LONG, |output| output.contains(text).then_some(()));
        ensure!(said.is_some(), "{}", vm.complain(&format!("never: {text}")));
    }
    policy_holds(&vm, open, closed, during + 1)?;
    let ended = vm.stop()?;
    ensure!(ended.code == 130, "exit code {}: {}", ended.code, ended.stderr);
    ensure!(ended.stdout == "ready\nevery bad pointer was refused\nevery call came back\n", "{}", ended.stdout);
    Ok(())
}

/// The open port answers; the other, at which the program listens as well, does not, and that is counted.
fn policy_holds(vm: &Machine, open: u16, closed: u16, refused: u64) -> Result<u64> {
    let answer = http::get(local(open), "/").map_err(|error| vm.complain(&format!("the open port: {error}")))?;
    ensure!((answer.status, &answer.body[..]) == (200, b"ok\n"), "{answer:?}");
    let mut stream = http::connect(local(closed))?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    stream.write_all(&http::request("/", false))?;
    match stream.read(&mut [0; 1]) {
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
        other => return Err(vm.complain(&format!("the closed port: {other:?}")).into()),
    }
    vm.counted(&REFUSED, false, refused)
}
