//! Portcullis's own engines, on packets.
use crate::clock;
use crate::contender::{Built, Contender};
use crate::header::Family;
use crate::rule;
use crate::trace::{NONE, Trace};
use firewall::{Decision, Matched, Packet, Table};
use policy::policy::Policy;
use std::hint::black_box;
use std::time::Duration;
use tests::{Result, ensure};

/// A policy as the kernel has it.
pub struct Compiled {
    blob: Vec<u8>,
    time: Duration,
}

/// A table that decides about one packet after the other.
pub struct Single<'a> {
    table: Table<'a>,
    built: Built,
    family: Family,
    position: usize,
}

impl Compiled {
    /// Compiles a policy.
    pub fn new(policy: &Policy) -> Result<Self> {
        let (blob, time) = clock::shortest(|| Ok(policy::compile::compile(policy)?))?;
        Ok(Self { blob, time })
    }

    /// Its table.
    pub fn table(&self) -> Result<Table<'_>> {
        Ok(Table::decode(&self.blob)?)
    }

    /// What it took, and holds.
    pub fn built(&self) -> Built {
        Built { time: Some(self.time), bytes: Some(self.blob.len() as u64), accesses: None }
    }

    /// Its table as a contender.
    pub fn single(&self, family: Family) -> Result<Single<'_>> {
        Ok(Single { table: self.table()?, built: self.built(), family, position: 0 })
    }
}

/// The rule that a decision names, when it does what that rule does.
pub fn answer(decision: Decision) -> Result<u32> {
    let (rule, action) = match decision.cause {
        Matched::Rule(rule) => (rule, rule::action(rule)),
        Matched::Default => (NONE, policy::policy::Action::Drop),
    };
    ensure!(decision.action == action.into(), "{decision:?} does not do what its rule does, {action:?}");
    Ok(rule)
}

impl Single<'_> {
    fn packets<'t>(&self, trace: &'t Trace) -> &'t [Packet] {
        match self.family {
            Family::V4 => &trace.ipv4,
            Family::V6 => &trace.ipv6,
        }
    }
}

impl Contender<Trace> for Single<'_> {
    fn name(&self) -> String {
        match self.family {
            Family::V4 => "Portcullis, single".into(),
            Family::V6 => "Portcullis, single, IPv6".into(),
        }
    }

    fn built(&self) -> Built {
        self.built
    }

    fn answers(&mut self, trace: &Trace) -> Result<Vec<u32>> {
        self.packets(trace).iter().map(|packet| answer(self.table.decide(packet))).collect()
    }

    fn round(&mut self, trace: &Trace, least: Duration) -> Result<f64> {
        let packets = self.packets(trace);
        Ok(clock::rate(packets, &mut self.position, 64, least, |packets| {
            for packet in packets {
                black_box(self.table.decide(packet));
            }
        }))
    }
}
