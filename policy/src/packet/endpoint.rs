//! What follows `from` and `to`.
use super::error::ErrorKind;
use core::net::{IpAddr, Ipv6Addr};

/// An address, a port, or both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub address: Option<IpAddr>,
    pub port: Option<u16>,
}

/// `10.0.2.2`, `10.0.2.2:53`, `:53`, `53`, `fe80::1` or `[fe80::1]:53`.
pub(super) fn endpoint(word: &str) -> Result<Endpoint, ErrorKind> {
    let not_one = || ErrorKind::Endpoint { word: word.into() };
    let (address, after) = match word.strip_prefix('[') {
        Some(rest) => {
            let (address, after) = rest.split_once(']').ok_or_else(not_one)?;
            (Some(address.parse::<Ipv6Addr>().map_err(|_| not_one())?.into()), after)
        }
        None if word.bytes().all(|byte| byte.is_ascii_digit()) => {
            return Ok(Endpoint { address: None, port: Some(port(word)?) });
        }
        None => match word.parse::<IpAddr>() {
            Ok(address) => (Some(address), ""),
            Err(_) => match word.split_once(':').ok_or_else(not_one)? {
                ("", _) => (None, word),
                (before, after) => (
                    Some(IpAddr::V4(before.parse().map_err(|_| not_one())?)),
                    word.get(word.len() - after.len() - 1..).unwrap_or_default(),
                ),
            },
        },
    };
    let port = match after.strip_prefix(':') {
        Some(digits) => Some(port(digits)?),
        None if after.is_empty() => None,
        None => return Err(not_one()),
    };
    Ok(Endpoint { address, port })
}

/// A port in decimal digits.
pub(super) fn port(word: &str) -> Result<u16, ErrorKind> {
    number(word, "a port", u16::MAX)
}

/// A number in decimal digits.
pub(super) fn number(word: &str, what: &'static str, most: u16) -> Result<u16, ErrorKind> {
    let digits = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    let number = word.parse().ok().filter(|number| digits && *number <= most);
    number.ok_or_else(|| ErrorKind::Number { what, word: word.into(), most })
}
