//! Measures a boot as a person meets it: from `./portcullis run` to the first HTTP answer, and what it needs.
//!
//! Nothing here passes or fails: it prints what it measured, with the processor and the QEMU it measured on.
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use elf::ElfBytes;
use elf::endian::LittleEndian;
use image::report::Report;

use measure::host::{emulator, mib, processor, resident};
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};
use tests::answer::answers;
use tests::launch::{Launch, MACHINES, free_port, project, target_folder};
use tests::server::Client;
use tests::{PATIENCE, Result, http, program};

const RUNS: usize = 20;
/// A machine with too little memory gets this long to answer.
const SHORT: Duration = Duration::from_secs(5);
/// Memory to try, in MiB, downwards.
const MEMORY: [u32; 12] = [128, 64, 48, 32, 24, 20, 16, 12, 10, 8, 6, 4];

fn main() -> ExitCode {
    let runs = std::env::args().nth(1).map_or(Ok(RUNS), |runs| runs.parse());
    let measured = runs.map_err(|error| format!("the number of runs: {error}").into()).and_then(measure);
    match measured {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench boot: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(runs: usize) -> Result {
    println!("processor  {}", processor()?);
    println!("emulator   {}, TCG", emulator()?);
    sizes()?;
    // In turn, so that whatever else the host does meets both alike.
    let mut times = [const { Vec::new() }; MACHINES.len()];
    for _ in 0..runs.max(1) {
        for (machine, times) in MACHINES.iter().zip(&mut times) {
            times.push(first_answer(machine)?);
        }
    }
    let mut table = Table::new();
    table.load_preset(NOTHING).set_header([
        "machine",
        "first answer: median",
        "min",
        "max",
        "runs",
        "QEMU resident",
        "guest in use",
        "smallest -m",
    ]);
    for (machine, mut times) in MACHINES.into_iter().zip(times) {
        times.sort();
        let ms = |time: Option<&Duration>| time.map_or_else(String::new, |time| format!("{} ms", time.as_millis()));
        let (resident, used) = memory(machine)?;
        table.add_row([
            machine.to_string(),
            ms(times.get(times.len() / 2)),
            ms(times.first()),
            ms(times.last()),
            times.len().to_string(),
            mib(resident),
            mib(used),
            smallest(machine)?.map_or_else(|| "none of those tried".into(), |memory| format!("{memory}M")),
        ]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!("{table}");
    println!("Memory in use is what sysinfo(2) tells a small C program; resident is QEMU's VmRSS meanwhile, of 128M.");
    Ok(())
}

/// The script that a person calls, with the bundled server behind the first example.
fn launch(machine: &str, port: u16, memory: u32) -> Result<Launch> {
    let forwarded = format!("{port}:8080");
    let memory = format!("{memory}M");
    let launch = Launch::of(Command::new(project().join("portcullis")))?;
    Ok(launch
        .args(["run", "--machine", machine, "--accel", "tcg", "-p", &forwarded, "-m", &memory])
        .example("tcp-8080-only.json"))
}

fn first_answer(machine: &str) -> Result<Duration> {
    let port = free_port()?;
    let launch = launch(machine, port, 128)?;
    let begun = Instant::now();
    let vm = launch.start("g", &[])?;
    if answers(Client::Http, port, PATIENCE) { Ok(begun.elapsed()) } else { Err(vm.complain("no answer").into()) }
}

/// What a machine holds while it serves, in bytes: QEMU's resident memory, and what its guest has in use.
fn memory(machine: &str) -> Result<(u64, u64)> {
    let port = free_port()?;
    let vm = launch(machine, port, 128)?.start(program::built("gate")?, &[])?;
    if !answers(Client::Http, port, PATIENCE) {
        return Err(vm.complain("no answer").into());
    }
    let used = http::get(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), "/mem")?;
    Ok((resident(&vm.descendants()?)?, String::from_utf8(used.body)?.trim().parse()?))
}

/// The least memory of those tried, in MiB, with which the server answers.
fn smallest(machine: &str) -> Result<Option<u32>> {
    let mut smallest = None;
    for memory in MEMORY {
        let port = free_port()?;
        let vm = launch(machine, port, memory)?.start("g", &[])?;
        let failed =
            |report: &Report| matches!(report, Report::BootFailed(_) | Report::Panicked(_) | Report::Killed(..));
        if !answers(Client::Http, port, SHORT) || vm.all_reports().iter().any(failed) {
            break;
        }
        smallest = Some(memory);
    }
    Ok(smallest)
}

fn sizes() -> Result {
    let target = target_folder()?;
    let kernel = target.join("kernel/portcullis-kernel");
    let bytes = fs::read(&kernel)?;
    let elf = ElfBytes::<LittleEndian>::minimal_parse(&bytes)?;
    let loaded = elf.segments().ok_or("the kernel has no segments")?.iter();
    let loaded = loaded.filter(|segment| segment.p_type == elf::abi::PT_LOAD).map(|segment| segment.p_filesz).sum();
    println!("kernel     {} loaded (file: {})", mib(loaded), mib(bytes.len() as u64));
    let folder = tempfile::tempdir()?;
    let image = folder.path().join("g.img");
    let mut build = Command::new(project().join("portcullis"));
    build.arg("build").arg(project().join("examples/tcp-8080-only.json")).arg("g").arg("-o").arg(&image);
    let output = build.output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    println!("image of g {}", mib(fs::metadata(&image)?.len()));
    Ok(())
}
