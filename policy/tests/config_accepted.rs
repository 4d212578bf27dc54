//! What is right, down to the edge of what is wrong.
use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;

use policy::config::{self, Config};
use policy::policy::{Action, Addresses, Member, Messages, Network, Policy, Prefix, Rule, Transport, Values};

fn parse(text: &str) -> Config {
    match config::parse(text) {
        Ok((config, _)) => config,
        Err(errors) => panic!("{}", policy::diagnostic::render("test.json", text, errors, false)),
    }
}

fn rules(rules: &str) -> Vec<Rule> {
    let text = format!("{{\"ManifestPassthrough\": {{\"firewall\": {{\"rules\": [{rules}]}}}}}}");
    parse(&text).policy.expect("a policy").rules
}

fn only(rule: &str) -> Rule {
    let mut rules = rules(rule);
    assert_eq!(rules.len(), 1);
    rules.remove(0)
}

fn ports(value: &str) -> Values<RangeInclusive<u16>> {
    match only(&format!("{{\"tcp\": {{\"dest\": {value}}}}}")).transport {
        Some(Transport::Tcp(tcp)) => tcp.destination.expect("ports"),
        other => panic!("{other:?}"),
    }
}

fn ipv4(members: &str) -> Addresses<Prefix<Ipv4Addr>> {
    match only(&format!("{{\"ip\": {{{members}}}}}")).network {
        Some(Network::Ipv4(addresses)) => addresses,
        other => panic!("{other:?}"),
    }
}

fn ipv6(members: &str) -> Addresses<Prefix<Ipv6Addr>> {
    match only(&format!("{{\"ip6\": {{{members}}}}}")).network {
        Some(Network::Ipv6(addresses)) => addresses,
        other => panic!("{other:?}"),
    }
}

fn any<T>(members: impl IntoIterator<Item = T>) -> Values<T> {
    Values { negated: false, members: members.into_iter().collect() }
}

fn none_of<T>(members: impl IntoIterator<Item = T>) -> Values<T> {
    Values { negated: true, members: members.into_iter().collect() }
}

#[test]
fn ports_stand_as_numbers_strings_ranges_and_arrays() {
    for (written, expected) in [
        ("0", any([0..=0])),
        ("65535", any([65535..=65535])),
        ("\"8080\"", any([8080..=8080])),
        ("8080", any([8080..=8080])),
        ("\"!22\"", none_of([22..=22])),
        ("\"8000-8010\"", any([8000..=8010])),
        ("\"8000-8000\"", any([8000..=8000])),
        ("\"0-65535\"", any([0..=65535])),
        ("\"!8000-8010\"", none_of([8000..=8010])),
        ("[80]", any([80..=80])),
        ("[80, \"443\", \"8000-8010\"]", any([80..=80, 443..=443, 8000..=8010])),
        ("[\"!80\", \"!443\"]", none_of([80..=80, 443..=443])),
    ] {
        assert_eq!(ports(written), expected, "{written}");
    }
}

#[test]
fn ipv4_addresses_lose_the_host_part_under_their_mask() {
    for (written, [a, b, c, d], length) in [
        ("10.0.2.2", [10, 0, 2, 2], 32),
        ("10.0.2.2/32", [10, 0, 2, 2], 32),
        ("10.0.2.3/31", [10, 0, 2, 2], 31),
        ("10.0.2.2/24", [10, 0, 2, 0], 24),
        ("255.255.255.255/1", [128, 0, 0, 0], 1),
        ("255.255.255.255/0", [0, 0, 0, 0], 0),
    ] {
        let expected = any([Member::Prefix(Prefix { address: Ipv4Addr::new(a, b, c, d), length })]);
        assert_eq!(ipv4(&format!("\"src\": \"{written}\"")).source, Some(expected), "{written}");
    }
}

#[test]
fn ipv6_addresses_stand_in_every_form() {
    for (written, expected, length) in [
        ("FE80::FF:7762", "fe80::ff:7762", 128),
        ("::", "::", 128),
        ("::/0", "::", 0),
        ("ffff::/1", "8000::", 1),
        ("fe80::/60", "fe80::", 60),
        ("1:2:3:4:5:6:7:8/127", "1:2:3:4:5:6:7:8", 127),
        ("1:2:3:4:5:6:7:9/127", "1:2:3:4:5:6:7:8", 127),
        ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0", 128),
        ("::ffff:1.2.3.4", "::ffff:102:304", 128),
    ] {
        let address = expected.parse().expect("an address");
        let expected = any([Member::Prefix(Prefix { address, length })]);
        assert_eq!(ipv6(&format!("\"dest\": \"{written}\"")).destination, Some(expected), "{written}");
    }
}

