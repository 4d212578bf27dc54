//! What a table for nft(8) means. Of the language as much is understood as is written here; all else is an error.
use super::lex::{Words, tokens};
use super::matches::Matches;
use crate::export::ReadError;
use crate::export::address::{prefixes_v4, prefixes_v6};
use crate::policy::{Action, List, Policy, Prefixes, Rule};
use core::net::{Ipv4Addr, Ipv6Addr};
use std::collections::HashMap;

/// A policy that decides about every packet as the table does, if it comes from elsewhere than the machine itself.
pub fn read(text: &str) -> Result<Policy, ReadError> {
    let tokens = tokens(text);
    let mut reader = Reader { words: Words::new(&tokens), lists: Vec::new(), chains: HashMap::new(), default: None };
    reader.file()?;
    reader.policy()
}

/// What was read so far.
pub(super) struct Reader<'t> {
    pub(super) words: Words<'t>,
    pub(super) lists: Vec<List>,
    chains: HashMap<&'t str, Vec<Written<'t>>>,
    /// The chain at the hook, and what becomes of a packet at its end.
    default: Option<(&'t str, Action)>,
}

/// A rule of a chain.
pub(super) struct Written<'t> {
    pub(super) matches: Matches,
    pub(super) verdict: Verdict<'t>,
    pub(super) line: usize,
}

/// What becomes of a packet.
#[derive(Clone, Copy)]
pub(super) enum Verdict<'t> {
    Action(Action),
    Goto(&'t str),
}

impl<'t> Reader<'t> {
    fn file(&mut self) -> Result<(), ReadError> {
        while let Some(word) = self.words.word_over_lines() {
            match word {
                "delete" => {
                    self.words.expect("table")?;
                    self.words.expect("inet")?;
                    self.words.word("a name")?;
                }
                "table" => {
                    self.words.expect("inet")?;
                    self.words.word("a name")?;
                    if self.words.take("{") {
                        self.table()?;
                    }
                }
                other => return Err(self.words.wrong(format!("`{other}` where a table is expected"))),
            }
        }
        Ok(())
    }

    fn table(&mut self) -> Result<(), ReadError> {
        loop {
            match self.words.word_over_lines() {
                Some("}") => return Ok(()),
                Some("set") => self.set()?,
                Some("chain") => self.chain()?,
                _ => return Err(self.words.wrong("neither a set nor a chain".into())),
            }
        }
    }

    fn set(&mut self) -> Result<(), ReadError> {
        let name = self.words.word("the name of a set")?;
        self.words.expect("{")?;
        let (mut is_v6, mut elements) = (None, Vec::new());
        loop {
            match self.words.word_over_lines() {
                Some("}") => break,
                Some("type") => {
                    is_v6 = match self.words.word("a type")? {
                        "ipv4_addr" => Some(false),
                        "ipv6_addr" => Some(true),
                        other => return Err(self.words.wrong(format!("the type `{other}`"))),
                    };
                }
                Some("flags") => self.words.expect("interval")?,
                Some("elements") => {
                    self.words.expect("=")?;
                    elements = self.words.members()?;
                }
                _ => return Err(self.words.wrong("what no set has".into())),
            }
        }
        let mut list = List { name: name.to_string(), ..List::default() };
        let of = |text: &str| ReadError { line: self.words.line(), what: format!("`{text}` is no address") };
        match is_v6 {
            None => return Err(self.words.wrong("a set without a type".into())),
            Some(false) => {
                let all = elements.iter().map(|text| prefixes_v4(text).ok_or_else(|| of(text)));
                list.ipv4 = Prefixes::<Ipv4Addr>::new(all.collect::<Result<Vec<_>, _>>()?.concat());
            }
            Some(true) => {
                let all = elements.iter().map(|text| prefixes_v6(text).ok_or_else(|| of(text)));
                list.ipv6 = Prefixes::<Ipv6Addr>::new(all.collect::<Result<Vec<_>, _>>()?.concat());
            }
        }
        self.lists.push(list);
        Ok(())
    }

    fn chain(&mut self) -> Result<(), ReadError> {
        let name = self.words.word("the name of a chain")?;
        self.words.expect("{")?;
        let mut rules = Vec::new();
        loop {
            match self.words.word_over_lines() {
                Some("}") => break,
                Some("type") => {
                    for word in ["filter", "hook", "prerouting", "priority"] {
                        self.words.expect(word)?;
                    }
                    // -400 is where fragments are put together (NF_IP_PRI_CONNTRACK_DEFRAG).
                    let priority = self.words.word("a priority")?.parse::<i32>();
                    if !priority.is_ok_and(|priority| priority < -400) {
                        return Err(self.words.wrong("a chain that does not see packets as they come".into()));
                    }
                    self.words.expect(";")?;
                    self.words.expect("policy")?;
                    let default = self.action()?;
                    self.words.expect(";")?;
                    if self.default.replace((name, default)).is_some() {
                        return Err(self.words.wrong("a second chain at a hook".into()));
                    }
                }
                Some(_) => {
                    self.words.back();
                    rules.extend(self.rule()?);
                }
                None => return Err(self.words.wrong("a chain without an end".into())),
            }
        }
        self.chains.insert(name, rules);
        Ok(())
    }

    fn action(&mut self) -> Result<Action, ReadError> {
        match self.words.word("a verdict")? {
            "accept" => Ok(Action::Accept),
            "drop" => Ok(Action::Drop),
            other => Err(self.words.wrong(format!("`{other}` is no verdict"))),
        }
    }

    /// All rules in the order in which a packet comes to them.
    fn policy(self) -> Result<Policy, ReadError> {
        let Some((name, default)) = self.default else {
            return Err(ReadError { line: 0, what: "no chain at a hook".into() });
        };
        let mut rules: Vec<Rule> = Vec::new();
        // Whether the packets that are left may be later fragments, in IPv4 and in IPv6.
        let mut later = [true, true];
        for written in self.chains.get(name).into_iter().flatten() {
            let wrong = |what: &str| ReadError { line: written.line, what: what.to_string() };
            if written.matches.by_headers && later != [false, false] {
                return Err(wrong("headers of what may be a later fragment"));
            }
            match written.verdict {
                Verdict::Action(action) => rules.extend(written.matches.rules(action).map_err(wrong)?),
                Verdict::Goto(chain) => {
                    let chain = self.chains.get(chain).ok_or_else(|| wrong("goto a chain that is not there"))?;
                    for inner in chain {
                        let Verdict::Action(action) = inner.verdict else {
                            return Err(ReadError { line: inner.line, what: "a goto after a goto".into() });
                        };
                        let wrong = |what: &str| ReadError { line: inner.line, what: what.to_string() };
                        if inner.matches.by_headers {
                            return Err(wrong("headers of a later fragment"));
                        }
                        // A rule for the other version has no packets here.
                        if inner
                            .matches
                            .version
                            .is_some_and(|version| written.matches.version.is_some_and(|own| own != version))
                        {
                            continue;
                        }
                        let matches = inner.matches.clone().and(&written.matches).map_err(wrong)?;
                        if matches.is_of_both() {
                            continue;
                        }
                        rules.extend(matches.rules(action).map_err(wrong)?);
                    }
                    rules.extend(written.matches.rules(default).map_err(wrong)?);
                    if let (Some(version), Some(true)) = (written.matches.version, written.matches.later) {
                        later[usize::from(version == 6)] = false;
                    }
                }
            }
        }
        Ok(Policy { rules, default, lists: self.lists })
    }
}
