//! A policy to the table that the kernel decodes ([`firewall::table`]).
use crate::policy::{Addresses, Member, Messages, Network, Policy, Ports, Rule, Transport, Values};
use crate::progress::{Observer, Phase, Steps};
use core::fmt;
use firewall::linear::{self, Record, Version};
use firewall::lists::LINE;
use firewall::{protocol, table};

pub(crate) mod bits;
mod forest;
pub(crate) mod lists;
pub(crate) mod part;
mod pools;
pub(crate) mod ranges;

use lists::Lists;
pub use lists::ipv4::ipv4_set;
pub use lists::ipv6::ipv6_set;
use pools::Pools;

/// How a policy is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// To decision trees, and a list beside them for the rules that trees can't hold.
    Forest,
    /// To decision trees in less time, which cost a packet more.
    Hasty,
    /// To a list, which is tried from its start.
    Linear,
}

/// An engine's part of a table.
struct Compiled {
    engine: u8,
    body: Vec<u8>,
}

/// Compiles a policy.
///
/// # Errors
/// When it has more rules or values than a table can number, or values that a resolved policy cannot have.
pub fn compile(policy: &Policy) -> Result<Vec<u8>, CompileError> {
    compile_as(policy, Strategy::Forest)
}

/// Compiles a policy in this way.
///
/// # Errors
/// As [`compile`].
pub fn compile_as(policy: &Policy, strategy: Strategy) -> Result<Vec<u8>, CompileError> {
    compile_observed(policy, strategy, &mut ())
}

/// Compiles a policy in this way, and tells how far it is.
///
/// # Errors
/// As [`compile`].
pub fn compile_observed(
    policy: &Policy,
    strategy: Strategy,
    observer: &mut dyn Observer,
) -> Result<Vec<u8>, CompileError> {
    compile_placed(policy, strategy, observer).map(|(table, _)| table)
}

/// As [`compile_observed`], and where in it the lists are.
pub(crate) fn compile_placed(
    policy: &Policy,
    strategy: Strategy,
    observer: &mut dyn Observer,
) -> Result<(Vec<u8>, lists::Placed), CompileError> {
    let mut lists = Lists::new(policy);
    let compiled = engine_part(policy, strategy, &mut lists, observer)?;
    let bytes = lists.bytes().map_err(|_| CompileError::TooLarge)?;
    Ok((assemble(policy, compiled, &bytes)?, lists.into_placed()))
}

/// The rules of a policy, for the engine that this way of compiling chooses.
fn engine_part(
    policy: &Policy,
    strategy: Strategy,
    lists: &mut Lists,
    observer: &mut dyn Observer,
) -> Result<Compiled, CompileError> {
    match strategy {
        Strategy::Forest => forest::compile(policy, lists, true, observer),
        Strategy::Hasty => forest::compile(policy, lists, false, observer),
        Strategy::Linear => list(policy, lists, observer),
    }
}

fn list(policy: &Policy, lists: &mut Lists, observer: &mut dyn Observer) -> Result<Compiled, CompileError> {
    let mut pools = Pools::default();
    let mut steps = Steps::new(observer, Phase::CompilingRules, policy.rules.len());
    let mut rules = Vec::with_capacity(policy.rules.len());
    for (number, rule) in policy.rules.iter().enumerate() {
        rules.push(record(rule, &mut pools, lists).map_err(|error| CompileError::Rule(number, error))?.emit());
        steps.add(1);
    }
    Ok(Compiled { engine: table::engine::LINEAR, body: linear_body(&rules, &pools) })
}

/// Rules and their ranges as the linear engine has them.
fn linear_body(rules: &[linear::Bytes], pools: &Pools) -> Vec<u8> {
    [pools.header().as_slice(), rules.as_flattened().as_flattened(), &pools.bytes()].concat()
}

/// An engine's part and lists as one blob.
fn assemble(policy: &Policy, Compiled { engine, body }: Compiled, lists: &[u8]) -> Result<Vec<u8>, CompileError> {
    let number = |count: usize| u32::try_from(count).map_err(|_| CompileError::TooLarge);
    let end = table::HEADER + body.len();
    let start = if lists.is_empty() { end } else { end.next_multiple_of(LINE) };
    let length = number(start + lists.len() + table::CHECKSUM)?;
    let (rules, part) = (number(policy.rules.len())?, number(body.len())?);
    let mut blob = Vec::with_capacity(start + lists.len() + table::CHECKSUM);
    blob.extend(table::emit_header(engine, policy.default.into(), length, rules, part));
    blob.extend(body);
    blob.resize(start, 0);
    blob.extend(lists);
    blob.extend(table::emit_checksum(&blob));
    Ok(blob)
}

