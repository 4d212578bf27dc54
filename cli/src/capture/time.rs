//! When a packet was captured.

/// How an interface's ticks become time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clock {
    /// The upper 32 bits are seconds, the lower so many parts of one.
    Joined { per_second: u32 },
    /// Ticks since 1970, with this many seconds added.
    Ticks { per_second: u128, offset: i64 },
}

const NANOSECONDS: i128 = 1_000_000_000;

impl Clock {
    pub(super) const MICROSECONDS: Self = Self::Joined { per_second: 1_000_000 };
    pub(super) const NANOSECONDS: Self = Self::Joined { per_second: 1_000_000_000 };

    /// By the option `if_tsresol`: a negative power of 10, or with the highest bit set of 2.
    pub(super) fn counting(resolution: u8, offset: i64) -> Self {
        let exponent = u32::from(resolution & 0x7f);
        let base: u128 = if resolution & 0x80 == 0 { 10 } else { 2 };
        // What is finer than any clock is no time: all of it is the start of its second.
        Self::Ticks { per_second: base.checked_pow(exponent).unwrap_or(u128::MAX), offset }
    }

    /// Nanoseconds since 1970.
    pub(super) fn nanoseconds(self, ticks: u64) -> Option<i128> {
        match self {
            Self::Joined { per_second } => {
                let (seconds, parts) = (ticks >> 32, ticks & 0xffff_ffff);
                Some(i128::from(seconds) * NANOSECONDS + i128::from(parts) * NANOSECONDS / i128::from(per_second))
            }
            Self::Ticks { per_second, offset } => {
                let since = (u128::from(ticks) * NANOSECONDS.unsigned_abs()).checked_div(per_second)?;
                Some(i128::try_from(since).ok()? + i128::from(offset) * NANOSECONDS)
            }
        }
    }
}

/// Ticks for [`Clock::Joined`].
pub(super) fn joined(seconds: u32, parts: u32) -> u64 {
    u64::from(seconds) << 32 | u64::from(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_as_long_as_the_file_says() {
        let time = |clock: Clock, ticks| clock.nanoseconds(ticks).unwrap();
        assert_eq!(time(Clock::MICROSECONDS, joined(3, 250_000)), 3_250_000_000);
        assert_eq!(time(Clock::NANOSECONDS, joined(3, 250_000)), 3_000_250_000);
        assert_eq!(time(Clock::counting(6, 0), 1_500_000), 1_500_000_000);
        assert_eq!(time(Clock::counting(9, 2), 7), 2_000_000_007);
        assert_eq!(time(Clock::counting(0x80 | 10, -1), 512), -500_000_000);
        assert_eq!(time(Clock::counting(0, 0), u64::MAX), i128::from(u64::MAX) * NANOSECONDS);
        assert_eq!(time(Clock::counting(127, 0), u64::MAX), 0);
    }
}
