//! The words for what is wrong with a packet in words.
use super::error::{Error, ErrorKind};
use crate::config::quote;
use crate::diagnostic::{Diagnostic, Severity};

/// A title, what was expected and what to do.
type Words = (String, String, Option<String>);

const PROTOCOL: &str = "expected `tcp`, `udp`, `icmp`, `icmp6`, `ip proto N` or `ip6 proto N`";
const EXAMPLE: &str = "a packet in words is like `tcp from 10.0.2.2:40000 to :8080 syn`";

impl From<Error> for Diagnostic {
    fn from(error: Error) -> Self {
        let (title, label, help) = words(&error.kind);
        Self { severity: Severity::Error, span: error.span, title, label, help, notes: Vec::new() }
    }
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (title, label, _) = words(&self.kind);
        write!(f, "{title}: {label}")
    }
}

impl core::error::Error for Error {}

fn words(kind: &ErrorKind) -> Words {
    match kind {
        ErrorKind::Empty => ("there is no packet".into(), PROTOCOL.into(), Some(EXAMPLE.into())),
        ErrorKind::Protocol { word, meant } => (
            format!("{} is no protocol", quote(word)),
            meant.map_or(PROTOCOL.into(), did_you_mean),
            Some(as_port(word).unwrap_or_else(|| format!("the protocol comes first: {EXAMPLE}"))),
        ),
        ErrorKind::Word { word, meant, expected } => (
            format!("{} means nothing here", quote(word)),
            meant.map_or(format!("expected {expected}"), did_you_mean),
            as_port(word),
        ),
        ErrorKind::Missing { after, expected } => {
            (format!("nothing follows {}", quote(after)), format!("expected {expected}"), None)
        }
        ErrorKind::Twice { what } => (format!("{what} stands twice"), "the second".into(), None),
        ErrorKind::Endpoint { word } => (
            format!("{} is neither an address nor a port", quote(word)),
            "expected an address, a port, or both".into(),
            Some("such as `10.0.2.2`, `:8080`, `10.0.2.2:8080`, `fe80::1` or `[fe80::1]:8080`".into()),
        ),
        ErrorKind::Number { what, word, most } => {
            (format!("{} is not {what}", quote(word)), format!("expected a number from 0 to {most}"), None)
        }
        ErrorKind::Versions { address, other } => (
            format!("both versions of IP in one packet: {} and {address}", quote(other)),
            format!("this is IPv{}", if address.is_ipv4() { 4 } else { 6 }),
            Some("a packet's addresses are of one version; ICMP is of IPv4, ICMPv6 (`icmp6`) of IPv6".into()),
        ),
        ErrorKind::NotPart { what, protocol } => {
            (format!("{} has no {what}", quote(protocol)), "leave this out".into(), None)
        }
        ErrorKind::InFragment { what } => (
            format!("a fragment other than the first has no {what}"),
            "leave this out, or `fragment`".into(),
            Some("the first fragment of a datagram is `first-fragment`; it has the header".into()),
        ),
        ErrorKind::Extension { protocol } => (
            format!("{protocol} is an extension header of IPv6, and no protocol"),
            "expected what comes after such headers".into(),
            None,
        ),
    }
}

/// What to write in place of `8080` and `tcp/8080`, which are words for sets of packets.
fn as_port(word: &str) -> Option<String> {
    let (protocol, port) = word.split_once('/').unwrap_or(("", word));
    let is_written = ["", "tcp", "udp"].iter().any(|known| protocol.eq_ignore_ascii_case(known));
    let port: u16 = port.parse().ok().filter(|_| is_written)?;
    let space = if protocol.is_empty() { "" } else { " " };
    Some(format!("one packet goes to one port: write `{}{space}to :{port}`", protocol.to_ascii_lowercase()))
}

fn did_you_mean(word: &str) -> String {
    format!("did you mean `{word}`?")
}
