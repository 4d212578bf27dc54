//! Four words side by side: the same is done to each, with the vector instructions of SSE2 where the build has them.

/// How many words.
pub const LANES: usize = 4;

/// Four words of 64 bits.
#[derive(Clone, Copy)]
pub struct Lanes(word::Words);

impl Lanes {
    /// From where they stand, little-endian.
    #[inline(always)]
    pub fn load(bytes: &[[u8; 8]; LANES]) -> Self {
        Self(word::load(bytes))
    }

    /// Four times the same.
    #[inline(always)]
    pub fn splat(word: u64) -> Self {
        Self(word::splat(word))
    }

    /// The bits that are in any of both.
    #[inline(always)]
    pub fn or(self, other: Self) -> Self {
        Self(word::or(self.0, other.0))
    }

    /// The bits under the mask that are not as in `other`.
    #[inline(always)]
    pub fn differ(self, other: Self, mask: Self) -> Self {
        Self(word::differ(self.0, other.0, mask.0))
    }

    /// Zero where a word is as asked: its two low 16-bit numbers no less than those of `least` and no more than those of `more` above
    /// them, and its high 32 bits, where those of `more` are ones, the same as those of `least`.
    #[inline(always)]
    pub fn outside(self, least: Self, more: Self) -> Self {
        Self(word::outside(self.0, least.0, more.0))
    }

    /// Which are zero: a bit each, the first lowest.
    #[inline(always)]
    pub fn zeros(self) -> u32 {
        word::zeros(self.0)
    }
}

/// The bits of the two low 16-bit numbers of a word. The others are compared bit by bit.
const RANGES: u64 = 0xffff_ffff;

#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
mod word {
    use super::{LANES, RANGES};
    use core::arch::x86_64::*;

    pub type Words = [__m128i; 2];

    #[inline(always)]
    pub fn load(bytes: &[[u8; 8]; LANES]) -> Words {
        let half = bytes.as_ptr().cast::<__m128i>();
        // SAFETY: the build is for processors with SSE2 only; the loads need no alignment, and four words are two halves.
        unsafe { [_mm_loadu_si128(half), _mm_loadu_si128(half.add(1))] }
    }

    #[inline(always)]
    pub fn splat(word: u64) -> Words {
        // SAFETY: the build is for processors with SSE2 only.
        [unsafe { _mm_set1_epi64x(word as i64) }; 2]
    }

    #[inline(always)]
    pub fn or([a, b]: Words, [c, d]: Words) -> Words {
        // SAFETY: the build is for processors with SSE2 only.
        unsafe { [_mm_or_si128(a, c), _mm_or_si128(b, d)] }
    }

    #[inline(always)]
    pub fn differ(one: Words, other: Words, mask: Words) -> Words {
        #[inline(always)]
        fn half(one: __m128i, other: __m128i, mask: __m128i) -> __m128i {
            // SAFETY: the build is for processors with SSE2 only.
            unsafe { _mm_and_si128(_mm_xor_si128(one, other), mask) }
        }
        [half(one[0], other[0], mask[0]), half(one[1], other[1], mask[1])]
    }

    #[inline(always)]
    pub fn outside(is: Words, least: Words, more: Words) -> Words {
        #[inline(always)]
        fn half(is: __m128i, least: __m128i, more: __m128i) -> __m128i {
            // SAFETY: the build is for processors with SSE2 only.
            unsafe {
                let above = _mm_subs_epu16(_mm_sub_epi16(is, least), more);
                let differ = _mm_and_si128(_mm_xor_si128(is, least), more);
                // Each word has its ranges in the low half and its bits in the high one.
                let ranges = _mm_set1_epi64x(RANGES as i64);
                _mm_or_si128(_mm_and_si128(ranges, above), _mm_andnot_si128(ranges, differ))
            }
        }
        [half(is[0], least[0], more[0]), half(is[1], least[1], more[1])]
    }

    #[inline(always)]
    pub fn zeros([low, high]: Words) -> u32 {
        // SAFETY: the build is for processors with SSE2 only.
        unsafe {
            let zero = _mm_setzero_si128();
            let low = _mm_castsi128_ps(_mm_cmpeq_epi32(low, zero));
            let high = _mm_castsi128_ps(_mm_cmpeq_epi32(high, zero));
            // The low and the high 32 bits of all four.
            let both =
                _mm_and_ps(_mm_shuffle_ps::<0b10_00_10_00>(low, high), _mm_shuffle_ps::<0b11_01_11_01>(low, high));
            _mm_movemask_ps(both) as u32
        }
    }
}

