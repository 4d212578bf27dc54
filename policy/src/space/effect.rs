//! What each rule of a policy is for.
use super::accepted::{DROPS, end};
use super::diagram::{Diagrams, Id, NONE, Op, TooLarge};
use super::{MOST, Space, build};
use crate::policy::{Action, Policy};
use crate::progress::{Observer, Phase, Steps};

/// What becomes of the verdicts when a rule is taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Some packet's verdict is another.
    Needed,
    /// None is: for every packet that the rule decides about, what comes after it says the same.
    Redundant,
    /// None is: earlier rules match every packet that it matches, so that it never decides.
    Shadowed,
    /// None is: no packet can match it.
    Empty,
}

impl Space {
    /// The effect of each rule by itself, with all others in place.
    pub fn effects(&mut self, policy: &Policy, observer: &mut dyn Observer) -> Result<Vec<Effect>, TooLarge> {
        self.walk(policy, vec![true; policy.rules.len()], false, observer)
    }

    /// The effect of each rule when from the last to the first every rule that is not [`Effect::Needed`] is taken away: what
    /// is left decides the same, and each rule of it is needed.
    pub fn effects_in_turn(&mut self, policy: &Policy, observer: &mut dyn Observer) -> Result<Vec<Effect>, TooLarge> {
        self.walk(policy, vec![true; policy.rules.len()], true, observer)
    }

    /// As [`effects_in_turn`](Self::effects_in_turn), but only of the rules that are chosen: the others stay, and are called
    /// needed.
    pub fn effects_in_turn_of(
        &mut self,
        policy: &Policy,
        is_chosen: impl Fn(usize) -> bool,
        observer: &mut dyn Observer,
    ) -> Result<Vec<Effect>, TooLarge> {
        let chosen = (0..policy.rules.len()).map(is_chosen).collect();
        self.walk(policy, chosen, true, observer)
    }

    fn walk(
        &mut self,
        policy: &Policy,
        chosen: Vec<bool>,
        taken_away: bool,
        observer: &mut dyn Observer,
    ) -> Result<Vec<Effect>, TooLarge> {
        let steps = Steps::new(observer, Phase::Analysing, policy.rules.len());
        let effects = vec![Effect::Needed; policy.rules.len()];
        // Diagrams of its own: what nobody needs any more can be forgotten on the way.
        let mut diagrams = Diagrams::new(MOST, self.diagrams.layout);
        let possible = build::possible(&mut diagrams)?;
        let mut walk = Walk { diagrams, policy, taken_away, steps, effects, chosen, needed: Vec::new(), room: MOST };
        let tree = walk.tree(0, policy.rules.len(), possible)?;
        walk.needed.extend(tree.all());
        let after = walk.diagrams.apply(Op::Within, end(policy.default), tree.asked)?;
        walk.go(&tree, NONE, after)?;
        Ok(walk.effects)
    }
}

/// Rules that stand one after another: from one number to before another.
struct Tree {
    from: usize,
    to: usize,
    /// What they match.
    matched: Id,
    /// What those of them match that are asked about.
    asked: Id,
    /// What the first of them that matches does.
    first: Id,
    halves: Option<Box<[Tree; 2]>>,
}

impl Tree {
    fn all(&self) -> Vec<Id> {
        let halves = self.halves.iter().flat_map(|halves| halves.iter());
        halves.flat_map(Self::all).chain([self.matched, self.asked, self.first]).collect()
    }
}

struct Walk<'a> {
    diagrams: Diagrams,
    policy: &'a Policy,
    taken_away: bool,
    steps: Steps<'a>,
    effects: Vec<Effect>,
    /// Which rules are asked about; the others count as needed.
    chosen: Vec<bool>,
    /// What is needed later on.
    needed: Vec<Id>,
    /// How much room was left after the last time that the rest was forgotten.
    room: usize,
}

