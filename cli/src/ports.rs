//! Forwarded ports: `8080`, `80,443`, `8000-8010`, `9000:8080`, `0.0.0.0:80:8080`, `[::1]:80:8080`.
use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::ops::RangeInclusive;

/// The transport protocol of a forwarded port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl Protocol {
    /// The option that forwards such ports.
    fn option(self) -> &'static str {
        match self {
            Protocol::Tcp => "-p",
            Protocol::Udp => "--udp",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
        })
    }
}

/// One port of the host whose packets go to one port of the instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forward {
    /// TCP or UDP.
    pub protocol: Protocol,
    /// Where the host listens; 127.0.0.1 unless written.
    pub host: SocketAddr,
    /// The instance's port.
    pub guest: u16,
}

impl fmt::Display for Forward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}/{}", self.host, self.guest, self.protocol)
    }
}

/// Why a port cannot be forwarded.
#[derive(Debug, PartialEq, Eq)]
pub enum PortError {
    /// This is no port.
    NotPort(String),
    /// This range ends before it begins.
    Reversed(String),
    /// The two ranges of this have different lengths.
    OtherLength(String),
    /// This is no address.
    NotAddress(String),
    /// There are more parts than address, host port and port.
    TooManyParts(String),
    /// It stands twice.
    Twice(Protocol, SocketAddr),
    /// Another program has it, or it is not ours to take.
    Refused(Forward, io::ErrorKind),
    /// UDP is forwarded from IPv4 addresses alone.
    UdpOverIpv6(SocketAddr),
}

impl fmt::Display for PortError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotPort(text) => write!(f, "`{text}` is no port: a number from 1 to 65535 is expected"),
            Self::Reversed(text) => write!(f, "the range `{text}` ends before it begins"),
            Self::OtherLength(text) => write!(f, "the two ranges of `{text}` have different lengths"),
            Self::NotAddress(text) => {
                write!(f, "`{text}` is no address of the host: 0.0.0.0 or [::1] for example is expected")
            }
            Self::TooManyParts(text) => {
                write!(f, "`{text}` has too many parts: PORT, HOST:PORT or ADDRESS:HOST:PORT is expected")
            }
            Self::Twice(protocol, host) => write!(f, "{protocol} port {host} is forwarded twice"),
            Self::Refused(Forward { protocol, host, guest }, io::ErrorKind::AddrInUse) => {
                write!(f, "{protocol} port {host} is busy: another program listens there; forward another, as in ")?;
                let other = host.port().checked_add(1).unwrap_or(8000).max(1024);
                write!(f, "`{} {other}:{guest}`", protocol.option())
            }
            Self::Refused(Forward { protocol, host, guest }, io::ErrorKind::PermissionDenied) => {
                write!(f, "{protocol} port {host} needs root: ports under 1024 do; forward another, as in ")?;
                write!(f, "`{} {}:{guest}`", protocol.option(), u32::from(host.port()) + 8000)
            }
            Self::Refused(Forward { protocol, host, .. }, io::ErrorKind::AddrNotAvailable) => {
                write!(f, "{protocol} port {host} cannot be opened: this host does not have the address {}", host.ip())
            }
            Self::UdpOverIpv6(host) => {
                write!(f, "udp port {host}: UDP is forwarded from IPv4 addresses of the host alone")
            }
            Self::Refused(Forward { protocol, host, .. }, kind) => {
                write!(f, "{protocol} port {host} cannot be opened: {kind}")
            }
        }
    }
}

impl std::error::Error for PortError {}

/// Reads one argument of `-p` or `--udp`: ports, ranges and mappings, separated by commas.
pub fn parse(protocol: Protocol, text: &str) -> Result<Vec<Forward>, PortError> {
    let mut forwards = Vec::new();
    for item in text.split(',') {
        forwards.extend(parse_item(protocol, item.trim())?);
    }
    Ok(forwards)
}

fn parse_item(protocol: Protocol, item: &str) -> Result<Vec<Forward>, PortError> {
    let (address, ports) = split_address(item)?;
    let (host, guest) = match *ports.split(':').collect::<Vec<_>>() {
        [both] => (range(both)?, range(both)?),
        [host, guest] => (range(host)?, range(guest)?),
        _ => return Err(PortError::TooManyParts(item.to_string())),
    };
    if host.len() != guest.len() {
        return Err(PortError::OtherLength(item.to_string()));
    }
    let forward = |(host, guest)| Forward { protocol, host: SocketAddr::new(address, host), guest };
    Ok(host.zip(guest).map(forward).collect())
}

/// The address in front, and the ports behind it.
fn split_address(item: &str) -> Result<(IpAddr, &str), PortError> {
    let wrong = |address: &str| PortError::NotAddress(address.to_string());
    if let Some(rest) = item.strip_prefix('[') {
        let (address, ports) = rest.split_once("]:").ok_or_else(|| wrong(item))?;
        return Ok((address.parse::<Ipv6Addr>().map_err(|_| wrong(address))?.into(), ports));
    }
    match item.split_once(':') {
        Some((address, ports)) if address.contains('.') || ports.contains(':') => {
            Ok((address.parse::<Ipv4Addr>().map_err(|_| wrong(address))?.into(), ports))
        }
        _ => Ok((Ipv4Addr::LOCALHOST.into(), item)),
    }
}

fn range(text: &str) -> Result<RangeInclusive<u16>, PortError> {
    let range = match text.split_once('-') {
        Some((first, last)) => port(first)?..=port(last)?,
        None => port(text)?..=port(text)?,
    };
    if range.is_empty() { Err(PortError::Reversed(text.to_string())) } else { Ok(range) }
}

