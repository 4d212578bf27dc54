//! What is in a line, found without a branch: the kernel has no vector instructions, so that four numbers are compared
//! at a time within a register.
use super::LINE;

/// What a processor fetches at once.
pub(super) type Line = [u8; LINE];

/// One in each of four numbers of 16 bits.
const ONES: u64 = 0x0001_0001_0001_0001;
/// The highest bit of each.
const HIGHEST: u64 = ONES << 15;

/// The line's 32 numbers of 16 bits, four together.
#[inline]
fn words(line: &Line) -> impl Iterator<Item = u64> + '_ {
    line.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word))
}

/// Whether a number of 16 bits is one of the line's.
#[inline]
pub(super) fn is_among(line: &Line, number: u32) -> bool {
    let wanted = u64::from(number) * ONES;
    // Borrowing from a number that is zero sets the highest bit, here or above where one that is zero made it borrow.
    let zero = |word: u64| word.wrapping_sub(ONES) & !word;
    words(line).fold(0, |any, word| any | zero(word ^ wanted)) & HIGHEST != 0
}

/// How many of the line's numbers are less than a number of 16 bits.
#[inline]
pub(super) fn rank(line: &Line, number: u32) -> u32 {
    let wanted = u64::from(number) * ONES;
    let low = wanted & !HIGHEST;
    // The highest bit of each is set where the line's number is not less: it decides, or else the bits under it.
    let not_less = |word: u64| ((word & !wanted) | (!(word ^ wanted) & ((word | HIGHEST) - low))) & HIGHEST;
    let counts = words(line).fold(0, |counts: u64, word| counts + (not_less(word) >> 15));
    let sum = counts.wrapping_mul(ONES) >> 48;
    (LINE / 2) as u32 - sum as u32
}

/// One of the line's 512 bits; bits past its end are zero.
#[inline]
pub(super) fn bit(line: &Line, number: u32) -> bool {
    line.get(number as usize / 8).is_some_and(|byte| byte >> (number % 8) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(numbers: [u16; 32]) -> Line {
        let mut line = [0; LINE];
        for (bytes, number) in line.as_chunks_mut().0.iter_mut().zip(numbers) {
            *bytes = number.to_le_bytes();
        }
        line
    }

    /// Numbers of which some are beside each other, beside a bit's turn, or the same, in no order.
    fn numbers(seed: u16) -> [u16; 32] {
        let edges = [0, 1, 2, 0x7ffe, 0x7fff, 0x8000, 0x8001, 0xfffe, 0xffff, 0x00ff, 0x0100];
        core::array::from_fn(|index| {
            let noise = (index as u16 + 1).wrapping_mul(seed).wrapping_mul(40503) ^ seed.rotate_left(5);
            if noise.is_multiple_of(3) { edges[usize::from(noise / 3) % edges.len()] } else { noise }
        })
    }

    #[test]
    fn every_number_is_found_and_counted_as_one_by_one() {
        for seed in 1..200 {
            let numbers = numbers(seed);
            let line = line(numbers);
            let near = numbers.iter().flat_map(|number| [number.wrapping_sub(1), *number, number.wrapping_add(1)]);
            for number in near {
                assert_eq!(is_among(&line, number.into()), numbers.contains(&number), "{number} in {numbers:x?}");
                let less = numbers.iter().filter(|other| **other < number).count() as u32;
                assert_eq!(rank(&line, number.into()), less, "{number} in {numbers:x?}");
            }
        }
    }

    #[test]
    fn every_bit_is_read_where_it_stands() {
        for set in 0..512_u32 {
            let mut line = [0; LINE];
            line[set as usize / 8] = 1 << (set % 8);
            assert!((0..=520).all(|number| bit(&line, number) == (number == set)), "{set}");
        }
    }
}
