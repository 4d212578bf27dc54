//! What the measurements were taken on, and what processes hold.
use rustix::process::Pid;
use std::fs;
use std::process::Command;
use std::time::Duration;
use tests::Result;

/// How many processors of which model.
pub fn processor() -> Result<String> {
    let text = fs::read_to_string("/proc/cpuinfo")?;
    let models: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("model name")).collect();
    let model = models.first().and_then(|line| line.split_once(':')).map_or("unknown", |(_, model)| model.trim());
    Ok(format!("{} x {model}", models.len()))
}

/// The version of QEMU.
pub fn emulator() -> Result<String> {
    let output = Command::new("qemu-system-x86_64").arg("--version").output()?;
    Ok(String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or("unknown").to_string())
}

/// `VmRSS` (proc(5)) of the largest of some processes, in bytes: QEMU's, of a command and those it started.
pub fn resident(processes: &[Pid]) -> Result<u64> {
    let kib = |status: String| -> Option<u64> {
        status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.split_whitespace().next()?.parse().ok()
    };
    let sizes = processes
        .iter()
        .filter_map(|pid| fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).ok().and_then(kib));
    Ok(sizes.max().ok_or("no QEMU below the command")? * 1024)
}

/// The processor time that some processes have taken, without threads that ended (proc(5), `schedstat`: nanoseconds).
/// Unlike the time by the clock it is about the same on a host that does other things besides.
pub fn processor_time(processes: &[Pid]) -> Result<Duration> {
    let mut total = Duration::ZERO;
    for pid in processes {
        for task in fs::read_dir(format!("/proc/{}/task", pid.as_raw_nonzero()))? {
            // A thread may end while the folder is read.
            let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else { continue };
            let nanos = text.split_whitespace().next().and_then(|word| word.parse().ok());
            total += nanos.map(Duration::from_nanos).unwrap_or_default();
        }
    }
    Ok(total)
}

/// Bytes in MiB, as a table shows them.
pub fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
