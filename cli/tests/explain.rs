//! What `explain` prints.
#[path = "../src/capture/made.rs"]
#[allow(dead_code, missing_docs)]
mod made;

use made::{Made, frame};
use serde_json::Value;
use snapbox::{Assert, Data};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// What is run in the folder with the files of this test; paths in the output are as they were given.
fn explain(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    command.arg("explain").args(arguments).current_dir(folder).output().unwrap()
}

const CONFIG: &str = r#"{
  "ManifestPassthrough": {
    "firewall": {
      "lists": {"office": ["10.0.0.0/8", "fe80::/10"]},
      "rules": [
        {"name": "no fragments", "ip": {"fragment": "y"}},
        {"ip": {"src": "@office"}, "tcp": {"dest": [22, "8000-8010"]},
         "action": "accept"},
        {"ip6": {"src": "@office"}, "icmp6": {"type": "!137"}, "action": "accept"},
        {"udp": {"src": 53}, "action": "accept"}
      ],
      "default": "drop"
    }
  }
}
"#;

/// A capture of some of everything, with the last packet cut.
fn capture() -> Made {
    let mut made = Made::pcap(1, false);
    let words = [
        "tcp from 10.1.2.3 to :22",
        "tcp from 192.0.2.1 to :22",
        "udp from :53",
        "tcp fragment",
        "icmp6 type 135 from fe80::1",
        "tcp from 10.1.2.3 to :8005 ack",
    ];
    for (second, words) in (100..).zip(words) {
        let frame = frame(words);
        made.record(second, 250_000, &frame, frame.len());
    }
    let mut tagged = frame("tcp");
    tagged.splice(12..12, [0x81, 0x00, 0x00, 0x07]);
    made.record(106, 0, &tagged, tagged.len());
    let mut arp = vec![0xff; 42];
    arp[12..14].copy_from_slice(&[0x08, 0x06]);
    made.record(99, 999_999, &arp, arp.len());
    let tcp = frame("tcp");
    made.record(107, 0, &tcp[..50], tcp.len() - 4).record(108, 0, &tcp[..47], tcp.len());
    made
}

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    write("c.json", CONFIG.as_bytes());
    write("open.json", b"{}");
    let made = capture();
    write("in.pcap", &made.bytes);
    write("cut.pcap", &made.bytes[..300]);
    let mut damaged = made.bytes.clone();
    damaged[24 + 16 + 54 + 8..][..4].copy_from_slice(&[0xff; 4]);
    write("damaged.pcap", &damaged);
    let mut wifi = Made::pcapng(true);
    wifi.interface(127).interface(101).enhanced(0, 5, &[0; 60], 60).enhanced(1, 7, &frame("icmp")[14..], 36);
    write("wifi.pcapng", &wifi.bytes);
    let mut snapped = Made::pcap(1, true);
    let tcp = frame("tcp from 10.9.9.9 to 22");
    snapped.record(0, 0, &tcp, 1500).record(0, 1, &tcp[..40], 1500);
    write("snapped.pcap", &snapped.bytes);
    write("zipped.pcap", b"\x1f\x8b\x08\x00\x00");
    write("empty.pcap", b"");
    folder
}

/// Commands, each with what it prints.
const COMMANDS: &[&[&str]] = &[
    &["c.json", "tcp", "from", "10.0.2.2:40000", "to", ":8080", "syn"],
    &["c.json", "tcp from 10.0.2.2 to :8005"],
    &["c.json", "udp fragment"],
    &["c.json", "udp from [::1]:53"],
    &["open.json", "icmp"],
    &["c.json", "0x4500002800010000400600000a0109090a00020f", "9c4000160000000100000000", "50020000", "00000000"],
    &["c.json", "ff ff ff ff ff ff 52 54 00 12 34 56 81 00 00 07 08 00 45 00"],
    &["c.json", "ff:ff:ff:ff:ff:ff:52:54:00:12:34:56:08:06:00:01"],
    &["c.json", "4500001c000000004006"],
    &["c.json", "--format", "json", "tcp to :8005"],
    &["c.json", "--format", "json", "450000"],
    &["c.json", "in.pcap"],
    &["c.json", "cut.pcap"],
    &["c.json", "damaged.pcap"],
    &["c.json", "wifi.pcapng"],
    &["c.json", "snapped.pcap"],
    &["c.json", "wifi.pcapng", "--list", "--format", "json"],
    &["c.json", "in.pcap", "--format", "json"],
    &["c.json", "tpc to :8080"],
    &["c.json", "tcp to :80800"],
    &["c.json", "tcp 8080"],
    &["c.json", "tcp/8080"],
    &["c.json", ""],
    &["c.json", "45 00 0O 28"],
    &["c.json", "450"],
    &["c.json", "zipped.pcap"],
    &["c.json", "empty.pcap"],
    &["c.json", "-r", "c.json"],
    &["c.json", "nowhere.pcap"],
    &["c.json", "tcp", "--list"],
    &["c.json", "in.pcap", "--drops", "in.pcap"],
    &["c.json", "in.pcap", "--drops", "nowhere/out.pcap"],
    &["nowhere.json", "tcp"],
];

