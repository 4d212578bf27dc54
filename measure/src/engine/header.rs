//! What rules ask of a packet, and packets that have it.
use firewall::protocol::{ICMP, TCP, UDP};
use firewall::{Fragment, Icmp, Packet, Ports};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Five fields of an IPv4 packet. The ports are 0 where the protocol has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Source address.
    pub source: u32,
    /// Destination address.
    pub destination: u32,
    /// Source port.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
    /// Protocol.
    pub protocol: u8,
}

/// Which version of IP something is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// As the sets have it.
    V4,
    /// The same rules and headers, each address in the upper half of one of IPv6.
    V6,
}

/// Where the IPv4 addresses stand in IPv6 (RFC 3849: for documentation), and how long that prefix is.
const UNDER: u128 = 0x2001_0db8 << 96;
/// The length of [`UNDER`] as a prefix.
pub const UNDER_LENGTH: u8 = 32;

/// An address of the sets in IPv6.
pub fn in_ipv6(address: u32) -> Ipv6Addr {
    Ipv6Addr::from_bits(UNDER | u128::from(address) << 64)
}

impl Header {
    /// Without ports, where the protocol has none.
    pub fn normal(self) -> Self {
        match self.protocol {
            TCP | UDP => self,
            _ => Self { source_port: 0, destination_port: 0, ..self },
        }
    }

    /// A whole packet of no data with this header.
    pub fn packet(&self, family: Family) -> Packet {
        let address = |address| match family {
            Family::V4 => IpAddr::V4(Ipv4Addr::from_bits(address)),
            Family::V6 => IpAddr::V6(in_ipv6(address)),
        };
        let has_ports = matches!(self.protocol, TCP | UDP);
        Packet {
            source: address(self.source),
            destination: address(self.destination),
            protocol: self.protocol,
            fragment: Fragment::Whole,
            ports: has_ports.then_some(Ports { source: self.source_port, destination: self.destination_port }),
            tcp_flags: (self.protocol == TCP).then_some(0x02),
            icmp: (self.protocol == ICMP && family == Family::V4).then_some(Icmp { message_type: 8, code: 0 }),
            payload_start: 34,
            payload_end: 60,
        }
    }
}
