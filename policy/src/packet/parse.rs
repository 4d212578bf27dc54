//! Words to a packet.
use super::draft::{Asked, Draft, Said};
use super::endpoint::{Endpoint, endpoint, number, port};
use super::error::{Error, ErrorKind};
use super::{Version, names};
use crate::config::{named_protocol, nearest};
use crate::words::{Word, words};
use firewall::{Fragment, Packet, protocol};
use std::iter::Peekable;

const PROTOCOLS: [&str; 7] = ["tcp", "udp", "icmp", "icmp6", "icmpv6", "ip", "ip6"];
const COMMON: [&str; 4] = ["from", "to", "fragment", "first-fragment"];
const ENDPOINT: &str = "an address, a port (`:53`) or both";

/// Reads a packet from words, as this module describes them. Where its payload lies is as in its [frame](super::frame()).
///
/// # Errors
/// The first word that cannot stand where it does, or the first two that cannot stand together.
pub fn parse(text: &str) -> Result<Packet, Error> {
    let mut parser = Parser { words: words(text).peekable(), end: text.trim_end().len() };
    let first = parser.words.next().ok_or(Error { span: 0..text.len(), kind: ErrorKind::Empty })?;
    let mut draft = parser.protocol(first)?;
    while let Some(word) = parser.words.next() {
        parser.word(&mut draft, word)?;
    }
    draft.packet()
}

struct Parser<'t, I: Iterator<Item = Word<'t>>> {
    words: Peekable<I>,
    end: usize,
}

impl<'t, I: Iterator<Item = Word<'t>>> Parser<'t, I> {
    /// The word after this one.
    fn after(&mut self, word: &Word, expected: &'static str) -> Result<Word<'t>, Error> {
        let missing = ErrorKind::Missing { after: word.text.into(), expected };
        self.words.next().ok_or(Error { span: self.end..self.end, kind: missing })
    }

    /// `tcp`, `icmp6`, `ip6 udp`, `ip proto 47`.
    fn protocol(&mut self, first: Word<'t>) -> Result<Draft, Error> {
        let version = match &first {
            word if word.is("ip") || word.is("ipv4") => Version::V4,
            word if word.is("ip6") || word.is("ipv6") => Version::V6,
            _ => return named(&first).map(|number| Draft::new(number, said(&first, None))),
        };
        let mut word = self.after(&first, "a protocol, such as `tcp` or `proto 47`")?;
        let number = if word.is("proto") {
            word = self.after(&word, "a protocol's number")?;
            let by_name = named_protocol(word.text);
            by_name.or_else(|_| byte(&word, "a protocol's number"))?
        } else {
            named(&word)?
        };
        Ok(Draft::new(number, Said { value: Some(version), ..said(&first, None) }).protocol_at(&word))
    }

    fn word(&mut self, draft: &mut Draft, word: Word<'t>) -> Result<(), Error> {
        if word.is("from") {
            let source = self.endpoint(&word)?;
            return draft.source.set(source, "`from`");
        }
        if word.is("to") {
            let destination = self.endpoint(&word)?;
            return draft.destination.set(destination, "`to`");
        }
        if word.is("fragment") || word.is("first-fragment") {
            let fragment = if word.is("fragment") { Fragment::Later } else { Fragment::First };
            return draft.fragment.set(said(&word, fragment), "`fragment`");
        }
        match draft.protocol {
            protocol::TCP => flag(draft, &word),
            protocol::ICMP | protocol::ICMPV6 => self.message(draft, &word),
            _ => Err(draft.misplaced(&word).unwrap_or_else(|| unknown(&word, &[], "`from`, `to` or `fragment`"))),
        }
    }

    fn endpoint(&mut self, preposition: &Word) -> Result<Said<Endpoint>, Error> {
        let first = self.after(preposition, ENDPOINT)?;
        let mut span = first.span.clone();
        let mut found = Endpoint::default();
        let mut port_word = Some(first.clone()).filter(|word| word.is("port"));
        if port_word.is_none() {
            found = endpoint(first.text).map_err(|kind| Error { span: first.span.clone(), kind })?;
            port_word = self.words.next_if(|word| found.port.is_none() && word.is("port"));
        }
        if let Some(word) = port_word {
            let digits = self.after(&word, "a port")?;
            found.port = Some(port(digits.text).map_err(|kind| Error { span: digits.span.clone(), kind })?);
            span.end = digits.span.end;
        }
        Ok(Said { value: found, text: first.text.into(), span })
    }

    /// `type 8`, `code 0`, or a name.
    fn message(&mut self, draft: &mut Draft, word: &Word) -> Result<(), Error> {
        let version = if draft.protocol == protocol::ICMP { Version::V4 } else { Version::V6 };
        if word.is("type") {
            let number = self.after(word, "a number or a name")?;
            return match names::message(version, number.text) {
                Some(found) => draft.set_message(&number, found),
                None => {
                    let found = byte(&number, "a type of ICMP")?;
                    draft.message_type.set(said(&number, found), "the ICMP type")
                }
            };
        }
        if word.is("code") {
            let number = self.after(word, "a number")?;
            let found = byte(&number, "a code of ICMP")?;
            return draft.code.set(said(&number, found), "the ICMP code");
        }
        match names::message(version, word.text) {
            Some(found) => draft.set_message(word, found),
            None => Err(draft.misplaced(word).unwrap_or_else(|| {
                let known: Vec<_> = names::messages(version).iter().map(|(name, ..)| *name).collect();
                unknown(word, &known, "`from`, `to`, `type`, `code` or a message such as `echo-request`")
            })),
        }
    }
}

/// The number of a protocol that needs no `proto`.
fn named(word: &Word) -> Result<u8, Error> {
    match PROTOCOLS.iter().position(|known| word.is(known)) {
        Some(0) => Ok(protocol::TCP),
        Some(1) => Ok(protocol::UDP),
        Some(2) => Ok(protocol::ICMP),
        Some(3 | 4) => Ok(protocol::ICMPV6),
        _ => {
            let meant = nearest(word.text, &PROTOCOLS).filter(|meant| !word.is(meant));
            Err(Error { span: word.span.clone(), kind: ErrorKind::Protocol { word: word.text.into(), meant } })
        }
    }
}

fn flag(draft: &mut Draft, word: &Word) -> Result<(), Error> {
    let bits = if word.is(names::NO_FLAGS) { Some(0) } else { names::flags(word.text) };
    let Some(bits) = bits else {
        let known: Vec<_> = names::FLAGS.iter().map(|(name, _)| *name).collect();
        let expected = "`from`, `to`, `fragment` or a TCP flag (syn, ack, fin, rst, psh, urg)";
        return Err(draft.misplaced(word).unwrap_or_else(|| unknown(word, &known, expected)));
    };
    let before = draft.flags.as_ref().map_or(0, |said| said.value);
    draft.flags = Some(said(word, before | bits));
    Ok(())
}

fn byte(word: &Word, what: &'static str) -> Result<u8, Error> {
    let number = number(word.text, what, u8::MAX.into());
    let number = number.map(|number| u8::try_from(number).unwrap_or(u8::MAX));
    number.map_err(|kind| Error { span: word.span.clone(), kind })
}

fn said<T>(word: &Word, value: T) -> Said<T> {
    Said { value, text: word.text.into(), span: word.span.clone() }
}

fn unknown(word: &Word, known: &[&'static str], expected: &'static str) -> Error {
    let known: Vec<_> = COMMON.iter().chain(known).copied().collect();
    let kind = ErrorKind::Word { word: word.text.into(), meant: nearest(word.text, &known), expected };
    Error { span: word.span.clone(), kind }
}
