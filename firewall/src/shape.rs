//! What finding a verdict may cost.
use crate::linear::Version;
use crate::lists::LINE;

/// What a table is made of, and the most that it costs to decide about any packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// How many rules there are.
    pub rules: usize,
    /// How many decision trees there are, for both versions of IP.
    pub trees: usize,
    /// How many rules are tried one after the other, besides the trees or without any.
    pub listed: usize,
    /// How many sets there are of addresses that stand apart from the rules.
    pub lists: usize,
    /// How many bytes of the table these take.
    pub list_bytes: usize,
    /// How much of the table is read for one packet.
    pub worst: Worst,
}

/// The most accesses to memory for one packet, whatever is in it: reads of the table of which each needs what one before
/// it gave, or goes to another line of [`LINE`] bytes. Finding the rule is counted, and neither the frame's own bytes nor
/// what is kept in registers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Worst {
    /// For an IPv4 packet.
    pub v4: usize,
    /// For an IPv6 packet.
    pub v6: usize,
}

impl Worst {
    /// Of both versions.
    pub(crate) fn of(each: impl Fn(Version) -> usize) -> Self {
        Self { v4: each(Version::V4), v6: each(Version::V6) }
    }

    /// The most of any packet.
    pub fn most(&self) -> usize {
        self.v4.max(self.v6)
    }
}

/// How many lines so many bytes take that are read one after the other.
pub(crate) const fn lines(bytes: usize) -> usize {
    bytes.div_ceil(LINE)
}

/// How many of `count` members in order, of `size` bytes each, a search by halves reads; or all their lines, where these
/// are fewer.
pub(crate) fn halves(count: usize, size: usize) -> usize {
    let steps = count.checked_next_power_of_two().map_or(usize::BITS, usize::ilog2) as usize + 1;
    steps.min(lines(count.saturating_mul(size)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::cell::Cell;

    #[test]
    fn no_search_by_halves_reads_more_than_is_said() {
        assert_eq!(halves(0, 8), 0);
        for count in 1..600_usize {
            let members: Vec<usize> = (0..count).collect();
            let most = (0..=count).map(|wanted| {
                let reads = Cell::new(0);
                let read = |member: &usize| {
                    reads.set(reads.get() + 1);
                    *member < wanted
                };
                assert_eq!(members.partition_point(read), wanted);
                reads.get()
            });
            let most = most.max().unwrap_or(0);
            // Members as long as a line: each read is of another one.
            let said = halves(count, LINE);
            assert!(most <= said && said <= most + 1, "{count}: {most} reads, not {said}");
        }
    }

    #[test]
    fn few_small_members_are_read_with_one_line() {
        assert_eq!([halves(1, 8), halves(8, 8), halves(9, 8), halves(1_000_000, 8)], [1, 1, 2, 21]);
    }
}
