//! Google Cloud: firewall rules of a VPC network, as resources of Compute Engine's API v1.
//!
//! Facts: the reference of the resource `firewalls`, and "VPC firewall rules". A rule has addresses of one version of IP. The
//! rule with the lowest priority number decides; of two with the same, one that denies. What no rule matches is denied.
mod read;
mod write;

pub(super) use read::read;
pub(super) use write::{FIRST, MOST_RANGES, write};
