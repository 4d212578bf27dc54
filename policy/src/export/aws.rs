//! Amazon Web Services: security groups of EC2 and network ACLs of VPC.
//!
//! Facts: the API references of `IpPermission` and `CreateNetworkAclEntry`. Both know protocols by number, ports of TCP and UDP
//! as one range, and a type and a code of ICMP, each of which may be -1 for any; all types have all codes.
mod asked;
mod group_read;
mod group_write;
mod nacl_read;
mod nacl_write;

use super::block::Block;
pub(super) use group_read::read as read_group;
pub(super) use group_write::write as write_group;
pub(super) use nacl_read::read as read_nacl;
pub(super) use nacl_write::{LAST, write as write_nacl};

/// How many rules a block takes in a version of IP, for each of its addresses.
pub(super) fn asked(block: &Block, is_v6: bool) -> usize {
    asked::all(block, is_v6).len()
}
