//! What was said of a packet, and what of it can stand together.
use super::endpoint::Endpoint;
use super::error::{Error, ErrorKind};
use super::{INSTANCE_V4, INSTANCE_V6, NEIGHBOUR_V4, NEIGHBOUR_V6, PORT, Version, frame, names};
use crate::diagnostic::Span;
use crate::words::Word;
use firewall::{Fragment, Icmp, Packet, Ports, protocol};

const SYN: u8 = 0x02;
const ECHO_REQUEST_V4: u8 = 8;
const ECHO_REQUEST_V6: u8 = 128;
/// Extension headers of IPv6, which are followed (RFC 8200; RFC 4302).
const EXTENSIONS: [u8; 5] = [0, 43, 44, 51, 60];

/// Something that was said, and where.
#[derive(Clone, Debug)]
pub(super) struct Said<T> {
    pub value: T,
    pub text: String,
    pub span: Span,
}

impl<T> Said<T> {
    fn refuse(&self, kind: ErrorKind) -> Error {
        Error { span: self.span.clone(), kind }
    }
}

/// What may be said once.
pub(super) trait Asked<T> {
    /// Sets it, unless it is.
    fn set(&mut self, said: Said<T>, what: &'static str) -> Result<(), Error>;
}

impl<T> Asked<T> for Option<Said<T>> {
    fn set(&mut self, said: Said<T>, what: &'static str) -> Result<(), Error> {
        if self.is_some() {
            return Err(said.refuse(ErrorKind::Twice { what }));
        }
        *self = Some(said);
        Ok(())
    }
}

/// What was said.
#[derive(Debug)]
pub(super) struct Draft {
    pub protocol: u8,
    /// The word that says the protocol.
    name: Said<()>,
    /// The word that says the version, if one does.
    version: Option<Said<Version>>,
    pub source: Option<Said<Endpoint>>,
    pub destination: Option<Said<Endpoint>>,
    pub fragment: Option<Said<Fragment>>,
    pub flags: Option<Said<u8>>,
    pub message_type: Option<Said<u8>>,
    pub code: Option<Said<u8>>,
}

impl Draft {
    /// Of a protocol, and of the version that the first word says, if it does.
    pub fn new(protocol: u8, first: Said<Option<Version>>) -> Self {
        let of_protocol = match protocol {
            protocol::ICMP => Some(Version::V4),
            protocol::ICMPV6 => Some(Version::V6),
            _ => None,
        };
        let Said { value, text, span } = first;
        let version = value.or(of_protocol).map(|value| Said { value, text: text.clone(), span: span.clone() });
        let name = Said { value: (), text, span };
        let (source, destination, fragment) = (None, None, None);
        Self { protocol, name, version, source, destination, fragment, flags: None, message_type: None, code: None }
    }

    /// The word that says the protocol, where that is not the first.
    pub fn protocol_at(mut self, word: &Word) -> Self {
        self.name = Said { value: (), text: word.text.into(), span: word.span.clone() };
        self
    }

    /// A message by its name, which may say the code.
    pub fn set_message(&mut self, word: &Word, (message_type, code): (u8, Option<u8>)) -> Result<(), Error> {
        let said = |value| Said { value, text: word.text.into(), span: word.span.clone() };
        self.message_type.set(said(message_type), "the ICMP type")?;
        code.map_or(Ok(()), |code| self.code.set(said(code), "the ICMP code"))
    }

    /// A word that other protocols know.
    pub fn misplaced(&self, word: &Word) -> Option<Error> {
        let of_icmp = |version| names::message(version, word.text).is_some();
        let what = match word {
            _ if names::flags(word.text).is_some() || word.is(names::NO_FLAGS) => "TCP flags",
            _ if word.is("type") || word.is("code") => "ICMP type or code",
            _ if of_icmp(Version::V4) || of_icmp(Version::V6) => "such message",
            _ => return None,
        };
        Some(Error { span: word.span.clone(), kind: ErrorKind::NotPart { what, protocol: self.name.text.clone() } })
    }

