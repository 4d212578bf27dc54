//! Broken inputs: each is refused with its reason and the exit code for it, and nothing ever runs open.
use crate::{on_each, once};
use image::archive::Image;
use image::report::Report;
use libtest_mimic::Trial;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tests::launch::{Launch, MACHINES, project};
use tests::machine::Ended;
use tests::{Result, ensure, program};

pub fn cases(trials: &mut Vec<Trial>) {
    trials.extend(on_each("broken::a_policy_that_does_not_decode_stops_the_boot", damaged_policy));
    trials.push(once("broken::an_image_that_is_cut_short_is_refused", cut_short));
    trials.push(once("broken::the_image_is_the_loaders_module_or_where_the_command_line_says", modules));
    trials.extend(on_each("broken::an_image_needs_the_memory_that_it_is_told_and_is_whole_in_it", barely_fits));
    trials.push(once("broken::no_such_program_or_image_is_127", missing));
    trials.push(once("broken::a_program_whose_library_is_missing_is_126", || {
        let folder = tempfile::tempdir()?;
        let program = program::lacking_library(folder.path())?;
        refused(&run(&program)?, 126, &["libgone.so.1, which ", "program needs", "Install"])
    }));
    trials.push(once("broken::no_program_at_all_is_126", || {
        let folder = tempfile::tempdir()?;
        let script = folder.path().join("script");
        fs::write(&script, "#!/bin/sh\nexit 0\n")?;
        refused(&run(&script)?, 126, &["ELF"])
    }));
    trials.push(once("broken::a_busy_port_is_an_error_before_the_boot", busy_port));
    trials.push(once("broken::a_configuration_with_errors_shows_all_of_them", configuration));
}

fn run(program: &Path) -> Result<Ended> {
    Launch::new(MACHINES[0])?.start(program, &[])?.end()
}

/// It ended with this code, said these words, and ran nothing.
fn refused(ended: &Ended, code: i32, words: &[&str]) -> Result {
    ensure!(ended.code == code, "exit code {}, not {code}: {}", ended.code, ended.stderr);
    for word in words {
        ensure!(ended.stderr.contains(word), "{word:?} is not in: {}", ended.stderr);
    }
    let ran = ended.reports.iter().any(|report| matches!(report, Report::Started | Report::PolicyInForce(_)));
    ensure!(!ran, "it ran: {:?}", ended.reports);
    Ok(())
}

/// Builds an image of the program `gate` and gives its path.
fn image(folder: &Path) -> Result<PathBuf> {
    let path = folder.join("gate.img");
    let example = project().join("examples/tcp-8080-only.json");
    let build = std::process::Command::new(tests::launch::command()?)
        .arg("build")
        .args([&example, &program::built("gate")?])
        .arg("-o")
        .arg(&path)
        .output()?;
    ensure!(build.status.success(), "{}", String::from_utf8_lossy(&build.stderr));
    Ok(path)
}

fn damaged_policy(machine: &str) -> Result {
    let folder = tempfile::tempdir()?;
    let path = image(folder.path())?;
    let whole = fs::read(&path)?;
    // As it was built it boots.
    let vm = Launch::new(machine)?.start(&path, &[])?;
    vm.says("ready")?;
    drop(vm);
    let policy = Image::parse(&whole)?.policy;
    let start =
        whole.windows(policy.len()).position(|window| window == policy).ok_or("the policy is not in its image")?;
    // The first byte, one in the middle, the last.
    for at in [0, policy.len() / 2, policy.len() - 1] {
        let mut damaged = whole.clone();
        if let Some(byte) = damaged.get_mut(start + at) {
            *byte ^= 0x10;
        }
        fs::write(&path, &damaged)?;
        let ended = Launch::new(machine)?.start(&path, &[])?.end()?;
        refused(&ended, 125, &["policy"]).map_err(|error| format!("byte {at} of the policy: {error}"))?;
        let reason = ended.reports.iter().find_map(|report| match report {
            Report::BootFailed(reason) => Some(reason),
            _ => None,
        });
        ensure!(reason.is_some_and(|reason| ended.stderr.contains(&**reason)), "{:?}: {}", ended.reports, ended.stderr);
    }
    Ok(())
}

fn cut_short() -> Result {
    let folder = tempfile::tempdir()?;
    let path = image(folder.path())?;
    let whole = fs::read(&path)?;
    for length in [whole.len() / 2, 200] {
        fs::write(&path, &whole[..length])?;
        let ended = run(&path)?;
        let reason = format!("the image is cut short after {length} bytes");
        refused(&ended, 126, &["image"]).map_err(|error| format!("{reason}: {error}"))?;
    }
    Ok(())
}

