//! A rule on five fields of an IPv4 packet, as ClassBench's filter sets have them.
use firewall::protocol::{TCP, UDP};
use std::net::Ipv4Addr;
use tests::{Result, ensure};

/// What a rule asks; it matches when all of it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Filter {
    /// Source addresses.
    pub source: Network,
    /// Destination addresses.
    pub destination: Network,
    /// Source ports, first and last.
    pub source_ports: (u16, u16),
    /// Destination ports, first and last.
    pub destination_ports: (u16, u16),
    /// The protocol; `None` is any.
    pub protocol: Option<u8>,
}

/// The addresses that share the first `length` bits of one; its other bits are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    /// The first of them.
    pub address: u32,
    /// 0 to 32.
    pub length: u8,
}

/// All ports.
pub const EVERY: (u16, u16) = (0, u16::MAX);

impl Network {
    /// The addresses around one.
    pub fn new(address: u32, length: u8) -> Self {
        let length = length.min(32);
        Self { address: address & mask(length), length }
    }

    /// The bits that they share.
    pub fn mask(self) -> u32 {
        mask(self.length)
    }
}

fn mask(length: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0)
}

impl Filter {
    /// Reads a line: `@src/len dst/len first : last first : last proto/mask flags/mask`. What it says of TCP flags is
    /// left out, as a policy does not ask for them.
    pub fn parse(line: &str) -> Result<Self> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [source, destination, s0, ":", s1, d0, ":", d1, protocol, ..] = words[..] else {
            return Err("it is not `@src/len dst/len lo : hi lo : hi proto/mask`".into());
        };
        let source = source.strip_prefix('@').ok_or("it does not start with @")?;
        let protocol = match protocol.split_once('/').ok_or("it has a protocol without a mask")? {
            (_, "0x00") => None,
            (number, "0xFF" | "0xff") => Some(u8::from_str_radix(number.trim_start_matches("0x"), 16)?),
            _ => return Err("its mask of the protocol is neither 0x00 nor 0xFF".into()),
        };
        let filter = Self {
            source: network(source)?,
            destination: network(destination)?,
            source_ports: (s0.parse()?, s1.parse()?),
            destination_ports: (d0.parse()?, d1.parse()?),
            protocol,
        };
        ensure!(
            filter.source_ports.0 <= filter.source_ports.1 && filter.destination_ports.0 <= filter.destination_ports.1,
            "its ports end before they start"
        );
        Ok(filter)
    }

    /// It as rules of a policy, in which only TCP and UDP have ports: a filter on ports of any protocol is one for each
    /// of the two, and with another protocol its ports do not count.
    pub fn resolve(self) -> impl Iterator<Item = Self> {
        let asks_ports = self.source_ports != EVERY || self.destination_ports != EVERY;
        let rules = match self.protocol {
            Some(TCP | UDP) => [Some(self), None],
            None if asks_ports => [TCP, UDP].map(|protocol| Some(Self { protocol: Some(protocol), ..self })),
            _ => [Some(Self { source_ports: EVERY, destination_ports: EVERY, ..self }), None],
        };
        rules.into_iter().flatten()
    }
}

fn network(word: &str) -> Result<Network> {
    let (address, length) = word.split_once('/').ok_or("it has an address without a mask")?;
    let length = length.parse()?;
    ensure!(length <= 32, "its mask is longer than 32 bits");
    Ok(Network::new(address.parse::<Ipv4Addr>()?.to_bits(), length))
}
