//! Accept or drop, with its cause; one counter per cause. Cannot panic.
use crate::frame::{Carried, carried};
use crate::plain::Plain;
use crate::{Action, Decision, Malformed, Packet, Patched, Table, ipv4, ipv6};

/// What happens to a frame, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What happens to it.
    pub action: Action,
    /// Why.
    pub cause: Cause,
    /// The packet in it, where there is one and it is well-formed.
    pub packet: Option<Packet>,
}

/// Why a verdict is as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The rule of this number decided, counted from 0.
    Rule(u32),
    /// No rule matched.
    Default,
    /// The packet's headers do not hold together: it is dropped.
    Malformed(Malformed),
    /// It is neither IP nor ARP: it is dropped.
    NotIp,
    /// It is ARP, which rules do not see: it is accepted.
    Arp,
}

/// What verdicts are given by: a compiled policy, with changes or without.
pub trait InForce {
    /// Decides about a packet.
    fn decide(&self, packet: &Packet) -> Decision;
    /// Decides about a plain packet in the same way; `None` where that is no faster.
    #[doc(hidden)]
    fn decide_plain(&self, _: &Plain) -> Option<Decision> {
        None
    }
    /// What the rule of this number does; `None` when there is no such rule.
    fn action(&self, rule: u32) -> Option<Action>;
    /// What happens to a packet that no rule matches.
    fn default_action(&self) -> Action;
}

impl InForce for Table<'_> {
    #[inline(always)]
    fn decide(&self, packet: &Packet) -> Decision {
        self.decide(packet)
    }

    #[inline(always)]
    fn decide_plain(&self, plain: &Plain) -> Option<Decision> {
        self.decide_plain(plain)
    }

    fn action(&self, rule: u32) -> Option<Action> {
        self.action(rule)
    }

    fn default_action(&self) -> Action {
        self.default_action()
    }
}

impl InForce for Patched<'_> {
    #[inline]
    fn decide(&self, packet: &Packet) -> Decision {
        self.decide(packet)
    }

    fn action(&self, rule: u32) -> Option<Action> {
        self.action(rule)
    }

    fn default_action(&self) -> Action {
        self.default_action()
    }
}

/// Judges one frame, as [`inspect`](crate::inspect) takes it.
pub fn judge(frame: &[u8], table: &impl InForce) -> Verdict {
    let cause = match carried(frame) {
        Ok(Carried::Ipv4(payload)) => {
            // Most are plain.
            if let Some(plain) = Plain::parse(payload)
                && let Some(decision) = table.decide_plain(&plain)
            {
                return Verdict { action: decision.action, cause: decision.cause.into(), packet: Some(plain.packet()) };
            }
            return judge_ipv4(payload, table);
        }
        Ok(Carried::Ipv6(payload)) => return judge_ipv6(payload, table),
        Ok(Carried::Arp) => Cause::Arp,
        Ok(Carried::Other) => Cause::NotIp,
        Err(reason) => Cause::Malformed(reason),
    };
    judge_other(cause, table)
}

#[inline(never)]
fn judge_ipv4(payload: &[u8], table: &impl InForce) -> Verdict {
    judge_parsed(ipv4::parse(payload), table)
}

#[inline(never)]
fn judge_ipv6(payload: &[u8], table: &impl InForce) -> Verdict {
    judge_parsed(ipv6::parse(payload), table)
}

#[inline(always)]
fn judge_parsed(packet: Result<Packet, Malformed>, table: &impl InForce) -> Verdict {
    match packet {
        Ok(packet) => {
            let decision = table.decide(&packet);
            Verdict { action: decision.action, cause: decision.cause.into(), packet: Some(packet) }
        }
        Err(reason) => judge_other(Cause::Malformed(reason), table),
    }
}

/// Of a frame that has no packet to decide about.
fn judge_other(cause: Cause, table: &impl InForce) -> Verdict {
    Verdict { action: cause.action(table).unwrap_or(Action::Drop), cause, packet: None }
}

impl Cause {
    /// What happens to a frame for this cause. `None` for a rule that the table does not have.
    pub fn action(self, table: &impl InForce) -> Option<Action> {
        match self {
            Self::Rule(rule) => table.action(rule),
            Self::Default => Some(table.default_action()),
            Self::Malformed(_) | Self::NotIp => Some(Action::Drop),
            Self::Arp => Some(Action::Accept),
        }
    }
}

/// How often there was a verdict for one cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counter {
    /// Frames.
    pub packets: u64,
    /// Bytes of these frames.
    pub bytes: u64,
}

/// One counter per cause: of the causes that every table has, then of its rules.
#[derive(Debug)]
pub struct Counters<'a> {
    slots: &'a mut [Counter],
}

/// Causes that do not depend on the table: default, not IP, ARP, and the reasons of [`Malformed`].
const FIXED: usize = 3 + Malformed::ALL.len();

impl<'a> Counters<'a> {
    /// How many counters a table with this many rules takes.
    pub const fn slots(rules: u32) -> usize {
        FIXED.saturating_add(rules as usize)
    }

    /// Counts in these counters, which start as they are. `None` unless there are [`slots`](Self::slots) of them.
    pub fn new(slots: &'a mut [Counter], rules: u32) -> Option<Self> {
        (slots.len() == Self::slots(rules)).then_some(Self { slots })
    }

    /// Counts one frame of this many bytes. A rule that the table does not have is not counted.
    pub fn count(&mut self, cause: &Cause, bytes: usize) {
        if let Some(counter) = self.slots.get_mut(cause.slot()) {
            counter.packets = counter.packets.wrapping_add(1);
            counter.bytes = counter.bytes.wrapping_add(bytes as u64);
        }
    }

    /// What was counted for a cause; zero for a rule that the table does not have.
    pub fn get(&self, cause: &Cause) -> Counter {
        self.slots.get(cause.slot()).copied().unwrap_or_default()
    }

    /// Every cause with its counter: the rules in their order, then the others.
    pub fn iter(&self) -> impl Iterator<Item = (Cause, Counter)> + '_ {
        let rules = self.slots.len().saturating_sub(FIXED);
        let rules = (0..u32::try_from(rules).unwrap_or(u32::MAX)).map(Cause::Rule);
        let others = [Cause::Default, Cause::NotIp, Cause::Arp].into_iter();
        let malformed = Malformed::ALL.into_iter().map(Cause::Malformed);
        rules.chain(others).chain(malformed).map(|cause| (cause, self.get(&cause)))
    }
}

impl Cause {
    /// The number of its counter.
    pub fn slot(self) -> usize {
        match self {
            Self::Default => 0,
            Self::NotIp => 1,
            Self::Arp => 2,
            Self::Malformed(reason) => 3 + reason.index(),
            Self::Rule(rule) => FIXED.saturating_add(rule as usize),
        }
    }

    /// The cause that the counter of this number is for; `None` past the last rule that can be.
    pub fn of_slot(slot: usize) -> Option<Self> {
        match slot {
            0 => Some(Self::Default),
            1 => Some(Self::NotIp),
            2 => Some(Self::Arp),
            3..FIXED => Malformed::ALL.get(slot - 3).copied().map(Self::Malformed),
            _ => u32::try_from(slot - FIXED).ok().map(Self::Rule),
        }
    }
}

#[cfg(test)]
mod tests;
