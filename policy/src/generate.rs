//! Policies and frames made from arbitrary bytes, so that they collide at every boundary. For tests and fuzz targets.
//!
//! The same bytes always make the same things, and few bytes make small ones. Values come from a small world, so that
//! rules and packets meet: edges of ranges and prefixes, and what lies one beside them.
mod changes;
mod frames;
mod lists;
pub mod noise;
pub mod properties;
mod rules;
mod world;

pub use changes::change;
pub use frames::{Traffic, frame};
pub use rules::policy;

use crate::policy::Policy;
use arbitrary::{Result, Unstructured};
use firewall::{Inspected, Packet, inspect};

/// A policy, and this many frames made to meet its rules.
///
/// # Errors
/// Never for want of bytes; see [`arbitrary`].
pub fn policy_and_frames(bytes: &[u8], count: usize, traffic: Traffic) -> Result<(Policy, Vec<Vec<u8>>)> {
    let mut choices = Unstructured::new(bytes);
    let policy = policy(&mut choices)?;
    let frames = (0..count).map(|_| frame(&mut choices, &policy, traffic)).collect::<Result<_>>()?;
    Ok((policy, frames))
}

/// The packets of those frames that carry one, well-formed.
pub fn packets<F: AsRef<[u8]>>(frames: impl IntoIterator<Item = F>) -> Vec<Packet> {
    let packet = |frame: F| match inspect(frame.as_ref()) {
        Ok(Inspected::Packet(packet)) => Some(packet),
        _ => None,
    };
    frames.into_iter().filter_map(packet).collect()
}
