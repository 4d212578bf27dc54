//! What parts a node's conditions: bits that are chosen one after the other, each for what it leaves together.
use super::grow::LEAF;
use super::region::Region;
use core::mem::take;
use firewall::forest::Condition;

/// A node has at most two to the power of this children.
const MOST_BITS: usize = 12;
/// So many of a node's first conditions are looked at for whether they cover others.
const COVERING: usize = 16;
/// Each bit of a node must leave less than this part of what parts cost without it.
const GAIN: f64 = 0.99;
/// A node may have so many bits more than parts need that halve at each.
const EXTRA: usize = 2;

/// The members without those that one of the first covers: they never decide.
pub(super) fn uncovered<const W: usize>(all: &[Condition<W>], region: Region<W>, members: Vec<u32>) -> Vec<u32> {
    let mut kept: Vec<u32> = Vec::with_capacity(members.len());
    for later in members {
        let covers = |earlier: &u32| region.covers(&all[*earlier as usize], &all[later as usize]);
        if !kept.iter().take(COVERING).any(covers) {
            kept.push(later);
        }
    }
    kept
}

/// The members that can be met where a bit is zero, and where it is one.
pub(super) fn part<const W: usize>(
    all: &[Condition<W>],
    region: Region<W>,
    members: &[u32],
    word: usize,
    bit: u32,
) -> [(Region<W>, Vec<u32>); 2] {
    let (mut zero, mut one) = (Vec::new(), Vec::new());
    for &index in members {
        let (can_zero, can_one) = region.sides(&all[index as usize], word, bit);
        if can_zero {
            zero.push(index);
        }
        if can_one {
            one.push(index);
        }
    }
    [(region.with(word, bit, false), zero), (region.with(word, bit, true), one)]
}

/// The bits of a word that part the members best, one after the other, and what a part is then expected to cost.
pub(super) fn choose<const W: usize>(
    all: &[Condition<W>],
    region: Region<W>,
    members: &[u32],
    word: usize,
) -> Option<(f64, usize, Vec<u32>)> {
    let usable = asked(all, members, word) & !region.known(word);
    let wanted = ((members.len() as f64 / LEAF as f64).log2().ceil() as usize + EXTRA).clamp(1, MOST_BITS);
    let mut parts = vec![(region, members.to_vec())];
    let (mut bits, mut cost) = (Vec::new(), f64::MAX);
    while bits.len() < wanted {
        let free = (0..64).filter(|bit| usable >> bit & 1 == 1 && !bits.contains(bit));
        let priced = free.map(|bit| (price(all, &parts, word, bit), bit));
        let Some((least, bit)) = priced.min_by(|one, other| one.0.total_cmp(&other.0)) else { break };
        if least >= cost * GAIN {
            break;
        }
        cost = least;
        bits.push(bit);
        parts = take(&mut parts).into_iter().flat_map(|(region, own)| part(all, region, &own, word, bit)).collect();
    }
    let squares = parts.iter().map(|(_, own)| (own.len() * own.len()) as f64).sum::<f64>();
    (!bits.is_empty()).then(|| (squares / parts.len() as f64, word, bits))
}

/// The bits of a word that some member asks about: others part nothing.
fn asked<const W: usize>(all: &[Condition<W>], members: &[u32], word: usize) -> u64 {
    members.iter().map(|&index| &all[index as usize]).fold(0, |asked, condition| {
        let number = |at: usize| if condition.more[at] == u16::MAX { 0 } else { 0xffff_u64 << (16 * (1 - at)) };
        asked
            | condition.masks.get(word).copied().unwrap_or(u64::from(condition.kind_mask) << 32 | number(0) | number(1))
    })
}

/// What the parts would cost if they were parted by this bit too: small ones little, large ones by their square.
fn price<const W: usize>(all: &[Condition<W>], parts: &[(Region<W>, Vec<u32>)], word: usize, bit: u32) -> f64 {
    let mut price = 0.0;
    for (region, members) in parts {
        if members.len() <= LEAF {
            price += (members.len() * LEAF * 2) as f64;
            continue;
        }
        let (mut zero, mut one) = (0_usize, 0_usize);
        for &index in members {
            let (can_zero, can_one) = region.sides(&all[index as usize], word, bit);
            zero += usize::from(can_zero);
            one += usize::from(can_one);
        }
        price += (zero * zero + one * one) as f64;
    }
    price
}

/// The bits under the mask, moved together.
pub(super) fn gather(word: u64, mask: u64) -> usize {
    let ones = (0..64).filter(|bit| mask >> bit & 1 == 1);
    ones.enumerate().fold(0, |bits, (at, bit)| bits | ((word >> bit & 1) as usize) << at)
}
