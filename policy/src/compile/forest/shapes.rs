//! Which conditions share a tree: a tree parts by what all of its conditions narrow, or they stand under many of its nodes.
use firewall::forest::Condition;

/// A side is wide if it names no more bits than this beyond those that all have in common.
const NARROWS: u32 = 8;
/// A number is wide if more than this part of all numbers match.
const WIDE_NUMBERS: u16 = u16::MAX / 4;

/// The bits that all conditions have in common, of source and destination.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shapes {
    common: [u32; 2],
}

impl Shapes {
    /// Of conditions.
    pub(super) fn of<const W: usize>(conditions: &[Condition<W>]) -> Self {
        let common = [0, 1].map(|index| {
            let mut named = conditions.iter().map(|condition| side(condition, index)).filter(|(_, length)| *length > 0);
            let Some((first, length)) = named.next() else { return 0 };
            named.fold(length, |common, (bits, length)| common.min(length).min((bits ^ first).leading_zeros()))
        });
        Self { common }
    }

    /// The number of a condition's shape: which sides are wide, and if both are, which numbers are.
    pub(super) fn of_one<const W: usize>(&self, condition: &Condition<W>) -> u8 {
        let wide = |index: usize| side(condition, index).1 <= self.common[index] + NARROWS;
        let sides = u8::from(wide(0)) | u8::from(wide(1)) << 1;
        let numbers = condition.more.map(|more| u8::from(more > WIDE_NUMBERS));
        if sides == 3 { sides | numbers[0] << 2 | numbers[1] << 3 } else { sides }
    }
}

/// The bits of the source or the destination, from the highest on, and how many are named.
fn side<const W: usize>(condition: &Condition<W>, index: usize) -> (u128, u32) {
    let take = |words: &[u64; W]| match words.as_slice() {
        [both] => u128::from((*both >> (32 * (1 - index))) as u32) << 96,
        words => words.iter().skip(index * 2).take(2).fold(0, |bits, word| bits << 64 | u128::from(*word)),
    };
    (take(&condition.addresses), take(&condition.masks).leading_ones())
}
