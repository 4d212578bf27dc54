//! What a policy costs a server:  ./bench policy [--rounds N] [--turns N] [--connections N] [g|go]
//!
//! Machines run the same program at the same time, each with a policy of its own. They get short bursts of requests in turn,
//! in an order that is drawn for every turn, so that whatever else the host does meets all alike. Every round starts all
//! machines anew, in an order that is drawn too and with images of another length: of two machines that are the same one may
//! be a tenth faster for as long as it runs, because of where its memory happens to lie. So a round gives one figure of each machine, its median, and what is
//! compared are the figures of the same round.
//!
//! Nothing here passes or fails: it prints what it measured, with the processor and the QEMU it measured on.
mod client;
mod median;
mod options;
mod subject;

use client::Client;
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use measure::host::{emulator, processor, processor_time};
use measure::random::Random;
use median::Median;
use options::Options;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use subject::Subject;
use tests::Result;
use tests::answer::answers;
use tests::launch::{Launch, free_port};
use tests::machine::Machine;
use tests::server::Client as Speaks;

/// How long a machine may take to its first answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a burst is.
const BURST: Duration = Duration::from_millis(250);
/// How many bursts each machine gets in a round before anything is measured: code is translated when it is first met.
const WARM_UP: usize = 4;

fn main() -> ExitCode {
    match Options::parse(std::env::args().skip(1)).and_then(|options| measure(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench policy: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A machine that runs.
struct Running {
    machine: Machine,
    client: Client,
    boot: Duration,
}

/// What a machine got in one turn, or in the median one of a round.
#[derive(Clone, Copy)]
struct Turn {
    /// Requests a second.
    rate: f64,
    /// Processor time of QEMU for each, in seconds.
    processor: f64,
}

/// Everything of one policy.
#[derive(Default)]
struct Results {
    boots: Vec<f64>,
    rounds: Vec<Turn>,
}

fn measure(options: &Options) -> Result {
    println!("processor  {}", processor()?);
    println!("emulator   {}, TCG", emulator()?);
    let folder = tempfile::tempdir()?;
    let subjects = subject::subjects(folder.path())?;
    let mut results: Vec<Results> = subjects.iter().map(|_| Results::default()).collect();
    let program = options.program.path()?;
    let mut random = Random::new(3);
    for round in 0..options.rounds {
        eprintln!("round {} of {}", round + 1, options.rounds);
        let mut running: Vec<Option<Running>> = subjects.iter().map(|_| None).collect();
        for number in shuffled(subjects.len(), &mut random) {
            let image = subjects[number].image(folder.path(), &program, &mut random)?;
            let started = start(&subjects[number], &image, options.connections)?;
            results[number].boots.push(started.boot.as_secs_f64() * 1e3);
            running[number] = Some(started);
        }
        let mut turns: Vec<Vec<Turn>> = subjects.iter().map(|_| Vec::new()).collect();
        for turn in 0..WARM_UP + options.turns {
            for number in shuffled(subjects.len(), &mut random) {
                let turned = running[number].as_mut().map(burst).ok_or("not started")??;
                if turn >= WARM_UP {
                    turns[number].push(turned);
                }
            }
        }
        for (turns, results) in turns.iter().zip(&mut results) {
            let of = |pick: fn(&Turn) -> f64| Median::of(turns.iter().map(pick).collect()).ok_or("no turns");
            let (rate, processor) = (of(|turn| turn.rate)?.value, of(|turn| turn.processor)?.value);
            results.rounds.push(Turn { rate, processor });
        }
    }
    println!(
        "{} connections that ask at once; {} rounds of {} bursts of {} ms for each policy, in turn:",
        options.connections,
        options.rounds,
        options.turns,
        BURST.as_millis(),
    );
    println!("{}", table(&subjects, &results)?);
    Ok(())
}

/// So many numbers in an order that is drawn.
fn shuffled(count: usize, random: &mut Random) -> Vec<usize> {
    let mut numbers: Vec<usize> = (0..count).collect();
    for last in (1..count).rev() {
        numbers.swap(last, random.below(last as u64 + 1) as usize);
    }
    numbers
}

fn start(subject: &Subject, image: &Path, connections: usize) -> Result<Running> {
    let port = free_port()?;
    let begun = Instant::now();
    let launch = Launch::bare()?.args(["run", "--accel", "tcg", "-p", &format!("{port}:8080")]);
    let machine = launch.start(image, &[])?;
    if !answers(Speaks::Http, port, PATIENCE) {
        return Err(machine.complain(&format!("{}: no answer. It said:", subject.name)).into());
    }
    let boot = begun.elapsed();
    Ok(Running { machine, client: Client::connect(port, connections)?, boot })
}

fn burst(running: &mut Running) -> Result<Turn> {
    let processes = running.machine.descendants()?;
    let before = processor_time(&processes)?;
    let (count, time) = running.client.burst(BURST)?;
    let taken = processor_time(&processes)?.saturating_sub(before);
    Ok(Turn { rate: count as f64 / time.as_secs_f64(), processor: taken.as_secs_f64() / count as f64 })
}

fn table(subjects: &[Subject], results: &[Results]) -> Result<Table> {
    let (first, _) = results.split_first().ok_or("no machine")?;
    let mut table = Table::new();
    table.load_preset(NOTHING).set_header([
        "policy",
        "first answer",
        "requests a second",
        "to the first",
        "95 % interval",
        "processor time",
        "to the first",
        "95 % interval",
    ]);
    for (subject, result) in subjects.iter().zip(results) {
        let of = |pick: fn(&Turn) -> f64| Median::of(result.rounds.iter().map(pick).collect()).ok_or("no rounds");
        let to_first = |pick: fn(&Turn) -> f64| {
            let pairs = result.rounds.iter().zip(&first.rounds);
            let ratios = pairs.map(|(turn, first)| (pick(turn) / pick(first) - 1.0) * 100.0);
            Median::of(ratios.collect()).ok_or("no rounds")
        };
        let boot = Median::of(result.boots.clone()).ok_or("no boot")?;
        let (rate, rates) = (of(|turn| turn.rate)?, to_first(|turn| turn.rate)?);
        let (time, times) = (of(|turn| turn.processor)?, to_first(|turn| turn.processor)?);
        let change = |median: &Median| format!("{:+.1} %", median.value);
        let interval = |median: &Median| format!("{:+.1} to {:+.1} %", median.interval.0, median.interval.1);
        table.add_row([
            subject.name.to_string(),
            format!("{:.0} ms", boot.value),
            format!("{:.0}", rate.value),
            change(&rates),
            interval(&rates),
            format!("{:.1} us", time.value * 1e6),
            change(&times),
            interval(&times),
        ]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    Ok(table)
}
