//! Instructions of the processor that the engines need and the language has no word for. Whoever has one of the types here
//! has a processor with the instruction: [`Extract`] works everywhere, [`Bmi2`] is there only where it was found.
#![no_std]

mod lanes;

pub use lanes::{LANES, Lanes};

/// Picks bits out of a word.
pub trait Extract: Copy {
    /// The bits of `word` where `mask` has ones, moved together to the low end, in their order.
    fn extract(self, word: u64, mask: u64) -> u64;
}

/// The instruction `pext` (Intel SDM volume 2, PEXT; AMD64 manual volume 3).
#[derive(Clone, Copy, Debug)]
pub struct Bmi2(());

impl Bmi2 {
    /// It, if this processor has it, and not in a form that is slower than doing without (AMD before family 19h).
    #[cfg(target_arch = "x86_64")]
    pub fn find() -> Option<Self> {
        use core::arch::x86_64::{__cpuid, __cpuid_count};
        const BMI2: u32 = 1 << 8;
        const AMD: [u32; 3] = [0x6874_7541, 0x6974_6e65, 0x444d_4163];
        let first = __cpuid(0);
        if first.eax < 7 || __cpuid_count(7, 0).ebx & BMI2 == 0 {
            return None;
        }
        let version = __cpuid(1).eax;
        let family = (version >> 8 & 0xf) + if version >> 8 & 0xf == 0xf { version >> 20 & 0xff } else { 0 };
        let slow = [first.ebx, first.edx, first.ecx] == AMD && family < 0x19;
        (!slow).then_some(Bmi2(()))
    }

    /// There is none.
    #[cfg(not(target_arch = "x86_64"))]
    pub fn find() -> Option<Self> {
        None
    }
}

impl Extract for Bmi2 {
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn extract(self, word: u64, mask: u64) -> u64 {
        let bits;
        // SAFETY: a value of this type is made only where the processor has the instruction, which reads and writes only
        // the three registers.
        unsafe {
            core::arch::asm!("pext {}, {}, {}", lateout(reg) bits, in(reg) word, in(reg) mask,
                options(pure, nomem, nostack, preserves_flags));
        }
        bits
    }

    #[cfg(not(target_arch = "x86_64"))]
    #[inline(always)]
    fn extract(self, word: u64, mask: u64) -> u64 {
        Portable.extract(word, mask)
    }
}

/// The same without the instruction, a step for each run of ones in the mask.
#[derive(Clone, Copy, Debug)]
pub struct Portable;

impl Extract for Portable {
    #[inline]
    fn extract(self, word: u64, mut mask: u64) -> u64 {
        let (mut bits, mut at) = (0, 0);
        while mask != 0 {
            let start = mask.trailing_zeros();
            let run = (mask >> start).trailing_ones();
            let ones = u64::MAX >> (64 - run);
            bits |= (word >> start & ones) << at;
            at += run;
            mask &= !(ones << start);
        }
        bits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One bit at a time.
    fn naive(word: u64, mask: u64) -> u64 {
        let ones = (0..64).filter(|bit| mask >> bit & 1 == 1);
        ones.enumerate().fold(0, |bits, (at, bit)| bits | (word >> bit & 1) << at)
    }

    fn samples() -> impl Iterator<Item = (u64, u64)> {
        let words = [0, u64::MAX, 1, 1 << 63, 0x8000_0000_0000_0001, 0x0123_4567_89ab_cdef, 0xaaaa_aaaa_aaaa_aaaa];
        let mut state = 1_u64;
        let mut random = move || {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            state ^ state >> 29
        };
        let edges = words.into_iter().flat_map(move |word| words.into_iter().map(move |mask| (word, mask)));
        edges.chain((0..10_000).map(move |_| (random(), random() & random())))
    }

    #[test]
    fn both_pick_the_bits_that_one_at_a_time_picks() {
        let bmi2 = Bmi2::find();
        for (word, mask) in samples() {
            let expected = naive(word, mask);
            assert_eq!(Portable.extract(word, mask), expected, "{word:x} {mask:x}");
            if let Some(bmi2) = bmi2 {
                assert_eq!(bmi2.extract(word, mask), expected, "{word:x} {mask:x}");
            }
        }
    }
}
