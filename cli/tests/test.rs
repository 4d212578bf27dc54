//! What `test` prints, and the code that it ends with.
use std::path::Path;
use std::process::{Command, Output};

fn test(arguments: &[&str]) -> Output {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    command.arg("test").args(arguments).current_dir(folder).output().unwrap()
}

/// The output of `test` for a configuration with this policy, its file called `c.json`, and the code.
fn tell(firewall: &str, arguments: &[&str]) -> (String, i32) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.json");
    std::fs::write(&path, format!("{{\"ManifestPassthrough\": {{\"firewall\": {{{firewall}}}}}}}\n")).unwrap();
    let path = path.to_str().unwrap();
    let output = test(&[&[path], arguments].concat());
    assert!(output.stderr.is_empty(), "{output:?}");
    (String::from_utf8(output.stdout).unwrap().replace(path, "c.json"), output.status.code().unwrap())
}

const FAILING: &str = r#"
  "lists": {"nobody": []},
  "rules": [
    {"name": "web", "tcp": {"dest": 8080}, "action": "accept"},
    {"ip": {"src": "10.0.0.0/8"},
     "action": "accept"},
    {"name": "ssh", "tcp": {"dest": 22}},
    {"name": "ssh", "udp": {"dest": 22}}
  ],
  "tests": [
    {"packet": "tcp from 203.0.113.7 to :8080 syn", "verdict": "accept", "rule": 1},
    {"packet": "tcp from 203.0.113.7 to :22", "verdict": "accept"},
    {"packet": "udp from 10.0.0.1 to :22", "rule": "ssh", "name": "all of ssh is one rule"},
    {"packet": "udp from 192.0.2.1", "verdict": "drop", "rule": "web"},
    "only tcp 8080,  from 10.0.0.0/8",
    "never from 10.0.0.0/24",
    {"property": "always icmp6 echo-request, tcp 8080-8081", "name": "what users need"},
    "never from @nobody"
  ]"#;

#[test]
fn a_test_that_fails_is_told_with_a_packet_and_the_rule_that_decides() {
    let (told, code) = tell(FAILING, &[]);
    let expected = r#"ok      tcp from 203.0.113.7 to :8080 syn: accept
FAILED  tcp from 203.0.113.7 to :22: accept
        at        c.json:12
        packet    tcp from 203.0.113.7:40000 to 10.0.2.15:22 syn
        expected  accept
        found     drop, by rule 3 (line 7): ssh
FAILED  all of ssh is one rule
        at        c.json:13
        test      udp from 10.0.0.1 to :22
        packet    udp from 10.0.0.1:40000 to 10.0.2.15:22
        expected  by rule 3 (line 7): ssh, or by rule 4 (line 8): ssh
        found     accept, by rule 2 (line 5): {"ip": {"src": "10.0.0.0/8"}, "action": "accept"}
FAILED  udp from 192.0.2.1: drop
        at        c.json:14
        packet    udp from 192.0.2.1:40000 to 10.0.2.15:40000
        expected  drop, by rule 1 (line 4): web
        found     accept, by the default: no rule matches
FAILED  only tcp 8080, from 10.0.0.0/8
        at        c.json:15
        packet    tcp from 203.0.113.7:40000 to 10.0.2.15:80 syn
        expected  drop
        found     accept, by the default: no rule matches
FAILED  never from 10.0.0.0/24
        at        c.json:16
        packet    tcp from 10.0.0.0:40000 to 10.0.2.15:80 syn
        expected  drop
        found     accept, by rule 2 (line 5): {"ip": {"src": "10.0.0.0/8"}, "action": "accept"}
ok      what users need
ok      never from @nobody
        note      there is no such packet
c.json: 8 tests, 5 failed
"#;
    assert_eq!(told, expected);
    assert_eq!(code, 1);
}

#[test]
fn a_program_is_told_the_same() {
    let (told, code) = tell(FAILING, &["--format", "json"]);
    assert_eq!(code, 1);
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!((&told["file"], &told["failed"]), (&"c.json".into(), &5.into()));
    let tests = told["tests"].as_array().unwrap();
    let holds: Vec<bool> = tests.iter().map(|test| test["holds"].as_bool().unwrap()).collect();
    assert_eq!(holds, [true, false, false, false, false, false, true, true]);
    let expected = serde_json::json!({
        "test": "udp from 192.0.2.1", "name": null, "line": 14, "holds": false, "empty": false,
        "packet": "udp from 192.0.2.1:40000 to 10.0.2.15:40000",
        "expected": {"verdict": "drop", "rules": [{"number": 1, "line": 4, "label": "web"}]},
        "found": {"verdict": "accept", "rule": null},
    });
    assert_eq!(tests[3], expected);
    assert_eq!((&tests[2]["expected"]["verdict"], &tests[2]["found"]["rule"]["number"]), (&().into(), &2.into()));
    assert_eq!((&tests[7]["empty"], tests[7].get("packet")), (&true.into(), None));
}

#[test]
fn the_example_is_what_it_says() {
    let output = test(&["examples/tested.json"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.ends_with("examples/tested.json: 9 tests, none failed\n"), "{text}");
    assert!(!text.contains('\u{1b}'), "colours are for terminals: {text}");
}

#[test]
fn the_example_of_the_documentation_holds() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/policy.md")).unwrap();
    let example = page.split("```json\n").find(|part| part.contains("\"tests\": [")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.json");
    std::fs::write(&path, example.split("```").next().unwrap()).unwrap();
    let output = test(&[path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(String::from_utf8(output.stdout).unwrap().ends_with("5 tests, none failed\n"));
}

#[test]
fn a_configuration_without_tests_says_so() {
    let told = "c.json: no tests; they stand in `tests` beside the policy's `rules`\n";
    assert_eq!(tell("\"rules\": [{}]", &[]), (told.into(), 0));
    assert_eq!(tell("\"rules\": [{}], \"tests\": []", &[]), (told.into(), 0));
    let (json, code) = tell("\"rules\": [{}]", &["--format", "json"]);
    assert_eq!((json.as_str(), code), ("{\"failed\":0,\"file\":\"c.json\",\"tests\":[]}\n", 0));
}

#[test]
fn errors_are_told_apart_from_tests_that_fail() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.json");
    let text = r#"{"ManifestPassthrough": {"firewall": {"tests": ["never form 10.0.0.0/8"]}}}"#;
    std::fs::write(&path, text).unwrap();
    for arguments in [&[][..], &["--format", "json"]] {
        let output = test(&[&[path.to_str().unwrap()], arguments].concat());
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(2), b"".as_slice()));
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains("did you mean \"from\"?"), "{error}");
    }
}
