//! An Ethernet frame to what it carries (IEEE 802.3; ethertypes: RFC 9542). Cannot panic.
use crate::{Malformed, Packet, ipv4, ipv6};

/// Bytes of the Ethernet header: destination, source, ethertype.
pub const ETHERNET_HEADER: usize = 14;

const IPV4: u16 = 0x0800;
const ARP: u16 = 0x0806;
const IPV6: u16 = 0x86dd;

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inspected {
    /// An IP packet whose headers hold together.
    Packet(Packet),
    /// ARP, of which nothing is looked at.
    Arp,
    /// Something else: another ethertype, an 802.1Q tag, or an IEEE 802.3 length.
    Other,
}

/// What follows the Ethernet header of a frame.
pub(crate) enum Carried<'f> {
    /// By its ethertype an IPv4 packet.
    Ipv4(&'f [u8]),
    /// By its ethertype an IPv6 packet.
    Ipv6(&'f [u8]),
    Arp,
    Other,
}

/// By the Ethernet header alone.
#[inline(always)]
pub(crate) fn carried(frame: &[u8]) -> Result<Carried<'_>, Malformed> {
    let (header, payload) = frame.split_first_chunk::<ETHERNET_HEADER>().ok_or(Malformed::EthernetCutShort)?;
    Ok(match u16::from_be_bytes([header[12], header[13]]) {
        IPV4 => Carried::Ipv4(payload),
        IPV6 => Carried::Ipv6(payload),
        ARP => Carried::Arp,
        _ => Carried::Other,
    })
}

/// Looks at one frame, from the destination address on and without the frame check sequence. Any length will do; what
/// follows the packet is padding.
///
/// # Errors
/// The first reason why the packet's headers do not hold together, from the outermost header inwards.
pub fn inspect(frame: &[u8]) -> Result<Inspected, Malformed> {
    match carried(frame)? {
        Carried::Ipv4(payload) => ipv4::parse(payload).map(Inspected::Packet),
        Carried::Ipv6(payload) => ipv6::parse(payload).map(Inspected::Packet),
        Carried::Arp => Ok(Inspected::Arp),
        Carried::Other => Ok(Inspected::Other),
    }
}

#[cfg(test)]
mod tests;