/// Digits only: `+80` and ` 80` are no ports.
fn port(text: &str) -> Result<u16, PortError> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|number| digits && *number != 0);
    number.ok_or_else(|| PortError::NotPort(text.to_string()))
}

/// The host's ports that were asked for so far: none may stand twice.
#[derive(Default)]
pub struct Taken(BTreeSet<(Protocol, SocketAddr)>);

impl Taken {
    /// Takes more of them.
    pub fn take(&mut self, forwards: &[Forward]) -> Result<(), PortError> {
        forwards.iter().try_for_each(|Forward { protocol, host, .. }| {
            if self.0.insert((*protocol, *host)) { Ok(()) } else { Err(PortError::Twice(*protocol, *host)) }
        })
    }
}

/// Makes sure that no host port stands twice, and that each can be listened on now.
pub fn check(forwards: &[Forward]) -> Result<(), PortError> {
    Taken::default().take(forwards)?;
    for forward in forwards {
        let opened = match forward.protocol {
            Protocol::Tcp => TcpListener::bind(forward.host).map(drop),
            Protocol::Udp => UdpSocket::bind(forward.host).map(drop),
        };
        opened.map_err(|error| PortError::Refused(*forward, error.kind()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, u16)> {
        parse(Protocol::Tcp, text).unwrap().iter().map(|forward| (forward.host.to_string(), forward.guest)).collect()
    }

    #[test]
    fn a_port_is_forwarded_from_the_same_port_of_localhost() {
        assert_eq!(pairs("8080"), [("127.0.0.1:8080".into(), 8080)]);
        assert_eq!(pairs("1,65535"), [("127.0.0.1:1".into(), 1), ("127.0.0.1:65535".into(), 65535)]);
    }

    #[test]
    fn ranges_are_forwarded_port_by_port() {
        assert_eq!(pairs("8000-8001"), [("127.0.0.1:8000".into(), 8000), ("127.0.0.1:8001".into(), 8001)]);
        assert_eq!(pairs("65534-65535").len(), 2);
        assert_eq!(pairs("9000-9001:80-81"), [("127.0.0.1:9000".into(), 80), ("127.0.0.1:9001".into(), 81)]);
    }

    #[test]
    fn host_port_and_address_may_differ() {
        assert_eq!(pairs("9000:8080"), [("127.0.0.1:9000".into(), 8080)]);
        assert_eq!(pairs("0.0.0.0:80:8080"), [("0.0.0.0:80".into(), 8080)]);
        assert_eq!(pairs("[::1]:80:8080"), [("[::1]:80".into(), 8080)]);
        assert_eq!(pairs("[::]:80"), [("[::]:80".into(), 80)]);
    }

    #[test]
    fn what_is_no_port_is_refused_with_its_text() {
        for text in ["", "0", "65536", "http", "+80", "-80", "80-", "80x", "8e1", "1:", "127.0.0.1:"] {
            assert!(matches!(parse(Protocol::Tcp, text), Err(PortError::NotPort(_))), "{text}");
        }
        assert_eq!(parse(Protocol::Tcp, "80,,81"), Err(PortError::NotPort(String::new())));
        assert_eq!(parse(Protocol::Tcp, "8010-8000"), Err(PortError::Reversed("8010-8000".into())));
        assert_eq!(parse(Protocol::Tcp, "1-3:1-2"), Err(PortError::OtherLength("1-3:1-2".into())));
        assert_eq!(parse(Protocol::Tcp, "localhost:1:2"), Err(PortError::NotAddress("localhost".into())));
        assert_eq!(parse(Protocol::Tcp, "::1:80:80"), Err(PortError::NotAddress(String::new())));
        assert_eq!(parse(Protocol::Tcp, "1.2.3.4:1:2:3"), Err(PortError::TooManyParts("1.2.3.4:1:2:3".into())));
    }

    #[test]
    fn a_busy_port_is_named() {
        let holder = TcpListener::bind("127.0.0.1:0").unwrap();
        let busy = holder.local_addr().unwrap();
        let wanted = parse(Protocol::Tcp, &format!("{}:8080", busy.port())).unwrap();
        let error = check(&wanted).unwrap_err();
        assert_eq!(error, PortError::Refused(wanted[0], io::ErrorKind::AddrInUse));
        assert!(error.to_string().contains(&format!("tcp port {busy} is busy")), "{error}");
    }

    #[test]
    fn the_port_that_is_proposed_goes_to_the_same_port_of_the_instance() {
        let of = |protocol, text: &str, kind| PortError::Refused(parse(protocol, text).unwrap()[0], kind).to_string();
        let proposed = [
            (Protocol::Tcp, "9000:8080", io::ErrorKind::AddrInUse, "`-p 9001:8080`"),
            (Protocol::Tcp, "65535:80", io::ErrorKind::AddrInUse, "`-p 8000:80`"),
            (Protocol::Udp, "53", io::ErrorKind::AddrInUse, "`--udp 1024:53`"),
            (Protocol::Tcp, "80:8080", io::ErrorKind::PermissionDenied, "`-p 8080:8080`"),
        ];
        for (protocol, text, kind, words) in proposed {
            assert!(of(protocol, text, kind).ends_with(words), "{}", of(protocol, text, kind));
        }
    }

    #[test]
    fn a_port_twice_is_refused_unless_protocol_or_address_differ() {
        // A port that was free a moment ago: the system gives it out, and nobody else asks for it by number.
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let tcp = parse(Protocol::Tcp, &free.port().to_string()).unwrap();
        let udp = parse(Protocol::Udp, &free.port().to_string()).unwrap();
        assert_eq!(check(&[tcp.clone(), udp].concat()), Ok(()));
        assert_eq!(check(&[tcp.clone(), tcp].concat()), Err(PortError::Twice(Protocol::Tcp, free)));
    }
}
