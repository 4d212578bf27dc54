//! Why a packet gets its verdict: the rule that decides, and what of each rule before it the packet did not match.
use crate::policy::{Policy, Rule};
use crate::reference::{self, rule_matches};
use firewall::{Decision, Matched, Packet};

mod asked;
mod pieces;

/// A decision, with its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// As [`reference::decide`] says it.
    pub decision: Decision,
    /// Of each rule before the one that decided, in order, the first attribute that did not match. Without a rule that
    /// decided, of every rule.
    pub passed: Vec<Mismatch>,
}

/// The first attribute of a rule that a packet does not match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// By its name in the configuration, with its member if it asks for one: `tcp`, `tcp.dest`.
    pub attribute: &'static str,
    /// What that says, much like in the configuration; long arrays are cut. `None` for an attribute without its members.
    pub asked: Option<String>,
    /// What the packet has instead.
    pub found: String,
}

impl core::fmt::Display for Mismatch {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match &self.asked {
            Some(asked) => write!(f, "{} {asked}: {}", self.attribute, self.found),
            None => write!(f, "{}: {}", self.attribute, self.found),
        }
    }
}

/// Decides about a packet, and says why.
pub fn trace(policy: &Policy, packet: &Packet) -> Trace {
    let decision = reference::decide(policy, packet);
    let before = match decision.cause {
        Matched::Rule(number) => usize::try_from(number).unwrap_or(usize::MAX),
        Matched::Default => policy.rules.len(),
    };
    let passed = policy.rules.iter().take(before).filter_map(|rule| mismatch(policy, rule, packet)).collect();
    Trace { decision, passed }
}

/// The first attribute of a rule that a packet does not match; `None` if it matches the rule.
pub fn mismatch(policy: &Policy, rule: &Rule, packet: &Packet) -> Option<Mismatch> {
    let mut pieces = pieces::of(rule).into_iter();
    let (attribute, piece) = pieces.find(|(_, piece)| !rule_matches(piece, packet, &policy.lists))?;
    Some(Mismatch { attribute, asked: asked::of(&piece, policy), found: asked::found(attribute, packet) })
}
