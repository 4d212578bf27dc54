//! Measures how long `explain` takes for a capture file of many packets, and how much memory.
//!
//! Nothing here passes or fails: it prints what it measured, with the processor that it measured on.
use measure::host::{mib, processor, resident};
use measure::random::Random;
use policy::packet;
use rustix::process::Pid;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tests::Result;
use tests::launch::{project, target_folder};

const PACKETS: u32 = 1_000_000;
const CONFIG: &str = "examples/tcp-8080-only.json";

fn main() -> ExitCode {
    let packets = std::env::args().nth(1).map_or(Ok(PACKETS), |packets| packets.parse());
    match packets.map_err(|error| format!("the number of packets: {error}").into()).and_then(measure) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench explain: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(packets: u32) -> Result {
    let folder = tempfile::tempdir()?;
    let capture = folder.path().join("in.pcap");
    write(&capture, packets)?;
    println!("processor  {}", processor()?);
    println!("packets    {packets}, {}", mib(fs::metadata(&capture)?.len()));
    let drops = folder.path().join("out.pcap").display().to_string();
    for (name, options) in [
        ("summary", &[][..]),
        ("and list", &["--list"]),
        ("and drops", &["--list", "--drops", &drops]),
        ("JSON", &["--list", "--format", "json"]),
    ] {
        let (time, memory) = explain(&capture, options)?;
        println!("{name:<11}{:.2} s, {}", time.as_secs_f64(), mib(memory));
    }
    Ok(())
}

/// Packets to a few ports, from anywhere, of a few lengths.
fn write(path: &Path, packets: u32) -> Result {
    let mut file = BufWriter::new(File::create(path)?);
    let mut random = Random::new(1);
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    file.write_all(&words(&[0xa1b2_c3d4, 2 | 4 << 16, 0, 0, 262_144, 1]))?;
    for number in 0..packets {
        let source = Ipv4Addr::from_bits(random.next() as u32);
        let port = [22, 443, 8080][random.next() as usize % 3];
        let mut frame = packet::frame(&packet::parse(&format!("tcp from {source} to :{port}"))?);
        frame.resize(frame.len() + [0, 100, 1000][random.next() as usize % 3], 0);
        let length = frame.len() as u32;
        file.write_all(&words(&[1_700_000_000 + number / 1000, number % 1000 * 1000, length, length]))?;
        file.write_all(&frame)?;
    }
    Ok(file.flush()?)
}

/// Until the command ends, and the most memory that was seen.
fn explain(capture: &Path, options: &[&str]) -> Result<(Duration, u64)> {
    let mut command = Command::new(target_folder()?.join("release/portcullis"));
    command.current_dir(project()).args(["explain", CONFIG, "-r"]).arg(capture).args(options);
    let start = Instant::now();
    let mut child = command.stdout(Stdio::null()).spawn()?;
    let pid = Pid::from_child(&child);
    let mut most = 0;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        // It may have ended since.
        most = resident(&[pid]).map_or(most, |now| most.max(now));
        thread::sleep(Duration::from_millis(2));
    };
    let time = start.elapsed();
    if status.success() { Ok((time, most)) } else { Err(format!("explain ended with {status}").into()) }
}
