//! What is said of a set of packets, and the rules that match them.
use super::host::Host;
use super::{PropertyFault, Refused};
use crate::diagnostic::Span;
use crate::packet::Version;
use crate::policy::{Action, Addresses, Member, Messages, Network, Ports, Prefix, Rule, Transport, Values};
use crate::words::Word;
use core::net::{Ipv4Addr, Ipv6Addr};
use core::ops::RangeInclusive;
use firewall::protocol;

/// Something that is said, and the word that says it.
#[derive(Clone, Debug)]
pub(super) struct Said<'t, T> {
    pub value: T,
    pub word: Word<'t>,
}

/// A protocol, as rules ask for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Tcp,
    Udp,
    Icmp,
    Icmp6,
    Number(u8),
}

impl Protocol {
    /// By its number, and by the word that said it: ICMP by its name is that of one version, by its number it is not.
    pub fn of(number: u8, word: &str) -> Self {
        let is_name = !word.starts_with(|first: char| first.is_ascii_digit());
        match number {
            protocol::TCP => Self::Tcp,
            protocol::UDP => Self::Udp,
            protocol::ICMP if is_name => Self::Icmp,
            protocol::ICMPV6 if is_name => Self::Icmp6,
            other => Self::Number(other),
        }
    }
}

/// What follows `from` or `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hosts {
    pub negated: bool,
    pub host: Host,
}

/// What is said of one set.
#[derive(Debug, Default)]
pub(super) struct Draft<'t> {
    pub version: Option<Said<'t, Version>>,
    pub protocol: Option<Said<'t, Protocol>>,
    pub source: Option<Said<'t, Hosts>>,
    pub destination: Option<Said<'t, Hosts>>,
    pub source_port: Option<Said<'t, Values<RangeInclusive<u16>>>>,
    pub destination_port: Option<Said<'t, Values<RangeInclusive<u16>>>>,
    pub message_type: Option<Said<'t, u8>>,
    pub code: Option<Said<'t, u8>>,
    pub fragments: Option<Said<'t, ()>>,
}

