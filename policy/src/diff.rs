//! Which packets one policy treats otherwise than another.
use crate::policy::{Action, Policy};
use crate::space::{Region, Regions, Space, TooLarge};
use firewall::Packet;

/// What changes from one policy to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Packets that only the new one accepts.
    pub accepted: Part,
    /// Packets that only the old one accepts.
    pub dropped: Part,
}

/// Packets whose verdict changes in one direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What the new policy does to them.
    pub action: Action,
    /// They, each region with one of its packets.
    pub regions: Vec<(Region, Packet)>,
    /// Whether the regions have all of them.
    pub is_all: bool,
}

impl Difference {
    /// Whether no packet's verdict changes: over all packets that can be.
    pub fn is_none(&self) -> bool {
        [&self.accepted, &self.dropped].iter().all(|part| part.regions.is_empty() && part.is_all)
    }
}

/// Compares two policies; of each direction no more than `most` regions are written out.
pub fn diff(old: &Policy, new: &Policy, most: usize) -> Result<Difference, TooLarge> {
    let mut space = Space::new(&[old, new])?;
    let (before, after) = (space.accepted(old)?, space.accepted(new)?);
    let (accepted, dropped) = (space.minus(after, before)?, space.minus(before, after)?);
    let mut part = |action, set| {
        let Regions { regions, is_all, .. } = space.regions(set, most)?;
        let witnessed = regions.into_iter().filter_map(|region| {
            let packet = space.witness(region.set)?;
            Some((region, packet))
        });
        Ok(Part { action, regions: witnessed.collect(), is_all })
    };
    Ok(Difference { accepted: part(Action::Accept, accepted)?, dropped: part(Action::Drop, dropped)? })
}
