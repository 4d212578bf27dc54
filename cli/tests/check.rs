//! What `check` prints.
use std::path::Path;
use std::process::Command;

/// Standard output of `check` with these arguments, which ends with this code.
fn check(code: i32, arguments: &[&str]) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    let output = command.arg("check").args(arguments).current_dir(folder).output().unwrap();
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// A policy that nothing is to be said of.
const CLEAN: &str = r#"{"ManifestPassthrough": {"firewall": {"rules": [
    {"tcp": {"dest": 8080}, "action": "accept"},
    {"udp": {"src": 67, "dest": 68}, "action": "accept"},
    {"icmp": {"type": 3, "code": 4}, "action": "accept"},
    {"icmp6": {"type": [2, 134, 135, 136]}, "action": "accept"},
    {"action": "drop", "allow": ["drops-dns-replies", "drops-replies"]}
]}}}"#;

/// A configuration in a folder of its own, and the folder.
fn file(text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.json");
    std::fs::write(&path, text).unwrap();
    (folder, path.to_str().unwrap().to_string())
}

#[test]
fn a_policy_without_lints_is_one_line_and_code_0() {
    let (_folder, path) = file(CLEAN);
    assert_eq!(check(0, &[&path]), format!("{path}: 5 rules, no errors, no lints\n"));
}

#[test]
fn lints_are_told_and_counted_and_are_code_1() {
    let text = check(1, &["examples/tcp-8080-only.json"]);
    assert!(text.ends_with("\n\nexamples/tcp-8080-only.json: 3 rules, no errors, 5 lints\n"), "{text}");
    assert_eq!(text.matches("--> examples/tcp-8080-only.json:10:9\n").count(), 5, "{text}");
}

#[test]
fn errors_are_told_and_counted_and_are_code_2() {
    let (_folder, path) = file("{\"Args\": 1, \"Env\": 2}");
    let text = check(2, &[&path]);
    assert!(text.starts_with("error: "), "{text}");
    assert!(text.ends_with(&format!("\n\n{path}: 2 errors\n")), "{text}");
}

#[test]
fn warnings_are_told_and_are_code_0() {
    let (_folder, path) = file(r#"{"Mounts": {}}"#);
    let text = check(0, &[&path]);
    assert!(text.starts_with("warning: "), "{text}");
    assert!(text.ends_with(&format!("\n\n{path}: no errors; no firewall: everything is let in\n")), "{text}");
}

#[test]
fn with_v_it_says_what_the_policy_costs() {
    let text = check(1, &["-v", "examples/tcp-8080-only.json"]);
    // All but the time, which is never the same.
    let lines: Vec<&str> = text.lines().skip_while(|line| !line.starts_with("examples/")).collect();
    let expected = [
        "examples/tcp-8080-only.json: 3 rules, no errors, 5 lints",
        "  engine         2 decision trees",
        "  rules          3",
        "  size           636 bytes",
        "  at worst       5 memory accesses for an IPv4 packet, 8 for IPv6",
    ];
    let untimed: Vec<&str> = lines.iter().copied().filter(|line| !line.contains("compiled in")).collect();
    assert_eq!(untimed, expected);
    assert_eq!(lines.len(), expected.len() + 1);
}

#[test]
fn with_v_large_lists_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let list: String = (0..3000).map(|number| format!("10.{}.{}.1\n", number / 250, number % 250)).collect();
    std::fs::write(folder.path().join("many.txt"), list).unwrap();
    let config = folder.path().join("c.json");
    let text = r#"{"ManifestPassthrough": {"firewall": {"lists": {"many": {"file": "many.txt"}},
        "default": "accept", "rules": [{"ip": {"src": "@many"}, "action": "drop"}]}}, "RunConfig": {"Klibs": ["firewall"]}}"#;
    std::fs::write(&config, text).unwrap();
    let text = check(0, &["-v", config.to_str().unwrap()]);
    assert!(text.contains("  engine         1 decision tree; address lists\n"), "{text}");
    assert!(text.contains("  address lists  1 table of "), "{text}");
}

#[test]
fn the_readme_shows_what_is_said_of_its_policy() {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md")).unwrap();
    assert!(readme.contains(&check(1, &["examples/tcp-8080-only.json"])));
}

/// What the six configurations of the article are told; `SNAPSHOTS=overwrite` writes the file anew.
#[test]
fn the_articles_configurations_are_told_what_the_file_says() {
    let names = [
        "tcp-8080-only",
        "source-or-tcp-8080",
        "drop-source",
        "drop-all-but-source",
        "drop-ip6-source",
        "drop-udp-from-subnet",
    ];
    let told: Vec<String> = names.iter().map(|name| check(1, &[&format!("examples/{name}.json")])).collect();
    let expected = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/check/article.txt");
    let expected = snapbox::Data::read_from(&expected, None);
    snapbox::Assert::new().normalize_paths(false).action_env("SNAPSHOTS").eq(told.join("\n"), expected);
}

#[test]
fn ports_of_the_command_line_take_the_place_of_those_of_the_file() {
    let (_folder, path) = file(&CLEAN.replacen('{', r#"{"RunConfig": {"Ports": ["8080"]}, "#, 1));
    check(0, &[&path]);
    let text = check(1, &[&path, "-p", "9000:8081", "--udp", "53"]);
    for part in ["tcp port 8081 is forwarded", "udp port 53 is forwarded", "tcp port 8080 is let in and not forwarded"]
    {
        assert!(text.contains(part), "{text}");
    }
}

fn json(code: i32, arguments: &[&str]) -> serde_json::Value {
    serde_json::from_str(&check(code, arguments)).unwrap()
}

#[test]
fn as_json_each_finding_is_an_object() {
    let told = json(1, &["--format", "json", "examples/drop-source.json"]);
    assert_eq!((&told["rules"], &told["errors"], &told["lints"]), (&1.into(), &0.into(), &2.into()));
    let first = &told["found"][0];
    assert_eq!((&first["name"], &first["severity"]), (&"drops-dhcp".into(), &"lint".into()));
    assert_eq!((&first["line"], &first["column"], &first["end"]["column"]), (&8.into(), &9.into(), &54.into()));
    let witness = serde_json::json!({"packet": "udp from 10.0.2.2:67 to 10.0.2.15:68", "verdict": "drop"});
    assert_eq!(first["witness"], witness);
    let (_folder, path) = file("{\"Args\": 1}");
    let told = json(2, &["--format", "json", &path]);
    assert_eq!((&told["errors"], &told["found"][0]["name"]), (&1.into(), &"wrong-type".into()));
}

#[test]
fn as_sarif_each_result_has_its_rule_and_region() {
    let log = json(1, &["--format", "sarif", "examples/tcp-8080-only.json"]);
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 5);
    for result in results {
        let rule = &rules[result["ruleIndex"].as_u64().unwrap() as usize];
        assert_eq!((&rule["id"], &result["level"]), (&result["ruleId"], &"warning".into()));
        assert!(rule["shortDescription"]["text"].is_string() && rule["help"]["text"].is_string(), "{rule}");
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "examples/tcp-8080-only.json");
        let region = serde_json::json!({"startLine": 10, "startColumn": 9, "endLine": 10, "endColumn": 27});
        assert_eq!(place["region"], region);
        assert!(result["message"]["text"].as_str().unwrap().ends_with('.'), "{result}");
    }
}
