//! The part of all keys that a node is reached with, and which conditions can be met there.
use firewall::forest::Condition;

/// The keys with these bits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Region<const W: usize> {
    addresses: [Known; W],
    rest: Known,
}

/// Bits that are known, and how they are.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    mask: u64,
    bits: u64,
}

impl Known {
    /// The least and the most of the 16 bits from `shift` on.
    fn number(self, shift: u32) -> (u16, u16) {
        let (mask, bits) = ((self.mask >> shift) as u16, (self.bits >> shift) as u16);
        (bits, bits | !mask)
    }
}

/// From where on the last word has the two numbers.
const SHIFTS: [u32; 2] = [16, 0];

impl<const W: usize> Region<W> {
    /// All keys.
    pub(super) const ALL: Self =
        Region { addresses: [Known { mask: 0, bits: 0 }; W], rest: Known { mask: 0, bits: 0 } };

    fn word(&self, word: usize) -> Known {
        self.addresses.get(word).copied().unwrap_or(self.rest)
    }

    /// The bits of a word that are known.
    pub(super) fn known(&self, word: usize) -> u64 {
        self.word(word).mask
    }

    /// How those are.
    pub(super) fn bits(&self, word: usize) -> u64 {
        self.word(word).bits
    }

    /// The part in which this bit is so.
    pub(super) fn with(mut self, word: usize, bit: u32, one: bool) -> Self {
        let known = self.addresses.get_mut(word).unwrap_or(&mut self.rest);
        known.mask |= 1 << bit;
        known.bits |= u64::from(one) << bit;
        self
    }

    /// Whether a condition can be met where this bit is zero, and where it is one. Exact.
    pub(super) fn sides(&self, condition: &Condition<W>, word: usize, bit: u32) -> (bool, bool) {
        let one = 1 << bit;
        if let (Some(mask), Some(bits)) = (condition.masks.get(word), condition.addresses.get(word)) {
            return if mask & one == 0 { (true, true) } else { (bits & one == 0, bits & one != 0) };
        }
        if bit >= 32 {
            let (mask, bits) = (u64::from(condition.kind_mask) << 32, u64::from(condition.kind) << 32);
            return if mask & one == 0 { (true, true) } else { (bits & one == 0, bits & one != 0) };
        }
        let index = usize::from(bit < 16);
        let (least, most) = number(condition, index);
        let can = |is: bool| {
            let known = self.with(word, bit, is).rest;
            has(least, most, (known.mask >> SHIFTS[index]) as u16, (known.bits >> SHIFTS[index]) as u16)
        };
        (can(false), can(true))
    }

    /// Whether it is sure that every key of the region that meets `later` meets `earlier` too. What is known of the bits of
    /// the numbers is not used.
    pub(super) fn covers(&self, earlier: &Condition<W>, later: &Condition<W>) -> bool {
        let covered = |known: Known, mask: u64, bits: u64, own_mask: u64, own_bits: u64| {
            let (all, is) = (known.mask | own_mask, known.bits | own_bits);
            mask & !all == 0 && (is ^ bits) & mask == 0
        };
        let wide = |mask: u32| u64::from(mask) << 32;
        (0..W).all(|at| {
            let (known, one, other) = (self.addresses[at], earlier, later);
            covered(known, one.masks[at], one.addresses[at], other.masks[at], other.addresses[at])
        }) && covered(self.rest, wide(earlier.kind_mask), wide(earlier.kind), wide(later.kind_mask), wide(later.kind))
            && [0, 1].into_iter().all(|at| {
                let ((least, most), (first, last)) = (number(earlier, at), number(later, at));
                least <= first && last <= most
            })
    }

    /// Whether every key of the region meets a condition.
    pub(super) fn is_within(&self, condition: &Condition<W>) -> bool {
        let addresses = self.addresses.iter().zip(condition.masks.iter().zip(&condition.addresses));
        let fits = |known: Known, mask: u64, bits: u64| mask & !known.mask == 0 && (known.bits ^ bits) & mask == 0;
        let kind = fits(self.rest, u64::from(condition.kind_mask) << 32, u64::from(condition.kind) << 32);
        kind && addresses.into_iter().all(|(known, (mask, bits))| fits(*known, *mask, *bits))
            && [0, 1].into_iter().all(|index| {
                let (least, most) = number(condition, index);
                let (first, last) = self.rest.number(SHIFTS[index]);
                least <= first && last <= most
            })
    }
}

/// Whether one of the numbers from `least` to `most` has these bits under the mask.
fn has(least: u16, most: u16, mask: u16, bits: u16) -> bool {
    if (least ^ bits) & mask == 0 || (most ^ bits) & mask == 0 {
        return true;
    }
    // The first such number above the least is like it down to a bit that is zero in it and one there, and has the least
    // that the mask allows below.
    let above = (0..u16::BITS).find_map(|bit| {
        let one = 1_u16 << bit;
        let (below, up) = (one - 1, !(one | (one - 1)));
        let fits = least & one == 0 && (mask & one == 0 || bits & one != 0) && (least ^ bits) & mask & up == 0;
        fits.then_some(least & up | one | bits & mask & below)
    });
    above.is_some_and(|number| number <= most)
}

fn number<const W: usize>(condition: &Condition<W>, index: usize) -> (u16, u16) {
    let least = condition.least[index];
    (least, least.saturating_add(condition.more[index]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_a_number_with_bits_when_one_of_its_numbers_does() {
        // All ranges and patterns of five bits, at both ends of the sixteen.
        for (least, most) in (0..32_u16).flat_map(|least| (least..32).map(move |most| (least, most))) {
            for mask in 0..32_u16 {
                for bits in (0..32_u16).filter(|bits| bits & !mask == 0) {
                    for shift in [0, 11] {
                        let expected =
                            (least << shift..=most << shift).any(|number| number & (mask << shift) == bits << shift);
                        let found = has(least << shift, most << shift, mask << shift, bits << shift);
                        assert_eq!(found, expected, "{least} to {most}, {bits:b} under {mask:b}, moved by {shift}");
                    }
                }
            }
        }
    }
}
