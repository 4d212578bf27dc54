//! Names of ICMP messages and TCP flags.
use super::Version;

/// A name, its type, and where the name says so its code.
type Message = (&'static str, u8, Option<u8>);

/// After IANA's "ICMP Parameters".
const ICMP: &[Message] = &[
    ("echo-request", 8, None),
    ("echo-reply", 0, None),
    ("network-unreachable", 3, Some(0)),
    ("host-unreachable", 3, Some(1)),
    ("protocol-unreachable", 3, Some(2)),
    ("port-unreachable", 3, Some(3)),
    ("fragmentation-needed", 3, Some(4)),
    ("admin-prohibited", 3, Some(13)),
    ("destination-unreachable", 3, None),
    ("source-quench", 4, None),
    ("redirect", 5, None),
    ("router-advertisement", 9, None),
    ("router-solicitation", 10, None),
    ("time-exceeded", 11, None),
    ("parameter-problem", 12, None),
    ("timestamp-request", 13, None),
    ("timestamp-reply", 14, None),
    ("ping", 8, None),
    ("unreachable", 3, None),
];

/// After IANA's "ICMPv6 Parameters".
const ICMPV6: &[Message] = &[
    ("echo-request", 128, None),
    ("echo-reply", 129, None),
    ("no-route", 1, Some(0)),
    ("admin-prohibited", 1, Some(1)),
    ("address-unreachable", 1, Some(3)),
    ("port-unreachable", 1, Some(4)),
    ("destination-unreachable", 1, None),
    ("packet-too-big", 2, None),
    ("time-exceeded", 3, None),
    ("parameter-problem", 4, None),
    ("listener-query", 130, None),
    ("listener-report", 131, None),
    ("listener-done", 132, None),
    ("router-solicitation", 133, None),
    ("router-advertisement", 134, None),
    ("neighbour-solicitation", 135, None),
    ("neighbour-advertisement", 136, None),
    ("redirect", 137, None),
    ("listener-report-v2", 143, None),
    ("neighbor-solicitation", 135, None),
    ("neighbor-advertisement", 136, None),
    ("ping", 128, None),
    ("unreachable", 1, None),
];

/// The bits of the flags byte (RFC 9293, 3.1), in the order that they are told in.
pub(super) const FLAGS: [(&str, u8); 8] = [
    ("syn", 0x02),
    ("fin", 0x01),
    ("rst", 0x04),
    ("psh", 0x08),
    ("ack", 0x10),
    ("urg", 0x20),
    ("ece", 0x40),
    ("cwr", 0x80),
];

/// For a packet without any of them.
pub(super) const NO_FLAGS: &str = "no-flags";

/// All messages of a version.
pub(crate) fn messages(version: Version) -> &'static [Message] {
    match version {
        Version::V4 => ICMP,
        Version::V6 => ICMPV6,
    }
}

/// A message's type, and its code where the name says it.
pub(crate) fn message(version: Version, name: &str) -> Option<(u8, Option<u8>)> {
    let found = messages(version).iter().find(|(known, ..)| known.eq_ignore_ascii_case(name));
    found.map(|(_, message_type, code)| (*message_type, *code))
}

/// The name that says type and code, or that of the type with the code; numbers where there is none.
pub(super) fn name(version: Version, message_type: u8, code: u8) -> String {
    let all = messages(version);
    let exact = all.iter().find(|(_, of, with)| *of == message_type && with.unwrap_or(0) == code);
    let of_type = || all.iter().find(|(_, of, with)| *of == message_type && with.is_none());
    match (exact, of_type()) {
        (Some((name, ..)), _) => name.to_string(),
        (None, Some((name, ..))) => format!("{name} code {code}"),
        (None, None) => format!("type {message_type} code {code}"),
    }
}

/// The bits of flags that are joined by `/`, `+`, `-` or `|`, or stand alone.
pub(super) fn flags(word: &str) -> Option<u8> {
    let bit = |name: &str| FLAGS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, bit)| *bit);
    word.split(['/', '+', '-', '|']).try_fold(0, |bits, name| Some(bits | bit(name)?))
}