#[cfg(not(all(target_arch = "x86_64", target_feature = "sse2")))]
use portable as word;

#[cfg(any(test, not(all(target_arch = "x86_64", target_feature = "sse2"))))]
mod portable {
    use super::{LANES, RANGES};

    pub type Words = [u64; LANES];

    #[inline(always)]
    pub fn load(bytes: &[[u8; 8]; LANES]) -> Words {
        bytes.map(u64::from_le_bytes)
    }

    #[inline(always)]
    pub fn splat(word: u64) -> Words {
        [word; LANES]
    }

    #[inline(always)]
    pub fn or(one: Words, other: Words) -> Words {
        [0, 1, 2, 3].map(|lane| one[lane] | other[lane])
    }

    #[inline(always)]
    pub fn differ(one: Words, other: Words, mask: Words) -> Words {
        [0, 1, 2, 3].map(|lane| (one[lane] ^ other[lane]) & mask[lane])
    }

    #[inline(always)]
    pub fn outside(is: Words, least: Words, more: Words) -> Words {
        let above = |is: u64, least: u64, more: u64| (is as u16).wrapping_sub(least as u16) > more as u16;
        [0, 1, 2, 3].map(|lane| {
            let (is, least, more) = (is[lane], least[lane], more[lane]);
            let ranges = above(is, least, more) | above(is >> 16, least >> 16, more >> 16);
            u64::from(ranges) | (is ^ least) & more & !RANGES
        })
    }

    #[inline(always)]
    pub fn zeros(words: Words) -> u32 {
        words.iter().rev().fold(0, |bits, word| bits << 1 | u32::from(*word == 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words whose 16-bit numbers often are equal, at an end, or one apart.
    fn words(state: &mut u64) -> [u64; LANES] {
        [0; LANES].map(|_| {
            let mut number = || {
                *state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
                let random = *state >> 40;
                if random & 7 == 0 {
                    random >> 8 & 0xffff
                } else {
                    [0, 1, 2, 0x7fff, 0x8000, 0xfffe, 0xffff][random as usize % 7]
                }
            };
            [0, 16, 32, 48].into_iter().fold(0, |word, shift| word | number() << shift)
        })
    }

    fn lanes(words: [u64; LANES]) -> Lanes {
        let bytes = words.map(u64::to_le_bytes);
        assert_eq!(portable::load(&bytes), words);
        Lanes::load(&bytes)
    }

    #[test]
    fn every_build_says_the_same_of_the_same_words() {
        let (mut state, mut met) = (1, 0);
        for _ in 0..100_000 {
            let [is, least, more] = [words(&mut state), words(&mut state), words(&mut state)];
            let expected = portable::zeros(portable::outside(is, least, more));
            assert_eq!(lanes(is).outside(lanes(least), lanes(more)).zeros(), expected, "{is:x?} {least:x?} {more:x?}");
            let expected_differ = portable::zeros(portable::differ(is, least, more));
            assert_eq!(
                lanes(is).differ(lanes(least), lanes(more)).zeros(),
                expected_differ,
                "{is:x?} {least:x?} {more:x?}"
            );
            let either = portable::zeros(portable::or(is, least));
            assert_eq!(lanes(is).or(lanes(least)).zeros(), either, "{is:x?} {least:x?}");
            met += expected.count_ones();
        }
        assert!(met > 1_000, "{met}");
    }

    #[test]
    fn a_zero_is_seen_in_its_lane_and_half_a_zero_is_none() {
        for lane in 0..LANES {
            for bits in [1, 1 << 31, 1 << 32, 1 << 63] {
                let mut words = [bits; LANES];
                words[lane] = 0;
                assert_eq!(lanes(words).zeros(), 1 << lane);
            }
        }
        for (word, zeros) in [(0, 0b1111), (1 << 40, 0)] {
            assert_eq!((Lanes::splat(word).zeros(), portable::zeros(portable::splat(word))), (zeros, zeros));
        }
    }
}
