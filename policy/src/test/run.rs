//! Whether what is expected of a policy is so.
use super::{Claim, Expectation, Kind, Property, Test};
use crate::policy::Policy;
use crate::progress::{Observer, Phase, Steps};
use crate::reference;
use crate::space::{Set, Space, TooLarge};
use firewall::{Decision, Packet};

/// What came of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is so. Of a property this is a proof.
    Holds,
    /// It is so of no packet: there is none of those that the property names.
    HoldsOfNothing,
    /// It is not so.
    Fails {
        /// The packet that is tested; one that breaks the property.
        packet: Packet,
        /// What the policy decides about it.
        decision: Decision,
    },
}

/// Runs the tests of a policy; the outcomes are in their order.
///
/// # Errors
/// A property cannot be decided in the memory that there is for it.
pub fn run(policy: &Policy, tests: &[Test], observer: &mut dyn Observer) -> Result<Vec<Outcome>, TooLarge> {
    let mut steps = Steps::new(observer, Phase::Testing, tests.len());
    let mut everything = Everything { policy, known: None };
    let outcomes = tests.iter().map(|test| {
        let outcome = match &test.claim {
            Claim::Packet(expectation) => expected(policy, expectation),
            Claim::Property(property) => everything.has(property)?,
        };
        steps.add(1);
        Ok(outcome)
    });
    outcomes.collect()
}

fn expected(policy: &Policy, expectation: &Expectation) -> Outcome {
    let decision = reference::decide(policy, &expectation.packet);
    let is_verdict = expectation.verdict.is_none_or(|verdict| decision.action == verdict.into());
    let is_decider = expectation.deciders.as_ref().is_none_or(|deciders| deciders.contains(&decision.cause));
    match is_verdict && is_decider {
        true => Outcome::Holds,
        false => Outcome::Fails { packet: expectation.packet, decision },
    }
}

/// What a policy does to all packets, worked out when it is first asked.
struct Everything<'a> {
    policy: &'a Policy,
    known: Option<(Space, Set)>,
}

impl Everything<'_> {
    fn has(&mut self, property: &Property) -> Result<Outcome, TooLarge> {
        let (space, accepted) = match &mut self.known {
            Some(known) => known,
            unknown => {
                let mut space = Space::new(&[self.policy])?;
                let accepted = space.accepted(self.policy)?;
                unknown.insert((space, accepted))
            }
        };
        let mut named = space.none();
        for rule in &property.packets {
            let matched = space.matched(rule, self.policy)?;
            named = space.or(named, matched)?;
        }
        let broken = match property.kind {
            Kind::Only => space.minus(*accepted, named)?,
            Kind::Never => space.and(*accepted, named)?,
            Kind::Always => space.minus(named, *accepted)?,
        };
        Ok(match space.witness(broken) {
            Some(packet) => Outcome::Fails { packet, decision: reference::decide(self.policy, &packet) },
            None if property.kind != Kind::Only && space.is_empty(named) => Outcome::HoldsOfNothing,
            None => Outcome::Holds,
        })
    }
}
