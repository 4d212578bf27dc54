//! What packets of other link types are as Ethernet frames (tcpdump.org, "Link-layer header types").
use firewall::frame::ETHERNET_HEADER;
use firewall::{Cause, Fragment, InForce, Packet, Verdict, judge, protocol};

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;

/// Longer packets than this are not made whole again, in bytes: IP headers say less.
const LONGEST: usize = 1 << 17;

/// A link type that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// LINKTYPE_ETHERNET.
    Ethernet,
    /// LINKTYPE_RAW: IP of either version.
    Raw,
    /// LINKTYPE_IPV4.
    Ipv4,
    /// LINKTYPE_IPV6.
    Ipv6,
    /// LINKTYPE_LINUX_SLL.
    Cooked,
    /// LINKTYPE_LINUX_SLL2.
    Cooked2,
    /// LINKTYPE_NULL and LINKTYPE_LOOP: the address family of some BSD, in the byte order of some machine.
    Loopback,
}

/// A packet as an Ethernet frame.
pub struct Framed<'f> {
    /// As long as the packet was; what was not captured is zero.
    pub frame: &'f [u8],
    /// How many bytes of it were captured.
    captured: usize,
}

impl Link {
    /// By its number.
    pub fn of(number: u16) -> Option<Self> {
        Some(match number {
            1 => Self::Ethernet,
            // What DLT_RAW is on some systems stands in files, too.
            12 | 14 | 101 => Self::Raw,
            228 => Self::Ipv4,
            229 => Self::Ipv6,
            113 => Self::Cooked,
            276 => Self::Cooked2,
            0 | 108 => Self::Loopback,
            _ => return None,
        })
    }

    /// Bytes before what the ethertype says.
    fn header(self) -> usize {
        match self {
            Self::Ethernet => ETHERNET_HEADER,
            Self::Raw | Self::Ipv4 | Self::Ipv6 => 0,
            Self::Cooked => 16,
            Self::Cooked2 => 20,
            Self::Loopback => 4,
        }
    }

    /// The ethertype of what the packet carries; zero for what has none.
    fn ethertype(self, data: &[u8]) -> u16 {
        let word = |at: usize| match (data.get(at), data.get(at + 1)) {
            (Some(high), Some(low)) => u16::from_be_bytes([*high, *low]),
            _ => 0,
        };
        match self {
            Self::Ethernet => word(12),
            Self::Ipv4 => IPV4,
            Self::Ipv6 => IPV6,
            Self::Cooked => word(14),
            Self::Cooked2 => word(0),
            Self::Raw => match data.first().map(|byte| byte >> 4) {
                Some(6) => IPV6,
                Some(4) | None => IPV4,
                Some(_) => 0,
            },
            // One of the halves is zero, in either byte order.
            Self::Loopback => match (word(0), word(2)) {
                (family, 0) => family_ethertype(family.swap_bytes()),
                (0, family) => family_ethertype(family),
                _ => 0,
            },
        }
    }

    /// The packet with an Ethernet header in place of its own; `length` is how long it was, and `buffer` what it is
    /// made in where it is not captured so.
    pub fn frame<'f>(self, data: &'f [u8], length: usize, buffer: &'f mut Vec<u8>) -> Framed<'f> {
        if self == Self::Ethernet && length <= data.len() {
            return Framed { frame: data, captured: data.len() };
        }
        buffer.clear();
        match data.get(self.header()..) {
            Some(carried) => {
                if self == Self::Ethernet {
                    buffer.extend(data.iter().take(ETHERNET_HEADER));
                } else {
                    buffer.extend([0; 12]);
                    buffer.extend(self.ethertype(data).to_be_bytes());
                }
                buffer.extend(carried);
            }
            None => buffer.extend(data.iter().take(ETHERNET_HEADER - 1)),
        }
        let captured = buffer.len();
        let missing = length.min(LONGEST).saturating_sub(data.len());
        buffer.resize(captured + missing, 0);
        Framed { frame: buffer, captured }
    }
}

/// By the number of an address family: AF_INET is 2 everywhere; AF_INET6 is 10 for Linux, 24 for NetBSD and OpenBSD, 28
/// for FreeBSD, 30 for Darwin.
fn family_ethertype(family: u16) -> u16 {
    match family {
        2 => IPV4,
        10 | 24 | 28 | 30 => IPV6,
        _ => 0,
    }
}

impl Framed<'_> {
    /// The verdict; `None` where what was captured does not say it.
    pub fn judge(&self, table: &impl InForce) -> Option<Verdict> {
        let verdict = judge(self.frame, table);
        let is_whole = self.captured >= self.frame.len();
        let needed = match (&verdict.packet, verdict.cause) {
            (Some(packet), _) => packet.payload_start as usize + asked_of_payload(packet),
            (None, Cause::Arp | Cause::NotIp) => ETHERNET_HEADER,
            // Which bytes were looked at is not known.
            (None, _) => self.frame.len(),
        };
        (is_whole || self.captured >= needed).then_some(verdict)
    }
}

/// Bytes of the protocol's header up to the last that is looked at.
fn asked_of_payload(packet: &Packet) -> usize {
    match packet.protocol {
        _ if packet.fragment == Fragment::Later => 0,
        protocol::TCP => 14,
        protocol::UDP => 4,
        protocol::ICMP if packet.source.is_ipv4() => 2,
        protocol::ICMPV6 if packet.source.is_ipv6() => 2,
        _ => 0,
    }
}
