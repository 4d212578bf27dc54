//! Addresses with bits that their masks take away.
use super::{Finding, Lint};
use crate::config::{Config, HostBits};

pub(super) fn find(config: &Config) -> Vec<Finding> {
    config.places.host_bits.iter().map(told).collect()
}

fn told(bits: &HostBits) -> Finding {
    let HostBits { written, meant, .. } = bits;
    let title = format!("the mask takes bits of `{written}` away");
    let place = bits.line.map(|line| match line.more {
        0 => format!("line {} of this file ", line.number),
        more => format!("line {} of this file, and {more} more, ", line.number),
    });
    let label = match place {
        Some(place) => format!("{place}is read as `{meant}`"),
        None => format!("is read as `{meant}`"),
    };
    let mut finding = Finding::new(Lint::HostBits, bits.span.clone(), title, label);
    let alone = written.split_once('/').map_or(written.as_str(), |(address, _)| address);
    finding.help = Some(format!("write \"{meant}\", or \"{alone}\" for this address alone"));
    finding.rules.extend(bits.rule);
    finding
}
