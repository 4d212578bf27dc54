//! Which shapes of conditions had better share a tree after all: every tree is walked by most packets.
use super::grow::{COPIES, Grown, MISS};
use super::sample::{Sample, Walk, samples, walk};
use firewall::forest::{Condition, NO_RULE};

/// So few conditions are one tree, whatever their shapes.
const FEW: usize = 16;
/// Trees of more conditions than this together are not tried.
const TRIED: usize = 1 << 10;
/// So many joint trees are tried at most; fewer, the more words an address has, as trying one takes longer.
const TRIALS: usize = 12;
/// A joint tree takes no more than so many times the memory of both apart.
const LARGER: usize = 4;

/// Conditions that make a tree, in the order of their rules; what it takes, and what it says to the samples.
struct Tree<const W: usize> {
    conditions: Vec<Condition<W>>,
    held: usize,
    walks: Vec<Walk>,
}

impl<const W: usize> Tree<W> {
    fn of(conditions: Vec<Condition<W>>, copies: usize, samples: &[Sample<W>]) -> Self {
        let mut grown = Grown::new(1, copies);
        grown.add_tree(0, &conditions);
        let walks = samples.iter().map(|sample| walk(&grown, sample)).collect();
        Self { held: grown.conditions.len() + grown.slots.len(), conditions, walks }
    }

    fn least(&self) -> u32 {
        self.conditions.first().map_or(NO_RULE, |first| first.answer)
    }

    /// Both as one; `None` if that takes much more.
    fn joined(&self, other: &Self, samples: &[Sample<W>]) -> Option<Self> {
        let mut conditions = [&self.conditions[..], &other.conditions].concat();
        conditions.sort_by_key(|condition| condition.answer);
        // What goes beyond is not kept.
        let copies = LARGER * (self.held + other.held) / conditions.len().max(1) + 1;
        let both = Self::of(conditions, copies, samples);
        (both.held <= LARGER * (self.held + other.held)).then_some(both)
    }
}

/// What trees cost all samples together, walked as [`firewall::forest`] does it.
fn cost<const W: usize>(trees: &[&Tree<W>], samples: usize) -> f64 {
    let mut trees = trees.to_vec();
    trees.sort_by_key(|tree| tree.least());
    let one = |sample: usize| {
        let (mut found, mut cost) = (NO_RULE, 0.0);
        for (number, tree) in trees.iter().enumerate() {
            if number % 2 == 1 && tree.least() > found {
                return cost + MISS / 2.0;
            }
            let Walk { answer, cost: own } = tree.walks[sample];
            (found, cost) = (found.min(answer), cost + own);
        }
        cost
    };
    (0..samples).map(one).sum()
}

/// The shapes, some of them joined where there is `time` to try that.
pub(super) fn join<const W: usize>(shapes: Vec<Vec<Condition<W>>>, time: bool) -> Vec<Vec<Condition<W>>> {
    let mut all = shapes.concat();
    all.sort_by_key(|condition| condition.answer);
    if all.len() <= FEW {
        return if all.is_empty() { vec![] } else { vec![all] };
    }
    if !time {
        return shapes;
    }
    let samples = samples(&all);
    let mut trees: Vec<_> = shapes.into_iter().map(|shape| Tree::of(shape, COPIES, &samples)).collect();
    // The smallest first: they cost about as much as the larger ones.
    trees.sort_by_key(|tree| tree.conditions.len());
    let (mut at, mut trials) = (0, 0);
    while at < trees.len() {
        let (before, size) = (cost(&trees.iter().collect::<Vec<_>>(), samples.len()), trees[at].conditions.len());
        let partner = (at + 1..trees.len())
            .take_while(|&other| size + trees[other].conditions.len() <= TRIED)
            .filter_map(|other| {
                trials += 1;
                if trials > TRIALS / W {
                    return None;
                }
                let both = trees[at].joined(&trees[other], &samples)?;
                let rest = (0..trees.len()).filter(|tree| *tree != at && *tree != other);
                let all: Vec<_> = rest.map(|tree| &trees[tree]).chain([&both]).collect();
                let after = cost(&all, samples.len());
                (after < before).then_some((after, other, both))
            })
            .min_by(|(one, ..), (other, ..)| one.total_cmp(other));
        match partner {
            Some((_, other, both)) => {
                trees.remove(other);
                trees.remove(at);
                let place = trees.partition_point(|tree| tree.conditions.len() < both.conditions.len());
                trees.insert(place, both);
                at = 0;
            }
            None => at += 1,
        }
    }
    trees.into_iter().map(|tree| tree.conditions).collect()
}
