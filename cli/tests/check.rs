//! What `check` prints.
use std::path::Path;
use std::process::Command;

/// Standard output of `check` with these arguments.
fn check(arguments: &[&str]) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    let output = command.arg("check").args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn without_v_it_is_one_line() {
    let line = "examples/tcp-8080-only.json: 3 rules, no errors\n";
    assert_eq!(check(&["examples/tcp-8080-only.json"]), line);
}

#[test]
fn with_v_it_says_what_the_policy_costs() {
    let text = check(&["-v", "examples/tcp-8080-only.json"]);
    // All but the time, which is never the same.
    let lines: Vec<&str> = text.lines().filter(|line| !line.contains("compiled in")).collect();
    let expected = [
        "examples/tcp-8080-only.json: 3 rules, no errors",
        "  engine         2 decision trees",
        "  rules          3",
        "  size           636 bytes",
        "  at worst       5 memory accesses for an IPv4 packet, 8 for IPv6",
    ];
    assert_eq!(lines, expected);
    assert_eq!(text.lines().count(), expected.len() + 1);
}

#[test]
fn with_v_large_lists_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let list: String = (0..3000).map(|number| format!("10.{}.{}.1\n", number / 250, number % 250)).collect();
    std::fs::write(folder.path().join("many.txt"), list).unwrap();
    let config = folder.path().join("c.json");
    let text = r#"{"ManifestPassthrough": {"firewall": {"lists": {"many": {"file": "many.txt"}},
        "rules": [{"ip": {"src": "@many"}, "action": "drop"}]}}, "RunConfig": {"Klibs": ["firewall"]}}"#;
    std::fs::write(&config, text).unwrap();
    let text = check(&["-v", config.to_str().unwrap()]);
    assert!(text.contains("  engine         1 decision tree; address lists\n"), "{text}");
    assert!(text.contains("  address lists  1 table of "), "{text}");
}
