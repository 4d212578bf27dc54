//! `--trace` shows what strace(1) shows.
use crate::once;
use libtest_mimic::Trial;
use std::process::Command;
use tests::launch::{Launch, MACHINES};
use tests::{Result, ensure, program};

pub fn cases(trials: &mut Vec<Trial>) {
    trials.push(once("trace::calls_are_shown_as_strace_shows_them", as_strace));
    trials.push(once("trace::a_million_looks_at_the_clock_are_no_call", clock));
    trials.push(once("trace::nothing_is_shown_unless_asked_for", silent));
}

/// The lines between the marks that the program sets, without the numbers of threads and with one word for all addresses
/// of the program's stack and code.
fn between_marks(trace: &str) -> Vec<String> {
    let calls = trace.lines().map(|line| {
        let line = line.strip_prefix("[pid ").map_or(line, |rest| rest.split_once("] ").map_or(rest, |(_, call)| call));
        line.trim_start_matches(|letter: char| letter.is_ascii_digit() || letter == ' ')
    });
    let marked = calls.skip_while(|line| !line.contains("\"/begin\"")).skip(1);
    marked.take_while(|line| !line.contains("\"/end\"")).map(without_addresses).collect()
}

fn without_addresses(line: &str) -> String {
    let mut parts = line.split("0x");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let digits = part.len() - part.trim_start_matches(|letter: char| letter.is_ascii_hexdigit()).len();
        let (number, rest) = part.split_at(digits);
        if digits >= 6 { format!("{text}ADDRESS{rest}") } else { format!("{text}0x{number}{rest}") }
    })
}

fn as_strace() -> Result {
    let program = program::built("calls")?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("trace");
    let strace = Command::new("strace").args(["-f", "-a1", "-o"]).arg(&file).arg(&program).output();
    let strace = strace.map_err(|error| format!("strace (Debian: strace): {error}"))?;
    ensure!(strace.status.code() == Some(7), "on Linux: {strace:?}");
    let expected = between_marks(&std::fs::read_to_string(&file)?);
    ensure!(expected.len() > 70, "strace shows only {expected:#?}");

    let vm = Launch::new(MACHINES[0])?.args(["--trace"]).start(&program, &[])?.end()?;
    ensure!(vm.code == 7, "exit code {}: {}", vm.code, vm.stderr);
    // What is not a call is a message of the command.
    let shown = between_marks(&vm.stderr);
    let shown: Vec<_> = shown.into_iter().filter(|line| !line.starts_with("portcullis: ")).collect();
    let pairs = shown.iter().zip(&expected).filter(|(here, there)| here != there);
    let different: String = pairs.map(|(here, there)| format!("here:    {here}\nstrace:  {there}\n")).collect();
    ensure!(different.is_empty(), "{different}");
    ensure!(shown.len() == expected.len(), "{} calls, and {} in strace", shown.len(), expected.len());
    for line in [" <unfinished ...>\n", "<... read resumed>\"!\", 1) = 1\n", "write(", "+++ exited with 7 +++\n"] {
        ensure!(vm.stderr.contains(line), "no {line:?} in {}", vm.stderr);
    }
    Ok(())
}

fn silent() -> Result {
    let vm = Launch::new(MACHINES[0])?.start(program::built("calls")?, &[])?.end()?;
    ensure!(vm.code == 7 && !vm.stderr.contains("[pid"), "exit code {}: {}", vm.code, vm.stderr);
    Ok(())
}

fn clock() -> Result {
    let vm = Launch::new(MACHINES[0])?.args(["--trace"]).start(program::built("clock")?, &["library"])?.end()?;
    ensure!(vm.code == 0 && vm.stderr.contains("exit_group(0)"), "exit code {}: {}", vm.code, vm.stderr);
    ensure!(!vm.stderr.contains("clock_gettime"), "{}", vm.stderr);
    Ok(())
}