#[test]
fn an_array_of_negations_is_none_of_them() {
    let of = |d| Member::Prefix(Prefix { address: Ipv4Addr::new(10, 0, 2, d), length: 32 });
    let addresses = ipv4("\"src\": [\"!10.0.2.2\", \"!10.0.2.3\"], \"dest\": [\"10.0.2.4\"]");
    assert_eq!(addresses.source, Some(none_of([of(2), of(3)])));
    assert_eq!(addresses.destination, Some(any([of(4)])));
}

#[test]
fn fragment_is_y_or_n() {
    assert_eq!(ipv4("\"fragment\": \"y\"").fragment, Some(true));
    assert_eq!(ipv6("\"fragment\": \"n\"").fragment, Some(false));
    assert_eq!(ipv4("").fragment, None);
}

#[test]
fn protocols_stand_as_numbers_and_names() {
    for (written, expected) in [
        ("0", any([0..=0])),
        ("255", any([255..=255])),
        ("\"tcp\"", any([6..=6])),
        ("\"UDP\"", any([17..=17])),
        ("\"icmp\"", any([1..=1])),
        ("[\"icmp6\", \"ipv6-icmp\", \"icmpv6\"]", any([58..=58, 58..=58, 58..=58])),
        ("[\"!tcp\", \"!17\"]", none_of([6..=6, 17..=17])),
    ] {
        assert_eq!(ipv6(&format!("\"proto\": {written}")).protocol, Some(expected), "{written}");
    }
}

#[test]
fn types_and_codes_of_icmp_stand_as_numbers_strings_and_arrays() {
    let of = |members: &str| match only(&format!("{{\"icmp\": {{{members}}}}}")).transport {
        Some(Transport::Icmp(messages)) => (messages.message_type, messages.code),
        other => panic!("{other:?}"),
    };
    assert_eq!(of(""), (None, None));
    assert_eq!(of("\"type\": \"8\", \"code\": \"0\""), (Some(any([8])), Some(any([0]))));
    assert_eq!(of("\"type\": 255"), (Some(any([255])), None));
    assert_eq!(of("\"code\": \"!255\""), (None, Some(none_of([255]))));
    assert_eq!(of("\"type\": [0, \"8\"]"), (Some(any([0, 8])), None));
    assert_eq!(of("\"type\": [\"!0\", \"!8\"]"), (Some(none_of([0, 8])), None));
    let neighbours = Messages { message_type: Some(any([135, 136])), code: None };
    assert_eq!(only("{\"icmp6\": {\"type\": [135, 136]}}").transport, Some(Transport::Icmp6(neighbours)));
}

#[test]
fn icmp_stands_with_ip_and_icmp6_with_ip6_and_either_with_a_protocol() {
    assert_eq!(
        rules("{\"ip\": {\"proto\": 1}, \"icmp\": {}}, {\"icmp6\": {}, \"ip6\": {\"proto\": \"!tcp\"}}").len(),
        2
    );
}

#[test]
fn a_rule_without_an_action_drops() {
    assert_eq!(only("{}").action, Action::Drop);
    assert_eq!(only("{\"action\": \"accept\"}").action, Action::Accept);
    assert_eq!(only("{\"action\": \"drop\"}").action, Action::Drop);
}

#[test]
fn the_default_is_to_accept_unless_written() {
    let default = |text: &str| {
        let text = format!("{{\"ManifestPassthrough\": {{\"firewall\": {{{text}}}}}}}");
        parse(&text).policy.expect("a policy").default
    };
    assert_eq!(default(""), Action::Accept);
    assert_eq!(default("\"default\": \"accept\""), Action::Accept);
    assert_eq!(default("\"default\": \"drop\""), Action::Drop);
}

#[test]
fn ip_stands_with_tcp_and_ip6_with_udp() {
    assert_eq!(rules("{\"ip\": {}, \"tcp\": {}}, {\"udp\": {}, \"ip6\": {}}").len(), 2);
}

#[test]
fn no_firewall_object_is_no_policy() {
    assert_eq!(parse("{}").policy, None);
    assert_eq!(parse("{\"ManifestPassthrough\": {}}").policy, None);
}

