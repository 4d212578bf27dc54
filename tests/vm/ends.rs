//! How a machine ends: by its program, by a fault of it, by Ctrl-C, and with its command.
use crate::once;
use image::report::Report;
use libtest_mimic::Trial;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{PidfdFlags, Signal, pidfd_open};
use std::time::Duration;
use tests::launch::{Launch, MACHINES};
use tests::machine::Ended;
use tests::{PATIENCE, Result, ensure, program};

/// What a person takes for "at once".
const AT_ONCE: Duration = Duration::from_secs(3);

pub fn cases(trials: &mut Vec<Trial>) {
    trials.push(once("ends::the_exit_code_is_the_programs", exit_codes));
    for (how, code, words) in FAULTS {
        trials.push(once(&format!("ends::a_fault_is_named::{how}"), move || fault(how, code, words)));
    }
    trials.push(once("ends::ctrl_c_stops_at_once_and_shows_the_counters", ctrl_c));
    trials.push(once("ends::terminated_is_143", terminated));
    trials.push(once("ends::no_qemu_outlives_a_killed_command", killed));
}

/// What `ends` is told to do, the exit code as of a shell, and what must be said of it.
const FAULTS: [(&str, i32, &[&str]); 9] = [
    ("write", 139, &["0xdead0000"]),
    ("read", 139, &["0xbeef0"]),
    ("kernel", 139, &["0xffffffff80000000"]),
    ("stack", 139, &["0x"]),
    ("data", 139, &["0x"]),
    ("illegal", 132, &["0x"]),
    ("privileged", 139, &["0x"]),
    ("port", 139, &["0x"]),
    ("abort", 134, &[]),
];

fn run(args: &[&str]) -> Result<Ended> {
    Launch::new(MACHINES[0])?.start(program::built("ends")?, args)?.end()
}

fn exit_codes() -> Result {
    for code in ["0", "1", "42", "255"] {
        let ended = run(&["exit", code])?;
        ensure!(ended.code.to_string() == code, "exit code {} for {code}: {}", ended.code, ended.stderr);
    }
    Ok(())
}

fn fault(how: &str, code: i32, words: &[&str]) -> Result {
    let ended = run(&[how])?;
    ensure!(ended.code == code, "exit code {}, not {code}: {}", ended.code, ended.stderr);
    let signal = u8::try_from(code - 128)?;
    let what = ended.reports.iter().find_map(|report| match report {
        Report::Killed(number, what) if *number == signal => Some(what.as_str()),
        _ => None,
    });
    let what = what.ok_or_else(|| format!("not told: {:?}", ended.reports))?;
    ensure!(ended.stderr.contains(what), "{what:?} is not in: {}", ended.stderr);
    for word in words {
        ensure!(what.contains(word), "{word:?} is not in {what:?}");
    }
    Ok(())
}

fn ctrl_c() -> Result {
    let vm = Launch::new(MACHINES[0])?.example("tcp-8080-only.json").start(program::built("gate")?, &[])?;
    vm.says("ready")?;
    rustix::process::kill_process_group(vm.pid(), Signal::INT)?;
    let ended = vm.end_within(AT_ONCE)?;
    ensure!(ended.code == 130, "exit code {}: {}", ended.code, ended.stderr);
    for row in [r#"{"tcp": {"dest": "8080"}, "action": "accept"}"#, r#"{"action": "drop"}"#] {
        ensure!(ended.stderr.contains(row), "no row for {row} in: {}", ended.stderr);
    }
    Ok(())
}

fn terminated() -> Result {
    let vm = Launch::new(MACHINES[0])?.start(program::built("gate")?, &[])?;
    vm.says("ready")?;
    vm.signal(Signal::TERM)?;
    let ended = vm.end_within(AT_ONCE)?;
    ensure!(ended.code == 143, "exit code {}: {}", ended.code, ended.stderr);
    Ok(())
}

fn killed() -> Result {
    let vm = Launch::new(MACHINES[0])?.start(program::built("gate")?, &[])?;
    vm.says("ready")?;
    let below = vm.descendants()?;
    ensure!(!below.is_empty(), "the command has no process below it");
    let handles =
        below.iter().map(|pid| pidfd_open(*pid, PidfdFlags::empty())).collect::<std::result::Result<Vec<_>, _>>()?;
    vm.signal(Signal::KILL)?;
    let limit = Timespec::try_from(PATIENCE)?;
    for handle in &handles {
        // It can be read once the process has ended.
        let ended = poll(&mut [PollFd::new(handle, PollFlags::IN)], Some(&limit))?;
        ensure!(ended == 1, "one of the processes {below:?} outlives the command");
    }
    ensure!(vm.end()?.code == 137, "the command ended otherwise");
    Ok(())
}
