//! Which packets the words of a property name, and what a test that is right says.
use firewall::Matched;
use policy::config::{self, Config};
use policy::policy::{Action, Policy};
use policy::test::{Claim, Kind, Property, Test};
use policy::{packet, reference};

const RULES: &str = r#"{"name": "web", "tcp": {"dest": 80}}, {"name": " 2 "}, {"name": "web"}, {}"#;

fn parse(tests: &str) -> (String, Config) {
    let text = format!(
        r#"{{"ManifestPassthrough": {{"firewall": {{"tests": [{tests}], "rules": [{RULES}],
            "lists": {{"office": ["10.0.2.0/24", "fe80::/10"], "empty": []}}}}}}}}"#
    );
    match config::parse(&text) {
        Ok((config, _)) => (text, config),
        Err(errors) => panic!("{}", policy::diagnostic::render("test.json", &text, errors, false)),
    }
}

fn only(test: &str) -> Test {
    let mut tests = parse(test).1.tests;
    assert_eq!(tests.len(), 1);
    tests.remove(0)
}

fn property(words: &str) -> (Policy, Property) {
    let (_, config) = parse(&format!("\"{words}\""));
    let Claim::Property(property) = config.tests[0].claim.clone() else { panic!("{:?}", config.tests) };
    (config.policy.expect("a policy"), property)
}

/// Whether a packet is one of those that the words name.
fn names(words: &str, packet: &str) -> bool {
    let (policy, property) = property(&format!("only {words}"));
    let named = Policy { rules: property.packets, default: Action::Drop, lists: policy.lists };
    let packet = packet::parse(packet).unwrap_or_else(|error| panic!("{packet}: {error}"));
    reference::decide(&named, &packet).cause != Matched::Default
}

#[track_caller]
fn assert_names(words: &str, inside: &[&str], outside: &[&str]) {
    for (packets, expected) in [(inside, true), (outside, false)] {
        for packet in packets {
            assert_eq!(names(words, packet), expected, "{words}: {packet}");
        }
    }
}

#[test]
fn protocols_and_ports_are_those_of_the_packet() {
    let v6 = "tcp from fe80::1 to fe80::2 port 8080";
    for words in [
        "tcp 8080",
        "tcp port 8080",
        "tcp/8080",
        "TCP 8080 from anywhere",
        "tcp to :8080",
        "tcp to 8080",
        "proto 6 port 8080",
    ] {
        assert_names(words, &["tcp to :8080", v6], &["tcp to :8081", "udp to :8080", "tcp fragment", "icmp"]);
    }
    assert_names("tcp 8000-8010", &["tcp to :8000", "tcp to :8010"], &["tcp to :7999", "tcp to :8011"]);
    for words in ["udp !53", "udp not 53", "udp ! 53", "udp to port not 53"] {
        assert_names(words, &["udp to :52", "udp to :54"], &["udp to :53", "tcp to :52", "udp fragment"]);
    }
    assert_names("udp", &["udp to :1", "udp fragment", "udp from fe80::1"], &["tcp", "icmp"]);
    for words in ["udp from any port 53", "udp from port 53", "udp from :53", "udp from 53"] {
        assert_names(words, &["udp from :53 to :9"], &["udp from :52 to :53"]);
    }
    assert_names("tcp 80 from 10.0.0.0/8:99", &["tcp from 10.1.1.1:99 to :80"], &["tcp from 10.1.1.1:98 to :80"]);
    assert_names("tcp from [fe80::/10]:99", &["tcp from [fe80::1]:99"], &["tcp from [fe00::1]:99", "tcp from :99"]);
    assert_names("tcp from @office:99", &["tcp from 10.0.2.9:99", "tcp from [fe80::1]:99"], &["tcp from 10.0.2.9:98"]);
}

