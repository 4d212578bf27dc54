//! A virtual machine from its start to its end, run by the real command.
//!
//! Progress is read from the command's `--report` file, which is a FIFO here: nothing waits for time to pass.
use crate::frame::{GATEWAY, VM_IPV4};
use crate::output::Output;
use crate::wire::Wire;
use crate::{PATIENCE, Result, ensure};
use image::report::{Cause, Counter, Report};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use std::ffi::OsStr;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// The machines of QEMU that the kernel boots on.
pub const MACHINES: [&str; 2] = ["microvm", "q35"];

/// The command's binary: `PORTCULLIS`, or the one that was built into the target folder of this test.
pub fn command() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("PORTCULLIS") {
        return Ok(path.into());
    }
    let target = target_folder()?;
    let built = ["release", "debug"].map(|profile| target.join(profile).join("portcullis"));
    let found = built.iter().find(|path| path.is_file());
    found.cloned().ok_or_else(|| format!("no {} nor {}: build it first", built[0].display(), built[1].display()).into())
}

/// The target folder that this test was built in.
pub fn target_folder() -> Result<PathBuf> {
    let this = std::env::current_exe()?;
    let deps = this.ancestors().find(|path| path.join("deps").is_dir()).and_then(Path::parent);
    deps.map(Path::to_path_buf).ok_or_else(|| format!("{} is not in a target folder", this.display()).into())
}

/// The folder of the project.
pub fn project() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// A port of this host that nobody has: the kernel chose it a moment ago.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// A `run` of the command that has not begun.
pub struct Launch {
    command: Command,
    folder: tempfile::TempDir,
}

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

impl Launch {
    /// `run` on a machine of QEMU, emulated.
    pub fn new(machine: &str) -> Result<Launch> {
        Ok(Launch::bare()?.args(["run", "--machine", machine, "--accel", "tcg"]))
    }

    /// The command without any argument but what is added.
    pub fn bare() -> Result<Launch> {
        Launch::of(Command::new(command()?))
    }

    /// The command, called by `prefix` (such as `ip netns exec NAME`).
    pub fn within(prefix: &[&str]) -> Result<Launch> {
        let (first, rest) = prefix.split_first().ok_or("an empty prefix")?;
        let mut outer = Command::new(first);
        outer.args(rest).arg(command()?);
        Launch::of(outer)
    }

    /// A command of another name, such as the script that a person calls.
    pub fn of(command: Command) -> Result<Launch> {
        Ok(Launch { command, folder: tempfile::tempdir()? })
    }

    /// Adds arguments.
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Launch {
        self.command.args(args);
        self
    }

    /// A configuration with this text.
    pub fn config(self, text: &str) -> Result<Launch> {
        let path = self.folder.path().join("config.json");
        fs::write(&path, text)?;
        Ok(self.args([OsStr::new("-c"), path.as_os_str()]))
    }

    /// A configuration whose firewall has these rules.
    pub fn rules(self, rules: &str) -> Result<Launch> {
        self.config(&firewall(rules))
    }

    /// A configuration of the folder `examples`.
    pub fn example(self, name: &str) -> Launch {
        self.args([OsStr::new("-c"), project().join("examples").join(name).as_os_str()])
    }

    /// The network card on a wire, with a static address.
    pub fn wire(self, wire: &Wire) -> Launch {
        self.args(["--netdev", &wire.netdev()]).static_address()
    }

    /// The address that the wires' frames go to, instead of DHCP.
    pub fn static_address(self) -> Launch {
        let (address, gateway) = (VM_IPV4.to_string(), GATEWAY.to_string());
        self.args(["--ip-address", &address, "--netmask", "255.255.255.0", "--gateway", &gateway])
    }

    /// Starts it, `program` and its arguments last.
    pub fn start(self, program: impl AsRef<OsStr>, args: &[&str]) -> Result<Machine> {
        let fifo = self.folder.path().join("report");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0)?;
        // Open for writing as well, so that the reader meets no end before the command opens it.
        let hold = fs::File::options().read(true).write(true).open(&fifo)?;
        let reports = Output::collect(fs::File::open(&fifo)?);
        let mut command = self.command;
        command.arg("--report").arg(&fifo).arg(program).args(args);
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
        Ok(Machine { pid, reports, stdout, stderr, status, ended: false, _folder: self.folder })
    }
}

/// A configuration whose firewall has these rules, as the article writes it.
pub fn firewall(rules: &str) -> String {
    format!(
        r#"{{"RunConfig": {{"Klibs": ["firewall"]}}, "ManifestPassthrough": {{"firewall": {{"rules": [{rules}]}}}}}}"#
    )
}

impl Machine {
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
        let last = reports.iter().rposition(|report| matches!(report, Report::Counted(_)));
        let mut text = format!("{what}\n--- reports\n");
        for (number, report) in reports.iter().enumerate() {
            if Some(number) == last || !matches!(report, Report::Counted(_)) {
                text += &format!("{report:?}\n");
            }
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

    /// The causes in the last counters that were reported.
    pub fn causes(&self) -> impl Iterator<Item = &Cause> {
        last_counters(&self.reports).iter().map(|counter| &counter.cause)
    }

    fn count(&self, cause: &Cause, accepted: bool) -> u64 {
        last_count(&self.reports, cause, accepted)
    }
}

/// What the last counters that were reported say of a cause.
fn last_count(reports: &[Report], cause: &Cause, accepted: bool) -> u64 {
    let of_cause = |counter: &&Counter| counter.cause == *cause && counter.accepted == accepted;
    last_counters(reports).iter().filter(of_cause).map(|counter| counter.packets).sum()
}

fn last_counters(reports: &[Report]) -> &[Counter] {
    let last = reports.iter().rev().find_map(|report| match report {
        Report::Counted(counters) => Some(&counters[..]),
        _ => None,
    });
    last.unwrap_or_default()
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