impl Walk<'_> {
    fn tree(&mut self, from: usize, to: usize, possible: Id) -> Result<Tree, TooLarge> {
        if to - from > 1 {
            let middle = from + (to - from) / 2;
            let halves = [self.tree(from, middle, possible)?, self.tree(middle, to, possible)?];
            let first = self.diagrams.apply(Op::Else, halves[0].first, halves[1].first)?;
            let matched = self.diagrams.apply(Op::Or, halves[0].matched, halves[1].matched)?;
            let asked = self.diagrams.apply(Op::Or, halves[0].asked, halves[1].asked)?;
            return Ok(Tree { from, to, matched, asked, first, halves: Some(Box::new(halves)) });
        }
        let (first, matched) = match self.policy.rules.get(from) {
            None => (NONE, NONE),
            Some(rule) => {
                let first = build::rule(&mut self.diagrams, rule, &self.policy.lists, end(rule.action))?;
                let first = self.diagrams.apply(Op::Within, first, possible)?;
                (first, self.diagrams.whose(first, |end| end != NONE)?)
            }
        };
        if let Some(effect) = self.effects.get_mut(from).filter(|_| matched == NONE) {
            *effect = Effect::Empty;
        }
        let asked = if self.chosen.get(from) == Some(&true) { matched } else { NONE };
        Ok(Tree { from, to, matched, asked, first, halves: None })
    }

    /// Looks at the rules of a tree that are asked about, where `before` is what has been decided before them, and `after` what
    /// is done to packets that none of them decides about, both within what these rules match. Gives what the first that
    /// matches does, of all rules of the tree that are left.
    fn go(&mut self, tree: &Tree, before: Id, after: Id) -> Result<Id, TooLarge> {
        if tree.asked == NONE {
            self.steps.add(tree.to - tree.from);
            return Ok(tree.first);
        }
        let Some(halves) = &tree.halves else { return self.rule(tree, before, after) };
        let [left, right] = &**halves;
        self.forget(&[before, after]);
        self.needed.extend([before, after]);
        // What the rules in question do not match is nothing to them: without it diagrams get smaller on the way down.
        let earlier = self.within(Op::Or, before, left.matched, right.asked)?;
        let later = self.diagrams.apply(Op::Within, after, right.asked)?;
        let kept = self.go(right, earlier, later)?;
        self.needed.push(kept);
        let earlier = self.diagrams.apply(Op::And, before, left.asked)?;
        let later = self.within(Op::Else, kept, after, left.asked)?;
        let first = self.go(left, earlier, later)?;
        self.needed.truncate(self.needed.len() - 3);
        self.diagrams.apply(Op::Else, first, kept)
    }

    /// Two diagrams combined, within a set.
    fn within(&mut self, op: Op, one: Id, other: Id, set: Id) -> Result<Id, TooLarge> {
        let one = self.diagrams.apply(Op::Within, one, set)?;
        let other = self.diagrams.apply(Op::Within, other, set)?;
        self.diagrams.apply(op, one, other)
    }

    /// Forgets what is not needed, when half of the room is gone.
    fn forget(&mut self, besides: &[Id]) {
        if self.diagrams.room() < self.room / 2 {
            self.diagrams.keep_only(self.needed.iter().chain(besides).copied());
            self.room = self.diagrams.room();
        }
    }

    fn rule(&mut self, tree: &Tree, before: Id, after: Id) -> Result<Id, TooLarge> {
        let Some(rule) = self.policy.rules.get(tree.from) else { return Ok(NONE) };
        let own = self.diagrams.without(tree.matched, before)?;
        let then = self.diagrams.apply(Op::Within, after, own)?;
        let other = if rule.action == Action::Accept { DROPS } else { end(Action::Accept) };
        let effect = if own == NONE {
            Effect::Shadowed
        } else if !self.diagrams.leads_to(then, other) {
            Effect::Redundant
        } else {
            Effect::Needed
        };
        if let Some(place) = self.effects.get_mut(tree.from) {
            *place = effect;
        }
        self.steps.add(1);
        let is_gone = self.taken_away && effect != Effect::Needed;
        Ok(if is_gone { NONE } else { tree.first })
    }
}
