//! How a machine ends: by its program, by a fault of it, by Ctrl-C, and with its command.
use crate::once;
use crate::serve::local;
use image::report::Report;
use libtest_mimic::Trial;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{PidfdFlags, Signal, pidfd_open};
use std::io::Read;
use std::time::Duration;
use tests::launch::{Launch, MACHINES, free_port};
use tests::machine::Ended;
use tests::{PATIENCE, Result, ensure, http, program};

/// What a person takes for "at once".
const AT_ONCE: Duration = Duration::from_secs(3);

pub fn cases(trials: &mut Vec<Trial>) {
    trials.push(once("ends::the_exit_code_is_the_programs", exit_codes));
    for (how, code, words) in FAULTS {
        trials.push(once(&format!("ends::a_fault_is_named::{how}"), move || fault(how, code, words)));
    }
    for how in ["pieces", "large", "threads", "read"] {
        trials.push(once(&format!("ends::out_of_memory::{how}"), move || exhausted(how)));
    }
    trials.push(once("ends::the_only_process_does_not_stop_and_that_is_told", stopped));
    trials.push(once("ends::a_refused_program_is_told_once", refused));
    trials.push(once("ends::what_would_start_another_program_learns_that_it_cannot", spawns));
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

/// The program ends where it touches more memory than there is, in the same way on however many processors.
fn exhausted(how: &str) -> Result {
    for processors in ["1", "2"] {
        let options = ["-m", "48M", "--smp", processors];
        let vm = Launch::new(MACHINES[0])?.args(options).start(program::built("exhaust")?, &[how])?.end()?;
        ensure!(vm.code == 137, "exit code {}: {}{}", vm.code, vm.stdout, vm.stderr);
        let told = vm.stderr.lines().filter(|line| line.contains("out of memory")).count();
        ensure!(told == 1, "told {told} times: {}", vm.stderr);
        let refused = vm.stderr.lines().filter(|line| line.contains("a mapping of 65536 MiB was refused")).count();
        ensure!(refused == usize::from(how == "large"), "a refused mapping, told {refused} times: {}", vm.stderr);
        let expected = if how == "large" { "one obviously too large: ENOMEM\nmapped\n" } else { "" };
        ensure!(vm.stdout == expected, "{}", vm.stdout);
    }
    Ok(())
}

/// Nobody is there to let it go on.
fn stopped() -> Result {
    let port = free_port()?;
    let vm =
        Launch::new(MACHINES[0])?.args(["-p", &format!("{port}:7000")]).start(program::built("ends")?, &["stop"])?;
    vm.says("listening")?;
    let mut stream = http::connect(local(port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut answer = [0];
    stream.read_exact(&mut answer)?;
    ensure!(answer == *b"!", "{answer:?}");
    let ended = vm.end()?;
    let told = ended.stderr.lines().filter(|line| line.contains("does not stop the only process")).count();
    ensure!((ended.code, told) == (0, 1), "exit code {}: {}", ended.code, ended.stderr);
    Ok(())
}

fn spawns() -> Result {
    let vm = run(&["spawn"])?;
    let expected = "posix_spawn: EPERM\nsystem: 127\npopen: none\n";
    ensure!((vm.code, &*vm.stdout) == (0, expected), "exit code {}: {}{}", vm.code, vm.stdout, vm.stderr);
    Ok(())
}

fn refused() -> Result {
    let vm = run(&["execvp"])?;
    ensure!(vm.stdout == "EPERM\nEPERM\nEPERM\n", "{}", vm.stdout);
    let told = vm.stderr.lines().filter(|line| line.contains("one program per machine")).count();
    ensure!(told == 1, "told {told} times: {}", vm.stderr);
    Ok(())
}

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
