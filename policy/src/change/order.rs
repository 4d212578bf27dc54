//! The order of a changed policy: which of its rules are of the table, and which were added.
use firewall::patch::{GONE, Run};

/// A rule, wherever it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Id {
    /// The table's rule of this number.
    Table(u32),
    /// The rule that was added as the one of this number.
    Added(u32),
}

/// Rules that stand together.
#[derive(Clone, Copy, Debug)]
pub(super) enum Piece {
    /// This many rules of the table, from this one on.
    Kept { first: u32, count: u32 },
    /// One that was added.
    Added(u32),
}

/// All rules of the changed policy. An edit costs as much as there are pieces, which grow by two with each.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pieces: Vec<Piece>,
    length: usize,
    table: u32,
}

/// What the numbers of rules are in the changed policy.
pub(super) struct Numbers {
    pub(super) runs: Vec<Run>,
    /// Of those that were added, in the order in which they were.
    added: Vec<u32>,
}

impl Piece {
    fn length(self) -> usize {
        match self {
            Self::Kept { count, .. } => count as usize,
            Self::Added(_) => 1,
        }
    }
}

impl Order {
    /// The table's own.
    pub(super) fn new(table: u32) -> Self {
        let pieces = if table == 0 { vec![] } else { vec![Piece::Kept { first: 0, count: table }] };
        Self { pieces, length: table as usize, table }
    }

    /// How many rules there are.
    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// The pieces.
    pub(super) fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The rules that were added and remain.
    pub(super) fn added(&self) -> impl Iterator<Item = u32> + '_ {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Added(added) => Some(*added),
            Piece::Kept { .. } => None,
        })
    }

    /// Makes a piece begin at a place, and gives its index.
    fn split(&mut self, at: usize) -> usize {
        let mut start = 0;
        for index in 0..self.pieces.len() {
            if start == at {
                return index;
            }
            let piece = self.pieces[index];
            if let Piece::Kept { first, count } = piece
                && at < start + piece.length()
            {
                let before = (at - start) as u32;
                self.pieces[index] = Piece::Kept { first, count: before };
                self.pieces.insert(index + 1, Piece::Kept { first: first + before, count: count - before });
                return index + 1;
            }
            start += piece.length();
        }
        self.pieces.len()
    }

    /// Puts an added rule before the one at a place.
    pub(super) fn insert(&mut self, at: usize, added: u32) {
        let index = self.split(at);
        self.pieces.insert(index, Piece::Added(added));
        self.length += 1;
    }

    /// Takes the rule at a place away; `None` when there is none.
    pub(super) fn remove(&mut self, at: usize) -> Option<Id> {
        if at >= self.length {
            return None;
        }
        let index = self.split(at);
        self.length -= 1;
        match self.pieces[index] {
            Piece::Added(added) => {
                self.pieces.remove(index);
                self.join(index);
                Some(Id::Added(added))
            }
            Piece::Kept { first, count: 1 } => {
                self.pieces.remove(index);
                Some(Id::Table(first))
            }
            Piece::Kept { first, count } => {
                self.pieces[index] = Piece::Kept { first: first + 1, count: count - 1 };
                Some(Id::Table(first))
            }
        }
    }

    /// Makes one of the pieces before and from an index on, where nothing parts them any more.
    fn join(&mut self, index: usize) {
        let Some(before) = index.checked_sub(1) else { return };
        let pieces = (self.pieces[before], self.pieces.get(index));
        if let (Piece::Kept { first, count }, Some(&Piece::Kept { first: next, count: more })) = pieces
            && first + count == next
        {
            self.pieces[before] = Piece::Kept { first, count: count + more };
            self.pieces.remove(index);
        }
    }

    /// The rule at a place.
    pub(super) fn at(&self, at: usize) -> Option<Id> {
        self.from(at).next().map(|piece| match piece {
            Piece::Added(added) => Id::Added(added),
            Piece::Kept { first, .. } => Id::Table(first),
        })
    }

    /// The pieces from a place on.
    pub(super) fn from(&self, at: usize) -> impl Iterator<Item = Piece> + '_ {
        let mut start = 0;
        self.pieces.iter().filter_map(move |&piece| {
            let (from, to) = (start, start + piece.length());
            start = to;
            match piece {
                Piece::Kept { first, count } if from < at && at < to => {
                    let before = (at - from) as u32;
                    Some(Piece::Kept { first: first + before, count: count - before })
                }
                _ => (from >= at).then_some(piece),
            }
        })
    }

    /// All numbers, of so many rules that were ever added.
    pub(super) fn numbers(&self, added: usize) -> Numbers {
        let mut numbers = Numbers { runs: Vec::with_capacity(self.pieces.len() * 2), added: vec![GONE; added] };
        let (mut next, mut number) = (0, 0);
        for piece in &self.pieces {
            match *piece {
                Piece::Added(added) => {
                    if let Some(own) = numbers.added.get_mut(added as usize) {
                        *own = number;
                    }
                    number += 1;
                }
                Piece::Kept { first, count } => {
                    numbers.gone(next, first, number);
                    numbers.runs.push(Run { first, number, remains: true });
                    (next, number) = (first + count, number + count);
                }
            }
        }
        numbers.gone(next, self.table, number);
        numbers
    }
}

impl Numbers {
    fn gone(&mut self, first: u32, end: u32, number: u32) {
        if first < end {
            self.runs.push(Run { first, number, remains: false });
        }
    }

    /// The number of a rule; [`GONE`] when it is.
    pub(super) fn of(&self, id: Id) -> u32 {
        match id {
            Id::Added(added) => self.added.get(added as usize).copied().unwrap_or(GONE),
            Id::Table(rule) => {
                let next = self.runs.partition_point(|run| run.first <= rule);
                let run = next.checked_sub(1).and_then(|index| self.runs.get(index)).filter(|run| run.remains);
                run.map_or(GONE, |run| run.number + (rule - run.first))
            }
        }
    }
}
