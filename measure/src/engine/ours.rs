//! Portcullis's own engines, on packets.
use crate::clock;
use crate::contender::{Built, Contender};
use crate::header::Family;
use crate::rule;
use crate::trace::{NONE, Trace};
use firewall::{Decision, Matched, Table};
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

    /// What it took, and holds, for packets of this family.
    pub fn built(&self, family: Family) -> Result<Built> {
        let (time, bytes) = (Some(self.time), Some(self.blob.len() as u64));
        Ok(Built { time, bytes, accesses: Some(accesses(&self.table()?, family)) })
    }

    /// Its table as a contender.
    pub fn single(&self, family: Family) -> Result<Single<'_>> {
        Ok(Single { table: self.table()?, built: self.built(family)?, family, position: 0 })
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

/// How often a packet reads memory, at worst.
fn accesses(table: &Table<'_>, family: Family) -> String {
    let worst = table.shape().worst;
    match family {
        Family::V4 => worst.v4,
        Family::V6 => worst.v6,
    }
    .to_string()
}

/// What follows a name for a version of IP.
pub fn suffix(family: Family) -> &'static str {
    match family {
        Family::V4 => "",
        Family::V6 => ", IPv6",
    }
}

impl Contender<Trace> for Single<'_> {
    fn name(&self) -> String {
        format!("Portcullis, single{}", suffix(self.family))
    }

    fn built(&self) -> Built {
        self.built.clone()
    }

    fn answers(&mut self, trace: &Trace) -> Result<Vec<u32>> {
        trace.packets(self.family).iter().map(|packet| answer(self.table.decide(packet))).collect()
    }

    fn round(&mut self, trace: &Trace, least: Duration) -> Result<f64> {
        let packets = trace.packets(self.family);
        Ok(clock::rate(packets, &mut self.position, 64, least, |packets| {
            for packet in packets {
                black_box(self.table.decide(packet));
            }
        }))
    }
}
