//! What idle connections cost the active ones:  ./bench connections [RUNS]
//!
//! Two machines run the same server, one of them with idle connections. In a run all active connections of one machine ask at
//! once, again and again; the machines take turns.
use measure::host::{emulator, processor};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tests::launch::{Launch, MACHINES};
use tests::machine::Machine;
use tests::tcp::Kept;
use tests::wire::Wire;
use tests::{Result, http, program};

const RUNS: usize = 21;
const IDLE: u16 = 1_000;
const ACTIVE: u16 = 64;
/// How often each active connection asks in a run.
const ROUNDS: usize = 10;

fn main() -> ExitCode {
    let runs = std::env::args().nth(1).map_or(Ok(RUNS), |runs| runs.parse());
    let measured = runs.map_err(|error| format!("the number of runs: {error}").into()).and_then(measure);
    match measured {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench connections: {error}");
            ExitCode::FAILURE
        }
    }
}

fn start(wire: &Wire) -> Result<Machine> {
    let launch = Launch::new(MACHINES[0])?.wire(wire).example("tcp-8080-only.json").args(["-m", "512M"]);
    let vm = launch.start(program::built("many")?, &[])?;
    vm.says("ready")?;
    Ok(vm)
}

fn open(wire: &Wire, ports: std::ops::Range<u16>) -> Result<Vec<Kept<'_>>> {
    ports.map(|port| Kept::open(wire, SocketAddr::from(([10, 0, 2, 100 + (port % 32) as u8], port)), 8080)).collect()
}

/// The time that one request takes, over all of a run.
fn run(connections: &mut [Kept<'_>]) -> Result<Duration> {
    let start = Instant::now();
    for _ in 0..ROUNDS {
        let asked: Result<Vec<usize>> =
            connections.iter_mut().map(|connection| connection.send(&http::request("/", true))).collect();
        for (connection, mark) in connections.iter_mut().zip(asked?) {
            connection.answer(mark)?;
        }
    }
    Ok(start.elapsed() / u32::try_from(ROUNDS * connections.len())?)
}

fn measure(runs: usize) -> Result {
    println!("processor  {}", processor()?);
    println!("emulator   {}, TCG", emulator()?);
    let wires = [Wire::new()?, Wire::new()?];
    let _machines = [start(&wires[0])?, start(&wires[1])?];
    let mut active = [open(&wires[0], 2_000..2_000 + ACTIVE)?, open(&wires[1], 2_000..2_000 + ACTIVE)?];
    let idle = open(&wires[1], 10_000..10_000 + IDLE)?;
    let mut times = [const { Vec::new() }; 2];
    for _ in 0..runs.max(1) {
        for (connections, times) in active.iter_mut().zip(&mut times) {
            times.push(run(connections)?);
        }
    }
    let medians = times.map(|mut times| {
        times.sort();
        times[times.len() / 2].as_nanos() as f64 / 1000.0
    });
    println!(
        "a request, {ACTIVE} connections that ask at once, median of {} runs of each, taken in turn:",
        runs.max(1)
    );
    println!("  none idle          {:7.1} us", medians[0]);
    println!("  {} idle         {:7.1} us, {:+.1} %", idle.len(), medians[1], (medians[1] / medians[0] - 1.0) * 100.0);
    Ok(())
}
