//! Measures a boot as a person meets it: from `./portcullis run` to the first HTTP answer, and what it needs.
//!
//! Nothing here passes or fails: it prints what it measured, with the processor and the QEMU it measured on.
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use elf::ElfBytes;
use elf::endian::LittleEndian;
use image::report::Report;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};
use tests::launch::{Launch, MACHINES, free_port, project, target_folder};
use tests::machine::Machine;
use tests::{PATIENCE, Result, http, program};

const RUNS: usize = 20;
/// An attempt that came before the server listens is given up after this.
const ATTEMPT: Duration = Duration::from_millis(20);
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
    if answers(port, PATIENCE) { Ok(begun.elapsed()) } else { Err(vm.complain("no answer").into()) }
}

/// Asks again and again; whether an answer came in time.
fn answers(port: u16, within: Duration) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let deadline = Instant::now() + within;
    while Instant::now() < deadline {
        if attempt(address).unwrap_or(false) {
            return true;
        }
        // A refused connection fails at once: the machine, on the same processors, comes first.
        std::thread::yield_now();
    }
    false
}

fn attempt(address: SocketAddr) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect_timeout(&address, ATTEMPT)?;
    stream.set_read_timeout(Some(ATTEMPT))?;
    stream.write_all(&http::request("/", false))?;
    let mut start = [0; 12];
    stream.read_exact(&mut start)?;
    Ok(start.starts_with(b"HTTP/1.1 200"))
}

/// What a machine holds while it serves, in bytes: QEMU's resident memory, and what its guest has in use.
fn memory(machine: &str) -> Result<(u64, u64)> {
    let port = free_port()?;
    let vm = launch(machine, port, 128)?.start(program::built("gate")?, &[])?;
    if !answers(port, PATIENCE) {
        return Err(vm.complain("no answer").into());
    }
    let used = http::get(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), "/mem")?;
    Ok((resident(&vm)?, String::from_utf8(used.body)?.trim().parse()?))
}

/// `VmRSS` (proc(5)) of the largest process below the command, in bytes: QEMU's.
fn resident(vm: &Machine) -> Result<u64> {
    let kib = |status: String| -> Option<u64> {
        status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.split_whitespace().next()?.parse().ok()
    };
    let processes = vm.descendants()?;
    let sizes = processes
        .iter()
        .filter_map(|pid| fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).ok().and_then(kib));
    Ok(sizes.max().ok_or("no QEMU below the command")? * 1024)
}

/// The least memory of those tried, in MiB, with which the server answers.
fn smallest(machine: &str) -> Result<Option<u32>> {
    let mut smallest = None;
    for memory in MEMORY {
        let port = free_port()?;
        let vm = launch(machine, port, memory)?.start("g", &[])?;
        let failed =
            |report: &Report| matches!(report, Report::BootFailed(_) | Report::Panicked(_) | Report::Killed(..));
        if !answers(port, SHORT) || vm.all_reports().iter().any(failed) {
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

fn processor() -> Result<String> {
    let text = fs::read_to_string("/proc/cpuinfo")?;
    let models: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("model name")).collect();
    let model = models.first().and_then(|line| line.split_once(':')).map_or("unknown", |(_, model)| model.trim());
    Ok(format!("{} x {model}", models.len()))
}

fn emulator() -> Result<String> {
    let output = Command::new("qemu-system-x86_64").arg("--version").output()?;
    Ok(String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or("unknown").to_string())
}

fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