#[test]
fn a_policy_holds_without_klibs_and_with_them_anywhere() {
    let firewall = "\"ManifestPassthrough\": {\"firewall\": {\"rules\": [{}]}}";
    let klibs = "\"Klibs\": [\"firewall\"]";
    for text in [
        format!("{{{firewall}}}"),
        format!("{{{firewall}, {klibs}}}"),
        format!("{{{klibs}, {firewall}}}"),
        format!("{{{firewall}, \"RunConfig\": {{{klibs}}}}}"),
    ] {
        let (config, warnings) = config::parse(&text).expect("a configuration");
        assert!(config.policy.is_some() && warnings.is_empty(), "{text}");
    }
}

#[test]
fn a_label_is_the_rule_on_one_line_or_its_name() {
    let text = r#"{"ManifestPassthrough": {"firewall": {"rules": [
        {
          "tcp": {"dest":   "8080"},
          "comment": "a  \" b",
          "action": "accept"
        },
        {"name": "no ping", "ip": {"proto": "icmp"}},
        {"name": "  "},
        {"name": "a\u001b[31m\nb"}
    ]}}}"#;
    let expected = [
        r#"{ "tcp": {"dest": "8080"}, "comment": "a  \" b", "action": "accept" }"#,
        "no ping",
        r#"{"name": " "}"#,
        "a\u{fffd}[31m\u{fffd}b",
    ];
    let labels = parse(text).rule_labels;
    assert_eq!(labels[0], expected[0]);
    assert_eq!(labels[1], expected[1]);
    assert_eq!(labels[2], r#"{"name": "  "}"#);
    assert_eq!(labels[3], expected[3]);
}

#[test]
fn a_span_is_the_rule_in_the_file_even_after_a_byte_order_mark() {
    let text = "\u{feff}{\"ManifestPassthrough\": {\"firewall\": {\"rules\": [{}, {\"name\": \"é\"}]}}}";
    let rules = parse(text).policy.expect("a policy").rules;
    assert_eq!(&text[rules[0].span.clone()], "{}");
    assert_eq!(&text[rules[1].span.clone()], "{\"name\": \"é\"}");
}

#[test]
fn the_keys_of_ops_are_read() {
    let config = parse(
        r#"{
          "Args": ["-p", "8080"],
          "Env": {"B": "2", "A": "1=1", "EMPTY": ""},
          "Files": ["/etc/passwd"],
          "Dirs": ["static"],
          "MapDirs": {"src/*": "/app"},
          "Program": "g",
          "RunConfig": {
            "Ports": ["80", 8080, "9000:8080"],
            "UDPPorts": [53],
            "Memory": "512m",
            "IPAddress": "10.0.2.15",
            "NetMask": "255.255.255.0",
            "Gateway": "10.0.2.2",
            "TapName": "tap0",
            "CPUs": 2,
            "Accel": false,
            "Verbose": true
          }
        }"#,
    );
    let pair = |a: &str, b: &str| (a.to_string(), b.to_string());
    assert_eq!(config.args, ["-p", "8080"]);
    assert_eq!(config.env, [pair("B", "2"), pair("A", "1=1"), pair("EMPTY", "")]);
    assert_eq!(config.files, ["/etc/passwd"]);
    assert_eq!(config.dirs, ["static"]);
    assert_eq!(config.map_dirs, [pair("src/*", "/app")]);
    assert_eq!(config.program.as_deref(), Some("g"));
    assert_eq!(config.run.ports, ["80", "8080", "9000:8080"]);
    assert_eq!(config.run.udp_ports, ["53"]);
    assert_eq!(config.run.memory, Some(512 << 20));
    assert_eq!(config.run.cpus, Some(2));
    assert_eq!(config.run.ip_address, Some(Ipv4Addr::new(10, 0, 2, 15)));
    assert_eq!(config.run.netmask, Some(Ipv4Addr::new(255, 255, 255, 0)));
    assert_eq!(config.run.gateway, Some(Ipv4Addr::new(10, 0, 2, 2)));
    assert_eq!(config.run.tap_name.as_deref(), Some("tap0"));
    assert_eq!(config.run.accel, Some(false));
    assert!(config.run.verbose);
}

#[test]
fn memory_is_in_mebibytes_unless_it_says_otherwise() {
    for (written, expected) in
        [("\"128\"", 128 << 20), ("128", 128 << 20), ("\"1M\"", 1 << 20), ("\"2g\"", 2 << 30), ("\"2G\"", 2 << 30)]
    {
        let config = parse(&format!("{{\"RunConfig\": {{\"Memory\": {written}}}}}"));
        assert_eq!(config.run.memory, Some(expected), "{written}");
    }
}