/// What it says that it needs is enough, also for the firmware, which uses memory that it calls free.
fn barely_fits(machine: &str) -> Result {
    let folder = tempfile::tempdir()?;
    // So that the image ends a little below a MiB, where firmware works if the memory ends there.
    let length = (24 << 20) - u32::try_from(fs::metadata(program::BUSYBOX)?.len())? - (200 << 10);
    let large: Vec<u8> = (0..length).map(|at: u32| (at.wrapping_mul(0x9e37_79b9) >> 24) as u8).collect();
    let path = folder.path().join("large");
    fs::write(&path, &large)?;
    let files = format!(r#"{{"MapDirs": {{"{}/*": "/data"}}}}"#, folder.path().display());
    let run = |memory: &str| -> Result<Ended> {
        let launch = Launch::new(machine)?.config(&files)?.args(["-m", memory]);
        launch.start(program::BUSYBOX, &["sha256sum", "/data/large"])?.end()
    };
    let ended = run("24M")?;
    refused(&ended, 125, &["24 MiB of memory", "`-m`", "M is the least"])?;
    let least = ended.stderr.split("gives more: ").nth(1).and_then(|rest| rest.split('M').next());
    let least = least.ok_or("it does not say how much is the least")?;
    let expected = std::process::Command::new(program::BUSYBOX).arg("sha256sum").arg(&path).output()?.stdout;
    let expected = String::from_utf8(expected)?;
    let sum = |text: &str| text.split_whitespace().next().filter(|sum| sum.len() == 64).map(str::to_string);
    let ended = run(&format!("{least}M"))?;
    ensure!(
        sum(&ended.stdout) == sum(&expected),
        "with {least} MiB: {:?}, not {expected:?}: {}",
        ended.stdout,
        ended.stderr
    );
    Ok(())
}

/// The kernel under QEMU without the command: a loader of its own may start it, too.
fn modules() -> Result {
    let folder = tempfile::tempdir()?;
    let path = image(folder.path())?;
    let image = path.to_str().ok_or("a path that is not UTF-8")?;
    let runs: &[(&[&str], &str)] = &[
        (&["-initrd", image], "ready"),
        (&["-append", "epoch=1.0"], "no image"),
        (&["-append", "image=8388608+4096"], "no image"),
        (&["-append", "image=1048576+4096"], "no image"),
        (&["-append", "image=8388608+999999999"], "no image"),
        (&["-append", "image=8388608+18446744073709551615"], "no image"),
        (&["-append", "image=x+y"], "no image"),
    ];
    for (args, word) in runs {
        let said = folder.path().join("said");
        fs::write(&said, "")?;
        let mut qemu = std::process::Command::new("qemu-system-x86_64");
        qemu.args(["-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-accel", "tcg", "-cpu", "max"]);
        qemu.args(["-M", "microvm,acpi=off", "-global", "virtio-mmio.force-legacy=false", "-m", "64M", "-kernel"]);
        qemu.arg(tests::launch::target_folder()?.join("kernel/portcullis-kernel")).args(*args);
        qemu.args(["-netdev", "user,id=n0", "-device", "virtio-net-device,netdev=n0", "-device", "virtio-rng-device"]);
        qemu.arg("-chardev").arg(format!("file,id=said,path={}", said.display()));
        qemu.args(["-device", "isa-debugcon,iobase=0xe9,chardev=said"]);
        let mut child = qemu.spawn()?;
        let came = eventually(|| {
            let bytes = fs::read(&said).unwrap_or_default();
            bytes.windows(word.len()).any(|window| window == word.as_bytes())
        });
        child.kill()?;
        child.wait()?;
        ensure!(came, "{args:?}: {word:?} is not in {:?}", String::from_utf8_lossy(&fs::read(&said)?));
    }
    Ok(())
}

fn eventually(holds: impl Fn() -> bool) -> bool {
    let begun = Instant::now();
    while !holds() && begun.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(20));
    }
    holds()
}

fn missing() -> Result {
    for name in ["/nowhere/at-all", "no-such-example", "/nowhere/gate.img"] {
        refused(&run(Path::new(name))?, 127, &[name])?;
    }
    Ok(())
}

fn busy_port() -> Result {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port().to_string();
    let ended = Launch::new(MACHINES[0])?.args(["-p", &port]).start(program::built("gate")?, &[])?.end()?;
    refused(&ended, 125, &[&port])
}

fn configuration() -> Result {
    let text = "{\"ManifestPassthrough\": {\"firewall\": {\"rules\": [\n  {\"tcp\": {\"dst\": \"8080\"}},\n  {\"udp\": {\"src\": \"67x\"}}\n]}}}";
    let ended = Launch::new(MACHINES[0])?.config(text)?.start(program::built("gate")?, &[])?.end()?;
    refused(&ended, 125, &["config.json", "dst", "dest", "67x"])
}
