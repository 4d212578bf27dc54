//! A policy for the firewall in front: as text in the form of its target, and proved.
//!
//! The proof reads the text back. What is read is a policy again, as every target decides by rules that a policy can say; it is
//! compared with the first as sets of packets ([`crate::space`]). A reader looks at the text alone and shares nothing with what
//! wrote it.
mod address;
mod aws;
mod azure;
mod block;
mod failure;
mod gcp;
mod goal;
mod json;
mod limits;
pub mod nftables;
mod plan;
mod ports;
mod prove;
mod size;
mod target;

pub use failure::{Failure, Unsayable};
pub use goal::Approximate;
pub use ports::opened;
pub use prove::{Exported, Proof, export};
pub use target::Target;

use crate::policy::Policy;
use core::fmt;
use serde::Serialize;

/// A text for a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    text: String,
    /// How many rules it is, as the target counts them.
    rules: usize,
}

impl Written {
    fn json(value: &impl Serialize, rules: usize) -> Self {
        // What is written here has no maps and no numbers that JSON does not have.
        let text = serde_json::to_string_pretty(value).unwrap_or_default();
        Self { text: text + "\n", rules }
    }
}

/// What a text for a target means: a policy that decides as the target does about every packet that is compared.
///
/// # Errors
/// Where the text has what no export has.
pub fn read(target: Target, text: &str) -> Result<Policy, ReadError> {
    match target {
        Target::Nftables => nftables::read(text),
        Target::AwsSecurityGroup => aws::read_group(text),
        Target::AwsNacl => aws::read_nacl(text),
        Target::GcpFirewall => gcp::read(text),
        Target::AzureNsg => azure::read(text),
    }
}

/// Why a text of a target was not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    /// The line, from 1; 0 where it is the whole.
    pub line: usize,
    /// What stands there.
    pub what: String,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}", self.what),
            line => write!(f, "line {line}: {}", self.what),
        }
    }
}

impl core::error::Error for ReadError {}
