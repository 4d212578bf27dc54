//! The rules of a leaf, as many at a time as the processor compares at once.
use super::key::Key;
use crate::classify::Action;
use crate::table::emit_action;
use cpu::{LANES, Lanes};

/// Leaves have their rules in groups of so many.
pub const GROUP: usize = LANES;
/// Rows of a group, for `w` words of addresses.
pub(super) const fn rows(w: usize) -> usize {
    2 * w + 2
}

/// A word of each rule of a group.
type Row = [[u8; 8]; GROUP];
/// A group as bytes, with `N` rows.
///
/// | rows | what each has of the four rules, a word of 64 bits for each |
/// |---|---|
/// | 0..W | the addresses |
/// | W..2W | which of their bits count |
/// | 2W | bits 0 to 15 and 16 to 31: the least destination port or code, and the least source port or type; 32 to 63: the kind |
/// | 2W+1 | the same: how many more there are of each number; which of the kind's bits count |
pub(super) type Group<const N: usize> = [Row; N];

/// The answers of a group's rules: twice the rule's number, and one more if the rule accepts.
pub(super) type Answers = [[u8; 4]; GROUP];

/// The answer of no rule.
pub const NO_RULE: u32 = u32::MAX;
/// Rules have numbers less than this.
pub const MOST_RULES: u32 = NO_RULE >> 1;

/// What a rule asks of a key with `W` words of addresses. A rule with several values is several of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Condition<const W: usize> {
    /// The addresses' bits that count; the others are zero.
    pub addresses: [u64; W],
    /// Which count.
    pub masks: [u64; W],
    /// The least of both numbers.
    pub least: [u16; 2],
    /// How many more numbers match.
    pub more: [u16; 2],
    /// The kind's bits that count.
    pub kind: u32,
    /// Which count.
    pub kind_mask: u32,
    /// The rule that it belongs to and what it does, as [`answer`] has it.
    pub answer: u32,
}

/// What a rule says to a packet that meets it, as one number: the lesser number comes first.
pub const fn answer(rule: u32, action: Action) -> u32 {
    rule << 1 | emit_action(action) as u32
}

/// The rule and the action that an answer stands for.
#[inline]
pub(super) const fn read_answer(answer: u32) -> Option<(u32, Action)> {
    match answer {
        NO_RULE => None,
        _ => Some((answer >> 1, if answer & 1 == 0 { Action::Drop } else { Action::Accept })),
    }
}

impl<const W: usize> Condition<W> {
    /// How many bytes it takes.
    pub const BYTES: usize = rows(W) * 8;

    /// What no packet meets: no packet has all bits of the kind.
    pub const NEVER: Self = Self {
        addresses: [0; W],
        masks: [0; W],
        least: [0; 2],
        more: [0; 2],
        kind: u32::MAX,
        kind_mask: u32::MAX,
        answer: NO_RULE,
    };

    /// The number of its rule.
    pub const fn rule(&self) -> u32 {
        self.answer >> 1
    }

    /// A group of them as bytes but for their answers, added to these.
    pub fn emit_group(group: &[Self; GROUP], bytes: &mut impl Extend<u8>) {
        let mut emit = |row: [u64; GROUP]| row.iter().for_each(|word| bytes.extend(word.to_le_bytes()));
        let word =
            |[first, second]: [u16; 2], kind: u32| u64::from(kind) << 32 | u64::from(first) << 16 | u64::from(second);
        (0..W).for_each(|at| emit(group.map(|one| one.addresses.get(at).copied().unwrap_or(0))));
        (0..W).for_each(|at| emit(group.map(|one| one.masks.get(at).copied().unwrap_or(0))));
        emit(group.map(|one| word(one.least, one.kind)));
        emit(group.map(|one| word(one.more, one.kind_mask)));
    }
}

/// A key, once for each rule of a group.
#[derive(Clone, Copy)]
pub(super) struct Spread<const W: usize> {
    addresses: [Lanes; W],
    rest: Lanes,
}

impl<const W: usize> Spread<W> {
    /// Of a key.
    #[inline(always)]
    pub(super) fn of<const K: usize>(key: &Key<K>) -> Self {
        let word = |at| Lanes::splat(key.word(at));
        Self { addresses: core::array::from_fn(word), rest: word(W) }
    }

    /// The answer of the first rule of a group that the key meets. Without a branch: which rule it is is as good as random.
    #[inline(always)]
    pub(super) fn search<const N: usize>(&self, group: &Group<N>, answers: &Answers) -> u32 {
        let (addresses, others) = group.split_at(W);
        let (masks, others) = others.split_at(others.len().saturating_sub(2));
        let [least, more] = others else { return NO_RULE };
        let mut differs = self.rest.outside(Lanes::load(least), Lanes::load(more));
        for ((address, mask), is) in addresses.iter().zip(masks).zip(&self.addresses) {
            differs = differs.or(is.differ(Lanes::load(address), Lanes::load(mask)));
        }
        let met = differs.zeros();
        // As many as a power of two: the look is cheaper than a comparison.
        let answer =
            answers.get(met.trailing_zeros() as usize & (GROUP - 1)).map_or(NO_RULE, |it| u32::from_le_bytes(*it));
        // All ones, which is no rule, where none is met.
        answer | u32::from(met == 0).wrapping_neg()
    }
}