#[test]
fn every_command_prints_what_the_text_file_says() {
    let folder = folder();
    let mut text = String::new();
    for arguments in COMMANDS {
        let output = explain(folder.path(), arguments);
        let shown: Vec<_> = arguments
            .iter()
            .map(|it| if it.contains(' ') || it.is_empty() { format!("'{it}'") } else { it.to_string() })
            .collect();
        let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        writeln!(
            text,
            "$ portcullis explain {}\n{out}{error}exit code {}\n",
            shown.join(" "),
            output.status.code().unwrap()
        )
        .unwrap();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/explain/session.txt");
    Assert::new().normalize_paths(false).action_env("SNAPSHOTS").eq(text, Data::read_from(&path, None));
}

fn path(folder: &TempDir, name: &str) -> PathBuf {
    folder.path().join(name)
}

#[test]
fn what_would_be_dropped_is_written_as_it_was() {
    let folder = folder();
    for name in ["in.pcap", "wifi.pcapng"] {
        let output = explain(folder.path(), &["c.json", name, "--drops", "out"]);
        assert!(output.status.success(), "{output:?}");
        let listed = |name: &str| {
            let output = explain(folder.path(), &["c.json", "-r", name, "--list", "--format", "json"]);
            let lines = String::from_utf8(output.stdout).unwrap();
            let mut lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            lines.retain(|line| line["verdict"] == "drop");
            lines.iter_mut().for_each(|line| line["number"] = Value::Null);
            lines
        };
        let dropped = listed(name);
        assert!(!dropped.is_empty());
        assert_eq!(listed("out"), dropped, "{name}");
        let (all, copy) = (std::fs::read(path(&folder, name)).unwrap(), std::fs::read(path(&folder, "out")).unwrap());
        assert!(copy.len() < all.len());
        assert_eq!(copy[..16], all[..16], "{name}");
    }
    assert_eq!(std::fs::read(path(&folder, "in.pcap")).unwrap(), capture().bytes, "what is read stays as it is");
}

#[test]
fn standard_input_is_read_too() {
    let folder = folder();
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    command.args(["explain", "c.json", "-r", "-"]).current_dir(folder.path());
    let piped = command.stdin(std::fs::File::open(path(&folder, "in.pcap")).unwrap()).output().unwrap();
    assert_eq!(piped.stdout, explain(folder.path(), &["c.json", "in.pcap"]).stdout);
}

#[test]
fn many_packets_are_listed_when_asked_for() {
    let folder = folder();
    let mut made = Made::pcap(1, false);
    let frame = frame("tcp from 10.1.2.3 to :22");
    for second in 0..21 {
        made.record(second, 0, &frame, frame.len());
    }
    std::fs::write(path(&folder, "many.pcap"), &made.bytes).unwrap();
    let lines =
        |arguments: &[&str]| String::from_utf8(explain(folder.path(), arguments).stdout).unwrap().lines().count();
    let short = lines(&["c.json", "many.pcap"]);
    // A header, the packets, and an empty line.
    assert_eq!(lines(&["c.json", "many.pcap", "--list"]), short + 23);
}

#[test]
fn of_many_rules_those_that_decided_are_shown() {
    let folder = folder();
    for (idle, hidden) in [(20, false), (21, true)] {
        let mut rules = "{\"tcp\": {\"dest\": 9}, \"action\": \"accept\"}, ".repeat(idle);
        rules.push_str("{\"name\": \"rest\"}");
        let config = format!("{{\"ManifestPassthrough\": {{\"firewall\": {{\"rules\": [{rules}]}}}}}}");
        std::fs::write(path(&folder, "many.json"), config).unwrap();
        let mut made = Made::pcap(1, false);
        made.record(0, 0, &frame("tcp to :22"), 54);
        std::fs::write(path(&folder, "one.pcap"), &made.bytes).unwrap();
        let shown = |more: &[&str]| {
            let output = explain(folder.path(), &[&["many.json", "one.pcap"], more].concat());
            String::from_utf8(output.stdout).unwrap()
        };
        let short = shown(&[]);
        assert_eq!(short.contains("rule 1 "), !hidden, "{short}");
        assert!(short.contains(&format!("rule {}", idle + 1)), "{short}");
        assert_eq!(short.ends_with("21 other rules decided about no packet; -v shows them\n"), hidden, "{short}");
        let all = shown(&["-v"]);
        assert!(all.contains("rule 1 ") && !all.contains("-v shows"), "{all}");
    }
}

#[test]
fn scripts_are_told_that_a_file_is_not_whole() {
    let folder = folder();
    for (name, what) in [("cut.pcap", "cut short"), ("damaged.pcap", "damaged")] {
        let output = explain(folder.path(), &["c.json", name, "--format", "json"]);
        let summary = String::from_utf8(output.stdout).unwrap();
        let summary: Value = serde_json::from_str(summary.lines().last().unwrap()).unwrap();
        assert!(summary["warnings"][0].as_str().unwrap().contains(what), "{summary}");
    }
}

#[test]
fn a_terminal_has_colours() {
    let folder = folder();
    let portcullis = env!("CARGO_BIN_EXE_portcullis");
    for arguments in ["c.json tcp", "c.json in.pcap"] {
        // script(1) runs it on a terminal of its own, and copies what comes there.
        let mut command = Command::new("script");
        command.args(["-qec", &format!("'{portcullis}' explain {arguments}"), "/dev/null"]).env("TERM", "xterm");
        let output = command.current_dir(folder.path()).output().unwrap();
        let seen = String::from_utf8_lossy(&output.stdout);
        assert!(seen.contains("\x1b[1m\x1b[31mdrop"), "{seen:?}");
    }
}
