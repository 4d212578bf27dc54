//! Lints: what is told, word for word, and that it is so.
//!
//! `tests/lint/NAME.json` is told of the lint `NAME`, as the file beside it says; `NAME.not.json` nearly is, and is not.
//! `SNAPSHOTS=overwrite cargo test -p policy --test lints` writes the `.txt` files anew; read them before they are committed.
use firewall::{Action, Matched, Packet};
use policy::config::{Config, parse};
use policy::diagnostic::{Lines, render};
use policy::generate::noise::bytes as noise;
use policy::generate::{Traffic, packets, policy_and_frames};
use policy::lint::{Finding, Forward, Lint, Setting, UserNetwork, examine};
use policy::policy::{Policy, Rule};
use policy::reference::decide;
use proptest::collection::vec;
use proptest::prelude::*;
use snapbox::{Assert, Data};
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lint")
}

/// Ports as the cases have them: `80`, `8000-8003`, `5353:53`.
fn ports(text: &str) -> Vec<u16> {
    let guest = text.rsplit(':').next().expect("a port");
    let (first, last) = guest.split_once('-').unwrap_or((guest, guest));
    (first.parse().expect("a port")..=last.parse().expect("a port")).collect()
}

fn setting(config: &Config) -> Setting {
    let run = &config.run;
    let forward = |is_udp: bool| {
        move |(written, span): (&String, &std::ops::Range<usize>)| Forward {
            written: written.clone(),
            span: Some(span.clone()),
            is_udp,
            ports: ports(written),
        }
    };
    let tcp = run.ports.iter().zip(&run.port_spans).map(forward(false));
    let udp = run.udp_ports.iter().zip(&run.udp_port_spans).map(forward(true));
    let forwards = tcp.chain(udp).collect();
    Setting { user_network: Some(UserNetwork::default()), has_static_address: run.ip_address.is_some(), forwards }
}

/// What a case is told.
fn told(name: &str) -> (String, Config, Vec<Finding>) {
    let text = std::fs::read_to_string(folder().join(name)).expect("a case");
    let (config, warnings) = parse(&text).expect("a case is valid");
    assert!(warnings.is_empty(), "{name}");
    let found = examine(&config, &text, &setting(&config), &mut ());
    assert_eq!(found.not_done, None);
    (text, config, found.findings)
}

#[test]
fn every_lint_is_told_as_its_text_file_says() {
    let assert = Assert::new().normalize_paths(false).action_env("SNAPSHOTS");
    let mut differing = Vec::new();
    for lint in Lint::ALL {
        let name = format!("{lint}.json");
        let (text, _, findings) = told(&name);
        assert!(findings.iter().any(|finding| finding.lint == lint), "{lint}: {findings:?}");
        let drawn = render(&name, &text, findings, false);
        let expected = Data::read_from(&folder().join(format!("{lint}.txt")), None);
        differing.extend(assert.try_eq(Some(&name), drawn.into(), expected).err().map(|error| error.to_string()));
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn what_is_nearly_a_lint_is_none() {
    for lint in Lint::ALL {
        let (.., findings) = told(&format!("{lint}.not.json"));
        assert!(findings.iter().all(|finding| finding.lint != lint), "{lint}: {findings:?}");
    }
}

#[test]
fn a_lint_is_silenced_for_the_policy_and_for_the_rule_it_is_about() {
    for lint in Lint::ALL {
        let (text, config, findings) = told(&format!("{lint}.json"));
        let setting = setting(&config);
        let left = |config: &Config| {
            examine(config, &text, &setting, &mut ()).findings.into_iter().filter(|one| one.lint == lint).count()
        };
        let all = Config { allows: vec![lint], ..config.clone() };
        assert_eq!(left(&all), 0, "{lint}");
        for finding in findings.iter().filter(|finding| finding.lint == lint) {
            let Some(rule) = finding.rules.first() else { continue };
            let mut one = config.clone();
            one.rule_allows[*rule].push(lint);
            assert!(left(&one) < left(&config), "{lint}");
        }
    }
}

/// The text with the rules added that a finding says are to be; `None` if it says something else.
fn mended(text: &str, config: &Config, help: &str) -> Option<String> {
    let (place, rules) = help.split_once("add ")?.1.split_once(": ")?;
    let written = &config.policy.as_ref()?.rules;
    let (at, added) = match place.strip_prefix("before rule ") {
        Some(rule) => {
            let number: usize = rule.split(' ').next()?.parse().ok()?;
            (written[number - 1].span.start, format!("{rules}, "))
        }
        None => (written.last()?.span.end, format!(", {rules}")),
    };
    let mut mended = text.to_string();
    mended.insert_str(at, &added);
    Some(mended)
}

/// Policies whose earlier rules drop some of what is needed for a reason.
const BLOCKING: [&str; 3] = [
    r#"{"RunConfig": {"Ports": ["8080"]}, "ManifestPassthrough": {"firewall": {
  "lists": {"block": ["203.0.113.0/24", "192.0.2.0/24", "2001:db8::/32", "fe80::/64"]},
  "rules": [{"ip": {"src": "@block"}}, {"ip6": {"src": "@block"}}, {"tcp": {"dest": 8080}, "action": "accept"}, {}]}}}"#,
    r#"{"ManifestPassthrough": {"firewall": {
  "rules": [{"ip": {}}, {"ip6": {"src": "2001:db8::/32"}}, {"ip6": {}, "tcp": {"dest": 80}, "action": "accept"}, {}]}}}"#,
    r#"{"RunConfig": {"Ports": ["22"]}, "ManifestPassthrough": {"firewall": {"default": "drop",
  "rules": [{"ip": {"src": "203.0.113.0/24"}}, {"ip": {"src": "192.0.2.0/24"}, "tcp": {"dest": 22}, "action": "accept"}]}}}"#,
];

