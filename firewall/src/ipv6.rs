//! IPv6 packets and their extension headers (RFC 8200; authentication: RFC 4302). Cannot panic.
use crate::frame::ETHERNET_HEADER;
use crate::packet::{Fragment, Packet, protocol};
use crate::{Malformed, transport};
use core::net::{IpAddr, Ipv6Addr};

/// How many extension headers are followed; a packet with more is malformed. RFC 8200 (4.1) recommends at most six of
/// the kinds that are followed, and RFC 8504 (5.3) lets a host set a limit.
pub const MAX_EXTENSIONS: usize = 8;

const HEADER: usize = 40;

/// The headers that are followed, by their protocol numbers.
mod extension {
    pub const HOP_BY_HOP: u8 = 0;
    pub const ROUTING: u8 = 43;
    pub const FRAGMENT: u8 = 44;
    pub const AUTHENTICATION: u8 = 51;
    pub const DESTINATION_OPTIONS: u8 = 60;
}

/// Parses what follows the Ethernet header of a frame.
pub(crate) fn parse(bytes: &[u8]) -> Result<Packet, Malformed> {
    if bytes.first().ok_or(Malformed::HeaderCutShort)? >> 4 != 6 {
        return Err(Malformed::VersionMismatch);
    }
    let (header, rest) = bytes.split_first_chunk::<HEADER>().ok_or(Malformed::HeaderCutShort)?;
    let payload_length = usize::from(u16::from_be_bytes([header[4], header[5]]));
    let chain = follow(header[6], rest.get(..payload_length).ok_or(Malformed::TotalLengthPastFrame)?)?;
    let transport = match (chain.fragment, chain.protocol) {
        (Fragment::Later, _) => transport::Facts::default(),
        (_, protocol::ICMPV6) => transport::icmpv6(chain.payload)?,
        (_, other) => transport::parse(other, chain.payload)?,
    };
    let end = ETHERNET_HEADER + HEADER + payload_length;
    Ok(Packet {
        source: address(header, 8),
        destination: address(header, 24),
        protocol: chain.protocol,
        fragment: chain.fragment,
        ports: transport.ports,
        tcp_flags: transport.tcp_flags,
        icmp: transport.icmp,
        payload_start: (end - chain.payload.len()) as u32,
        payload_end: end as u32,
    })
}

fn address(header: &[u8; HEADER], at: usize) -> IpAddr {
    let octets: Option<[u8; 16]> = header.get(at..).and_then(|rest| rest.first_chunk()).copied();
    IpAddr::V6(Ipv6Addr::from(octets.unwrap_or_default()))
}

/// What a chain of extension headers leads to.
struct Chain<'f> {
    protocol: u8,
    fragment: Fragment,
    payload: &'f [u8],
}

/// Follows the extension headers of `payload`, of which the first is `next`. It stops at a later fragment: what comes
/// next there are not headers.
fn follow(mut next: u8, payload: &[u8]) -> Result<Chain<'_>, Malformed> {
    let mut rest = payload;
    let mut fragment = Fragment::Whole;
    for _ in 0..=MAX_EXTENSIONS {
        let length = match next {
            extension::HOP_BY_HOP | extension::ROUTING | extension::DESTINATION_OPTIONS => options_length(rest)?,
            extension::AUTHENTICATION => authentication_length(rest)?,
            extension::FRAGMENT => {
                fragment = match (self::fragment(rest, payload.len())?, fragment) {
                    (Fragment::Whole, outer) => outer,
                    (inner, _) => inner,
                };
                8
            }
            protocol => return Ok(Chain { protocol, fragment, payload: rest }),
        };
        next = *rest.first().ok_or(Malformed::ExtensionCutShort)?;
        rest = rest.get(length..).ok_or(Malformed::ExtensionCutShort)?;
        if fragment == Fragment::Later {
            return Ok(Chain { protocol: next, fragment, payload: rest });
        }
    }
    Err(Malformed::ExtensionChainTooLong)
}

/// Bytes of a hop-by-hop, routing or destination-options header: the field counts 8 bytes, the first 8 not included.
fn options_length(header: &[u8]) -> Result<usize, Malformed> {
    Ok((length_field(header)? + 1) * 8)
}

/// Bytes of an authentication header: the field counts 4 bytes, the first 8 not included.
fn authentication_length(header: &[u8]) -> Result<usize, Malformed> {
    match length_field(header)? {
        0 => Err(Malformed::ExtensionLengthUnderMinimum),
        field => Ok((field + 2) * 4),
    }
}

fn length_field(header: &[u8]) -> Result<usize, Malformed> {
    header.get(1).map(|&field| usize::from(field)).ok_or(Malformed::ExtensionCutShort)
}

/// Which part of its datagram the fragment header at the start of `rest` says that it is, where `rest` is the end of a
/// payload of `payload_length` bytes. The whole payload must fit in 16 bits: the headers before, the data and its offset.
fn fragment(rest: &[u8], payload_length: usize) -> Result<Fragment, Malformed> {
    let header = rest.first_chunk::<8>().ok_or(Malformed::ExtensionCutShort)?;
    let field = u16::from_be_bytes([header[2], header[3]]);
    let offset = usize::from(field & 0xfff8);
    if offset + payload_length - header.len() > usize::from(u16::MAX) {
        return Err(Malformed::FragmentPastEnd);
    }
    Ok(match (offset, field & 1) {
        (0, 0) => Fragment::Whole,
        (0, _) => Fragment::First,
        _ => Fragment::Later,
    })
}

#[cfg(test)]
mod tests;
