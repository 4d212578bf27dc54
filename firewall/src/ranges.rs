//! Ranges of numbers as a table has them: first and last, both included, little-endian.

/// The ranges of all sets of one kind, of numbers of `N` bytes.
pub type Pool<'a, const N: usize> = &'a [[[u8; N]; 2]];

/// First and last number of a range.
pub(crate) trait Bounds {
    /// The numbers.
    type Number: Copy + Ord;
    /// The two.
    fn bounds(&self) -> (Self::Number, Self::Number);
}

impl Bounds for [[u8; 2]; 2] {
    type Number = u16;
    fn bounds(&self) -> (u16, u16) {
        (u16::from_le_bytes(self[0]), u16::from_le_bytes(self[1]))
    }
}

impl Bounds for [[u8; 4]; 2] {
    type Number = u32;
    fn bounds(&self) -> (u32, u32) {
        (u32::from_le_bytes(self[0]), u32::from_le_bytes(self[1]))
    }
}

impl Bounds for [[u8; 16]; 2] {
    type Number = u128;
    fn bounds(&self) -> (u128, u128) {
        (u128::from_le_bytes(self[0]), u128::from_le_bytes(self[1]))
    }
}

/// Whether a number is in one of the ranges.
pub(crate) fn contains<R: Bounds>(ranges: &[R], number: R::Number) -> bool {
    let candidate = ranges.partition_point(|range| range.bounds().1 < number);
    ranges.get(candidate).is_some_and(|range| range.bounds().0 <= number)
}

/// Whether ranges are what a search by halves needs: none ends before it starts, each starts past the end of the one
/// before.
pub(crate) fn in_order<R: Bounds>(ranges: &[R]) -> bool {
    ranges.iter().all(|range| range.bounds().0 <= range.bounds().1)
        && ranges.is_sorted_by(|left, right| left.bounds().1 < right.bounds().0)
}
