//! Portcullis's own engines, on as many packets at once as a network card hands over.
use crate::address::Address;
use crate::clock;
use crate::contender::{Built, Contender};
use crate::entries::Keys;
use crate::header::Family;
use crate::ours::{self, Compiled};
use crate::trace::Trace;
use firewall::{Action, Decision, Matched, Packet, Table};
use std::hint::black_box;
use std::time::Duration;
use tests::Result;

/// How many packets.
const LENGTH: usize = 64;
/// What there is before it is decided.
const UNDECIDED: Decision = Decision { action: Action::Drop, cause: Matched::Default };

/// A table that decides about bursts.
pub struct Burst<'a> {
    table: Table<'a>,
    built: Built,
    family: Family,
    position: usize,
}

impl<'a> Burst<'a> {
    /// A policy's table.
    pub fn of(compiled: &'a Compiled, family: Family) -> Result<Self> {
        Ok(Self { table: compiled.table()?, built: compiled.built(family)?, family, position: 0 })
    }

    fn title(&self) -> String {
        format!("Portcullis, bursts of {LENGTH}{}", ours::suffix(self.family))
    }
}

impl Contender<Trace> for Burst<'_> {
    fn name(&self) -> String {
        self.title()
    }

    fn built(&self) -> Built {
        self.built.clone()
    }

    fn answers(&mut self, trace: &Trace) -> Result<Vec<u32>> {
        let packets = trace.packets(self.family);
        let mut decisions = vec![UNDECIDED; packets.len()];
        for (packets, decisions) in packets.chunks(LENGTH).zip(decisions.chunks_mut(LENGTH)) {
            self.table.decide_burst(packets, decisions);
        }
        decisions.into_iter().map(ours::answer).collect()
    }

    fn round(&mut self, trace: &Trace, least: Duration) -> Result<f64> {
        let mut decisions = [UNDECIDED; LENGTH];
        Ok(clock::rate(trace.packets(self.family), &mut self.position, LENGTH, least, |packets| {
            for packets in packets.chunks(LENGTH) {
                self.table.decide_burst(packets, &mut decisions[..packets.len()]);
                black_box(&decisions);
            }
        }))
    }
}

impl<A: Address> Contender<Keys<A>> for Burst<'_> {
    fn name(&self) -> String {
        format!("Portcullis, bursts of {LENGTH}")
    }

    fn built(&self) -> Built {
        self.built.clone()
    }

    fn answers(&mut self, keys: &Keys<A>) -> Result<Vec<u32>> {
        let mut decisions = vec![UNDECIDED; keys.addresses.len()];
        for (addresses, decisions) in keys.addresses.chunks(LENGTH).zip(decisions.chunks_mut(LENGTH)) {
            let packets: Vec<Packet> = addresses.iter().map(|address| address.packet()).collect();
            self.table.decide_burst(&packets, decisions);
        }
        Ok(decisions.into_iter().map(|decision| (decision.action == Action::Drop).into()).collect())
    }

    fn round(&mut self, keys: &Keys<A>, least: Duration) -> Result<f64> {
        let (mut packets, mut decisions) = ([A::narrow(1).packet(); LENGTH], [UNDECIDED; LENGTH]);
        Ok(clock::rate(&keys.addresses, &mut self.position, LENGTH, least, |addresses| {
            for addresses in addresses.chunks(LENGTH) {
                for (packet, address) in packets.iter_mut().zip(addresses) {
                    packet.source = address.address();
                }
                self.table.decide_burst(black_box(&packets[..addresses.len()]), &mut decisions[..addresses.len()]);
                black_box(&decisions);
            }
        }))
    }
}
