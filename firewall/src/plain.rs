//! What most packets are: TCP or UDP in one whole IPv4 packet whose header has no options. All that is asked of them is in
//! the same places, so that they are judged with few instructions. Cannot panic.
use crate::frame::ETHERNET_HEADER;
use crate::packet::{Fragment, Packet, Ports, protocol};
use core::net::{IpAddr, Ipv4Addr};

/// The first byte of an IPv4 header without options.
const NO_OPTIONS: u8 = 0x45;
const IPV4_HEADER: u16 = 20;
const TCP_HEADER: u16 = 20;
const UDP_HEADER: u16 = 8;
/// The bits of a fragment's flags and offset that are zero in a whole packet.
const FRAGMENT: u16 = 0x3fff;

/// Such a packet.
pub struct Plain {
    /// The source's bits, then the destination's.
    pub(crate) addresses: u64,
    /// The source port's bits, then the destination port's.
    pub(crate) ports: u32,
    /// TCP or UDP.
    pub(crate) protocol: u8,
    flags: u8,
    total_length: u16,
}

impl Plain {
    /// From what follows the Ethernet header. `None` does not say that anything is wrong: [`ipv4`](crate::ipv4) does.
    #[inline(always)]
    pub(crate) fn parse(payload: &[u8]) -> Option<Self> {
        // As long as both headers of TCP are: Ethernet pads shorter packets further than that.
        let header = payload.first_chunk::<{ (IPV4_HEADER + TCP_HEADER) as usize }>()?;
        let total_length = u16::from_be_bytes([header[2], header[3]]);
        let fragment = u16::from_be_bytes([header[6], header[7]]) & FRAGMENT;
        let least = match header[9] {
            // The data offset counts 4 bytes; one that is too small is not plain either.
            protocol::TCP if header[32] >= 0x50 => IPV4_HEADER + u16::from(header[32] >> 4) * 4,
            protocol::UDP => IPV4_HEADER + UDP_HEADER,
            _ => return None,
        };
        if header[0] != NO_OPTIONS || fragment != 0 || total_length < least || usize::from(total_length) > payload.len()
        {
            return None;
        }
        let [_, _, _, _, _, _, _, _, _, _, _, _, a, b, c, d, e, f, g, h, i, j, k, l, ..] = *header;
        Some(Self {
            addresses: u64::from_be_bytes([a, b, c, d, e, f, g, h]),
            ports: u32::from_be_bytes([i, j, k, l]),
            protocol: header[9],
            flags: header[33],
            total_length,
        })
    }

    /// Its facts.
    #[inline(always)]
    pub(crate) fn packet(&self) -> Packet {
        let address = |bits: u64| IpAddr::V4(Ipv4Addr::from_bits(bits as u32));
        Packet {
            source: address(self.addresses >> 32),
            destination: address(self.addresses),
            protocol: self.protocol,
            fragment: Fragment::Whole,
            ports: Some(Ports { source: (self.ports >> 16) as u16, destination: self.ports as u16 }),
            tcp_flags: (self.protocol == protocol::TCP).then_some(self.flags),
            icmp: None,
            payload_start: ETHERNET_HEADER as u32 + u32::from(IPV4_HEADER),
            payload_end: ETHERNET_HEADER as u32 + u32::from(self.total_length),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipv4;

    /// A packet of 60 bytes that is plain, TCP with a header of 24 bytes.
    fn tcp() -> [u8; 60] {
        let mut bytes = [7; 60];
        bytes[..10].copy_from_slice(&[0x45, 0, 0, 60, 0, 1, 0x40, 0, 64, protocol::TCP]);
        bytes[32] = 0x60;
        bytes
    }

    #[test]
    fn whatever_is_plain_is_what_the_other_parser_finds() {
        let mut plain = 0;
        let mut compare = |bytes: &[u8]| {
            if let Some(packet) = Plain::parse(bytes).map(|plain| plain.packet()) {
                plain += 1;
                assert_eq!(ipv4::parse(bytes), Ok(packet), "{bytes:02x?}");
            }
        };
        // Every value of every byte of the headers, alone and with UDP, and every length.
        for protocol in [protocol::TCP, protocol::UDP, protocol::ICMP] {
            for at in 0..40 {
                for value in 0..=255 {
                    let mut bytes = tcp();
                    bytes[9] = protocol;
                    bytes[at] = value;
                    (0..=60)
                        .step_by(if at == 3 || at == 32 { 1 } else { 20 })
                        .for_each(|length| compare(&bytes[..length]));
                    compare(&bytes);
                }
            }
        }
        assert!(plain > 10_000, "{plain}");
    }

    #[test]
    fn what_is_common_is_plain() {
        let mut bytes = tcp();
        assert!(Plain::parse(&bytes).is_some());
        bytes[9] = protocol::UDP;
        assert!(Plain::parse(&bytes).is_some());
        bytes[6] = 0x20;
        assert!(Plain::parse(&bytes).is_none());
    }
}
