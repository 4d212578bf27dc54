//! Ranges of numbers as bits that must be so, and bits that are free.
use crate::compile::ranges::Range;

/// Numbers whose bits under the mask are these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bits {
    pub(crate) bits: u128,
    pub(crate) mask: u128,
}

/// The numbers of ranges, of so many bits: each range cut into blocks that begin at a multiple of their size.
pub(crate) fn blocks(ranges: &[Range], width: u32) -> Vec<Bits> {
    let all = u128::MAX >> (128 - width);
    let mut blocks = Vec::new();
    for &(first, last) in ranges {
        let (mut next, last) = (first & all, last & all);
        loop {
            // The largest block that begins here and does not go past the end.
            let mut free = next.trailing_zeros().min(width);
            while (all >> (width - free).min(127)) * u128::from(free > 0) > last - next {
                free -= 1;
            }
            let host = if free == 0 { 0 } else { all >> (width - free) };
            blocks.push(Bits { bits: next, mask: all & !host });
            match next.checked_add(host).and_then(|end| end.checked_add(1)) {
                Some(after) if after <= last => next = after,
                _ => break,
            }
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_hold_the_numbers_of_their_ranges_and_no_others() {
        for first in 0..=255_u128 {
            for last in first..=255 {
                let blocks = blocks(&[(first, last)], 8);
                let held = |number: u128| blocks.iter().filter(|block| number & block.mask == block.bits).count();
                assert!(blocks.len() <= 14, "{first} {last}");
                for number in 0..=255 {
                    assert_eq!(held(number), usize::from((first..=last).contains(&number)), "{first} {last} {number}");
                }
            }
        }
    }

    #[test]
    fn all_numbers_are_one_block() {
        for width in [8, 32, 128] {
            assert_eq!(blocks(&[(0, u128::MAX)], width), [Bits { bits: 0, mask: 0 }]);
        }
        let one = Bits { bits: u128::MAX, mask: u128::MAX };
        assert_eq!(blocks(&[(u128::MAX, u128::MAX)], 128), [one]);
        assert_eq!(blocks(&[(1, u128::MAX)], 128).len(), 128);
    }
}
