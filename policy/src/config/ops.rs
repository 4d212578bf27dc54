//! The keys of an `ops` configuration: what is honoured is read, what `ops` knows besides gets a warning.
use core::net::Ipv4Addr;

use super::error::{Error, ErrorKind, Expected, Fault, WarningKind};
use super::json::{Json, Kind, Member};
use super::keys::{RUN, RUN_NOT_ACTED_ON, TOP, TOP_NOT_ACTED_ON};
use super::lists::Names;
use super::places::Places;
use super::reader::Reader;
use super::{Config, Load, RunConfig, label, resolve, suggest, test, value, written};
use crate::diagnostic::Span;
use crate::policy::{Action, Policy};
use crate::progress::Observer;

/// Where a policy stands, for whoever put it elsewhere.
const PASSTHROUGH: &str = "`ManifestPassthrough`";
const FIREWALL: &str = "`firewall` in `ManifestPassthrough`";

/// The names of `Klibs`, wherever they stand.
type Klibs = Vec<(String, Span)>;

/// Reads the whole file.
pub(super) fn config(
    reader: &mut Reader,
    text: &str,
    root: &Json,
    load: &mut Load,
    observer: &mut dyn Observer,
) -> Config {
    let mut config = Config::default();
    let mut klibs = Klibs::new();
    for member in reader.object(root, "the configuration") {
        let value = &member.value;
        match member.key.as_str() {
            "Args" => config.args = reader.strings(value, "`Args`"),
            "Env" => config.env = environment(reader, value),
            "Files" => config.files = reader.strings(value, "`Files`"),
            "Dirs" => config.dirs = reader.strings(value, "`Dirs`"),
            "MapDirs" => config.map_dirs = reader.map(value, "`MapDirs`"),
            "Program" => config.program = reader.string(value, "`Program`"),
            "Klibs" => klibs.extend(names(reader, value)),
            "ManifestPassthrough" => passthrough(reader, text, value, &mut config, load, observer),
            "RunConfig" => config.run = run(reader, value, &mut klibs),
            _ => other(reader, member, "the configuration", TOP, TOP_NOT_ACTED_ON),
        }
    }
    check_klibs(reader, &klibs, root);
    config
}

fn run(reader: &mut Reader, json: &Json, klibs: &mut Klibs) -> RunConfig {
    let mut run = RunConfig::default();
    let members = reader.object(json, "`RunConfig`");
    check_address(reader, members);
    for member in members {
        let value = &member.value;
        match member.key.as_str() {
            "Klibs" => klibs.extend(names(reader, value)),
            "Ports" => (run.ports, run.port_spans) = ports(reader, value, "`Ports`"),
            "UDPPorts" => (run.udp_ports, run.udp_port_spans) = ports(reader, value, "`UDPPorts`"),
            "Memory" => run.memory = parsed(reader, value, "`Memory`", Expected::Memory, value::memory),
            "CPUs" => run.cpus = parsed(reader, value, "`CPUs`", Expected::Cpus, value::cpus),
            "IPAddress" => run.ip_address = address(reader, value, "`IPAddress`"),
            "NetMask" => run.netmask = parsed(reader, value, "`NetMask`", Expected::NetMask, value::net_mask),
            "Gateway" => run.gateway = address(reader, value, "`Gateway`"),
            "TapName" => run.tap_name = reader.string(value, "`TapName`"),
            "Accel" => run.accel = reader.boolean(value, "`Accel`"),
            "Verbose" => run.verbose = reader.boolean(value, "`Verbose`").unwrap_or_default(),
            _ => other(reader, member, "`RunConfig`", RUN, RUN_NOT_ACTED_ON),
        }
    }
    run
}

/// A mask or a router says nothing about a machine that gets its address by DHCP.
fn check_address(reader: &mut Reader, members: &[Member]) {
    if members.iter().any(|member| member.key == "IPAddress") {
        return;
    }
    for member in members.iter().filter(|member| matches!(member.key.as_str(), "NetMask" | "Gateway")) {
        let message = format!("`{}` without `IPAddress`", member.key);
        reader.errors.push(Error::refused(member.key_span.clone(), message, "`IPAddress` beside it"));
    }
}

/// A key that is not honoured: `ops` knows it, or it is a policy in the wrong place, or nobody knows it.
fn other(
    reader: &mut Reader,
    member: &Member,
    place: &'static str,
    known: &'static [&'static str],
    passed_over: &'static [&'static str],
) {
    if passed_over.contains(&member.key.as_str()) {
        reader.warning(&member.key_span, WarningKind::NotActedOn { key: member.key.clone(), place });
    } else if let Some((key, belongs)) = elsewhere(&member.key) {
        reader.error(&member.key_span, ErrorKind::Misplaced { key, place, belongs });
    } else {
        let key = member.key.clone();
        reader.error(&member.key_span, ErrorKind::UnknownKey { key, place, known, passed_over });
    }
}

/// Parts of a policy, and keys of the one object that stand in the other.
fn elsewhere(key: &str) -> Option<(&'static str, &'static str)> {
    let belongs = |known: &[&'static str], place| find(known, key).map(|key| (key, place));
    belongs(&["firewall"], PASSTHROUGH)
        .or_else(|| part_of_policy(key).map(|key| (key, FIREWALL)))
        .or_else(|| belongs(RUN, "`RunConfig`"))
        .or_else(|| belongs(TOP, "the configuration itself"))
}

fn part_of_policy(key: &str) -> Option<&'static str> {
    find(written::FIREWALL, key).or_else(|| find(written::FIREWALL_NOT_BUILT, key))
}

