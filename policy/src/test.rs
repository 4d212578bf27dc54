//! What a configuration expects of its policy: the members of `tests`.
use crate::diagnostic::Span;
use crate::policy::{Action, Rule};
use firewall::{Matched, Packet};

mod run;

pub use run::{Outcome, run};

/// A member of `tests`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    /// What its writer calls it, on one line.
    pub name: Option<String>,
    /// The packet or the property as written, on one line.
    pub text: String,
    /// Where it stands.
    pub span: Span,
    /// What it says.
    pub claim: Claim,
}

/// What a test says of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Something of one packet.
    Packet(Expectation),
    /// Something of every packet there is.
    Property(Property),
}

/// What is expected of one packet; at least one of both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// The packet.
    pub packet: Packet,
    /// What is to happen to it.
    pub verdict: Option<Action>,
    /// What is to decide about it: one of these.
    pub deciders: Option<Vec<Matched>>,
}

/// A statement about all packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    /// Which.
    pub kind: Kind,
    /// The packets it names: those that any of these rules matches, whatever its action. Their lists are the policy's; their
    /// spans are the words that name them.
    pub packets: Vec<Rule>,
}

/// What a property says of the packets it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// No others are accepted.
    Only,
    /// None of them is accepted.
    Never,
    /// All of them are accepted.
    Always,
}
