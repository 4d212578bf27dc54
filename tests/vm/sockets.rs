//! Sockets of the internet families: within the machine as on Linux, and outwards.
use crate::once;
use crate::programs::same_as_on_linux;
use libtest_mimic::Trial;
use tests::launch::MACHINES;
use tests::program;

pub fn cases(trials: &mut Vec<Trial>) {
    for name in ["tcp_loopback", "udp_loopback", "socket_errors", "socket_options"] {
        trials.push(once(&format!("sockets::{name}_prints_what_it_prints_on_linux"), move || {
            same_as_on_linux(MACHINES[0], &program::built(name)?, &[])
        }));
    }
}