fn find(known: &[&'static str], key: &str) -> Option<&'static str> {
    known.iter().copied().find(|name| *name == key)
}

/// Its keys are the kernel's of Nanos, without end; only `firewall` is ours, and what is nearly `firewall` is refused.
fn passthrough(
    reader: &mut Reader,
    text: &str,
    json: &Json,
    config: &mut Config,
    load: &mut Load,
    observer: &mut dyn Observer,
) {
    for member in reader.object(json, PASSTHROUGH) {
        let key = member.key.clone();
        if key == "firewall" {
            let written = written::firewall(reader, &member.value);
            let mut names = Names::new(written.lists.iter().map(|list| list.name.as_str()));
            let policy = resolve::policy(reader, &written, &mut names, load, observer);
            config.tests = test::resolve(reader, text, &written, &mut names);
            for list in names.unused().filter_map(|number| written.lists.get(number)) {
                reader.warning(&list.name_span, WarningKind::UnusedList { name: list.name.clone() });
            }
            config.plain_rules = written.rules.iter().map(written::Rule::is_plain).collect();
            config.rule_allows = written.rules.iter().map(|rule| rule.allow.clone()).collect();
            config.places = places(reader, &written, &member.key_span);
            config.rule_labels = written.rules.iter().map(|rule| label::of(rule, text)).collect();
            config.allows = written.allow;
            warn_if_open(reader, &policy, &member.key_span);
            config.policy = Some(policy);
        } else if let Some(key) = part_of_policy(&key) {
            reader.error(&member.key_span, ErrorKind::Misplaced { key, place: PASSTHROUGH, belongs: FIREWALL });
        } else if key.len() < 20 && suggest::distance(&key, "firewall") <= 2 {
            reader.error(&member.key_span, ErrorKind::NearFirewall { key });
        } else {
            reader.warning(&member.key_span, WarningKind::NotActedOn { key, place: PASSTHROUGH });
        }
    }
}

fn places(reader: &mut Reader, written: &written::Firewall, key: &Span) -> Places {
    Places {
        firewall: key.clone(),
        rules: written.rules_span.clone(),
        default: written.default.as_ref().map(|word| word.span.clone()),
        host_bits: core::mem::take(&mut reader.host_bits),
    }
}

fn warn_if_open(reader: &mut Reader, policy: &Policy, span: &Span) {
    if policy.rules.is_empty() && policy.default == Action::Accept {
        reader.warning(span, WarningKind::AcceptsAll);
    }
}

fn names(reader: &mut Reader, json: &Json) -> Klibs {
    let values = reader.array(json, "`Klibs`");
    values.iter().filter_map(|value| Some((reader.string(value, "a member of `Klibs`")?, value.span.clone()))).collect()
}

fn check_klibs(reader: &mut Reader, klibs: &Klibs, root: &Json) {
    let has_policy = has_firewall(root);
    for (name, span) in klibs {
        if name != "firewall" {
            reader.warning(span, WarningKind::OtherKlib { name: name.clone() });
        } else if !has_policy {
            reader.error(span, ErrorKind::KlibWithoutPolicy);
        }
    }
}

/// Whether there is one, right or wrong.
fn has_firewall(root: &Json) -> bool {
    member(root, "ManifestPassthrough").is_some_and(|json| member(json, "firewall").is_some())
}

fn member<'a>(json: &'a Json, key: &str) -> Option<&'a Json> {
    let Kind::Object(members) = &json.kind else { return None };
    members.iter().find(|member| member.key == key).map(|member| &member.value)
}

fn environment(reader: &mut Reader, json: &Json) -> Vec<(String, String)> {
    let entries = reader.map(json, "`Env`");
    let Kind::Object(members) = &json.kind else { return entries };
    for member in members {
        let fault = match member.key.as_str() {
            "" => Fault::Empty,
            key if key.contains('=') => Fault::EqualsSign,
            _ => continue,
        };
        let text = member.key.clone();
        reader.error(&member.key_span, ErrorKind::Value { expected: Expected::VariableName, text, fault });
    }
    entries
}

fn ports(reader: &mut Reader, json: &Json, what: &str) -> (Vec<String>, Vec<Span>) {
    let values = reader.array(json, what).iter();
    let member = format!("a member of {what}");
    values.filter_map(|value| Some((reader.string_or_number(value, &member)?, value.span.clone()))).unzip()
}

fn address(reader: &mut Reader, json: &Json, what: &str) -> Option<Ipv4Addr> {
    parsed(reader, json, what, Expected::Ipv4Address, value::ipv4_address)
}

fn parsed<T>(
    reader: &mut Reader,
    json: &Json,
    what: &str,
    expected: Expected,
    parse: fn(&str) -> Result<T, Fault>,
) -> Option<T> {
    let text = reader.string_or_number(json, what)?;
    match parse(&text) {
        Ok(value) => Some(value),
        Err(fault) => {
            reader.error(&json.span, ErrorKind::Value { expected, text, fault });
            None
        }
    }
}
