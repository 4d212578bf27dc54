//! Servers that people deploy, unmodified: each behind the policy of the first example with its own port, asked by a
//! client of its own, and under load.
use crate::once;
use crate::serve::local;
use image::report::{Cause, Report};
use libtest_mimic::Trial;
use std::io::{Read, Write};
use std::process::Command;
use std::time::Duration;
use tests::answer::answers;
use tests::launch::{Launch, MACHINES, free_port};
use tests::load::load;
use tests::memcached::Memcached;
use tests::server::{Client, SERVERS, Server};
use tests::{Result, ensure, http};

/// A large interpreter on a busy host is slow to start.
const PATIENCE: Duration = Duration::from_secs(60);
const CONNECTIONS: u32 = 64;
const SECONDS: u32 = 2;
/// A port that no policy of theirs opens.
const CLOSED: u16 = 81;

pub fn cases(trials: &mut Vec<Trial>) {
    for server in &SERVERS {
        trials.push(once(&format!("servers::{}_serves_behind_the_policy", server.name), || serves(server)));
    }
}

fn serves(server: &Server) -> Result {
    let (port, closed) = (free_port()?, free_port()?);
    let program = server.program()?;
    let forwards = format!("{port}:{},{closed}:{CLOSED}", server.port);
    let vm = Launch::new(MACHINES[0])?.example(server.config).args(["-p", &forwards]);
    let vm = vm.start_example(program.as_deref())?;
    if !answers(server.client, port, PATIENCE) {
        return Err(vm.complain("no answer").into());
    }
    let served = asked(server, port).and_then(|()| {
        let load = load(server.client, port, CONNECTIONS, SECONDS)?;
        ensure!(load.rate > 1.0 && load.errors == 0, "{load:?}");
        asked(server, port)?;
        refused(closed)
    });
    served.map_err(|error| vm.complain(&error.to_string()))?;
    vm.counted(&Cause::Rule(2), false, 1)?;
    let ends = |report: &Report| matches!(report, Report::Exited(_) | Report::Killed(..) | Report::Panicked(_));
    ensure!(!vm.all_reports().iter().any(ends), "{}", vm.complain("it ended"));
    let ended = vm.stop()?;
    ensure!(ended.code == 130, "exit code {}", ended.code);
    Ok(())
}

/// Asks for what the server has.
fn asked(server: &Server, port: u16) -> Result {
    match server.client {
        Client::Http => {
            let response = http::get(local(port), "/")?;
            ensure!(response.status == 200 && !response.body.is_empty(), "{response:?}");
            // Those that serve a folder have no such file in it.
            let large = http::get(local(port), "/large")?;
            let expected = "0123456789abcdef".repeat(1 << 16);
            ensure!(
                large.status == 404 || (large.status == 200 && large.body == expected.as_bytes()),
                "status {} and {} bytes for /large",
                large.status,
                large.body.len()
            );
            Ok(())
        }
        Client::Redis => {
            let value = "v".repeat(10_000);
            ensure!(redis(port, &["set", "key", &value])? == "OK", "set");
            ensure!(redis(port, &["get", "key"])? == value, "get");
            ensure!(redis(port, &["incr", "counter"])?.parse::<u64>()? > 0, "incr");
            Ok(())
        }
        Client::Memcached => {
            let mut connection = Memcached::connect(local(port))?;
            let value = b"v".repeat(10_000);
            connection.set("key", &value)?;
            ensure!(connection.get("key")? == Some(value), "another value");
            ensure!(connection.get("none")?.is_none(), "a value of a key that was never stored");
            Ok(())
        }
    }
}

/// What redis's own client prints of an answer.
fn redis(port: u16, command: &[&str]) -> Result<String> {
    let mut client = Command::new("redis-cli");
    let output = client.args(["-p", &port.to_string()]).args(command).output()?;
    ensure!(output.status.success(), "redis-cli: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.trim().to_string())
}

/// QEMU takes the connection on the host's side; nothing comes through the policy.
fn refused(port: u16) -> Result {
    let mut stream = http::connect(local(port))?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    stream.write_all(&http::request("/", false))?;
    let answer = stream.read(&mut [0; 100]);
    ensure!(answer.is_err(), "an answer from a port that is closed: {answer:?}");
    Ok(())
}
