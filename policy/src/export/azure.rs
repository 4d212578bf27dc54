//! Azure: the security rules of a network security group, for what comes in.
//!
//! Facts: "Azure network security groups overview", and the reference of `Microsoft.Network/networkSecurityGroups`. Rules have
//! priorities from 100 to 4096, the lowest first. Rules from 65000 on are Azure's own, and let in what comes from the virtual
//! network and from load balancers: the last rule here denies what is left, so that they decide about nothing.
mod read;
mod write;

pub(super) use read::read;
pub(super) use write::{MOST, write};
