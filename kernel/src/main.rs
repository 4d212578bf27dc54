//! The kernel: the boot as a list that reads aloud. The policy comes before the network, the network before the program.
#![no_std]
#![no_main]
#![deny(unsafe_code)]

extern crate alloc;

use alloc::format;
use alloc::string::ToString;
use alloc::sync::Arc;
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use firewall::Table;
use image::archive::Image;
use image::report::Report;
use kernel::boot_error::BootError;
use kernel::counting::{self, Counting};
use kernel::net::Net;
use kernel::program::{self, End, Process};
use kernel::tree::Tree;
use kernel::{entropy, executor, host, syscall};
use machine::boot::BootInfo;
use machine::nic::Nic;
use spin::{Mutex, Once};

/// The machine's last word to a hypervisor that understands it; the reports say more.
const ENDED: u8 = 0;
const FAILED: u8 = 1;
/// How long the program's start waits for an address.
const PATIENCE: Duration = Duration::from_millis(300);
/// What a boot that only had to prove that the machine runs ends with.
const PROVED: u8 = 0x2a;

machine::entry!(main);

fn main(info: BootInfo) -> ! {
    if info.command_line.split_whitespace().any(|word| word == "probe") {
        machine::exit(prove());
    }
    let cpus = cpus(info.command_line);
    match boot(info) {
        Ok(system) => {
            let system = SYSTEM.call_once(|| system);
            wait_for_address(&system.net);
            start_others(cpus);
            run(system)
        }
        Err(error) => {
            host::report(&Report::BootFailed(error.to_string()));
            machine::exit(FAILED)
        }
    }
}

/// What every processor works on.
struct System {
    net: Arc<Net>,
    process: Arc<Process>,
    counting: Mutex<Counting>,
}

static SYSTEM: Once<System> = Once::new();

fn boot(info: BootInfo) -> Result<System, BootError> {
    let image = Image::parse(info.image.ok_or(BootError::NoImage)?)?;
    let table = Table::decode(image.policy)?;
    let rules = table.rules();

    let mut seed = [0; 32];
    if !machine::entropy::seed(&mut seed) {
        return Err(BootError::NoEntropy);
    }
    entropy::seed(seed);

    let nic = Nic::find().ok_or(BootError::NoNetwork)?;
    let net = Net::new(nic, table, image.manifest.network, entropy::number());
    host::report(&Report::PolicyInForce(rules));
    // What the host answers to the first words for an address comes while the program is loaded.
    net.poll(machine::time::now());

    let memory = machine::memory::usage().total >> 20;
    let booted = machine::time::now().as_millis();
    host::log(format_args!("the network is open after {booted} ms, with {memory} MiB of memory"));
    let tree = Tree::from_image(&image);
    net.poll(machine::time::now());
    let process = program::start(&image.manifest, tree, net.clone())?;
    host::report(&Report::Started);
    Ok(System { net, process, counting: Mutex::default() })
}

/// How many processors the command line asks for: `cpus=<number>`.
fn cpus(command_line: &str) -> usize {
    let told = command_line.split_whitespace().find_map(|word| word.strip_prefix("cpus="));
    told.and_then(|number| number.parse().ok()).unwrap_or(1)
}

/// Has more processors run the program.
fn start_others(wanted: usize) {
    if wanted > 1 {
        let begun = machine::time::now();
        let count = machine::cpus::start(wanted, join);
        let took = (machine::time::now() - begun).as_micros();
        host::log(format_args!("{count} processors are there; starting them took {took} us"));
        if count < wanted {
            host::report(&Report::Notice(format!("only {count} of {wanted} processors have started")));
        }
    }
}

/// Another processor joins.
fn join() -> ! {
    match SYSTEM.get() {
        Some(system) => run(system),
        None => unreachable!("processors are started when it is there"),
    }
}

/// Runs the program until it ends: frames first, then the threads that are ready; the processor halts when there is neither.
fn run(system: &System) -> ! {
    loop {
        machine::cpus::let_others();
        let now = machine::time::now();
        let frames = system.net.poll(now);
        let timers = executor::fire_timers(now);
        let counters = count(system, now);
        if executor::run_one() {
            continue;
        }
        // What is ready is for another, and that one may halt.
        executor::share();
        if system.net.listen() {
            machine::idle::wait([frames, timers, counters].into_iter().flatten().min());
        }
    }
}

/// Most programs expect that they can connect when they start. DHCP takes a few milliseconds, where there is a server.
fn wait_for_address(net: &Net) {
    let until = machine::time::now() + PATIENCE;
    loop {
        let now = machine::time::now();
        let frames = net.poll(now);
        if now >= until || !net.is_configuring() {
            return;
        }
        if net.listen() {
            machine::idle::wait(frames.into_iter().chain([until]).min());
        }
    }
}

/// Reports what the firewall counted, for the last time if the program has ended; tells when to do so again.
fn count(system: &System, now: Duration) -> Option<Duration> {
    let mut counting = system.counting.lock();
    if let Some(end) = system.process.end() {
        counting::report_all(&system.net);
        syscall::trace::finish(&system.process, &end);
        finish(end);
    }
    counting.report(&system.net, now)
}

fn finish(end: End) -> ! {
    let usage = machine::memory::usage();
    host::report(&Report::Memory(usage.total, usage.total - usage.free));
    host::report(&match end {
        End::Exited(code) => Report::Exited(code),
        End::Killed { signal, what } => Report::Killed(signal, what),
    });
    machine::exit(ENDED)
}

/// Long mode got this far; an SSE instruction and a few turns of memory and clock are what ordinary code needs.
fn prove() -> u8 {
    let start = machine::time::now();
    let sum: f64 = (1..=100).map(|n: u32| core::hint::black_box(f64::from(n))).sum();
    let moved = machine::time::now() >= start;
    if sum == 5050.0 && moved { PROVED } else { FAILED }
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    static AGAIN: AtomicBool = AtomicBool::new(false);
    // A report needs memory; without any it would panic again.
    if !AGAIN.swap(true, Ordering::Relaxed) {
        host::report(&Report::Panicked(info.to_string()));
    }
    machine::exit(FAILED)
}
