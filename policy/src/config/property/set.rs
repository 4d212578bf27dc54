//! One set of packets in words.
use super::super::error::{Expected, Fault};
use super::super::lists::Names;
use super::super::{suggest, value};
use super::draft::{Draft, Hosts, Protocol, Said, version_of_protocol};
use super::host;
use super::{PropertyFault, Refused};
use crate::packet::{self, Version};
use crate::policy::{Rule, Values};
use crate::words::Word;
use core::ops::RangeInclusive;

const WORDS: [&str; 15] = [
    "everything",
    "ip",
    "ip6",
    "tcp",
    "udp",
    "icmp",
    "icmp6",
    "proto",
    "port",
    "from",
    "to",
    "type",
    "code",
    "fragments",
    "not",
];
const HOST: &str = "an address, a list or `anywhere`";
const PORT: &str = "a port or a range of ports";
const TYPE: &str = "a number from 0 to 255 or a name such as `echo-request`";

/// Reads the words of one set; there are any.
pub(super) fn parse(words: Vec<Word>, lists: &mut Names) -> Result<Vec<Rule>, Refused> {
    let start = words.first().map_or(0, |word| word.span.start);
    let end = words.last().map_or(0, |word| word.span.end);
    let is_alone = words.len() == 1;
    let mut parser = Parser { words: words.into_iter().peekable(), lists };
    let mut draft = Draft::default();
    while let Some(word) = parser.words.next() {
        if word.is("everything") {
            let more = || Refused::fault(&word.span, PropertyFault::MoreThanEverything);
            return if is_alone { draft.rules(start..end) } else { Err(more()) };
        }
        parser.part(&mut draft, word)?;
    }
    draft.rules(start..end)
}

struct Parser<'t, 'p, 'l> {
    words: core::iter::Peekable<std::vec::IntoIter<Word<'t>>>,
    lists: &'p mut Names<'l>,
}

impl<'t> Parser<'t, '_, '_> {
    /// What a word begins.
    fn part(&mut self, draft: &mut Draft<'t>, word: Word<'t>) -> Result<(), Refused> {
        let version = |version| Said { value: version, word: word.clone() };
        match word.text.to_ascii_lowercase().as_str() {
            "ip" | "ipv4" => set(&mut draft.version, version(Version::V4), "the version of IP"),
            "ip6" | "ipv6" => set(&mut draft.version, version(Version::V6), "the version of IP"),
            "proto" => {
                let word = self.after(&word, "a protocol")?;
                let numbers = value::protocol(word.text);
                let refused = |fault| Refused::value(&word.span, word.text, Expected::Protocol, fault);
                let value = Protocol::of(*numbers.map_err(refused)?.start(), word.text);
                set(&mut draft.protocol, Said { value, word }, "the protocol")
            }
            "port" => self.port(&word, &mut draft.destination_port),
            "from" => self.hosts(&word, &mut draft.source, &mut draft.source_port),
            "to" => self.hosts(&word, &mut draft.destination, &mut draft.destination_port),
            "type" => {
                let word = self.after(&word, TYPE)?;
                match message(draft, &word) {
                    Some(found) => set_message(draft, word, found),
                    None => set(&mut draft.message_type, number(word, Expected::IcmpType)?, "the ICMP type"),
                }
            }
            "code" => {
                let word = self.after(&word, "a number from 0 to 255")?;
                set(&mut draft.code, number(word, Expected::IcmpCode)?, "the ICMP code")
            }
            "fragments" | "fragment" => set(&mut draft.fragments, Said { value: (), word }, "`fragments`"),
            "not" | "!" => {
                let next = self.after(&word, "an address, a list or a port")?;
                Err(Refused::fault(&next.span, PropertyFault::NotNegated { word: next.text.to_string() }))
            }
            _ => match message(draft, &word) {
                Some(found) => set_message(draft, word, found),
                None => self.protocol(draft, word),
            },
        }
    }

    /// `tcp`, `tcp 8080` or `tcp/8080`; or no word that is known.
    fn protocol(&mut self, draft: &mut Draft<'t>, word: Word<'t>) -> Result<(), Refused> {
        let (name, port) = word.text.split_once('/').map_or((word.text, None), |(name, port)| (name, Some(port)));
        let Ok(numbers) = value::named_protocol(name) else {
            return Err(unknown(draft, &word));
        };
        let value = Protocol::of(numbers, name);
        let has_ports = matches!(value, Protocol::Tcp | Protocol::Udp);
        set(&mut draft.protocol, Said { value, word: word.clone() }, "the protocol")?;
        if let Some(port) = port {
            let word = Word { text: port, span: word.span.end - port.len()..word.span.end };
            let said = ports(false, word)?;
            return set(&mut draft.destination_port, said, "the port");
        }
        let is_port = |next: &Word| next.is("not") || next.text.starts_with(|c: char| c == '!' || c.is_ascii_digit());
        if let Some(next) = self.words.next_if(|next| has_ports && is_port(next)) {
            let said = self.ports(next)?;
            return set(&mut draft.destination_port, said, "the port");
        }
        Ok(())
    }

