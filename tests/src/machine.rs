//! A virtual machine from its start to its end, run by the real command.
use crate::output::Output;
use crate::{PATIENCE, Result, ensure};
use image::report::{Cause, Counter, Report};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// A `run` of the command. Its end, if it was not awaited, is forced when this goes.
pub struct Machine {
    pid: Pid,
    /// What `--report` tells, one report per line.
    pub reports: Output,
    /// What the program writes to its standard output.
    pub stdout: Output,
    /// What the command and the program's standard error say.
    pub stderr: Output,
    status: Receiver<std::process::ExitStatus>,
    ended: bool,
    _folder: tempfile::TempDir,
}

/// A machine that ended.
#[derive(Debug)]
pub struct Ended {
    /// What the command exited with; 128 and the number of the signal if one killed it.
    pub code: i32,
    /// All reports.
    pub reports: Vec<Report>,
    /// What the program wrote to its standard output.
    pub stdout: String,
    /// What the command and the program's standard error said.
    pub stderr: String,
}

impl Machine {
    /// Starts a command that writes its reports to the FIFO `report`; nothing waits for time to pass. `folder` goes
    /// with the machine.
    pub(crate) fn start(mut command: Command, report: &Path, folder: tempfile::TempDir) -> Result<Machine> {
        // Open for writing as well, so that the reader meets no end before the command opens it.
        let hold = fs::File::options().read(true).write(true).open(report)?;
        let reports = Output::collect(fs::File::open(report)?);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own, as a shell gives each command: Ctrl-C goes to all of it.
        let mut child = command.process_group(0).spawn().map_err(|error| format!("{command:?}: {error}"))?;
        let pid = Pid::from_child(&child);
        let stdout = Output::collect(child.stdout.take().ok_or("no standard output")?);
        let stderr = Output::collect(child.stderr.take().ok_or("no standard error")?);
        let (tell, status) = channel();
        std::thread::spawn(move || {
            if let Ok(ended) = child.wait() {
                drop(hold);
                // Nobody waits for it when the machine was dropped.
                let _ = tell.send(ended);
            }
        });
        Ok(Machine { pid, reports, stdout, stderr, status, ended: false, _folder: folder })
    }

    /// Waits for a report that `pick` takes.
    pub fn report<T>(&self, what: &str, pick: impl Fn(&Report) -> Option<T>) -> Result<T> {
        let found = self.reports.wait_for(PATIENCE, |text| parse(text).iter().find_map(&pick));
        found.ok_or_else(|| self.complain(&format!("no report of {what}")).into())
    }

    /// All reports so far.
    pub fn all_reports(&self) -> Vec<Report> {
        parse(&self.reports.text())
    }

    /// Waits until the program wrote `text` to its standard output.
    pub fn says(&self, text: &str) -> Result {
        let found = self.stdout.wait_for(PATIENCE, |output| output.contains(text).then_some(()));
        found.ok_or_else(|| self.complain(&format!("the program never wrote {text:?}")).into())
    }

    /// Waits until at least `packets` packets were counted for a cause, and gives the last count.
    pub fn counted(&self, cause: &Cause, accepted: bool, packets: u64) -> Result<u64> {
        let enough = |text: &str| {
            let count = last_count(&parse(text), cause, accepted);
            (count >= packets).then_some(count)
        };
        let found = self.reports.wait_for(PATIENCE, enough);
        found.ok_or_else(|| self.complain(&format!("never counted {packets} for {cause:?} ({accepted})")).into())
    }

    /// A failure, with all that the machine said; of its counters only the last.
    pub fn complain(&self, what: &str) -> String {
        let (reports, stdout, stderr) = (self.all_reports(), self.stdout.text(), self.stderr.text());
        let counters = last_counters(&reports).into_values().cloned().collect();
        let counters = Report::Counted(counters);
        let others = reports.iter().filter(|report| !matches!(report, Report::Counted(_)));
        let mut text = format!("{what}\n--- reports\n");
        for report in others.chain([&counters]) {
            text += &format!("{report:?}\n");
        }
        text + &format!("--- standard output\n{stdout}--- standard error\n{stderr}")
    }

