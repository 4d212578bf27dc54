//! What a target is to let in: exactly what a policy accepts, or the nearest that the target can say.
//!
//! Two packets that no rule of a target can tell apart are let in both or neither. So the least that can be said and has all that
//! is accepted is what cannot be told from something accepted; the most that can be said and has nothing else is the rest of
//! what cannot be told from something that is not accepted.
use super::target::{Ability, NAMED, Protocols};
use crate::policy::{Action, Addresses, Network, Policy, Ports, Rule, Transport, Values};
use crate::space::field::Field;
use crate::space::{Set, Space, TooLarge};
use core::ops::RangeInclusive;
use firewall::protocol;

/// In which direction an export may differ from the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approximate {
    /// It lets in all that the policy accepts, and more.
    Wider,
    /// It lets in nothing that the policy does not accept, and less.
    Narrower,
}

/// Sets of packets that targets treat alike.
pub(super) struct Goal {
    /// The packets that are compared.
    pub compared: Set,
    /// What the policy accepts of them.
    pub accepted: Set,
}

impl Goal {
    /// For nftables all packets are compared; for clouds those that are whole, or the first of their fragments.
    pub(super) fn new(space: &mut Space, policy: &Policy, all: bool) -> Result<Self, TooLarge> {
        let compared = if all { space.all() } else { space.accepted(&whole())? };
        let accepted = space.accepted(policy)?;
        Ok(Self { compared, accepted: space.and(accepted, compared)? })
    }

    /// The nearest to it that a target can say.
    pub(super) fn nearest(
        &self,
        space: &mut Space,
        ability: Ability,
        approximate: Approximate,
    ) -> Result<Set, TooLarge> {
        match approximate {
            Approximate::Wider => self.alike(space, ability, self.accepted),
            Approximate::Narrower => {
                let others = space.minus(self.compared, self.accepted)?;
                let alike = self.alike(space, ability, others)?;
                space.minus(self.compared, alike)
            }
        }
    }

    /// All packets that a target cannot tell from one of a set.
    fn alike(&self, space: &mut Space, ability: Ability, set: Set) -> Result<Set, TooLarge> {
        let mut set = set;
        if !ability.destination {
            set = self.forget(space, set, self.compared, &[Field::Destination])?;
        }
        if !ability.source_port {
            let with_ports = space.accepted(&only([transport(protocol::TCP), transport(protocol::UDP)]))?;
            set = self.forget(space, set, with_ports, &[Field::SourcePort])?;
        }
        if !ability.message {
            let messages = space.accepted(&only([transport(protocol::ICMP), transport(protocol::ICMPV6)]))?;
            set = self.forget(space, set, messages, &[Field::SourcePort, Field::DestinationPort])?;
        }
        if ability.protocols == Protocols::Named {
            let others = others(space)?;
            set = self.forget(space, set, others, &[Field::Protocol])?;
        }
        Ok(set)
    }

    /// With every packet of a class that differs in these fields alone from one in the set.
    fn forget(&self, space: &mut Space, set: Set, class: Set, fields: &[Field]) -> Result<Set, TooLarge> {
        let class = space.and(class, self.compared)?;
        let outside = space.minus(set, class)?;
        let mut inside = space.and(set, class)?;
        for field in fields {
            inside = space.forget(inside, *field)?;
        }
        let inside = space.and(inside, class)?;
        space.or(outside, inside)
    }
}

/// The packets of protocols that [`Protocols::Named`] has no name for.
pub(super) fn others(space: &mut Space) -> Result<Set, TooLarge> {
    let mut named = Vec::new();
    for number in NAMED {
        named.extend(of_protocol(number));
    }
    named.push(transport(protocol::ICMP));
    let named = space.accepted(&only(named))?;
    space.not(named)
}

/// Every packet of a protocol, in each version of IP.
pub(super) fn of_protocol(number: u8) -> [Rule; 2] {
    let protocol = Some(Values { negated: false, members: vec![number..=number] });
    [rule(Network::Ipv4(asked(None, protocol.clone()))), rule(Network::Ipv6(asked(None, protocol)))]
}

/// TCP, UDP, ICMP or ICMPv6.
pub(super) fn transport(number: u8) -> Rule {
    let transport = match number {
        protocol::TCP => Transport::Tcp(Ports::default()),
        protocol::UDP => Transport::Udp(Ports::default()),
        protocol::ICMP => Transport::Icmp(crate::policy::Messages::default()),
        _ => Transport::Icmp6(crate::policy::Messages::default()),
    };
    Rule { network: None, transport: Some(transport), action: Action::Accept, span: 0..0 }
}

/// A policy that accepts what rules match.
pub(super) fn only(rules: impl IntoIterator<Item = Rule>) -> Policy {
    Policy { rules: rules.into_iter().collect(), default: Action::Drop, lists: Vec::new() }
}

/// Accepts what is no later fragment.
fn whole() -> Policy {
    only([rule(Network::Ipv4(asked(Some(false), None))), rule(Network::Ipv6(asked(Some(false), None)))])
}

fn rule(network: Network) -> Rule {
    Rule { network: Some(network), transport: None, action: Action::Accept, span: 0..0 }
}

fn asked<P>(fragment: Option<bool>, protocol: Option<Values<RangeInclusive<u8>>>) -> Addresses<P> {
    Addresses { source: None, destination: None, fragment, protocol }
}
