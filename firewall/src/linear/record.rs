//! One rule as the linear engine has it.
use crate::classify::Action;
use crate::packet::protocol;
use crate::table::{decode_action, emit_action};
use core::fmt;
use core::net::IpAddr;

/// Bytes of a rule.
pub const RECORD: usize = size_of::<Bytes>();

/// A rule as bytes: what is not a set, then the sets.
pub type Bytes = [[u8; 8]; 8];

/// Which sets a rule has.
pub(super) mod present {
    pub const SOURCE: u8 = 1 << 0;
    pub const DESTINATION: u8 = 1 << 1;
    pub const PROTOCOL: u8 = 1 << 2;
    pub const SOURCE_PORT_OR_TYPE: u8 = 1 << 3;
    pub const DESTINATION_PORT_OR_CODE: u8 = 1 << 4;
    pub const SOURCE_LISTS: u8 = 1 << 5;
    pub const DESTINATION_LISTS: u8 = 1 << 6;
}

/// Which addresses must not be in their set or lists.
pub(super) mod negated {
    pub const SOURCE: u8 = 1 << 0;
    pub const DESTINATION: u8 = 1 << 1;
}

const LATER: u8 = 1;
const NOT_LATER: u8 = 2;

/// A rule: it matches when all that is `Some` matches.
///
/// | bytes | what |
/// |---|---|
/// | 0 | IP version: 4, 6, or 0 for both |
/// | 1 | a fragment other than the first: 1 yes, 2 no, or 0 for both |
/// | 2 | protocol: 6 TCP, 17 UDP, with IPv4 1 ICMP, with IPv6 58 ICMPv6, or 0 for all |
/// | 3 | action: 0 drop, 1 accept |
/// | 4 | which sets there are: a bit each, in their order from bit 0 on |
/// | 5 | what is negated: bit 0 source addresses, bit 1 destination addresses; only where there are lists |
/// | 6..8 | zero |
/// | 8..64 | the sets: first range and number of ranges, 4 bytes each; zero where there is none |
///
/// The sets are, in this order: source addresses, destination addresses, protocols, source ports or types of ICMP
/// messages, destination ports or codes of ICMP messages; then lists of source addresses and of destination addresses,
/// as first reference and number of references. An address must be in the ranges or in one of the lists; where it is
/// negated, in none of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// The version of IP.
    pub version: Option<Version>,
    /// Whether it must be (true) or must not be (false) a fragment other than the first.
    pub later: Option<bool>,
    /// TCP, UDP, ICMP (of IPv4) or ICMPv6 (of IPv6), by protocol number.
    pub transport: Option<u8>,
    /// What happens to a packet it matches.
    pub action: Action,
    /// Source addresses, of the version.
    pub source: Option<Set>,
    /// Destination addresses, of the version.
    pub destination: Option<Set>,
    /// Lists of source addresses besides, of the version.
    pub source_lists: Option<Set>,
    /// Whether the source address must be in neither.
    pub source_negated: bool,
    /// Lists of destination addresses besides, of the version.
    pub destination_lists: Option<Set>,
    /// Whether the destination address must be in neither.
    pub destination_negated: bool,
    /// Protocol numbers.
    pub protocol: Option<Set>,
    /// Source ports, or types of ICMP messages, of the transport.
    pub source_port_or_type: Option<Set>,
    /// Destination ports, or codes of ICMP messages, of the transport.
    pub destination_port_or_code: Option<Set>,
}

/// The versions of IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// Ranges that stand together: `count` of them, from the one with the number `first` on. With none of them it has no
/// member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Set {
    /// The first range.
    pub first: u32,
    /// How many.
    pub count: u32,
}

/// What is wrong with a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordError {
    /// An IP version that is not 0, 4 or 6.
    Version(u8),
    /// A fragment condition that is not 0, 1 or 2.
    Fragment(u8),
    /// A protocol that is not 0, 1, 6, 17 or 58.
    Transport(u8),
    /// An action that is not 0 or 1.
    Action(u8),
    /// Bits that have no meaning are set.
    Unknown,
    /// A negation without lists.
    NegatedRanges,
    /// Addresses without an IP version.
    AddressesOfNoVersion,
    /// Ports, types or codes without a protocol.
    PortsOfNoProtocol,
    /// ICMP without IPv4, or ICMPv6 without IPv6.
    IcmpOfOtherVersion,
}

impl Version {
    /// The version that an address belongs to.
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }

    /// The byte that stands for it.
    pub(super) const fn code(self) -> u8 {
        match self {
            Self::V4 => 4,
            Self::V6 => 6,
        }
    }
}

/// The byte that stands for a fragment other than the first, or for all else.
pub(super) const fn later_code(later: bool) -> u8 {
    if later { LATER } else { NOT_LATER }
}

impl Record {
    /// The rule that matches every packet.
    pub const fn every(action: Action) -> Self {
        Self {
            version: None,
            later: None,
            transport: None,
            action,
            source: None,
            destination: None,
            source_lists: None,
            source_negated: false,
            destination_lists: None,
            destination_negated: false,
            protocol: None,
            source_port_or_type: None,
            destination_port_or_code: None,
        }
    }

