//! Programs that were built elsewhere for Linux run unmodified, and say the same as on Linux.
use crate::serve::{first_answer, local};
use crate::{on_each, once};
use libtest_mimic::Trial;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tests::launch::{Launch, MACHINES, free_port};
use tests::program::{self, BUSYBOX};
use tests::{Result, ensure, http};

pub fn cases(trials: &mut Vec<Trial>) {
    trials.extend(on_each("programs::busybox_serves_a_mapped_folder", busybox));
    for name in ["threads", "arenas"] {
        trials.extend(on_each(&format!("programs::{name}_prints_what_it_prints_on_linux"), move |machine| {
            same_as_on_linux(machine, &program::built(name)?, &[])
        }));
    }
    for name in ["threads", "arenas"] {
        trials.extend(on_each(&format!("programs::{name}_linked_dynamically_prints_it_too"), move |machine| {
            same_as_on_linux(machine, &program::dynamic(name)?, &[])
        }));
    }
    trials.push(once("programs::a_dynamic_program_at_a_fixed_address", || {
        same_as_on_linux(MACHINES[0], &program::fixed("threads")?, &[])
    }));
    trials.push(once("programs::a_program_of_the_path_with_its_libraries", || {
        same_as_on_linux(MACHINES[0], Path::new("ls"), &["-d", "/proc", "/dev/null"])
    }));
    // One for each family of calls: the machine's kind makes no difference to them.
    let families = [
        "futexes",
        "robust",
        "conditions",
        "stopping",
        "groups",
        "locks",
        "refusals",
        "mapping",
        "sharing",
        "signals",
        "files",
        "epolls",
        "pipes",
        "unix_sockets",
        "timers",
        "splices",
        "polls",
    ];
    for name in families {
        trials.push(once(&format!("programs::{name}_prints_what_it_prints_on_linux"), move || {
            same_as_on_linux(MACHINES[0], &program::built(name)?, &[])
        }));
    }
    trials.push(once("programs::clock_prints_what_it_prints_on_linux", || {
        same_as_on_linux(MACHINES[0], &program::built("clock")?, &[])
    }));
    trials.push(once("programs::busybox_prints_20000_lines", || {
        same_as_on_linux(MACHINES[0], Path::new(BUSYBOX), &["seq", "20000"])
    }));
    trials.push(once("programs::arguments_environment_and_both_outputs", || {
        same_as_on_linux(MACHINES[0], &program::built("ends")?, &["exit", "7", "zebra stripes"])
    }));
    trials.extend(on_each("programs::a_hostile_program_ends_only_itself", hostile));
    trials.extend(on_each("programs::an_echo_server_serves_each_connection_in_a_thread", echo));
}

/// A process of this host that ends with its owner.
struct OnLinux(Child);