#[test]
fn addresses_are_of_their_version_and_lists_of_both() {
    assert_names(
        "from 10.0.0.0/8",
        &["tcp from 10.255.0.0", "ip proto 47 from 10.0.0.1"],
        &["tcp from 11.0.0.0", "tcp from a00::"],
    );
    assert_names("from 10.1.2.3/8", &["tcp from 10.255.0.0"], &["tcp from 11.0.0.0"]);
    for words in ["from !10.0.0.0/8", "from not 10.0.0.0/8"] {
        assert_names(words, &["tcp from 11.0.0.0"], &["tcp from 10.255.0.0", "tcp from fe80::1"]);
    }
    assert_names("to fe80::1", &["udp to fe80::1"], &["udp to fe80::2", "udp from fe80::1", "udp"]);
    assert_names(
        "from @office",
        &["udp from 10.0.2.255", "udp from febf::"],
        &["udp from 10.0.3.0", "udp from fec0::"],
    );
    assert_names("ip from @office", &["udp from 10.0.2.255"], &["udp from 10.0.3.0", "udp from febf::"]);
    assert_names(
        "from not @office",
        &["udp from 10.0.3.0", "udp from fec0::"],
        &["udp from 10.0.2.0", "udp from fe80::"],
    );
    assert_names("ip6 from !@office", &["udp from fec0::"], &["udp from 10.0.3.0", "udp from fe80::"]);
    assert_names("from @empty", &[], &["udp from 10.0.2.0", "udp from fe80::"]);
    assert_names(
        "from @office to 10.0.2.15",
        &["tcp from 10.0.2.1"],
        &["tcp from 10.0.2.1 to 10.0.2.16", "tcp from fe80::1"],
    );
    assert_names("ip", &["udp", "tcp fragment"], &["udp from fe80::1"]);
    assert_names("ipv6", &["udp from fe80::1"], &["udp"]);
    assert_names("everything", &["udp", "icmp6", "ip proto 255", "ip6 udp fragment"], &[]);
    assert_names("from anywhere", &["udp", "icmp6"], &[]);
}

#[test]
fn messages_have_names_types_and_codes() {
    let request = ["icmp echo-request", "icmp echo-request code 7"];
    for words in ["icmp echo-request", "icmp type 8", "icmp type echo-request", "proto icmp type 8"] {
        assert_names(words, &request, &["icmp echo-reply", "icmp6 type 8", "icmp fragment", "tcp"]);
    }
    assert_names(
        "icmp type 3 code 4",
        &["icmp fragmentation-needed"],
        &["icmp host-unreachable", "icmp type 4 code 4"],
    );
    assert_names("icmp fragmentation-needed", &["icmp type 3 code 4"], &["icmp type 3 code 3"]);
    assert_names("icmp6 code 0", &["icmp6 type 135"], &["icmp6 type 1 code 1", "icmp"]);
    assert_names("icmp", &["icmp", "icmp fragment"], &["icmp6", "ip6 proto 1"]);
    assert_names("proto 1", &["icmp", "ip6 proto 1"], &["icmp6", "tcp"]);
    assert_names("ip6 proto 1", &["ip6 proto 1"], &["icmp", "icmp6"]);
    assert_names("gre", &["ip proto 47", "ip6 proto 47"], &["tcp"]);
    assert_names("proto GRE from 10.0.2.2", &["ip proto 47"], &["ip6 proto 47", "ip proto 47 from 10.0.2.3"]);
}

#[test]
fn fragments_are_those_other_than_the_first() {
    assert_names("fragments", &["tcp fragment", "ip6 udp fragment"], &["tcp", "tcp first-fragment"]);
    assert_names("fragments udp from 10.0.2.2", &["udp fragment"], &["tcp fragment", "udp", "ip6 udp fragment"]);
}