    /// It as bytes.
    pub fn emit(&self) -> Bytes {
        let version = self.version.map_or(0, Version::code);
        let later = self.later.map_or(0, later_code);
        let sets = [
            (self.source, present::SOURCE),
            (self.destination, present::DESTINATION),
            (self.protocol, present::PROTOCOL),
            (self.source_port_or_type, present::SOURCE_PORT_OR_TYPE),
            (self.destination_port_or_code, present::DESTINATION_PORT_OR_CODE),
            (self.source_lists, present::SOURCE_LISTS),
            (self.destination_lists, present::DESTINATION_LISTS),
        ];
        let present = sets.iter().filter(|(set, _)| set.is_some()).fold(0, |bits, (_, bit)| bits | bit);
        let [source, destination, protocol, port_or_type, port_or_code, source_lists, destination_lists] =
            sets.map(|(set, _)| emit_set(set));
        let bit = |is, bit| if is { bit } else { 0 };
        let negated = bit(self.source_negated, negated::SOURCE) | bit(self.destination_negated, negated::DESTINATION);
        let head = [version, later, self.transport.unwrap_or(0), emit_action(self.action), present, negated, 0, 0];
        [head, source, destination, protocol, port_or_type, port_or_code, source_lists, destination_lists]
    }

    /// It from bytes.
    pub(crate) fn parse(bytes: &Bytes) -> Result<Self, RecordError> {
        let &[head, source, destination, numbers, port_or_type, port_or_code, source_lists, destination_lists] = bytes;
        let [version, later, transport, action, present, negated, 0, 0] = head else {
            return Err(RecordError::Unknown);
        };
        if present >> 7 != 0 || negated >> 2 != 0 {
            return Err(RecordError::Unknown);
        }
        let set = |bit, bytes| if present & bit != 0 { Ok(Some(parse_set(bytes))) } else { absent_set(bytes) };
        let record = Self {
            version: match version {
                0 => None,
                4 => Some(Version::V4),
                6 => Some(Version::V6),
                other => return Err(RecordError::Version(other)),
            },
            later: match later {
                0 => None,
                LATER => Some(true),
                NOT_LATER => Some(false),
                other => return Err(RecordError::Fragment(other)),
            },
            transport: match transport {
                0 => None,
                protocol::TCP | protocol::UDP | protocol::ICMP | protocol::ICMPV6 => Some(transport),
                other => return Err(RecordError::Transport(other)),
            },
            action: decode_action(action).ok_or(RecordError::Action(action))?,
            source: set(present::SOURCE, source)?,
            destination: set(present::DESTINATION, destination)?,
            source_lists: set(present::SOURCE_LISTS, source_lists)?,
            source_negated: negated & negated::SOURCE != 0,
            destination_lists: set(present::DESTINATION_LISTS, destination_lists)?,
            destination_negated: negated & negated::DESTINATION != 0,
            protocol: set(present::PROTOCOL, numbers)?,
            source_port_or_type: set(present::SOURCE_PORT_OR_TYPE, port_or_type)?,
            destination_port_or_code: set(present::DESTINATION_PORT_OR_CODE, port_or_code)?,
        };
        match record {
            Self { version: None, source: Some(_), .. }
            | Self { version: None, destination: Some(_), .. }
            | Self { version: None, source_lists: Some(_), .. }
            | Self { version: None, destination_lists: Some(_), .. } => Err(RecordError::AddressesOfNoVersion),
            Self { source_lists: None, source_negated: true, .. }
            | Self { destination_lists: None, destination_negated: true, .. } => Err(RecordError::NegatedRanges),
            Self { transport: None, source_port_or_type: Some(_), .. }
            | Self { transport: None, destination_port_or_code: Some(_), .. } => Err(RecordError::PortsOfNoProtocol),
            Self { transport: Some(protocol::ICMP), version, .. } if version != Some(Version::V4) => {
                Err(RecordError::IcmpOfOtherVersion)
            }
            Self { transport: Some(protocol::ICMPV6), version, .. } if version != Some(Version::V6) => {
                Err(RecordError::IcmpOfOtherVersion)
            }
            _ => Ok(record),
        }
    }
}

/// The action of a rule.
pub(super) fn action(bytes: &Bytes) -> Option<Action> {
    let &[[_, _, _, action, ..], ..] = bytes;
    decode_action(action)
}

fn emit_set(set: Option<Set>) -> [u8; 8] {
    let (first, count) = set.map_or((0, 0), |set| (set.first, set.count));
    let ([a, b, c, d], [e, f, g, h]) = (first.to_le_bytes(), count.to_le_bytes());
    [a, b, c, d, e, f, g, h]
}

pub(super) fn parse_set([a, b, c, d, e, f, g, h]: [u8; 8]) -> Set {
    Set { first: u32::from_le_bytes([a, b, c, d]), count: u32::from_le_bytes([e, f, g, h]) }
}

fn absent_set(bytes: [u8; 8]) -> Result<Option<Set>, RecordError> {
    if bytes == [0; 8] { Ok(None) } else { Err(RecordError::Unknown) }
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(byte) => write!(f, "its IP version is {byte}, not 0, 4 or 6"),
            Self::Fragment(byte) => write!(f, "its fragment condition is {byte}, not 0, 1 or 2"),
            Self::Transport(byte) => write!(f, "its protocol is {byte}, not 0, 1, 6, 17 or 58"),
            Self::Action(byte) => write!(f, "its action is {byte}, not 0 or 1"),
            Self::Unknown => f.write_str("it has bits set that have no meaning"),
            Self::NegatedRanges => f.write_str("it negates addresses and names no list"),
            Self::AddressesOfNoVersion => f.write_str("it names addresses and no IP version"),
            Self::PortsOfNoProtocol => f.write_str("it names ports, types or codes and no protocol that has them"),
            Self::IcmpOfOtherVersion => f.write_str("it asks for ICMP without IPv4, or for ICMPv6 without IPv6"),
        }
    }
}
