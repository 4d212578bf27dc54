//! IPv4 packets (RFC 791). Cannot panic.
use crate::frame::ETHERNET_HEADER;
use crate::packet::{Fragment, Packet, protocol};
use crate::{Malformed, transport};
use core::net::{IpAddr, Ipv4Addr};

const HEADER: usize = 20;
const MORE_FRAGMENTS: u16 = 0x2000;
const OFFSET: u16 = 0x1fff;

/// Parses what follows the Ethernet header of a frame.
#[inline(always)]
pub(crate) fn parse(bytes: &[u8]) -> Result<Packet, Malformed> {
    if bytes.first().ok_or(Malformed::HeaderCutShort)? >> 4 != 4 {
        return Err(Malformed::VersionMismatch);
    }
    let header = bytes.first_chunk::<HEADER>().ok_or(Malformed::HeaderCutShort)?;
    let header_length = usize::from(header[0] & 0x0f) * 4;
    if header_length < HEADER {
        return Err(Malformed::HeaderLengthUnderMinimum);
    }
    let total_length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    let payload = bytes
        .get(..total_length)
        .ok_or(Malformed::TotalLengthPastFrame)?
        .get(header_length..)
        .ok_or(Malformed::HeaderLengthPastPacket)?;
    let fragment = fragment(u16::from_be_bytes([header[6], header[7]]), total_length)?;
    let transport = match (fragment, header[9]) {
        (Fragment::Later, _) => transport::Facts::default(),
        (_, protocol::ICMP) => transport::icmp(payload)?,
        (_, other) => transport::parse(other, payload)?,
    };
    Ok(Packet {
        source: IpAddr::V4(Ipv4Addr::new(header[12], header[13], header[14], header[15])),
        destination: IpAddr::V4(Ipv4Addr::new(header[16], header[17], header[18], header[19])),
        protocol: header[9],
        fragment,
        ports: transport.ports,
        tcp_flags: transport.tcp_flags,
        icmp: transport.icmp,
        payload_start: (ETHERNET_HEADER + header_length) as u32,
        payload_end: (ETHERNET_HEADER + total_length) as u32,
    })
}

/// From the flags and the fragment offset. The header counts: a datagram's total length, its header included, must fit
/// in 16 bits, and the first fragment's header is no shorter than any other's.
#[inline(always)]
fn fragment(field: u16, total_length: usize) -> Result<Fragment, Malformed> {
    let offset = usize::from(field & OFFSET) * 8;
    if offset + total_length > usize::from(u16::MAX) {
        return Err(Malformed::FragmentPastEnd);
    }
    Ok(match (offset, field & MORE_FRAGMENTS) {
        (0, 0) => Fragment::Whole,
        (0, _) => Fragment::First,
        _ => Fragment::Later,
    })
}

#[cfg(test)]
mod tests;
