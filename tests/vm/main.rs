//! The whole, on real packets: each case boots virtual machines with the real command, under emulation.
//!
//! `cargo test -p tests` runs all cases, two at a time; a word after `--` chooses those whose names contain it.
mod abuse;
mod broken;
mod configurations;
mod ends;
mod first_frame;
mod forest;
mod hostile;
mod icmp;
mod lists;
mod load;
mod network;
mod probe;
mod processors;
mod programs;
mod serve;
mod servers;
mod sockets;
mod trace;

use libtest_mimic::{Arguments, Trial};
use tests::Result;
use tests::launch::MACHINES;

/// A case of its own name.
fn once(name: &str, case: impl FnOnce() -> Result + Send + 'static) -> Trial {
    Trial::test(name, move || Ok(case()?))
}

/// A case on each kind of machine.
fn on_each(name: &str, case: impl Fn(&str) -> Result + Copy + Send + 'static) -> impl Iterator<Item = Trial> {
    MACHINES.map(|machine| once(&format!("{name}::{machine}"), move || case(machine))).into_iter()
}

fn main() {
    let mut arguments = Arguments::from_args();
    // As many machines as CI has cores: with more, they only wait for each other.
    arguments.test_threads.get_or_insert(2);
    let mut trials = Vec::new();
    serve::cases(&mut trials);
    servers::cases(&mut trials);
    configurations::cases(&mut trials);
    first_frame::cases(&mut trials);
    hostile::cases(&mut trials);
    icmp::cases(&mut trials);
    programs::cases(&mut trials);
    processors::cases(&mut trials);
    sockets::cases(&mut trials);
    forest::cases(&mut trials);
    lists::cases(&mut trials);
    load::cases(&mut trials);
    broken::cases(&mut trials);
    ends::cases(&mut trials);
    network::cases(&mut trials);
    trace::cases(&mut trials);
    abuse::cases(&mut trials);
    libtest_mimic::run(&arguments, trials).exit();
}
