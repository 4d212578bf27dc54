//! Whatever the file holds, reading and drawing end without a panic, and soon.
use std::time::{Duration, Instant};

use policy::config;
use policy::diagnostic::render;
use proptest::prelude::*;

/// Reads, and draws what there is to say, with colours and without.
fn read(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    match config::decode(bytes).map_err(|error| vec![error]).and_then(config::parse) {
        Ok((config, warnings)) => {
            render("test.json", &text, warnings, false);
            assert_eq!(config.rule_labels.len(), config.policy.map_or(0, |policy| policy.rules.len()));
            true
        }
        Err(errors) => {
            assert!(!errors.is_empty());
            assert!(errors.is_sorted_by_key(|error| error.span.start));
            assert!(errors.iter().all(|error| error.span.start <= error.span.end));
            assert!(!render("test.json", &text, &errors, false).is_empty());
            assert!(!render("test.json", &text, errors, true).is_empty());
            false
        }
    }
}

/// Far above what any of these takes, and far below what a loop in a loop would.
const SOON: Duration = Duration::from_secs(20);

#[track_caller]
fn refused_soon(text: &str) {
    let start = Instant::now();
    assert!(!read(text.as_bytes()));
    assert!(start.elapsed() < SOON, "took {:?}", start.elapsed());
}

fn firewall(rules: &str) -> String {
    format!("{{\"ManifestPassthrough\": {{\"firewall\": {{\"rules\": [{rules}]}}}}}}")
}

#[test]
fn deep_nesting_is_refused() {
    refused_soon(&"[".repeat(100_000));
    refused_soon(&"{\"a\":".repeat(100_000));
    refused_soon(&format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)));
}

#[test]
fn the_deepest_nesting_that_is_read_fits_the_stack() {
    for depth in 100..600 {
        read(format!("{{\"Version\": {}{}}}", "[".repeat(depth), "]".repeat(depth)).as_bytes());
        read(format!("{}1{}", "{\"Version\":".repeat(depth), "}".repeat(depth)).as_bytes());
    }
}

#[test]
fn a_line_of_a_megabyte_is_drawn_in_part() {
    let text = firewall(&format!("{{\"tcp\": {{\"dest\": \"{}\"}}}}", "8".repeat(1 << 20)));
    refused_soon(&text);
    let errors = config::parse(&text).expect_err("no port");
    assert!(render("test.json", &text, errors, false).len() < 2000);
}

#[test]
fn fifty_thousand_errors_are_counted_and_not_drawn() {
    let rules = vec!["{\"tcp\": {\"dest\": \"x\"}, \"foo\": 1}"; 25_000].join(",\n");
    let text = firewall(&rules);
    refused_soon(&text);
    let errors = config::parse(&text).expect_err("unknown keys");
    assert_eq!(errors.len(), 50_000);
    assert!(render("test.json", &text, errors, false).ends_with("... and 49950 more\n"));
}

#[test]
fn many_keys_of_one_object_are_read_soon() {
    let keys: Vec<String> = (0..50_000).map(|number| format!("\"k{number}\": 0")).collect();
    refused_soon(&firewall(&format!("{{{}}}", keys.join(","))));
    refused_soon(&format!("{{{}}}", keys.join(",")));
    refused_soon(&format!("{{{}}}", vec!["\"a\": 0"; 50_000].join(",")));
}

#[test]
fn a_policy_of_fifty_thousand_rules_is_read() {
    let rules = vec!["{\"ip\": {\"src\": \"10.0.2.2\"}}"; 50_000].join(", ");
    let (config, _) = config::parse(&firewall(&rules)).expect("right");
    assert_eq!(config.policy.expect("a policy").rules.len(), 50_000);
}

/// A configuration that uses every key, to be damaged.
const WHOLE: &str = r#"{
  "Args": ["a", "b\u00e9"], "Env": {"A": "b"}, "Files": [], "MapDirs": {"a": "/b"}, "Version": "1",
  "RunConfig": {"Klibs": ["firewall"], "Ports": [80, "443"], "Memory": "1G", "IPAddress": "10.0.2.15",
    "NetMask": "255.255.255.0", "Accel": true},
  "ManifestPassthrough": {"firewall": {"default": "drop", "rules": [
    {"ip": {"src": ["!10.0.2.0/24", "!10.1.0.0/16"], "fragment": "n", "proto": "!tcp"}, "action": "accept"},
    {"ip6": {"dest": "FE80::FF:7762/64"}, "tcp": {"src": "1-2", "dest": [1, "3-4"]}, "name": "x"},
    {"udp": {}, "comment": "y"}]}}
}"#;