#[test]
fn sets_are_taken_together_and_stand_where_they_are_written() {
    assert_names("tcp 80,udp 53 , icmp", &["tcp to :80", "udp to :53", "icmp"], &["tcp to :53", "udp to :80"]);
    let (text, config) = parse(r#"{"property": "Never t\u0063p 80\t, from @office ", "name": " a\nb "}"#);
    let test = &config.tests[0];
    assert_eq!(test.name.as_deref(), Some("a\u{fffd}b"));
    assert_eq!(test.text, "Never tcp 80 , from @office");
    assert!(text[test.span.clone()].starts_with("{\"property\""));
    let Claim::Property(property) = &test.claim else { panic!("{test:?}") };
    assert_eq!(property.kind, Kind::Never);
    let spans: Vec<&str> = property.packets.iter().map(|rule| &text[rule.span.clone()]).collect();
    assert_eq!(spans, [r"t\u0063p 80", "from @office", "from @office"], "a list is of both versions");
}

#[test]
fn a_rule_is_named_by_its_name_or_its_number() {
    let deciders = |rule: &str| {
        let test = only(&format!(r#"{{"packet": "tcp to :80", "rule": {rule}}}"#));
        let Claim::Packet(expectation) = test.claim else { panic!("{test:?}") };
        assert_eq!(expectation.verdict, None);
        expectation.deciders.expect("rules")
    };
    assert_eq!(deciders("\"web\""), [Matched::Rule(0), Matched::Rule(2)]);
    assert_eq!(deciders("\" web \""), [Matched::Rule(0), Matched::Rule(2)]);
    assert_eq!(deciders("2"), [Matched::Rule(1)]);
    assert_eq!(deciders("4"), [Matched::Rule(3)]);
    assert_eq!(deciders("\"4\""), [Matched::Rule(3)]);
    assert_eq!(deciders("\"2\""), [Matched::Rule(1)], "a name comes first");
    assert_eq!(deciders("\"default\""), [Matched::Default]);
}

#[test]
fn a_packet_is_expected_to_meet_a_verdict() {
    for (verdict, expected) in [("accept", Action::Accept), ("drop", Action::Drop)] {
        let test = only(&format!(r#"{{"packet": "udp from  :53", "verdict": "{verdict}", "comment": "x"}}"#));
        let Claim::Packet(expectation) = test.claim else { panic!("{test:?}") };
        assert_eq!((expectation.verdict, expectation.deciders), (Some(expected), None));
        assert_eq!(Ok(expectation.packet), packet::parse("udp from :53"));
        assert_eq!((test.name, test.text.as_str()), (None, "udp from :53"));
    }
}

#[test]
fn a_list_that_only_a_test_names_gets_no_warning() {
    for (name, warnings) in [("a", 0), ("b", 1)] {
        let text = format!(
            r#"{{"ManifestPassthrough": {{"firewall": {{"tests": ["never from @{name}"],
                "rules": [{{"ip": {{"src": "@b"}}}}], "lists": {{"a": [], "b": []}}}}}}}}"#
        );
        assert_eq!(config::parse(&text).expect("right").1.len(), warnings, "{name}");
    }
}

/// Pieces that properties are made of, right and wrong.
const PIECES: [&str; 36] = [
    "only",
    "never",
    "always",
    " ",
    " ",
    " ",
    ", ",
    ",",
    "tcp",
    "udp",
    "icmp",
    "icmp6",
    "ip",
    "ip6",
    "proto",
    "port",
    "from",
    "to",
    "type",
    "code",
    "fragments",
    "not ",
    "!",
    "@office",
    "@",
    "10.0.0.0/8",
    "fe80::/10",
    "[",
    "]",
    ":",
    "8080",
    "80-",
    "/",
    "é\u{2003}",
    "echo-request",
    "everything",
];

#[test]
fn whatever_is_written_is_read_or_refused_where_it_stands() {
    let (mut read, mut refused) = (0, 0);
    for seed in 0..30_000_u64 {
        let choices = policy::generate::noise::bytes(seed, 14);
        let pieces = choices.iter().map(|byte| PIECES[usize::from(*byte) % PIECES.len()]);
        // Words stand apart more often than not.
        let space = if seed % 3 == 0 { "" } else { " " };
        let kind = ["", "only tcp ", "never from "][seed as usize % 7 % 3];
        let words = format!("{kind}{}", pieces.take(1 + seed as usize % 12).collect::<Vec<_>>().join(space));
        let text = format!(
            r#"{{"ManifestPassthrough": {{"firewall": {{"tests": ["{words}"], "rules": [{{}}], "lists": {{"office": []}}}}}}}}"#
        );
        match config::parse(&text) {
            Ok((config, _)) => {
                read += 1;
                let Claim::Property(property) = &config.tests[0].claim else { panic!("{words}") };
                assert!(property.packets.iter().all(|rule| words.contains(&text[rule.span.clone()])), "{words}");
            }
            Err(errors) => {
                refused += 1;
                let [error] = errors.as_slice() else { panic!("{words}: {errors:?}") };
                let start = text.find("[\"").expect("the tests") + 2;
                assert!(error.span.start >= start && error.span.end <= start + words.len() + 1, "{words}: {error:?}");
                assert!(text.get(error.span.clone()).is_some_and(|part| !part.is_empty()), "{words}: {error:?}");
            }
        }
    }
    assert!(read > 100 && refused > 1000, "{read} read, {refused} refused");
}
