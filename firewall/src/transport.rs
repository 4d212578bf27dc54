//! The headers of TCP (RFC 9293), UDP (RFC 768), ICMP (RFC 792) and ICMPv6 (RFC 4443). Cannot panic.
use crate::Malformed;
use crate::packet::{Icmp, Ports, protocol};

const TCP_HEADER: usize = 20;
const UDP_HEADER: usize = 8;
const ICMP_HEADER: usize = 8;
const ICMPV6_HEADER: usize = 4;

/// What a transport header says.
#[derive(Default)]
pub(crate) struct Facts {
    pub(crate) ports: Option<Ports>,
    pub(crate) tcp_flags: Option<u8>,
    pub(crate) icmp: Option<Icmp>,
}

/// Parses the header of the protocols that both versions of IP carry; of any other there are no facts.
#[inline(always)]
pub(crate) fn parse(protocol: u8, payload: &[u8]) -> Result<Facts, Malformed> {
    match protocol {
        protocol::TCP => tcp(payload),
        protocol::UDP => udp(payload),
        _ => Ok(Facts::default()),
    }
}

#[inline(always)]
fn tcp(payload: &[u8]) -> Result<Facts, Malformed> {
    let header = payload.first_chunk::<TCP_HEADER>().ok_or(Malformed::TcpCutShort)?;
    let data_offset = usize::from(header[12] >> 4) * 4;
    if data_offset < TCP_HEADER {
        return Err(Malformed::TcpOffsetUnderMinimum);
    }
    if data_offset > payload.len() {
        return Err(Malformed::TcpOffsetPastPacket);
    }
    let ports = Some(ports([header[0], header[1], header[2], header[3]]));
    Ok(Facts { ports, tcp_flags: Some(header[13]), icmp: None })
}

#[inline(always)]
fn udp(payload: &[u8]) -> Result<Facts, Malformed> {
    let header = payload.first_chunk::<UDP_HEADER>().ok_or(Malformed::UdpCutShort)?;
    Ok(Facts { ports: Some(ports([header[0], header[1], header[2], header[3]])), ..Facts::default() })
}

#[inline(always)]
fn ports([a, b, c, d]: [u8; 4]) -> Ports {
    Ports { source: u16::from_be_bytes([a, b]), destination: u16::from_be_bytes([c, d]) }
}

/// Parses the header of ICMP, which IPv4 carries.
#[inline(always)]
pub(crate) fn icmp(payload: &[u8]) -> Result<Facts, Malformed> {
    let header = payload.first_chunk::<ICMP_HEADER>().ok_or(Malformed::IcmpCutShort)?;
    Ok(message([header[0], header[1]]))
}

/// Parses the header of ICMPv6, which IPv6 carries.
#[inline(always)]
pub(crate) fn icmpv6(payload: &[u8]) -> Result<Facts, Malformed> {
    let header = payload.first_chunk::<ICMPV6_HEADER>().ok_or(Malformed::Icmpv6CutShort)?;
    Ok(message([header[0], header[1]]))
}

#[inline(always)]
fn message([message_type, code]: [u8; 2]) -> Facts {
    Facts { icmp: Some(Icmp { message_type, code }), ..Facts::default() }
}

#[cfg(test)]
mod tests;
