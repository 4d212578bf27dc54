//! A bar is seen where reading takes long and standard error is a terminal, and nowhere else.
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

const BAR: &str = "reading lists [";

const CONFIG: &str = r#"{"ManifestPassthrough": {"firewall": {"lists": {"l": {"file": "l.txt"}},
    "default": "accept", "rules": [{"ip": {"src": "@l"}, "action": "drop"}]}}, "RunConfig": {"Klibs": ["firewall"]}}"#;

/// What `check` does with a list that comes only after this time: it is read from a FIFO.
fn check(delay: Duration, on_terminal: bool) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let (config, list) = (folder.path().join("c.json"), folder.path().join("l.txt"));
    std::fs::write(&config, CONFIG).unwrap();
    assert!(Command::new("mkfifo").arg(&list).status().unwrap().success());
    // Opened for both, it waits for no reader; the reader waits until this is closed.
    let mut writer = OpenOptions::new().read(true).write(true).open(&list).unwrap();
    let child =
        command(&config, on_terminal).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    thread::sleep(delay);
    writer.write_all(b"192.0.2.1\n").unwrap();
    // A quick one is to have opened it before it is gone.
    thread::sleep(Duration::from_millis(200));
    drop(writer);
    child.unwrap().wait_with_output().unwrap()
}

fn command(config: &Path, on_terminal: bool) -> Command {
    let portcullis = env!("CARGO_BIN_EXE_portcullis");
    if !on_terminal {
        let mut command = Command::new(portcullis);
        command.arg("check").arg(config);
        return command;
    }
    // script(1) runs it on a terminal of its own, and copies what comes there.
    let mut command = Command::new("script");
    command.args(["-qec", &format!("'{portcullis}' check '{}'", config.display()), "/dev/null"]).env("TERM", "xterm");
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_slow_list_shows_a_bar_on_a_terminal() {
    let output = check(Duration::from_millis(2500), true);
    let seen = text(&output.stdout);
    assert!(output.status.success() && seen.contains(BAR), "{seen:?}");
    // It is gone before the result is printed.
    let (_, after) = seen.rsplit_once(BAR).unwrap();
    assert!(after.contains("\x1b[2K") && after.ends_with("1 rule, no errors, no lints\r\n"), "{seen:?}");
}

#[test]
fn a_quick_list_shows_none() {
    let output = check(Duration::ZERO, true);
    let seen = text(&output.stdout);
    assert!(output.status.success() && seen.ends_with("1 rule, no errors, no lints\r\n"), "{seen:?}");
    assert!(!seen.contains("reading") && !seen.contains('\x1b'), "{seen:?}");
}

#[test]
fn without_a_terminal_there_is_none() {
    let output = check(Duration::from_millis(2500), false);
    assert!(output.status.success() && text(&output.stdout).ends_with("1 rule, no errors, no lints\n"), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
}