#[test]
fn every_contiguous_mask_is_one() {
    for length in 0..=32 {
        let mask = Ipv4Addr::from_bits(u32::MAX.checked_shl(32 - length).unwrap_or(0));
        let config = parse(&format!("{{\"RunConfig\": {{\"IPAddress\": \"10.0.2.15\", \"NetMask\": \"{mask}\"}}}}"));
        assert_eq!(config.run.netmask, Some(mask));
    }
}

#[test]
fn a_klib_other_than_the_firewall_and_a_key_of_nanos_only_warn() {
    let text = "{\"Klibs\": [\"tls\"], \"ManifestPassthrough\": {\"fire\": 1, \"trace\": \"t\"}, \"Version\": \"1\"}";
    let (_, warnings) = config::parse(text).expect("nothing wrong");
    assert_eq!(warnings.len(), 4);
}

#[test]
fn a_key_that_ops_knows_only_warns_and_its_value_is_not_looked_at() {
    for text in [
        "{\"CloudConfig\": null}",
        "{\"TargetConfig\": {\"a\": \"b\"}}",
        "{\"home\": \"/opt/ops\"}",
        "{\"Mounts\": {\"a\": \"/b\"}}",
        "{\"RunConfig\": {\"GPUs\": 2}}",
        "{\"RunConfig\": {\"IPv6Address\": 5}}",
        "{\"RunConfig\": {\"AtExit\": \"x\"}}",
    ] {
        let (config, warnings) = config::parse(text).expect("nothing wrong");
        assert_eq!(config, Config::default(), "{text}");
        assert_eq!(warnings.len(), 1, "{text}");
    }
}

/// The policy of a configuration with these lists and this rule, and with these bytes in every list's file.
fn listed(lists: &str, rule: &str, file: &[u8]) -> Policy {
    let text = format!("{{\"ManifestPassthrough\": {{\"firewall\": {{\"lists\": {lists}, \"rules\": [{rule}]}}}}}}");
    let mut load = |path: &str| if path == "a/b.list" { Ok(file.to_vec()) } else { Err("other".to_string()) };
    match config::parse_with(&text, &mut load, |_| Vec::new()) {
        Ok((config, _)) => config.policy.expect("a policy"),
        Err(errors) => panic!("{}", policy::diagnostic::render("test.json", &text, errors, false)),
    }
}

#[test]
fn a_list_stands_wherever_an_address_may() {
    let policy = listed(
        "{\"a\": [\"10.0.2.2\", \"fe80::/10\", \"10.0.0.0/8\"], \"b-2_x.y\": []}",
        "{\"ip\": {\"src\": \"@a\", \"dest\": [\"!@b-2_x.y\", \"!10.1.2.3\", \"!@a\"]}}",
        b"",
    );
    let [a, b] = policy.lists.as_slice() else { panic!("{:?}", policy.lists) };
    assert_eq!((a.name.as_str(), b.name.as_str()), ("a", "b-2_x.y"));
    assert_eq!(*a.ipv4, [Prefix { address: Ipv4Addr::new(10, 0, 0, 0), length: 8 }]);
    assert_eq!(*a.ipv6, [Prefix { address: Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), length: 10 }]);
    assert!(b.ipv4.is_empty() && b.ipv6.is_empty());
    let Some(Network::Ipv4(asked)) = &policy.rules[0].network else { panic!("{:?}", policy.rules) };
    assert_eq!(asked.source, Some(any([Member::List(0)])));
    let other = Member::Prefix(Prefix { address: Ipv4Addr::new(10, 1, 2, 3), length: 32 });
    assert_eq!(asked.destination, Some(none_of([Member::List(1), other, Member::List(0)])));
}

#[test]
fn a_file_has_an_address_a_line_and_comments() {
    let file = b"\xef\xbb\xbf# head\n10.0.2.2\n\n  10.0.3.0/24\t; SBL1 # x\r\n\r\nfe80::1#\n::/0 ;\n; caf\xe9\n10.0.2.2\n10.9.9.9";
    let policy = listed("{\"a\": {\"file\": \"a/b.list\"}}", "{\"ip6\": {\"dest\": \"@a\"}}", file);
    let of = |a, b, c, d, length| Prefix { address: Ipv4Addr::new(a, b, c, d), length };
    assert_eq!(*policy.lists[0].ipv4, [of(10, 0, 2, 2, 32), of(10, 0, 3, 0, 24), of(10, 9, 9, 9, 32)]);
    assert_eq!(*policy.lists[0].ipv6, [Prefix { address: Ipv6Addr::UNSPECIFIED, length: 0 }]);
}
