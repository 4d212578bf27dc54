//! What follows `from` and `to`.
use super::super::error::{Expected, Fault};
use super::super::lists::Names;
use super::super::{suggest, value};
use super::{PropertyFault, Refused};
use crate::diagnostic::Span;
use crate::policy::Prefix;
use core::net::{Ipv4Addr, Ipv6Addr};

/// Addresses, without whether they are negated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// All.
    Anywhere,
    /// Those under a prefix of IPv4.
    Ipv4(Prefix<Ipv4Addr>),
    /// Those under a prefix of IPv6.
    Ipv6(Prefix<Ipv6Addr>),
    /// Those of a list, of both versions.
    List(usize),
}

/// The address and the port of a word such as `10.0.0.0/8:53`, `[fe80::1]:53`, `@office:22`, `:8080` or `8080`; either may be
/// missing.
pub(super) fn split(word: &str) -> (Option<&str>, Option<&str>) {
    let is_number = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    let (address, port) = match word.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        _ if is_number => return (None, Some(word)),
        Some((address, "")) => return (Some(address), None),
        Some((address, after)) => (address, after.strip_prefix(':')),
        None => match word.split_once(':') {
            Some((before, after)) if !after.contains(':') => (before, Some(after)),
            _ => (word, None),
        },
    };
    // What follows the bracket is no port: the word is not split, so that it is refused as it stands.
    let address = if port.is_some() { address } else { word };
    (Some(address).filter(|address| !address.is_empty()), port)
}

/// The addresses that a word stands for.
pub(super) fn host(text: &str, span: &Span, lists: &mut Names) -> Result<Host, Refused> {
    let refused = |expected, fault| Refused::value(span, text, expected, fault);
    if is_anywhere(text) {
        return Ok(Host::Anywhere);
    }
    if let Some(name) = text.strip_prefix('@') {
        return lists.find(name).map(Host::List).map_err(|fault| refused(Expected::Host, fault));
    }
    if text.contains(':') {
        return value::ipv6_prefix(text).map(Host::Ipv6).map_err(|fault| refused(Expected::Ipv6Prefix, fault));
    }
    if text.starts_with(|first: char| first.is_ascii_digit()) {
        return value::ipv4_prefix(text).map(Host::Ipv4).map_err(|fault| refused(Expected::Ipv4Prefix, fault));
    }
    if text.starts_with('!') {
        return Err(refused(Expected::Host, Fault::NegatedTwice));
    }
    let meant = match lists.find(text) {
        Ok(_) => Some(format!("@{text}")),
        Err(_) => suggest::nearest(text, &["anywhere"]).map(str::to_string),
    };
    Err(Refused::fault(span, PropertyFault::Host { word: text.to_string(), meant }))
}

/// `any` is what other firewalls call it.
pub(super) fn is_anywhere(text: &str) -> bool {
    ["anywhere", "any"].iter().any(|word| text.eq_ignore_ascii_case(word))
}