#[test]
fn the_whole_is_right_before_it_is_damaged() {
    assert!(read(WHOLE.as_bytes()));
}

#[test]
fn every_prefix_of_a_file_is_refused() {
    for end in 0..WHOLE.len() {
        assert!(!read(&WHOLE.as_bytes()[..end]), "{end} bytes");
    }
}

/// Pieces that a policy is made of, and pieces that it is not.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "!",
        "@",
        "/",
        "-",
        "%",
        ".",
        "\\",
        "\\u0000",
        "\\ud800",
        " ",
        "\t",
        "\n",
        "\r",
        "\u{feff}",
        "\u{a0}",
        "é",
        "\u{1b}",
        "\0",
        "0",
        "1",
        "-1",
        "1e9",
        "65536",
        "null",
        "true",
        "\"src\"",
        "\"dest\"",
        "\"tcp\":{",
        "\"ip\":{",
        "\"ip6\":{",
        "\"rules\":[",
        "\"firewall\":{",
        "\"action\":",
        "\"drop\"",
        "\"10.0.2.2/24\"",
        "\"fe80::1\"",
        "//",
        "/*",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        read(&bytes);
    }

    #[test]
    fn pieces_of_json_are_read(bytes in pieces()) {
        read(&bytes);
    }

    #[test]
    fn pieces_within_a_configuration_are_read(bytes in pieces(), at in 0..WHOLE.len(), removed in 0usize..30) {
        let end = (at + removed).min(WHOLE.len());
        let damaged = [&WHOLE.as_bytes()[..at], &bytes, &WHOLE.as_bytes()[end..]].concat();
        read(&damaged);
    }

    #[test]
    fn any_text_is_a_value(value in "\\PC{0,40}", key in prop::sample::select(vec![
        "\"ip\": {\"src\": ", "\"ip\": {\"proto\": ", "\"ip\": {\"fragment\": ", "\"ip6\": {\"src\": ",
        "\"tcp\": {\"dest\": ", "\"foo\": {\"a\": ",
    ])) {
        let quoted = format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""));
        read(firewall(&format!("{{{key}{quoted}}}}}")).as_bytes());
    }

    #[test]
    fn a_port_is_accepted_as_it_is_written_and_nothing_near_it(port in any::<u16>(), junk in "[^0-9]{1,3}") {
        let accepted = |text: &str| {
            let quoted = format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
            config::parse(&firewall(&format!("{{\"udp\": {{\"src\": {quoted}}}}}"))).is_ok()
        };
        let after = format!("{port}{junk}");
        let padded = format!("0{port}");
        let plain = port.to_string();
        prop_assert!(accepted(&plain));
        prop_assert!(!accepted(&after));
        prop_assert!(!accepted(&padded));
    }
}

#[test]
fn a_file_with_a_million_wrong_lines_is_told_soon_and_shortly() {
    let text = "{\"ManifestPassthrough\": {\"firewall\": {\"lists\": {\"a\": {\"file\": \"a\"}}}}}";
    for line in ["x\n", "1.2.3.400\n", "fe80::1%eth0 y\n", "\n!\n"] {
        let file = line.repeat(1_000_000).into_bytes();
        let start = Instant::now();
        let read = config::parse_with(text, &mut |_| Ok(file.clone()), |_| Vec::new());
        let errors = read.expect_err("no addresses");
        assert_eq!(errors.len(), 6);
        let drawn = render("test.json", text, errors, false);
        assert!(drawn.contains("999995 more lines are wrong") && drawn.len() < 3000, "{drawn}");
        assert!(start.elapsed() < SOON, "took {:?}", start.elapsed());
    }
}

#[test]
fn many_lists_and_unknown_names_are_read_soon() {
    let lists: Vec<String> = (0..20_000).map(|number| format!("\"list{number}\": []")).collect();
    let rules = vec!["{\"ip\": {\"src\": \"@nolist\"}}"; 20_000].join(",");
    let lists = lists.join(",");
    refused_soon(&format!(
        "{{\"ManifestPassthrough\": {{\"firewall\": {{\"lists\": {{{lists}}}, \"rules\": [{rules}]}}}}}}"
    ));
}