#[test]
fn rules_that_are_to_be_added_mend_what_is_told() {
    let cases = Lint::ALL.map(|lint| std::fs::read_to_string(folder().join(format!("{lint}.json"))).expect("a case"));
    let mut added = 0;
    for text in cases.iter().map(String::as_str).chain(BLOCKING) {
        let (config, _) = parse(text).expect("a case is valid");
        let told = |config: &Config, text: &str| examine(config, text, &setting(config), &mut ()).findings;
        for finding in told(&config, text) {
            let Some(mended) = finding.help.as_deref().and_then(|help| mended(text, &config, help)) else { continue };
            let (better, _) = parse(&mended).expect("what is to be added can be pasted");
            let titles: Vec<String> = told(&better, &mended).into_iter().map(|finding| finding.title).collect();
            assert!(!titles.contains(&finding.title), "{mended}\n{titles:?}");
            added += 1;
        }
    }
    assert!(added > 25, "{added}");
}

#[test]
fn what_is_added_stays_behind_rules_against_addresses() {
    let [text, ..] = BLOCKING;
    let (config, _) = parse(text).expect("a case is valid");
    let findings = examine(&config, text, &setting(&config), &mut ()).findings;
    let needed =
        [Lint::DropsNeighbourDiscovery, Lint::DropsRouterAdvertisements, Lint::DropsPathMtu, Lint::DropsReplies];
    for lint in needed {
        let finding = findings.iter().find(|finding| finding.lint == lint).expect("it is told");
        assert!(finding.help.as_ref().is_some_and(|help| help.contains("add before rule 4 ")), "{finding:?}");
        assert_eq!(finding.rules, [3], "{lint}");
    }
}