impl Drop for OnLinux {
    fn drop(&mut self) {
        // It has ended already if this fails.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn busybox(machine: &str) -> Result {
    ensure!(Path::new(BUSYBOX).is_file(), "no {BUSYBOX}: install Debian's busybox-static");
    let folder = tempfile::tempdir()?;
    let www = folder.path().join("www");
    fs::create_dir_all(www.join("deep"))?;
    let large: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    for (name, content) in [("index.html", &b"<p>front\n"[..]), ("deep/page.txt", b"deep\n"), ("large.bin", &large)] {
        fs::write(www.join(name), content)?;
    }
    let config = format!(r#"{{"MapDirs": {{"{}/*": "/www"}}}}"#, www.display());
    let (port, port_on_linux) = (free_port()?, free_port()?);
    let vm = Launch::new(machine)?
        .config(&config)?
        .args(["-p", &format!("{port}:80")])
        .start(BUSYBOX, &["httpd", "-f", "-p", "80", "-h", "/www"])?;
    let listen = format!("127.0.0.1:{port_on_linux}");
    let linux =
        Command::new(BUSYBOX).args(["httpd", "-f", "-p", &listen, "-h"]).arg(&www).stdin(Stdio::null()).spawn()?;
    let _linux = OnLinux(linux);
    let front = first_answer(&vm, port, "/")?;
    ensure!((front.status, &front.body[..]) == (200, b"<p>front\n"), "{front:?}");
    first_answer(&vm, port_on_linux, "/")?;
    for path in ["/deep/page.txt", "/large.bin", "/nowhere", "/deep", "/", "/../etc/passwd"] {
        let get = |port| http::get(local(port), path).map_err(|error| vm.complain(&format!("{path}: {error}")));
        let (here, there) = (get(port)?, get(port_on_linux)?);
        ensure!(
            here == there,
            "{path}: {} and {} bytes here, on Linux {} and {} bytes",
            here.status,
            here.body.len(),
            there.status,
            there.body.len()
        );
    }
    for _ in 0..30 {
        ensure!(http::get(local(port), "/")? == front, "another front page");
    }
    let code = vm.stop()?.code;
    ensure!(code == 130, "exit code {code}");
    Ok(())
}

/// Runs a program here and there: the same exit code, the same output.
pub fn same_as_on_linux(machine: &str, path: &Path, args: &[&str]) -> Result {
    same_with(machine, &[], path, args)
}

/// The same with these options of the command.
pub fn same_with(machine: &str, options: &[&str], path: &Path, args: &[&str]) -> Result {
    // By the same name in both places, and with one variable that only this test sets.
    let linux = Command::new(path).args(args).env("GATE", "open").output()?;
    let vm = Launch::new(machine)?.args(options).args(["-e", "GATE=open"]).start(path, args)?.end()?;
    ensure!(Some(vm.code) == linux.status.code(), "exit code {} for {:?}: {}", vm.code, linux.status, vm.stderr);
    let expected = String::from_utf8(linux.stdout)?;
    ensure!(!expected.is_empty() && vm.stdout == expected, "here: {}\non Linux: {expected}", vm.stdout);
    let expected = String::from_utf8(linux.stderr)?;
    ensure!(vm.stderr.contains(&expected), "standard error here: {}\non Linux: {expected}", vm.stderr);
    Ok(())
}

/// It tries what only a kernel may do, and 200,000 random calls; the kernel goes on, and tells how it ended.
fn hostile(machine: &str) -> Result {
    hostile_with(machine, &[])
}

/// The same with these options of the command.
pub fn hostile_with(machine: &str, options: &[&str]) -> Result {
    let vm = Launch::new(machine)?.args(options).args(["-m", "32M"]).start(program::built("hostile")?, &[])?.end()?;
    ensure!(vm.code == 0, "exit code {}: {}{}", vm.code, vm.stdout, vm.stderr);
    ensure!(vm.stdout == "the kernel kept to itself\nevery call came back\n", "{}", vm.stdout);
    Ok(())
}

fn echo(machine: &str) -> Result {
    let port = free_port()?;
    let vm = Launch::new(machine)?.args(["-p", &format!("{port}:7000")]).start(program::built("echo")?, &[])?;
    vm.says("ready")?;
    // All are open before the first is used, so that one thread alone could not serve them.
    let mut streams = (0..20).map(|_| http::connect(local(port))).collect::<Result<Vec<_>>>()?;
    for (number, stream) in streams.iter_mut().enumerate().rev() {
        let message: Vec<u8> = (0..20_000u32).map(|byte| (byte as usize * 7 + number) as u8).collect();
        let mut sender = stream.try_clone()?;
        let to_send = message.clone();
        let sending = std::thread::spawn(move || sender.write_all(&to_send));
        let mut echoed = vec![0; message.len()];
        stream.read_exact(&mut echoed).map_err(|error| vm.complain(&format!("connection {number}: {error}")))?;
        sending.join().map_err(|_| "the sender failed")??;
        ensure!(echoed == message, "connection {number}: not what was sent");
    }
    Ok(())
}