    /// What follows `from` or `to`.
    fn hosts(
        &mut self,
        preposition: &Word<'t>,
        hosts: &mut Option<Said<'t, Hosts>>,
        port: &mut Option<Said<'t, Values<RangeInclusive<u16>>>>,
    ) -> Result<(), Refused> {
        let what = if preposition.is("from") { "`from`" } else { "`to`" };
        let first = self.after(preposition, HOST)?;
        if first.is("port") {
            set(
                hosts,
                Said { value: Hosts { negated: false, host: host::Host::Anywhere }, word: first.clone() },
                what,
            )?;
            return self.port(&first, port);
        }
        let (negated, word) = self.negated(first, HOST)?;
        let (address, digits) = host::split(word.text);
        let host = match address {
            Some(address) => {
                let is_bracketed = word.text.starts_with('[') && !address.starts_with('[');
                let start = word.span.start + usize::from(is_bracketed);
                host::host(address, &(start..start + address.len()), self.lists)?
            }
            None => host::Host::Anywhere,
        };
        if negated && host == host::Host::Anywhere {
            return Err(Refused::fault(&word.span, PropertyFault::NotNegated { word: word.text.to_string() }));
        }
        set(hosts, Said { value: Hosts { negated, host }, word: word.clone() }, what)?;
        if let Some(digits) = digits {
            let word = Word { text: digits, span: word.span.end - digits.len()..word.span.end };
            return set(port, ports(false, word)?, "the port");
        }
        match self.words.next_if(|next| next.is("port")) {
            Some(next) => self.port(&next, port),
            None => Ok(()),
        }
    }

    /// What follows `port`.
    fn port(
        &mut self,
        word: &Word<'t>,
        port: &mut Option<Said<'t, Values<RangeInclusive<u16>>>>,
    ) -> Result<(), Refused> {
        let first = self.after(word, PORT)?;
        let said = self.ports(first)?;
        set(port, said, "the port")
    }

    fn ports(&mut self, first: Word<'t>) -> Result<Said<'t, Values<RangeInclusive<u16>>>, Refused> {
        let (negated, word) = self.negated(first, PORT)?;
        ports(negated, word)
    }

    /// A value without the `not` or `!` before it, and whether there is one.
    fn negated(&mut self, first: Word<'t>, expected: &'static str) -> Result<(bool, Word<'t>), Refused> {
        if first.is("not") || first.is("!") {
            return Ok((true, self.after(&first, expected)?));
        }
        Ok(match first.text.strip_prefix('!') {
            Some(text) => (true, Word { text, span: first.span.start + 1..first.span.end }),
            None => (false, first),
        })
    }

    fn after(&mut self, word: &Word, expected: &'static str) -> Result<Word<'t>, Refused> {
        let missing = PropertyFault::Missing { after: word.text.to_string(), expected };
        self.words.next().ok_or_else(|| Refused::fault(&word.span, missing))
    }
}

fn number(word: Word, expected: Expected) -> Result<Said<u8>, Refused> {
    let value = value::byte(word.text).map_err(|fault| Refused::value(&word.span, word.text, expected, fault))?;
    Ok(Said { value, word })
}

/// The type and code of a message that a word names, where ICMP is said before it.
fn message(draft: &Draft, word: &Word) -> Option<(u8, Option<u8>)> {
    packet::message(version_of_protocol(draft.protocol.as_ref()?.value)?, word.text)
}

fn set_message<'t>(draft: &mut Draft<'t>, word: Word<'t>, found: (u8, Option<u8>)) -> Result<(), Refused> {
    let (message_type, code) = found;
    set(&mut draft.message_type, Said { value: message_type, word: word.clone() }, "the ICMP type")?;
    match code {
        Some(value) => set(&mut draft.code, Said { value, word }, "the ICMP code"),
        None => Ok(()),
    }
}

fn ports(negated: bool, word: Word) -> Result<Said<Values<RangeInclusive<u16>>>, Refused> {
    let refused = |fault| match fault {
        Fault::List => Refused::fault(&word.span, PropertyFault::Word { word: word.text.to_string(), meant: None }),
        _ => Refused::value(&word.span, word.text, Expected::Port, fault),
    };
    if word.text.starts_with('!') {
        return Err(refused(Fault::NegatedTwice));
    }
    let members = vec![value::unnegated(word.text).and_then(value::ports).map_err(refused)?];
    Ok(Said { value: Values { negated, members }, word })
}

/// What may be said once.
fn set<'t, T>(slot: &mut Option<Said<'t, T>>, said: Said<'t, T>, what: &'static str) -> Result<(), Refused> {
    if slot.is_some() {
        return Err(Refused::fault(&said.word.span, PropertyFault::Twice { what }));
    }
    *slot = Some(said);
    Ok(())
}

/// A word that is none of those that may stand there.
fn unknown(draft: &Draft, word: &Word) -> Refused {
    let text = word.text.to_string();
    let icmp = draft.protocol.as_ref().and_then(|said| version_of_protocol(said.value));
    let messages = icmp.map_or(&[][..], packet::messages).iter().map(|(name, ..)| *name);
    let known: Vec<&str> = WORDS.into_iter().chain(messages).collect();
    let meant = match icmp {
        Some(_) if is_number(word) => Some(format!("type {text}")),
        _ => suggest::nearest(&text, &known).map(str::to_string),
    };
    Refused::fault(&word.span, PropertyFault::Word { word: text, meant })
}

fn is_number(word: &Word) -> bool {
    word.text.bytes().all(|byte| byte.is_ascii_digit())
}
