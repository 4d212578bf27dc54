//! Packets in words, both ways, and as frames.
//!
//! ```text
//! tcp from 10.0.2.2:40000 to :8080 syn
//! udp from [2001:db8::1]:53 to :40000
//! icmp echo-request from 10.0.0.1
//! icmp6 type 135 code 0 from fe80::1
//! ip6 proto 47 from 2001:db8::1
//! tcp from 10.0.0.1 to 10.0.2.15 fragment
//! ```
//!
//! The protocol comes first, and then in any order: `from` and `to` with an address, a port (`:53`) or both; names of TCP flags;
//! the name of an ICMP message or its `type` and `code`; `fragment` for a fragment other than the first, and
//! `first-fragment`. Upper case is as good as lower case, and a comma as good as a space.
//!
//! | left out | is |
//! |---|---|
//! | the version of IP | that of the addresses, or 4 |
//! | `to` | the instance: 10.0.2.15 or fe80::5054:ff:fe12:3456 |
//! | `from` | its neighbour: 10.0.2.2 or fe80::2 |
//! | a port | 40000 |
//! | TCP flags | `syn` |
//! | the ICMP message | `echo-request` |
//! | an ICMP code | 0 |
mod describe;
mod draft;
mod endpoint;
mod error;
mod frame;
mod message;
mod names;
mod parse;

pub use describe::describe;
pub use error::{Error, ErrorKind};
pub use frame::frame;
pub(crate) use names::{message, messages};
pub use parse::parse;

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where a packet goes that does not say so: the instance under QEMU's user networking.
pub const INSTANCE_V4: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 15);
/// The same in IPv6: its link-local address with the hardware address that it has unless another is given.
pub const INSTANCE_V6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0x5054, 0xff, 0xfe12, 0x3456);
/// Where a packet comes from that does not say so: the host under QEMU's user networking.
pub const NEIGHBOUR_V4: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);
/// The same in IPv6.
pub const NEIGHBOUR_V6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 2);
/// A port that is not said.
pub const PORT: u16 = 40000;

/// A version of IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    V4,
    V6,
}

impl Version {
    pub(crate) fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }

    /// The number of the protocol that carries its control messages.
    pub(crate) fn icmp(self) -> u8 {
        match self {
            Self::V4 => firewall::protocol::ICMP,
            Self::V6 => firewall::protocol::ICMPV6,
        }
    }
}
