//! A rule of a chain: its matches and its verdict.
use super::matches::{Matches, both};
use super::read::{Reader, Verdict, Written};
use crate::export::ReadError;
use crate::export::address::{prefixes_v4, prefixes_v6};
use crate::policy::{Action, Member, Prefix, Values};
use core::ops::RangeInclusive;
use firewall::protocol;

impl<'t> Reader<'t> {
    /// A rule, unless it is about packets of the machine itself.
    pub(super) fn rule(&mut self) -> Result<Option<Written<'t>>, ReadError> {
        let (mut matches, mut is_own, line) = (Matches::default(), false, self.words.line());
        let verdict = loop {
            let word = self.words.word("a match or a verdict")?;
            match word {
                "accept" => break Verdict::Action(Action::Accept),
                "drop" => break Verdict::Action(Action::Drop),
                "goto" => break Verdict::Goto(self.words.word("a chain")?),
                "iif" => {
                    self.words.expect("\"lo\"")?;
                    is_own = true;
                }
                _ => self.matches(word, &mut matches)?,
            }
        };
        self.words.expect("\n")?;
        Ok((!is_own).then_some(Written { matches, verdict, line }))
    }

    fn matches(&mut self, word: &str, matches: &mut Matches) -> Result<(), ReadError> {
        let line = self.words.line();
        let clash = |what: &str| ReadError { line, what: what.to_string() };
        let subject = self.words.word("what is asked")?;
        match (word, subject) {
            ("meta", "nfproto") => {
                let version = match self.words.word("a version of IP")? {
                    "ipv4" => 4,
                    "ipv6" => 6,
                    other => return Err(self.words.wrong(format!("`{other}` is no version of IP"))),
                };
                matches.is_version(version)
            }
            ("ip", "frag-off") => {
                for word in ["&", "0x1fff", "!=", "0"] {
                    self.words.expect(word)?;
                }
                matches.is_version(4).and_then(|()| matches.is_later(true))
            }
            ("frag", "frag-off") => {
                self.words.expect("!=")?;
                self.words.expect("0")?;
                matches.is_version(6).and_then(|()| matches.is_later(true))
            }
            ("meta", "l4proto") => {
                matches.by_headers = true;
                both(&mut matches.protocol, &Some(self.numbers(255)?))
            }
            ("ip", "protocol") => {
                let numbers = self.numbers(255)?;
                matches.is_version(4).and_then(|()| both(&mut matches.protocol, &Some(numbers)))
            }
            ("frag", "nexthdr") => {
                matches.by_fragment_header = true;
                let numbers = self.numbers(255)?;
                matches.is_version(6).and_then(|()| both(&mut matches.protocol, &Some(numbers)))
            }
            ("ip", "saddr") => both(&mut matches.source4, &Some(self.addresses(prefixes_v4)?)),
            ("ip", "daddr") => both(&mut matches.destination4, &Some(self.addresses(prefixes_v4)?)),
            ("ip6", "saddr") => both(&mut matches.source6, &Some(self.addresses(prefixes_v6)?)),
            ("ip6", "daddr") => both(&mut matches.destination6, &Some(self.addresses(prefixes_v6)?)),
            ("tcp" | "udp", "sport" | "dport") => {
                let numbers = Some(self.numbers(u16::MAX)?);
                let number = if word == "tcp" { protocol::TCP } else { protocol::UDP };
                let side = if subject == "sport" { &mut matches.first } else { &mut matches.second };
                matches.by_headers = true;
                both(side, &numbers).and_then(|()| matches.is_protocol(number))
            }
            ("icmp" | "icmpv6", "type" | "code") => {
                let numbers = Some(self.numbers(255)?);
                let (number, version) = if word == "icmp" { (protocol::ICMP, 4) } else { (protocol::ICMPV6, 6) };
                let side = if subject == "type" { &mut matches.first } else { &mut matches.second };
                matches.by_headers = true;
                both(side, &numbers)
                    .and_then(|()| matches.is_version(version))
                    .and_then(|()| matches.is_protocol(number))
            }
            _ => return Err(self.words.wrong(format!("the match `{word} {subject}`"))),
        }
        .map_err(clash)
    }

    /// Numbers up to `most`: one, a range, or several in braces; after `!=` all others.
    fn numbers(&mut self, most: u16) -> Result<Values<RangeInclusive<u16>>, ReadError> {
        let negated = self.words.take("!=");
        let members = self.words.members()?.into_iter().map(|text| {
            let (first, last) = text.split_once('-').unwrap_or((text, text));
            let number = |text: &str| match text {
                "tcp" => Some(protocol::TCP.into()),
                "udp" => Some(protocol::UDP.into()),
                "icmp" => Some(protocol::ICMP.into()),
                "ipv6-icmp" => Some(protocol::ICMPV6.into()),
                _ => text.parse().ok().filter(|number| *number <= most),
            };
            // A name may have a hyphen in it.
            let range = number(text).map(|number| number..=number).or_else(|| Some(number(first)?..=number(last)?));
            range.ok_or_else(|| ReadError {
                line: self.words.line(),
                what: format!("`{text}` is no number up to {most}"),
            })
        });
        Ok(Values { negated, members: members.collect::<Result<_, _>>()? })
    }

    fn addresses<A>(
        &mut self,
        parse: fn(&str) -> Option<Vec<Prefix<A>>>,
    ) -> Result<Values<Member<Prefix<A>>>, ReadError> {
        let negated = self.words.take("!=");
        let mut members = Vec::new();
        for text in self.words.members()? {
            let wrong = |what: &str| ReadError { line: self.words.line(), what: format!("`{text}` is no {what}") };
            match text.strip_prefix('@') {
                Some(name) => {
                    let list = self.lists.iter().position(|list| list.name == name);
                    members.push(Member::List(list.ok_or_else(|| wrong("set"))?));
                }
                None => members.extend(parse(text).ok_or_else(|| wrong("address"))?.into_iter().map(Member::Prefix)),
            }
        }
        Ok(Values { negated, members })
    }
}
