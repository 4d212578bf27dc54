//! How much of what is needed is dropped.
//!
//! Nobody is told of a policy that drops some of it, from a network that is not wanted or from all but one that is. What is told is
//! that no such packet comes in at all, or none to a port that a connection of the instance's own may be from, or none from the only
//! neighbour that sends them.
use super::table::{Need, Part, Version};
use crate::lint::subject::Subject;
use crate::policy::{Addresses, Member, Network, Prefix, Rule, Transport, Values};
use crate::space::field::Field;
use crate::space::{Set, TooLarge};
use core::net::Ipv4Addr;

/// Packets that are needed, and dropped.
pub(super) struct Loss<'n> {
    pub part: &'n Part,
    pub dropped: Set,
    pub extent: Extent,
}

/// How much of a part is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// All of it.
    Every,
    /// All from the neighbour that sends it.
    From(Ipv4Addr, &'static str),
    /// All to some of the ports it may go to.
    ToPorts,
}

/// What is lost of each part.
pub(super) fn losses<'n>(subject: &mut Subject, need: &'n Need) -> Result<Vec<Loss<'n>>, TooLarge> {
    let mut losses = Vec::new();
    for part in &need.parts {
        if let Some((dropped, extent)) = loss(subject, part)? {
            losses.push(Loss { part, dropped, extent });
        }
    }
    Ok(losses)
}

fn loss(subject: &mut Subject, part: &Part) -> Result<Option<(Set, Extent)>, TooLarge> {
    if !is_used(subject, part.version)? {
        return Ok(None);
    }
    let accepted = subject.accepted()?;
    let all = subject.of(&part.rule)?;
    let kept = subject.space.and(all, accepted)?;
    if subject.space.is_empty(kept) {
        return Ok(Some((all, Extent::Every)));
    }
    if let Some((address, who)) = part.neighbour {
        let near = subject.of(&from(address, &part.rule))?;
        let kept = subject.space.and(near, accepted)?;
        if subject.space.is_empty(kept) {
            return Ok(Some((near, Extent::From(address, who))));
        }
    }
    if matches!(part.rule.transport, Some(Transport::Icmp(_) | Transport::Icmp6(_))) {
        return Ok(None);
    }
    let never = unreached(subject, all)?;
    Ok((!subject.space.is_empty(never)).then_some((never, Extent::ToPorts)))
}

/// Whether any packet of a version is accepted.
fn is_used(subject: &mut Subject, version: Option<Version>) -> Result<bool, TooLarge> {
    let network = match version {
        None => return Ok(true),
        Some(Version::V4) => Network::Ipv4(Addresses::ANY),
        Some(Version::V6) => Network::Ipv6(Addresses::ANY),
    };
    let rule = Rule { network: Some(network), transport: None, action: crate::policy::Action::Accept, span: 0..0 };
    let all = subject.of(&rule)?;
    let accepted = subject.accepted()?;
    let used = subject.space.and(all, accepted)?;
    Ok(!subject.space.is_empty(used))
}

/// The packets of a set to destination ports to which nothing of it is accepted.
pub(in crate::lint) fn unreached(subject: &mut Subject, set: Set) -> Result<Set, TooLarge> {
    let accepted = subject.accepted()?;
    let mut reached = subject.space.and(set, accepted)?;
    for field in Field::ALL.into_iter().filter(|field| *field != Field::DestinationPort) {
        reached = subject.space.forget(reached, field)?;
    }
    subject.space.minus(set, reached)
}

/// What a rule asks, from one address.
fn from(address: Ipv4Addr, rule: &Rule) -> Rule {
    let member = Member::Prefix(Prefix { address, length: 32 });
    let source = Some(Values { negated: false, members: vec![member] });
    Rule { network: Some(Network::Ipv4(Addresses { source, ..Addresses::ANY })), ..rule.clone() }
}