impl Draft<'_> {
    /// The rules that match the packets: one, or one for each version.
    pub fn rules(self, span: Span) -> Result<Vec<Rule>, Refused> {
        let version = self.settle_version()?;
        self.refuse_what_it_has_not()?;
        let transport = self.transport();
        let rule = |network| Rule { network, transport: transport.clone(), action: Action::Accept, span: span.clone() };
        let is_for = |wanted| version.is_none_or(|version| version == wanted);
        if !self.asks_network() {
            return Ok(vec![rule(None)]);
        }
        let ipv4 = is_for(Version::V4).then(|| Network::Ipv4(self.addresses(ipv4_of)));
        let ipv6 = is_for(Version::V6).then(|| Network::Ipv6(self.addresses(ipv6_of)));
        Ok([ipv4, ipv6].into_iter().flatten().map(|network| rule(Some(network))).collect())
    }

    /// The version that all words agree on, if any says one.
    fn settle_version(&self) -> Result<Option<Version>, Refused> {
        let said = self.version.iter().map(|said| (Some(said.value), &said.word));
        let by_protocol = self.protocol.iter().map(|said| (version_of_protocol(said.value), &said.word));
        let hosts = [&self.source, &self.destination].into_iter().flatten();
        let by_host = hosts.map(|said| (version_of_host(said.value.host), &said.word));
        let mut settled: Option<(Version, &Word)> = None;
        for (version, word) in said.chain(by_protocol).chain(by_host) {
            let Some(version) = version else { continue };
            let (before, first) = *settled.get_or_insert((version, word));
            if before != version {
                let (first, second) = (first.text.to_string(), word.text.to_string());
                return Err(Refused::fault(&word.span, PropertyFault::Versions { first, second }));
            }
        }
        Ok(settled.map(|(version, _)| version))
    }

    /// Ports and types, where no packet has them.
    fn refuse_what_it_has_not(&self) -> Result<(), Refused> {
        let protocol = self.protocol.as_ref().map(|said| said.value);
        let port = self.destination_port.as_ref().or(self.source_port.as_ref()).map(|said| &said.word);
        let message = self.message_type.as_ref().or(self.code.as_ref()).map(|said| &said.word);
        let refused = |word: &Word, fault| Err(Refused::fault(&word.span, fault));
        match (port, message) {
            (Some(word), _) if !matches!(protocol, Some(Protocol::Tcp | Protocol::Udp)) => {
                refused(word, PropertyFault::NoPorts)
            }
            (_, Some(word)) if !matches!(protocol, Some(Protocol::Icmp | Protocol::Icmp6)) => {
                refused(word, PropertyFault::NoMessage)
            }
            (Some(word), _) | (_, Some(word)) if self.fragments.is_some() => refused(word, PropertyFault::InFragment),
            _ => Ok(()),
        }
    }

    fn transport(&self) -> Option<Transport> {
        let said = |said: &Option<Said<Values<RangeInclusive<u16>>>>| said.as_ref().map(|said| said.value.clone());
        let ports = Ports { source: said(&self.source_port), destination: said(&self.destination_port) };
        let one =
            |said: &Option<Said<u8>>| said.as_ref().map(|said| Values { negated: false, members: vec![said.value] });
        let messages = Messages { message_type: one(&self.message_type), code: one(&self.code) };
        match self.protocol.as_ref()?.value {
            Protocol::Tcp => Some(Transport::Tcp(ports)),
            Protocol::Udp => Some(Transport::Udp(ports)),
            Protocol::Icmp => Some(Transport::Icmp(messages)),
            Protocol::Icmp6 => Some(Transport::Icmp6(messages)),
            Protocol::Number(_) => None,
        }
    }

    /// Whether anything is said that rules ask of the network layer.
    fn asks_network(&self) -> bool {
        let is_somewhere =
            |said: &Option<Said<Hosts>>| said.as_ref().is_some_and(|said| said.value.host != Host::Anywhere);
        self.version.is_some()
            || self.fragments.is_some()
            || self.number().is_some()
            || is_somewhere(&self.source)
            || is_somewhere(&self.destination)
    }

    fn number(&self) -> Option<u8> {
        match self.protocol.as_ref()?.value {
            Protocol::Number(number) => Some(number),
            _ => None,
        }
    }

    fn addresses<P>(&self, of: fn(Host) -> Option<Member<P>>) -> Addresses<P> {
        let values = |said: &Option<Said<Hosts>>| {
            let hosts = said.as_ref()?.value;
            Some(Values { negated: hosts.negated, members: vec![of(hosts.host)?] })
        };
        Addresses {
            source: values(&self.source),
            destination: values(&self.destination),
            fragment: self.fragments.is_some().then_some(true),
            protocol: self.number().map(|number| Values { negated: false, members: vec![number..=number] }),
        }
    }
}

/// The version of which ICMP is said.
pub(super) fn version_of_protocol(protocol: Protocol) -> Option<Version> {
    match protocol {
        Protocol::Icmp => Some(Version::V4),
        Protocol::Icmp6 => Some(Version::V6),
        _ => None,
    }
}

fn version_of_host(host: Host) -> Option<Version> {
    match host {
        Host::Ipv4(_) => Some(Version::V4),
        Host::Ipv6(_) => Some(Version::V6),
        Host::Anywhere | Host::List(_) => None,
    }
}

/// `None` for any address; one of the other version does not come here.
fn ipv4_of(host: Host) -> Option<Member<Prefix<Ipv4Addr>>> {
    match host {
        Host::Ipv4(prefix) => Some(Member::Prefix(prefix)),
        Host::List(number) => Some(Member::List(number)),
        Host::Anywhere | Host::Ipv6(_) => None,
    }
}

fn ipv6_of(host: Host) -> Option<Member<Prefix<Ipv6Addr>>> {
    match host {
        Host::Ipv6(prefix) => Some(Member::Prefix(prefix)),
        Host::List(number) => Some(Member::List(number)),
        Host::Anywhere | Host::Ipv4(_) => None,
    }
}
