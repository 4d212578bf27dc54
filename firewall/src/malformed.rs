//! Why a packet's own headers do not hold together.
use core::fmt;

/// The reasons. Such a packet is dropped whatever the policy says, and counted by its reason.
///
/// What is not here is not checked: checksums, the UDP length field, reserved bits, and the contents of options and of
/// extension headers are left to the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Malformed {
    /// The frame ends inside its Ethernet header (14 bytes).
    EthernetCutShort,
    /// The version in the IP header is not the one that the ethertype says.
    VersionMismatch,
    /// The frame ends inside the IP header's fixed part (20 bytes in IPv4, 40 in IPv6).
    HeaderCutShort,
    /// The IPv4 header says that it is shorter than 20 bytes.
    HeaderLengthUnderMinimum,
    /// The IPv4 header says that it is longer than the packet.
    HeaderLengthPastPacket,
    /// The packet says that it is longer than the frame has room for.
    TotalLengthPastFrame,
    /// The packet ends inside an IPv6 extension header. An IPv6 jumbogram (RFC 2675) ends here too: its payload length
    /// is zero, so that its hop-by-hop header is past the packet.
    ExtensionCutShort,
    /// An authentication header says that it is shorter than its fixed part (12 bytes, RFC 4302).
    ExtensionLengthUnderMinimum,
    /// There are more than [`MAX_EXTENSIONS`](crate::MAX_EXTENSIONS) IPv6 extension headers.
    ExtensionChainTooLong,
    /// The datagram that this fragment belongs to would be longer than 65,535 bytes.
    FragmentPastEnd,
    /// The packet ends inside the TCP header's fixed part (20 bytes).
    TcpCutShort,
    /// The TCP header says that it is shorter than 20 bytes.
    TcpOffsetUnderMinimum,
    /// The TCP header says that it is longer than the packet.
    TcpOffsetPastPacket,
    /// The packet ends inside the UDP header (8 bytes).
    UdpCutShort,
    /// The packet ends inside the ICMP header (8 bytes, RFC 792).
    IcmpCutShort,
    /// The packet ends inside the ICMPv6 header (4 bytes, RFC 4443: messages without a body exist, RFC 4286).
    Icmpv6CutShort,
}

impl Malformed {
    /// Every reason, in the order of [`index`](Self::index).
    pub const ALL: [Self; 16] = [
        Self::EthernetCutShort,
        Self::VersionMismatch,
        Self::HeaderCutShort,
        Self::HeaderLengthUnderMinimum,
        Self::HeaderLengthPastPacket,
        Self::TotalLengthPastFrame,
        Self::ExtensionCutShort,
        Self::ExtensionLengthUnderMinimum,
        Self::ExtensionChainTooLong,
        Self::FragmentPastEnd,
        Self::TcpCutShort,
        Self::TcpOffsetUnderMinimum,
        Self::TcpOffsetPastPacket,
        Self::UdpCutShort,
        Self::IcmpCutShort,
        Self::Icmpv6CutShort,
    ];

    /// Its place in [`ALL`](Self::ALL).
    pub const fn index(self) -> usize {
        self as usize
    }

    /// A short name, for counters: words joined by `-`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EthernetCutShort => "ethernet-cut-short",
            Self::VersionMismatch => "version-mismatch",
            Self::HeaderCutShort => "header-cut-short",
            Self::HeaderLengthUnderMinimum => "header-length-under-minimum",
            Self::HeaderLengthPastPacket => "header-length-past-packet",
            Self::TotalLengthPastFrame => "total-length-past-frame",
            Self::ExtensionCutShort => "extension-cut-short",
            Self::ExtensionLengthUnderMinimum => "extension-length-under-minimum",
            Self::ExtensionChainTooLong => "extension-chain-too-long",
            Self::FragmentPastEnd => "fragment-past-end",
            Self::TcpCutShort => "tcp-cut-short",
            Self::TcpOffsetUnderMinimum => "tcp-offset-under-minimum",
            Self::TcpOffsetPastPacket => "tcp-offset-past-packet",
            Self::UdpCutShort => "udp-cut-short",
            Self::IcmpCutShort => "icmp-cut-short",
            Self::Icmpv6CutShort => "icmpv6-cut-short",
        }
    }

    const fn explanation(self) -> &'static str {
        match self {
            Self::EthernetCutShort => "the frame ends inside its Ethernet header",
            Self::VersionMismatch => "the IP version is not the one that the ethertype says",
            Self::HeaderCutShort => "the frame ends inside the IP header",
            Self::HeaderLengthUnderMinimum => "the IPv4 header length is under 20 bytes",
            Self::HeaderLengthPastPacket => "the IPv4 header is longer than its packet",
            Self::TotalLengthPastFrame => "the IP packet is longer than its frame",
            Self::ExtensionCutShort => "the packet ends inside an IPv6 extension header",
            Self::ExtensionLengthUnderMinimum => "an IPv6 authentication header is under 12 bytes",
            Self::ExtensionChainTooLong => "there are too many IPv6 extension headers",
            Self::FragmentPastEnd => "the fragment ends past 65,535 bytes of its datagram",
            Self::TcpCutShort => "the packet ends inside the TCP header",
            Self::TcpOffsetUnderMinimum => "the TCP data offset is under 20 bytes",
            Self::TcpOffsetPastPacket => "the TCP data offset is past the packet",
            Self::UdpCutShort => "the packet ends inside the UDP header",
            Self::IcmpCutShort => "the packet ends inside the ICMP header",
            Self::Icmpv6CutShort => "the packet ends inside the ICMPv6 header",
        }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.explanation())
    }
}

impl core::error::Error for Malformed {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_stands_at_its_index_under_a_name_of_its_own() {
        for (index, reason) in Malformed::ALL.into_iter().enumerate() {
            assert_eq!(reason.index(), index);
            assert_eq!(Malformed::ALL.iter().filter(|other| other.name() == reason.name()).count(), 1);
        }
    }
}
