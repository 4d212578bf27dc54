//! Packets in hex, as tools print them.
use crate::say::counted;
use firewall::frame::ETHERNET_HEADER;
use policy::diagnostic::{Diagnostic, Severity, Span};

/// As much as a frame can have, in bytes.
const LONGEST: usize = 1 << 17;

/// Why a text is no hex.
#[derive(Debug)]
pub struct Error {
    span: Span,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// There is no digit.
    None,
    /// No digit.
    Digit(char),
    /// Half of a byte.
    Odd,
    /// More bytes than any packet has.
    TooLong,
}

impl Error {
    /// Of a text without a digit.
    pub fn none(text: &str) -> Self {
        Self { span: 0..text.len(), kind: Kind::None }
    }
}

impl From<Error> for Diagnostic {
    fn from(error: Error) -> Self {
        let (title, label) = match error.kind {
            Kind::None => ("there is no byte".to_string(), "expected hex digits".to_string()),
            Kind::Digit(found) => {
                (format!("{:?} is no hex digit", found.to_string()), "expected 0 to 9 or a to f".into())
            }
            Kind::Odd => ("half of a byte".into(), "expected two hex digits for each byte".into()),
            Kind::TooLong => (format!("more than {LONGEST} bytes"), "no packet is so long".into()),
        };
        let help =
            "hex is like `4500 0028 ...`, `45:00:00:28:...` or `0x45000028...`: an Ethernet frame or an IP packet";
        Self { severity: Severity::Error, span: error.span, title, label, help: Some(help.into()), notes: Vec::new() }
    }
}

/// Whether a text is meant so: it begins with `0x`, or its first word is all hex digits, `:` and `-`. No word for a packet is.
pub fn is_hex(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default();
    let digits = first.chars().all(|c| c.is_ascii_hexdigit() || c == ':' || c == '-');
    is_prefixed(first) || !first.is_empty() && digits
}

fn is_prefixed(word: &str) -> bool {
    word.starts_with("0x") || word.starts_with("0X")
}

/// The bytes. A word may begin with `0x`; one that ends in `:` besides is an offset, as `tcpdump -x` prints it. `:` and
/// `-` may part digits.
pub fn parse(text: &str) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let mut half: Option<(u8, usize)> = None;
    let mut start = 0;
    for word in text.split_inclusive(char::is_whitespace) {
        let at = start;
        start += word.len();
        let trimmed = word.trim_end();
        let skipped = if is_prefixed(trimmed) { 2 } else { 0 };
        if skipped > 0 && trimmed.ends_with(':') {
            continue;
        }
        for (offset, c) in trimmed.char_indices().skip(skipped) {
            let place = at + offset;
            if c == ':' || c == '-' {
                continue;
            }
            let digit = c.to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            let digit = digit.ok_or(Error { span: place..place + c.len_utf8(), kind: Kind::Digit(c) })?;
            half = match half {
                None => Some((digit, place)),
                Some((high, _)) => {
                    bytes.push(high << 4 | digit);
                    None
                }
            };
            if bytes.len() > LONGEST {
                return Err(Error { span: place..place + 1, kind: Kind::TooLong });
            }
        }
    }
    match half {
        Some((_, place)) => Err(Error { span: place..place + 1, kind: Kind::Odd }),
        None => Ok(bytes),
    }
}

/// The bytes as an Ethernet frame, and what they were taken for: an IP packet if they begin with its version and are as
/// long as it says; an Ethernet frame if that is what the ethertype says; else an IP packet by the version alone. `None`
/// for no bytes.
pub fn frame(bytes: &[u8]) -> Option<(Vec<u8>, String)> {
    let version = bytes.first()? >> 4;
    let word = |at: usize| Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]));
    let length = match version {
        4 => word(2).map(usize::from),
        6 => word(4).map(|length| usize::from(length) + 40),
        _ => None,
    };
    let carried = bytes.get(ETHERNET_HEADER).map(|byte| byte >> 4);
    let is_ethernet =
        matches!((word(12), carried), (Some(0x0800), Some(4)) | (Some(0x86dd), Some(6)) | (Some(0x0806), _));
    let ethertype: [u8; 2] = match version {
        4 if length == Some(bytes.len()) || !is_ethernet => [0x08, 0x00],
        6 if length == Some(bytes.len()) || !is_ethernet => [0x86, 0xdd],
        _ => return Some((bytes.to_vec(), format!("an Ethernet frame of {}", counted(bytes.len(), "byte")))),
    };
    let frame = [&[0; 12], ethertype.as_slice(), bytes].concat();
    Some((frame, format!("an IPv{version} packet of {}", counted(bytes.len(), "byte"))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use policy::packet;

    #[test]
    fn bytes_are_read_as_tools_print_them() {
        for text in [
            "0x450a",
            "45 0a",
            "45:0a",
            "45-0A",
            "450A",
            "0x45 0x0a",
            "0x0000:  450a",
            "4 50 a",
            "0x0000: 45\n0x0001: 0a",
        ] {
            assert!(is_hex(text), "{text}");
            assert_eq!(parse(text).unwrap(), [0x45, 0x0a], "{text}");
        }
    }

    #[test]
    fn words_are_not_hex() {
        for text in ["tcp", "udp to 80", "icmp", "ip proto 47", "", "facts"] {
            assert!(!is_hex(text), "{text}");
        }
    }

    #[test]
    fn what_is_no_digit_is_where_it_stands() {
        for (text, span) in [("45 0g", 4..5), ("0x45 é", 5..7), ("450", 2..3), ("45:0x", 4..5)] {
            assert_eq!(parse(text).unwrap_err().span, span, "{text}");
        }
        assert!(matches!(parse(&"00".repeat(LONGEST + 1)).unwrap_err().kind, Kind::TooLong));
    }

    #[test]
    fn a_frame_and_its_packet_are_told_apart() {
        for words in ["tcp to 22", "udp from ::1", "icmp", "tcp fragment", "udp from 8.0.64.1"] {
            let whole = packet::frame(&packet::parse(words).unwrap());
            let (frame, taken_for) = super::frame(&whole).unwrap();
            assert_eq!((frame.as_slice(), taken_for.starts_with("an Ethernet")), (whole.as_slice(), true), "{words}");
            let (frame, taken_for) = super::frame(&whole[14..]).unwrap();
            assert_eq!((&frame[12..], taken_for.starts_with("an IPv")), (&whole[12..], true), "{words}");
        }
        // A hardware address may begin with the version of IP.
        let mut whole = packet::frame(&packet::parse("tcp").unwrap());
        whole[0] = 0x45;
        assert_eq!(super::frame(&whole).unwrap().0, whole);
        assert_eq!(super::frame(&[0x45]).unwrap().1, "an IPv4 packet of 1 byte");
        assert_eq!(super::frame(&[]), None);
    }
}
