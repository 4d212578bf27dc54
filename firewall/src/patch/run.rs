//! Which rules of a table remain, and what their numbers in the changed policy are.
//!
//! Between two places where rules were added or taken, all numbers move alike: so that a search by halves over the runs
//! between them finds a number, and no table as long as the rules is needed.

/// Bytes of a run.
pub const RUN: usize = size_of::<Bytes>();

type Bytes = [[u8; 4]; 3];

/// Rules of the table that stand together, up to where the next run starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The first of them in the table.
    pub first: u32,
    /// Its number in the changed policy; of those that are gone, the number of the next that is not.
    pub number: u32,
    /// Whether they remain.
    pub remains: bool,
}

impl Run {
    /// It as bytes.
    pub fn emit(&self) -> [u8; RUN] {
        let mut bytes = [0; RUN];
        for (bytes, number) in bytes.as_chunks_mut().0.iter_mut().zip([self.first, self.number, self.remains.into()]) {
            *bytes = number.to_le_bytes();
        }
        bytes
    }

    fn parse(bytes: &Bytes) -> Option<Self> {
        let [first, number, remains] = bytes.map(u32::from_le_bytes);
        (remains <= 1).then_some(Self { first, number, remains: remains == 1 })
    }
}

/// All runs of a table. Without any there are no rules.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Runs<'a> {
    runs: &'a [Bytes],
    /// How many rules the table has.
    end: u32,
}

impl<'a> Runs<'a> {
    /// Of a table with so many rules and a changed policy with so many; `None` when they are not all rules of the table
    /// in their order, or two rules get the same number.
    pub(super) fn decode(bytes: &'a [[u8; RUN]], end: u32, rules: u32) -> Option<Self> {
        let runs = Self { runs: bytes.as_flattened().as_chunks().0.as_chunks().0, end };
        let (mut first, mut number) = (0, 0);
        for (index, bytes) in runs.runs.iter().enumerate() {
            let run = Run::parse(bytes)?;
            let next = runs.start(index + 1);
            if run.first != first || next <= first || run.number < number {
                return None;
            }
            number = if run.remains { run.number.checked_add(next - first)? } else { run.number };
            first = next;
        }
        (first == end && number <= rules).then_some(runs)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.runs.len()
    }

    /// Where the run of this index starts, or else the end.
    fn start(&self, index: usize) -> u32 {
        self.runs.get(index).map_or(self.end, |[first, ..]| u32::from_le_bytes(*first))
    }

    /// The number of a rule of the table in the changed policy; `None` when it is gone.
    #[inline]
    pub(super) fn number(&self, rule: u32) -> Option<u32> {
        let next = self.runs.partition_point(|[first, ..]| u32::from_le_bytes(*first) <= rule);
        let run = Run::parse(self.runs.get(next.checked_sub(1)?)?)?;
        if run.remains { run.number.checked_add(rule.checked_sub(run.first)?) } else { None }
    }

    /// The rule of the table that has this number in the changed policy.
    pub(super) fn rule(&self, number: u32) -> Option<u32> {
        let next = self.runs.partition_point(|[_, start, _]| u32::from_le_bytes(*start) <= number);
        // Of those from the same number on the last remains, if any does.
        let index = next.checked_sub(1)?;
        let run = Run::parse(self.runs.get(index)?)?;
        let rule = run.first.checked_add(number.checked_sub(run.number)?)?;
        (run.remains && rule < self.start(index + 1)).then_some(rule)
    }

    /// How many rules of the table remain.
    pub(super) fn remaining(&self) -> u32 {
        let lengths = self.runs.iter().enumerate().filter_map(|(index, bytes)| {
            let run = Run::parse(bytes)?;
            run.remains.then(|| self.start(index + 1).saturating_sub(run.first))
        });
        lengths.fold(0, u32::saturating_add)
    }
}
