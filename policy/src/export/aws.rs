//! Amazon Web Services: security groups of EC2 and network ACLs of VPC.
//!
//! Facts: the API references of `IpPermission` and `CreateNetworkAclEntry`. Both know protocols by number, ports of TCP and UDP
//! as one range, and a type and a code of ICMP, each of which may be -1 for any; all types have all codes.
mod asked;
mod group_read;
mod group_write;
mod nacl_read;
mod nacl_write;

pub(super) use group_read::read as read_group;
pub(super) use group_write::write as write_group;
pub(super) use nacl_read::read as read_nacl;
pub(super) use nacl_write::{LAST, write as write_nacl};
