//! Several processors: what a program does on them it does as on Linux, and the gate stands as with one.
use crate::load::{REQUESTS, all_answered};
use crate::programs::{hostile_with, same_with};
use crate::serve::{first_answer, local, start_g};
use crate::{on_each, once};
use libtest_mimic::Trial;
use tests::launch::{Launch, MACHINES, free_port};
use tests::{Result, ensure, http, program};

pub fn cases(trials: &mut Vec<Trial>) {
    for count in ["1", "2", "4"] {
        let name = format!("processors::{count}_run_threads_as_linux_does");
        trials.extend(on_each(&name, move |machine| {
            same_with(machine, &["--smp", count], &program::built("processors")?, &[])
        }));
    }
    trials.extend(on_each("processors::every_source_tells_how_many_there_are", told));
    trials.push(once("processors::a_hostile_program_ends_only_itself", || hostile_with(MACHINES[0], &["--smp", "2"])));
    trials.push(once("processors::10000_requests_50_at_a_time_each_on_its_own_connection", load));
}

fn told(machine: &str) -> Result {
    for count in ["1", "3"] {
        let vm =
            Launch::new(machine)?.args(["--smp", count]).start(program::built("processors")?, &["count"])?.end()?;
        let expected = format!("online {count}, configured {count}, allowed {count}, listed {count}, timed {count}\n");
        ensure!(vm.code == 0 && vm.stdout == expected, "{}: {}{}", vm.code, vm.stdout, vm.stderr);
    }
    Ok(())
}

fn load() -> Result {
    let port = free_port()?;
    let vm = start_g(Launch::new(MACHINES[0])?.args(["--smp", "2"]).example("tcp-8080-only.json"), port)?;
    let expected = first_answer(&vm, port, "/")?;
    all_answered(&vm, REQUESTS, |_| {
        ensure!(http::get(local(port), "/")? == expected, "another answer");
        Ok(())
    })
}