/// A rule as the table has it, its values in the pools.
fn record(rule: &Rule, pools: &mut Pools, lists: &mut Lists) -> Result<Record, ValueError> {
    let mut record = Record::every(rule.action.into());
    match &rule.network {
        None => (),
        Some(Network::Ipv4(asked)) => {
            record.version = Some(Version::V4);
            add_network(&mut record, asked, pools, |pools, values| pools.ipv4(values, lists))?;
        }
        Some(Network::Ipv6(asked)) => {
            record.version = Some(Version::V6);
            add_network(&mut record, asked, pools, |pools, values| pools.ipv6(values, lists))?;
        }
    }
    match &rule.transport {
        None => (),
        Some(Transport::Tcp(asked)) => add_ports(&mut record, protocol::TCP, asked, pools)?,
        Some(Transport::Udp(asked)) => add_ports(&mut record, protocol::UDP, asked, pools)?,
        Some(Transport::Icmp(asked)) => add_messages(&mut record, (Version::V4, protocol::ICMP), asked, pools)?,
        Some(Transport::Icmp6(asked)) => add_messages(&mut record, (Version::V6, protocol::ICMPV6), asked, pools)?,
    }
    Ok(record)
}

fn add_ports(record: &mut Record, protocol: u8, asked: &Ports, pools: &mut Pools) -> Result<(), ValueError> {
    record.transport = Some(protocol);
    record.source_port_or_type = asked.source.as_ref().map(|ports| pools.ports(ports)).transpose()?;
    record.destination_port_or_code = asked.destination.as_ref().map(|ports| pools.ports(ports)).transpose()?;
    Ok(())
}

/// ICMP is a protocol of one version of IP, so that a rule asks for the version too.
fn add_messages(
    record: &mut Record,
    (version, protocol): (Version, u8),
    asked: &Messages,
    pools: &mut Pools,
) -> Result<(), ValueError> {
    if record.version.is_some_and(|other| other != version) {
        return Err(ValueError::IcmpOfOtherVersion);
    }
    record.version = Some(version);
    record.transport = Some(protocol);
    record.source_port_or_type = asked.message_type.as_ref().map(|types| pools.icmp(types)).transpose()?;
    record.destination_port_or_code = asked.code.as_ref().map(|codes| pools.icmp(codes)).transpose()?;
    Ok(())
}

fn add_network<P>(
    record: &mut Record,
    asked: &Addresses<P>,
    pools: &mut Pools,
    mut add: impl FnMut(&mut Pools, &Values<Member<P>>) -> Result<pools::Addresses, ValueError>,
) -> Result<(), ValueError> {
    record.later = asked.fragment;
    if let Some(addresses) = &asked.source {
        let added = add(pools, addresses)?;
        (record.source, record.source_lists, record.source_negated) = (added.ranges, added.lists, added.negated);
    }
    if let Some(addresses) = &asked.destination {
        let added = add(pools, addresses)?;
        (record.destination, record.destination_lists) = (added.ranges, added.lists);
        record.destination_negated = added.negated;
    }
    record.protocol = asked.protocol.as_ref().map(|numbers| pools.protocols(numbers)).transpose()?;
    Ok(())
}

/// Why a policy cannot be compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompileError {
    /// The table would be longer than 4 GiB.
    TooLarge,
    /// The rule of this number, counted from 0, has a wrong value.
    Rule(usize, ValueError),
}

/// What is wrong with a value. A policy that was resolved from a configuration has none of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueError {
    /// An attribute names no value.
    Empty,
    /// A range ends before it starts.
    Backwards,
    /// A prefix is longer than its address, in bits.
    PrefixLength(u8),
    /// A list that the policy does not have, by its number.
    UnknownList(usize),
    /// There are more values than a table can number.
    TooMany,
    /// `icmp` stands with `ip6`, or `icmp6` with `ip`.
    IcmpOfOtherVersion,
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => {
                f.write_str("the policy is too large: its table would be longer than 4 GiB; use fewer rules")
            }
            Self::Rule(rule, error) => write!(f, "rule {rule}: {error}"),
        }
    }
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("an attribute names no value; leave it out or name one"),
            Self::Backwards => f.write_str("a range ends before it starts; swap its ends"),
            Self::PrefixLength(length) => write!(f, "a prefix length of {length} is more than its address has bits"),
            Self::UnknownList(list) => write!(f, "it names list {list}, which the policy does not have"),
            Self::TooMany => f.write_str("the policy names more values than fit; use fewer or wider ones"),
            Self::IcmpOfOtherVersion => f.write_str(
                "it asks for ICMP in IPv6 or for ICMPv6 in IPv4, and no packet is both; make two rules of it",
            ),
        }
    }
}

impl core::error::Error for CompileError {}
impl core::error::Error for ValueError {}
