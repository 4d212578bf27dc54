//! A region of packets: values of every field, all combinations of which are in it.
use super::Set;
use crate::compile::bits::blocks;
use crate::compile::ranges::complement;
use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};

/// Ranges of numbers: first and last, in order and apart. `None` is any.
pub type Values = Option<Vec<(u128, u128)>>;

/// A set as regions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regions {
    /// They may overlap.
    pub regions: Vec<Region>,
    /// Whether they have the whole set.
    pub is_all: bool,
    /// What they do not have.
    pub rest: Set,
}

/// Packets of which every field has one of some values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// They.
    pub set: Set,
    /// Which version of IP; `None` is either, and then addresses are any.
    pub is_v6: Option<bool>,
    /// Whether they are fragments other than the first.
    pub is_later: Option<bool>,
    /// Whether they are ICMP in IPv4 or ICMPv6 in IPv6, so that the numbers are types and codes.
    pub is_icmp: bool,
    /// Protocols.
    pub protocols: Values,
    /// Source addresses, of 32 or 128 bits.
    pub source: Values,
    /// Destination addresses.
    pub destination: Values,
    /// Source ports of TCP and UDP; types of ICMP.
    pub source_port_or_type: Values,
    /// Destination ports; codes of ICMP.
    pub destination_port_or_code: Values,
}

/// No more values than this are written out.
const MOST_WRITTEN: usize = 8;

impl fmt::Display for Region {
    /// In words like those of properties. Those have no lists of numbers, and say one protocol.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Vec::new();
        match self.is_v6 {
            Some(is_v6) if !self.is_icmp => words.push(if is_v6 { "ip6" } else { "ip" }.to_string()),
            _ => {}
        }
        words.extend(self.protocols.as_ref().map(|ranges| protocols(ranges, self.is_v6)));
        let numbers = |values: &[(u128, u128)], most| list(values, most, |(first, last)| span(first, last));
        if self.is_icmp {
            let named = [("type", &self.source_port_or_type), ("code", &self.destination_port_or_code)];
            words.extend(
                named.iter().filter_map(|(name, values)| Some(format!("{name} {}", numbers(values.as_ref()?, 255)))),
            );
        } else {
            words.extend(self.destination_port_or_code.as_ref().map(|ports| numbers(ports, u16::MAX.into())));
        }
        let source_port = self.source_port_or_type.as_ref().filter(|_| !self.is_icmp);
        if let Some(source) = &self.source {
            words.push(format!("from {}", self.addresses(source)));
        } else if source_port.is_some() {
            words.push("from anywhere".to_string());
        }
        words.extend(source_port.map(|ports| format!("port {}", numbers(ports, u16::MAX.into()))));
        words.extend(self.destination.as_ref().map(|values| format!("to {}", self.addresses(values))));
        // Later fragments have no ports: where these are named it needs no words.
        let has_numbers = self.source_port_or_type.is_some() || self.destination_port_or_code.is_some();
        let is_later = self.is_later.filter(|later| *later || !has_numbers);
        words.extend(is_later.map(|later| if later { "fragments" } else { "not fragments" }.to_string()));
        f.write_str(&if words.is_empty() { "everything".to_string() } else { words.join(" ") })
    }
}

impl Region {
    /// Source and destination as prefixes, in words.
    fn addresses(&self, values: &[(u128, u128)]) -> String {
        let width = if self.is_v6 == Some(true) { 128 } else { 32 };
        let prefix = |ranges: &[(u128, u128)]| -> Vec<(u128, u128)> {
            blocks(ranges, width).iter().map(|block| (block.bits, u128::from(block.mask.count_ones()))).collect()
        };
        let others = complement(values, u128::MAX >> (128 - width));
        let (own, others) = (prefix(values), prefix(&others));
        let is_negated = others.len() < own.len();
        let write = |(bits, length): (u128, u128)| {
            let address = match width {
                32 => Ipv4Addr::from_bits(bits as u32).to_string(),
                _ => Ipv6Addr::from_bits(bits).to_string(),
            };
            if length == u128::from(width) { address } else { format!("{address}/{length}") }
        };
        joined(if is_negated { &others } else { &own }, is_negated, write)
    }
}

/// Names of protocols, or their numbers.
fn protocols(ranges: &[(u128, u128)], is_v6: Option<bool>) -> String {
    let name = |number: u128| match (number, is_v6) {
        (6, _) => Some("tcp"),
        (17, _) => Some("udp"),
        (1, Some(false)) => Some("icmp"),
        (58, Some(true)) => Some("icmp6"),
        _ => None,
    };
    let single: Vec<u128> = ranges.iter().flat_map(|(first, last)| *first..=*last).take(4).collect();
    let named: Option<Vec<&str>> = single.iter().map(|number| name(*number)).collect();
    match named {
        Some(named) if single.len() < 4 => named.join(" or "),
        _ => format!("proto {}", list(ranges, 255, |(first, last)| span(first, last))),
    }
}

fn span(first: u128, last: u128) -> String {
    if first == last { first.to_string() } else { format!("{first}-{last}") }
}

/// Ranges of numbers, or those that are missing where they are fewer.
fn list(ranges: &[(u128, u128)], most: u128, write: impl Fn((u128, u128)) -> String) -> String {
    let others = complement(ranges, most);
    let is_negated = others.len() < ranges.len();
    joined(if is_negated { &others } else { ranges }, is_negated, write)
}

fn joined<T: Copy>(values: &[T], is_negated: bool, write: impl Fn(T) -> String) -> String {
    let not = if is_negated { "not " } else { "" };
    let written: Vec<String> = values.iter().take(MOST_WRITTEN).map(|value| write(*value)).collect();
    let rest = values.len() - written.len();
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    format!("{not}{}{more}", written.join(", "))
}
