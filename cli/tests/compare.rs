//! What `diff`, `who` and `simplify` print.
use serde_json::{Value, json};
use snapbox::{assert_data_eq, str};
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

const OLD: &str = r#"{"ManifestPassthrough": {"firewall": {"rules": [
  {"ip": {"src": "10.0.0.0/8"}, "action": "drop"},
  {"tcp": {"dest": 8080}, "action": "accept", "name": "web"},
  {"tcp": {"dest": 443}, "action": "accept"},
  {"tcp": {"dest": 80}, "action": "accept"},
  {"ip": {"src": "10.1.0.0/16"}, "tcp": {"dest": 22}, "action": "accept"},
  {"udp": {"src": 67}, "action": "accept"},
  {"action": "drop"}
]}}}
"#;

/// The folder with the files: the old policy, and one with a smaller private network and without a port.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let new =
        OLD.replace("10.0.0.0/8", "10.0.0.0/9").replace("  {\"tcp\": {\"dest\": 443}, \"action\": \"accept\"},\n", "");
    std::fs::write(folder.path().join("old.json"), OLD).unwrap();
    std::fs::write(folder.path().join("new.json"), new).unwrap();
    std::fs::write(folder.path().join("open.json"), "{}").unwrap();
    folder
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_portcullis")).args(arguments).current_dir(folder).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn what_changes_between_two_policies_is_told_with_packets() {
    let folder = folder();
    let output = run(folder.path(), &["diff", "old.json", "new.json"]);
    assert_eq!(output.status.code(), Some(1));
    assert_data_eq!(
        text(&output.stdout),
        str![[r#"
accepted now, dropped before
+ ip tcp 80, 8080 from 10.128.0.0/9
    such as  tcp from 10.128.0.0:40000 to 10.0.2.15:80 syn
    before   rule 1 (old.json:2)
    now      rule 3 (new.json:4)
+ ip udp from 10.128.0.0/9 port 67
    such as  udp from 10.128.0.0:67 to 10.0.2.15:80
    before   rule 1 (old.json:2)
    now      rule 5 (new.json:6)

dropped now, accepted before
- ip tcp 443 from not 10.0.0.0/8
    such as  tcp from 203.0.113.7:40000 to 10.0.2.15:443 syn
    before   rule 3 (old.json:4)
    now      rule 6 (new.json:7)
- ip6 tcp 443
    such as  tcp from [2001:db8::7]:40000 to [2001:db8::f]:443 syn
    before   rule 3 (old.json:4)
    now      rule 6 (new.json:7)

"#]]
    );
}

#[test]
fn equal_policies_are_called_so() {
    let folder = folder();
    let output = run(folder.path(), &["diff", "old.json", "old.json"]);
    assert_eq!(text(&output.stdout), "old.json and old.json are equal: every packet has the same verdict\n");
    assert_eq!(output.status.code(), Some(0));
    let open = run(folder.path(), &["diff", "open.json", "old.json", "--format", "json", "--most", "1"]);
    let answer: Value = serde_json::from_slice(&open.stdout).unwrap();
    assert_eq!((open.status.code(), &answer["equal"]), (Some(1), &Value::Bool(false)));
    assert_eq!(answer["accepted_now"]["regions"], Value::Array(Vec::new()));
    assert_eq!(answer["dropped_now"]["complete"], Value::Bool(false));
    assert_eq!(answer["dropped_now"]["regions"][0]["before"], json!({"cause": "default"}));
}

#[test]
fn scripts_are_told_what_decides_as_explain_tells_them() {
    let folder = folder();
    let answer = |arguments: &[&str]| -> Value {
        serde_json::from_slice(&run(folder.path(), arguments).stdout).expect("one object")
    };
    let explained = answer(&["explain", "old.json", "tcp from 1.2.3.4 to :8080", "--format", "json"]);
    let web = json!({"cause": "rule", "rule": 2, "line": 3, "name": "web"});
    for (key, value) in web.as_object().expect("an object") {
        assert_eq!(&explained[key], value, "{key}");
    }
    let reached = answer(&["who", "old.json", "--to", "tcp 8080 from not 10.0.0.0/8", "--format", "json"]);
    assert_eq!(reached["reached_by"][0]["let_in_by"], json!([web]));
    let changed = answer(&["diff", "old.json", "new.json", "--format", "json"]);
    let gone = json!({"cause": "rule", "rule": 3, "line": 4, "name": null});
    assert_eq!(changed["dropped_now"]["regions"][0]["before"], gone);
}

#[test]
fn lists_of_the_policy_are_named_in_what_is_asked() {
    let folder = folder();
    let config = r#"{"ManifestPassthrough": {"firewall": {
  "lists": {"office": ["192.0.2.0/24", "fe80::/10"], "home": ["198.51.100.7"]},
  "rules": [{"ip": {"src": ["@office", "@home"]}, "tcp": {"dest": 22}, "action": "accept"}, {}]
}}}"#;
    std::fs::write(folder.path().join("lists.json"), config).unwrap();
    let output = run(folder.path(), &["who", "lists.json", "--to", "tcp 22 from @home, tcp 22 from @office"]);
    assert_data_eq!(
        text(&output.stdout),
        str![[r#"
ip tcp 22 from 192.0.2.0/24, 198.51.100.7
    let in by rule 1 (lists.json:3)
the rest of it is dropped

"#]]
    );
    let wrong = run(folder.path(), &["who", "lists.json", "--to", "tcp 22 from @hone"]);
    assert_eq!(wrong.status.code(), Some(2));
    let said = text(&wrong.stderr);
    assert!(said.contains("names a list that is not in `lists`") && said.contains("did you mean \"@home\"?"), "{said}");
}

#[test]
fn nothing_asked_and_nothing_shown_are_refused() {
    let folder = folder();
    for asked in ["", "tcp 80,", ", tcp 80"] {
        let output = run(folder.path(), &["who", "old.json", "--to", asked]);
        assert_eq!(output.status.code(), Some(2));
        let said = text(&output.stderr);
        assert!(said.contains("there are no packets") && !said.contains("`never`"), "{said}");
    }
    for arguments in [["diff", "old.json", "new.json"], ["who", "old.json", "--to=tcp"]] {
        let output = run(folder.path(), &[&arguments[..], &["--most", "0"]].concat());
        assert_eq!(output.status.code(), Some(2), "{output:?}");
    }
}

#[test]
fn who_reaches_a_port_is_told_with_the_rule_that_lets_it_in() {
    let folder = folder();
    let output = run(folder.path(), &["who", "old.json", "--to", "tcp/8080"]);
    assert_eq!(output.status.code(), Some(0));
    assert_data_eq!(
        text(&output.stdout),
        str![[r#"
ip tcp 8080 from not 10.0.0.0/8
    let in by rule 2 "web" (old.json:3)
ip6 tcp 8080 from anywhere
    let in by rule 2 "web" (old.json:3)
the rest of it is dropped

"#]]
    );
    let nobody = run(folder.path(), &["who", "old.json", "--to", "tcp 22, tcp 23"]);
    assert_eq!(
        (nobody.status.code(), text(&nobody.stdout)),
        (Some(1), "nothing that is accepted reaches tcp 22, tcp 23\n".into())
    );
    let everybody = run(folder.path(), &["who", "open.json", "--to", "everything"]);
    assert_data_eq!(
        text(&everybody.stdout),
        str![[r#"
everything from anywhere
    let in by no firewall is configured (open.json)
nothing of it is dropped

"#]]
    );
    let wrong = run(folder.path(), &["who", "old.json", "--to", "tcp nope"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(text(&wrong.stderr).contains("\"nope\" means nothing here\n --> --to:1:5"), "{}", text(&wrong.stderr));
}

#[test]
fn a_shorter_configuration_is_written_and_what_was_done_is_told() {
    let folder = folder();
    let output = run(folder.path(), &["simplify", "old.json"]);
    assert_eq!(output.status.code(), Some(0));
    assert_data_eq!(
        text(&output.stdout),
        str![[r#"
{"ManifestPassthrough": {"firewall": {"rules": [
  {"ip": {"src": "10.0.0.0/8"}, "action": "drop"},
  {"tcp": {"dest": 8080}, "action": "accept", "name": "web"},
  {"tcp": {"dest": ["443", "80"]}, "action": "accept"},
  {"udp": {"src": 67}, "action": "accept"},
  {"action": "drop"}
]}}}

"#]]
    );
    assert_data_eq!(
        text(&output.stderr),
        str![[r#"
portcullis: rule 4 (old.json:5) is now one with rule 3
portcullis: rule 5 (old.json:6) is gone: earlier rules match all that it matches
portcullis: 7 rules became 5, proved to decide alike for every packet

"#]]
    );
    let again = run(folder.path(), &["simplify", "old.json", "-o", "short.json"]);
    assert!(again.stdout.is_empty());
    assert_eq!(run(folder.path(), &["diff", "old.json", "short.json"]).status.code(), Some(0));
    let short = run(folder.path(), &["simplify", "short.json", "-o", "shorter.json"]);
    assert_eq!(text(&short.stderr), "portcullis: no shorter policy was found: 5 rules\n");
    let open = run(folder.path(), &["simplify", "open.json"]);
    assert_eq!((open.status.code(), text(&open.stdout)), (Some(2), String::new()));
}

#[test]
fn tests_that_name_rules_by_number_are_looked_at() {
    let folder = folder();
    let with = |test: &str| {
        let text = OLD.replace("{\"rules\"", &format!("{{\"tests\": [{test}], \"rules\""));
        std::fs::write(folder.path().join("tests.json"), text).unwrap();
        run(folder.path(), &["simplify", "tests.json"])
    };
    let moved = with(r#"{"packet": "udp from :67", "rule": 1}, {"packet": "udp from 1.2.3.4:67", "rule": 6}"#);
    assert_eq!(moved.status.code(), Some(2));
    assert!(text(&moved.stderr).contains("nothing is written"), "{}", text(&moved.stderr));
    let kept = with(r#"{"packet": "tcp from 1.2.3.4 to :8080", "rule": "web"}"#);
    assert_eq!(kept.status.code(), Some(0));
    assert!(!text(&kept.stderr).contains("numbers"), "{}", text(&kept.stderr));
}
