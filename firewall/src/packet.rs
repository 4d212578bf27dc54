//! What a rule may ask of a packet.
use core::net::IpAddr;

/// Protocol numbers (IANA, "Assigned Internet Protocol Numbers").
pub mod protocol {
    /// ICMP, in IPv4 (RFC 792).
    pub const ICMP: u8 = 1;
    /// TCP (RFC 9293).
    pub const TCP: u8 = 6;
    /// UDP (RFC 768).
    pub const UDP: u8 = 17;
    /// ICMPv6, in IPv6 (RFC 4443).
    pub const ICMPV6: u8 = 58;
}

/// The facts of one well-formed IPv4 or IPv6 packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Who sent it. Of the same version as the destination.
    pub source: IpAddr,
    /// Who shall have it.
    pub destination: IpAddr,
    /// IPv4: the header's protocol. IPv6: the first header after hop-by-hop, routing, fragment, destination-options and
    /// authentication headers; of a later fragment, whose headers cannot be followed, the fragment header's next header.
    pub protocol: u8,
    /// Which part of its datagram it is.
    pub fragment: Fragment,
    /// The ports, of TCP and UDP that is not a later fragment.
    pub ports: Option<Ports>,
    /// The flags byte (CWR to FIN, RFC 9293), of TCP that is not a later fragment.
    pub tcp_flags: Option<u8>,
    /// What message it is, of ICMP in IPv4 and ICMPv6 in IPv6 that is not a later fragment.
    pub icmp: Option<Icmp>,
    /// Where the protocol's own header starts, or a later fragment's data: bytes from the start of the frame.
    pub payload_start: u32,
    /// Where the packet ends and the frame's padding starts: bytes from the start of the frame.
    pub payload_end: u32,
}

/// Which part of its datagram a packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fragment {
    /// All of it.
    Whole,
    /// The start of it: offset zero, more to come.
    First,
    /// A part with an offset other than zero: it has no header of its protocol.
    Later,
}

/// Source and destination port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ports {
    /// The sender's.
    pub source: u16,
    /// The receiver's.
    pub destination: u16,
}

/// What message of ICMP (RFC 792) or ICMPv6 (RFC 4443) it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Icmp {
    /// Its type.
    pub message_type: u8,
    /// Its code, which says more about the type.
    pub code: u8,
}

impl Packet {
    /// The protocol's header and what follows it, out of the frame that the packet was parsed from. Empty for a frame
    /// that is shorter than that one.
    pub fn payload<'f>(&self, frame: &'f [u8]) -> &'f [u8] {
        frame.get(self.payload_start as usize..self.payload_end as usize).unwrap_or(&[])
    }
}
