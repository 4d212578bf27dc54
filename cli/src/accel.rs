//! Chooses what runs the instructions. KVM is not taken on trust: on some hosts `/dev/kvm` opens and guests then die or
//! hang, so a tiny guest proves it first: our own kernel, told to test long mode and SSE and to end with a code of its own.
use crate::args::{Accel, Machine};
use crate::failure::Failure;
use crate::mac::Mac;
use crate::qemu::{Accelerator, Launch, Wire};
use crate::whole;
use image::manifest::Network;
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

/// How long the tiny guest may take. It needs a tenth of a second.
const BOUND: Duration = Duration::from_millis(1500);

/// What `isa-debug-exit` makes of the kernel's code 0x2a.
const PROVED: i32 = (0x2a << 1) | 1;

/// The choice, and why.
#[derive(Debug, PartialEq, Eq)]
pub struct Choice {
    /// What runs the instructions.
    pub accelerator: Accelerator,
    /// Why, for the user.
    pub reason: String,
}

/// Settles what runs the instructions.
pub fn choose(accel: Accel, qemu: &Path, kernel: &Path) -> Result<Choice, Failure> {
    let tcg = |reason: String| Ok(Choice { accelerator: Accelerator::Tcg, reason });
    let opened = OpenOptions::new().read(true).write(true).open("/dev/kvm");
    match (accel, opened) {
        (Accel::Tcg, _) => tcg("as asked".into()),
        (Accel::Kvm, Ok(_)) => Ok(Choice { accelerator: Accelerator::Kvm, reason: "as asked".into() }),
        (Accel::Kvm, Err(error)) => Err(Failure::CannotBoot(format!("/dev/kvm: {error}; `--accel tcg` does without"))),
        (Accel::Auto, Err(error)) => tcg(format!("/dev/kvm: {error}")),
        (Accel::Auto, Ok(_)) => {
            match remembered(cache_file().zip(key(qemu, kernel)), || prove(qemu, kernel)).as_str() {
                "" => Ok(Choice { accelerator: Accelerator::Kvm, reason: "a test guest proved it".into() }),
                reason => tcg(format!("KVM is unfit here: {reason}")),
            }
        }
    }
}

/// Runs the tiny guest; an empty string, or why KVM is unfit.
fn prove(qemu: &Path, kernel: &Path) -> String {
    let launch = Launch {
        kernel: kernel.to_path_buf(),
        image: None,
        machine: Machine::Microvm,
        accelerator: Accelerator::Kvm,
        memory: 32 << 20,
        cpus: 1,
        wire: Wire::User(Vec::new()),
        mac: Mac::DEFAULT,
        network: Network::Dhcp,
        epoch: Duration::ZERO,
    };
    match run_bounded(launch.command(qemu).stderr(Stdio::null()), BOUND) {
        Ok(Some(Some(PROVED))) => String::new(),
        Ok(Some(Some(code))) => format!("a test guest ended with code {code}"),
        Ok(Some(None)) => "a test guest crashed".into(),
        Ok(None) => format!("a test guest did not end within {} ms", BOUND.as_millis()),
        Err(error) => format!("a test guest did not start: {error}"),
    }
}

/// Runs a command to its end, or ends it: its exit code (`None`: a signal), or `None` when the time was over.
fn run_bounded(command: &mut Command, bound: Duration) -> std::io::Result<Option<Option<i32>>> {
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let output = child.stdout.take();
    let (ended, end) = mpsc::channel::<()>();
    thread::spawn(move || {
        // The pipe ends when the process does.
        drop(output.map(|mut output| std::io::copy(&mut output, &mut std::io::sink())));
        drop(ended);
    });
    if end.recv_timeout(bound) == Err(RecvTimeoutError::Timeout) {
        child.kill()?;
        child.wait()?;
        return Ok(None);
    }
    Ok(Some(child.wait()?.code()))
}

/// The answer that is kept in a file under a key, or a new one, which is kept.
fn remembered(place: Option<(PathBuf, String)>, prove: impl FnOnce() -> String) -> String {
    let Some((file, key)) = place else { return prove() };
    let kept = fs::read_to_string(&file).unwrap_or_default();
    if let Some(answer) = kept.strip_prefix(&key) {
        return answer.to_string();
    }
    let answer = prove();
    // A cache that cannot be written costs time and nothing else.
    let _ = keep(&file, &format!("{key}{answer}"));
    answer
}

fn cache_file() -> Option<PathBuf> {
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache"));
    let cache =
        std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute()).or_else(home)?;
    Some(cache.join("portcullis").join("kvm"))
}

/// An answer holds for one boot of the host, one QEMU and one kernel.
fn key(qemu: &Path, kernel: &Path) -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let changed = |path: &Path| fs::metadata(path).ok()?.modified().ok()?.duration_since(UNIX_EPOCH).ok();
    Some(format!(
        "{} {} {}
",
        boot.trim(),
        changed(qemu)?.as_nanos(),
        changed(kernel)?.as_nanos()
    ))
}

fn keep(file: &Path, text: &str) -> std::io::Result<()> {
    fs::create_dir_all(file.parent().ok_or(std::io::ErrorKind::NotFound)?)?;
    whole::write(file, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_ends_gives_its_code() {
        let mut command = Command::new("sh");
        command.args(["-c", "exit 85"]);
        assert_eq!(run_bounded(&mut command, Duration::from_secs(60)).unwrap(), Some(Some(PROVED)));
    }

    #[test]
    fn a_command_that_hangs_is_ended() {
        let mut command = Command::new("sleep");
        command.arg("1000");
        assert_eq!(run_bounded(&mut command, Duration::from_millis(20)).unwrap(), None);
    }

    /// What KVM is found to be when this script is QEMU.
    fn proved_by(script: &str) -> String {
        let directory = tempfile::tempdir().unwrap();
        let qemu = directory.path().join("qemu");
        // A shell writes it: were it open here, a process started by another test would hold it, and it could not run.
        let mut write = Command::new("sh");
        write.args(["-c", "echo \"$1\" > \"$2\" && chmod +x \"$2\"", "sh", &format!("#!/bin/sh\n{script}")]).arg(&qemu);
        assert!(write.status().unwrap().success());
        prove(&qemu, Path::new("/nowhere"))
    }

    #[test]
    fn only_the_kernels_own_code_proves_kvm() {
        assert_eq!(proved_by("exit 85"), "");
        assert!(proved_by("exit 0").contains("code 0"));
        assert!(proved_by("kill -ABRT $$").contains("crashed"));
        assert!(proved_by("exec sleep 1000").contains("1500 ms"));
    }

    #[test]
    fn an_answer_is_asked_for_once_a_key() {
        let directory = tempfile::tempdir().unwrap();
        let place = |key: &str| Some((directory.path().join("new").join("kvm"), key.to_string()));
        let never = || panic!("asked again");
        assert_eq!(remembered(place("one\n"), || "unfit".into()), "unfit");
        assert_eq!(remembered(place("one\n"), never), "unfit");
        assert_eq!(remembered(place("two\n"), String::new), "");
        assert_eq!(remembered(place("two\n"), never), "");
        assert_eq!(remembered(place("one\n"), || "fit".into()), "fit");
    }

    #[test]
    fn tcg_is_taken_when_asked_for() {
        let choice = choose(Accel::Tcg, Path::new("/nowhere"), Path::new("/nowhere")).unwrap();
        assert_eq!(choice.accelerator, Accelerator::Tcg);
    }
}
