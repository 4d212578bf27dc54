//! How long the text of some blocks gets, before it is written: a list that a rule must not match can take more rules than fit in
//! memory.
use super::block::Block;
use super::limits::room;
use super::target::Target;
use super::{aws, gcp::MOST_RANGES};
use crate::compile::bits::blocks;
use crate::compile::ranges::Range;

/// No text has more addresses than this, each counted for every protocol that it stands with.
const MOST_VALUES: usize = 4_000_000;

/// Why blocks are not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overflow {
    /// There is no room for so many rules.
    Rules,
    /// The text would be too long.
    Values,
}

/// Whether a target can have these blocks.
pub(super) fn fits(target: Target, blocks: &[Block]) -> Result<(), Overflow> {
    let (mut rules, mut values) = (0_usize, 0_usize);
    for block in blocks {
        // A rule of Azure's can be for both versions of IP.
        let most = if target == Target::AzureNsg { 1 } else { 2 };
        for is_v6 in block.versions().take(most) {
            let (sources, destinations) = (prefixes(&block.source, is_v6), prefixes(&block.destination, is_v6));
            let protocols = block.protocols.as_ref().map_or(1, Vec::len);
            let (own, each) = match target {
                Target::AwsSecurityGroup | Target::AwsNacl => (aws::asked(block, is_v6).saturating_mul(sources), 1),
                Target::GcpFirewall => {
                    let parts = sources.div_ceil(MOST_RANGES).saturating_mul(destinations.div_ceil(MOST_RANGES));
                    let sides = sources.min(MOST_RANGES) + destinations.min(MOST_RANGES);
                    (parts, sides.saturating_mul(protocols))
                }
                Target::AzureNsg | Target::Nftables => (protocols, sources.saturating_add(destinations)),
            };
            values = values.saturating_add(own.saturating_mul(each));
            // Rules of a security group that stand in several blocks are written once.
            rules = if target == Target::AwsSecurityGroup { rules.max(own) } else { rules.saturating_add(own) };
        }
    }
    if rules > room(target) {
        return Err(Overflow::Rules);
    }
    if values > MOST_VALUES { Err(Overflow::Values) } else { Ok(()) }
}

/// How many prefixes addresses are.
fn prefixes(addresses: &Option<Vec<Range>>, is_v6: bool) -> usize {
    match addresses {
        None => 1,
        // Each range is one at least.
        Some(ranges) if ranges.len() > MOST_VALUES => ranges.len(),
        Some(ranges) => blocks(ranges, if is_v6 { 128 } else { 32 }).len(),
    }
}