#[test]
fn a_port_for_some_is_not_opened_to_all() {
    let [.., text] = BLOCKING;
    let (config, _) = parse(text).expect("a case is valid");
    let findings = examine(&config, text, &setting(&config), &mut ()).findings;
    let help = |lint| findings.iter().find(|finding| finding.lint == lint).and_then(|finding| finding.help.clone());
    let forwarded = help(Lint::ForwardedPortDropped).expect("it is told");
    assert!(
        forwarded.ends_with(r#": {"ip": {"src": "10.0.2.2"}, "tcp": {"dest": 22}, "action": "accept"}"#),
        "{forwarded}"
    );
    let text = text.replace(r#"["22"]"#, r#"["80"]"#);
    let (config, _) = parse(&text).expect("a case is valid");
    let findings = examine(&config, &text, &setting(&config), &mut ()).findings;
    let open = findings.iter().find(|finding| finding.lint == Lint::OpenPortNotForwarded).expect("it is told");
    let expected = "add \"22\" to `Ports` and let it in from 10.0.2.2, where what is forwarded comes from, or remove it from the rule";
    assert_eq!(open.help.as_deref(), Some(expected));
}

/// A policy as if it stood in a file.
fn config(policy: Policy) -> Config {
    let rule_allows = vec![Vec::new(); policy.rules.len()];
    Config { policy: Some(policy), rule_allows, ..Config::default() }
}

fn without(policy: &Policy, gone: usize) -> Policy {
    let rules: Vec<Rule> = policy.rules.clone();
    let left = rules.into_iter().enumerate().filter(|(number, _)| *number != gone).map(|(_, rule)| rule);
    Policy { rules: left.collect(), ..policy.clone() }
}

/// Holds what is said of a policy against the naive interpreter.
fn holds(policy: &Policy, finding: &Finding, packets: &[Packet]) -> Result<(), String> {
    if let Some((packet, action)) = &finding.witness
        && decide(policy, packet).action != *action
    {
        return Err(format!("the witness {packet:?} is not {action:?}"));
    }
    let rule = finding.rules.first().copied();
    for packet in packets {
        let decision = decide(policy, packet);
        let is_decided = rule.is_some_and(|rule| decision.cause == Matched::Rule(rule as u32));
        let is_true = match finding.lint {
            Lint::Shadowed | Lint::Empty => !is_decided,
            Lint::Redundant => {
                let rest = without(policy, rule.unwrap_or_default());
                decide(&rest, packet).action == decision.action
            }
            Lint::OpensEverything => decision.action == Action::Accept,
            Lint::DropsDhcp => {
                let is_one = packet.source.is_ipv4()
                    && packet.protocol == 17
                    && packet.ports.is_some_and(|ports| ports.source == 67 && ports.destination == 68);
                !is_one || finding.title.contains(" from ") || decision.action == Action::Drop
            }
            Lint::DropsNeighbourDiscovery => {
                let is_one = |kind: u8| {
                    let of_kind = packet.icmp.is_some_and(|icmp| icmp.message_type == kind);
                    of_kind && packet.source.is_ipv6()
                };
                let told = |name: &str| finding.title.contains(name);
                let told = is_one(135) && told("solicitation") || is_one(136) && told("neighbour advertisement");
                !told || decision.action == Action::Drop
            }
            _ => true,
        };
        if !is_true {
            return Err(format!("{} is not so of {packet:?}", finding.title));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(384))]

    #[test]
    fn what_is_said_of_a_policy_is_so(bytes in vec(any::<u8>(), 0..2500)) {
        let (policy, frames) = policy_and_frames(&bytes, 64, Traffic::Any).expect("a policy and frames");
        let packets = packets(&frames);
        let setting = Setting { user_network: Some(UserNetwork::default()), ..Setting::default() };
        let found = examine(&config(policy.clone()), "", &setting, &mut ());
        prop_assert_eq!(found.not_done, None);
        for finding in &found.findings {
            holds(&policy, finding, &packets).map_err(TestCaseError::fail)?;
        }
    }
}

/// What is generated must be told enough of, or the property above says nothing.
#[test]
fn generated_policies_are_told_of_most_lints() {
    let mut counts = [0; Lint::ALL.len()];
    let setting = Setting { user_network: Some(UserNetwork::default()), ..Setting::default() };
    for seed in 0..400 {
        let (policy, _) = policy_and_frames(&noise(seed, 2500), 1, Traffic::Any).expect("a policy");
        for finding in examine(&config(policy), "", &setting, &mut ()).findings {
            counts[finding.lint as usize] += 1;
        }
    }
    let seen = |lint: Lint| counts[lint as usize];
    for lint in [Lint::Shadowed, Lint::Empty, Lint::Redundant, Lint::DropsDhcp, Lint::DropsReplies, Lint::NoFinalDrop] {
        assert!(seen(lint) > 10, "{lint}: {counts:?}");
    }
}

#[test]
fn places_are_lines_and_columns_in_characters() {
    let lines = Lines::new("\u{feff}ab\n\u{fc}x\n\n");
    let places = [3, 4, 6, 8, 9, 10, 99].map(|at| lines.place(at));
    assert_eq!(places, [(1, 1), (1, 2), (2, 1), (2, 2), (2, 3), (3, 1), (4, 1)]);
}