    /// The packet, with what was left out.
    pub fn packet(self) -> Result<Packet, Error> {
        let version = self.settle_version()?;
        let fragment = self.fragment.as_ref().map_or(Fragment::Whole, |said| said.value);
        let is_later = fragment == Fragment::Later;
        let has_message = self.protocol == version.icmp();
        if version == Version::V6 && !is_later && EXTENSIONS.contains(&self.protocol) {
            return Err(self.name.refuse(ErrorKind::Extension { protocol: self.protocol }));
        }
        self.refuse_what_it_has_not(is_later, has_message)?;
        let port = |said: &Option<Said<Endpoint>>| said.as_ref().and_then(|said| said.value.port).unwrap_or(PORT);
        let address = |said: &Option<Said<Endpoint>>, or| said.as_ref().and_then(|it| it.value.address).unwrap_or(or);
        let (neighbour, instance, echo_request) = match version {
            Version::V4 => (NEIGHBOUR_V4.into(), INSTANCE_V4.into(), ECHO_REQUEST_V4),
            Version::V6 => (NEIGHBOUR_V6.into(), INSTANCE_V6.into(), ECHO_REQUEST_V6),
        };
        let has_ports = [protocol::TCP, protocol::UDP].contains(&self.protocol);
        let value = |said: &Option<Said<u8>>, or| said.as_ref().map_or(or, |said| said.value);
        let mut packet = Packet {
            source: address(&self.source, neighbour),
            destination: address(&self.destination, instance),
            protocol: self.protocol,
            fragment,
            ports: (has_ports && !is_later)
                .then(|| Ports { source: port(&self.source), destination: port(&self.destination) }),
            tcp_flags: (self.protocol == protocol::TCP && !is_later).then(|| value(&self.flags, SYN)),
            icmp: (has_message && !is_later)
                .then(|| Icmp { message_type: value(&self.message_type, echo_request), code: value(&self.code, 0) }),
            payload_start: 0,
            payload_end: 0,
        };
        (packet.payload_start, packet.payload_end) = frame::extent(&packet);
        Ok(packet)
    }

    /// The version that everything said agrees on.
    fn settle_version(&self) -> Result<Version, Error> {
        let mut settled = self.version.as_ref().map(|said| (said.value, &said.text));
        for said in [&self.source, &self.destination].into_iter().flatten() {
            let Some(address) = said.value.address else { continue };
            let version = Version::of(address);
            let (before, other) = *settled.get_or_insert((version, &said.text));
            if before != version {
                return Err(said.refuse(ErrorKind::Versions { address, other: other.clone() }));
            }
        }
        Ok(settled.map_or(Version::V4, |(version, _)| version))
    }

    /// Ports, flags and messages, where the packet has none.
    fn refuse_what_it_has_not(&self, is_later: bool, has_message: bool) -> Result<(), Error> {
        let has_ports = [protocol::TCP, protocol::UDP].contains(&self.protocol);
        let refused = |span: &Span, what, is_part: bool| {
            let protocol = self.name.text.clone();
            let kind = if is_part { ErrorKind::InFragment { what } } else { ErrorKind::NotPart { what, protocol } };
            Error { span: span.clone(), kind }
        };
        let with_port = [&self.source, &self.destination].into_iter().flatten().find(|it| it.value.port.is_some());
        if let Some(said) = with_port.filter(|_| is_later || !has_ports) {
            return Err(refused(&said.span, "ports", has_ports));
        }
        if let Some(said) = self.flags.as_ref().filter(|_| is_later) {
            return Err(refused(&said.span, "TCP flags", true));
        }
        let message = self.message_type.as_ref().or(self.code.as_ref());
        match message.filter(|_| is_later || !has_message) {
            Some(said) => Err(refused(&said.span, "ICMP type or code", has_message)),
            None => Ok(()),
        }
    }
}