    /// The process of the command, which leads a group of its own.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Sends a signal to the command alone.
    pub fn signal(&self, signal: Signal) -> Result {
        Ok(kill_process(self.pid, signal)?)
    }

    /// Presses Ctrl-C, which a terminal sends to the whole group, and waits for the end.
    pub fn stop(self) -> Result<Ended> {
        kill_process_group(self.pid, Signal::INT)?;
        self.end()
    }

    /// Waits for the end.
    pub fn end(self) -> Result<Ended> {
        self.end_within(PATIENCE)
    }

    /// Waits for the end, but no longer than this.
    pub fn end_within(mut self, within: Duration) -> Result<Ended> {
        let status = self.status.recv_timeout(within).map_err(|_| self.complain("it does not end"))?;
        self.ended = true;
        for output in [&self.reports, &self.stdout, &self.stderr] {
            ensure!(output.wait_end(PATIENCE), "something of it still runs: a stream of it is open");
        }
        Ok(Ended {
            code: status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)),
            reports: parse(&self.reports.text()),
            stdout: self.stdout.text(),
            stderr: self.stderr.text(),
        })
    }

    /// The processes that the command started and those that they started.
    pub fn descendants(&self) -> Result<Vec<Pid>> {
        descendants(self.pid)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        // Whatever fails here is gone already.
        for pid in descendants(self.pid).unwrap_or_default().into_iter().chain([self.pid]) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

impl Ended {
    /// How many packets were dropped for a cause.
    pub fn dropped(&self, cause: &Cause) -> u64 {
        self.count(cause, false)
    }

    /// How many packets were accepted for a cause.
    pub fn accepted(&self, cause: &Cause) -> u64 {
        self.count(cause, true)
    }

    /// The causes of which counters were reported.
    pub fn causes(&self) -> impl Iterator<Item = &Cause> {
        last_counters(&self.reports).into_keys()
    }

    fn count(&self, cause: &Cause, accepted: bool) -> u64 {
        last_count(&self.reports, cause, accepted)
    }
}

/// What the last counters that were reported say of a cause.
fn last_count(reports: &[Report], cause: &Cause, accepted: bool) -> u64 {
    let counter = last_counters(reports).remove(cause).filter(|counter| counter.accepted == accepted);
    counter.map_or(0, |counter| counter.packets)
}

/// What was reported last for each cause.
fn last_counters(reports: &[Report]) -> BTreeMap<&Cause, &Counter> {
    let counters = reports.iter().filter_map(|report| match report {
        Report::Counted(counters) => Some(counters),
        _ => None,
    });
    counters.flatten().map(|counter| (&counter.cause, counter)).collect()
}

/// The reports in the lines that are whole. A line that is none is a failure of the command, told as a report of it.
fn parse(text: &str) -> Vec<Report> {
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let report = |line| serde_json::from_str(line).unwrap_or_else(|error| Report::Panicked(format!("{line}: {error}")));
    whole.lines().map(report).collect()
}

/// The processes below `parent`, by the fourth field of `/proc/PID/stat` (proc(5)), whose second ends in the last `)`.
fn descendants(parent: Pid) -> Result<Vec<Pid>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let path = entry?.path();
        let Some(pid) = path.file_name().and_then(OsStr::to_str).and_then(|name| name.parse().ok()) else { continue };
        // A process may end while its folder is read.
        let Ok(stat) = fs::read_to_string(path.join("stat")) else { continue };
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
        let of = fields.split_whitespace().nth(1).and_then(|field| field.parse().ok());
        if let Some(child) = Pid::from_raw(pid)
            && of == Some(parent.as_raw_nonzero().get())
        {
            found.push(child);
            found.extend(descendants(child)?);
        }
    }
    Ok(found)
}
