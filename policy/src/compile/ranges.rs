//! Sets of numbers as ranges: first and last, both included, in order, neither touching nor overlapping.

/// A range: first and last number.
pub(crate) type Range = (u128, u128);

/// The same numbers, as ranges in order that neither touch nor overlap.
pub(crate) fn union(mut ranges: Vec<Range>) -> Vec<Range> {
    ranges.sort_unstable();
    let mut merged: Vec<Range> = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match merged.last_mut() {
            Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
            _ => merged.push((first, last)),
        }
    }
    merged
}

/// All numbers from 0 to `max` that are in none of the ranges, which are a [`union`].
pub(crate) fn complement(ranges: &[Range], max: u128) -> Vec<Range> {
    let mut gaps = Vec::with_capacity(ranges.len() + 1);
    let mut free = Some(0);
    for &(first, last) in ranges {
        if let (Some(start), Some(end)) = (free, first.checked_sub(1))
            && start <= end
        {
            gaps.push((start, end));
        }
        free = last.checked_add(1).filter(|&next| next <= max);
    }
    gaps.extend(free.map(|start| (start, max)));
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_touch_or_overlap_become_one() {
        assert_eq!(union(vec![(5, 9), (0, 1), (2, 3), (7, 20), (8, 8), (22, 22)]), [(0, 3), (5, 20), (22, 22)]);
        assert_eq!(union(vec![(0, u128::MAX), (u128::MAX, u128::MAX)]), [(0, u128::MAX)]);
    }

    #[test]
    fn the_complement_is_the_gaps_and_both_ends() {
        assert_eq!(complement(&[], 255), [(0, 255)]);
        assert_eq!(complement(&[(0, 255)], 255), []);
        assert_eq!(complement(&[(0, 0), (2, 254)], 255), [(1, 1), (255, 255)]);
        assert_eq!(complement(&[(3, 4), (6, 255)], 255), [(0, 2), (5, 5)]);
        assert_eq!(complement(&[(0, u128::MAX)], u128::MAX), []);
        assert_eq!(complement(&[(1, u128::MAX)], u128::MAX), [(0, 0)]);
    }
}
