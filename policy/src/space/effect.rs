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
        self.walk(policy, false, observer)
    }

    /// The effect of each rule when from the last to the first every rule that is not [`Effect::Needed`] is taken away: what
    /// is left decides the same, and each rule of it is needed.
    pub fn effects_in_turn(&mut self, policy: &Policy, observer: &mut dyn Observer) -> Result<Vec<Effect>, TooLarge> {
        self.walk(policy, true, observer)
    }

    fn walk(
        &mut self,
        policy: &Policy,
        taken_away: bool,
        observer: &mut dyn Observer,
    ) -> Result<Vec<Effect>, TooLarge> {
        let steps = Steps::new(observer, Phase::Analysing, policy.rules.len());
        let effects = vec![Effect::Needed; policy.rules.len()];
        // Diagrams of its own: what nobody needs any more can be forgotten on the way.
        let mut diagrams = Diagrams::new(MOST, self.diagrams.layout);
        let possible = build::possible(&mut diagrams)?;
        let mut walk = Walk { diagrams, policy, taken_away, steps, effects, needed: Vec::new(), room: MOST };
        let tree = walk.tree(0, policy.rules.len(), possible)?;
        walk.needed.extend(tree.all());
        walk.go(&tree, NONE, end(policy.default))?;
        Ok(walk.effects)
    }
}

/// Rules that stand one after another: from one number to before another.
struct Tree {
    from: usize,
    to: usize,
    /// What they match.
    matched: Id,
    /// What the first of them that matches does.
    first: Id,
    halves: Option<Box<[Tree; 2]>>,
}

impl Tree {
    fn all(&self) -> Vec<Id> {
        let halves = self.halves.iter().flat_map(|halves| halves.iter());
        halves.flat_map(Self::all).chain([self.matched, self.first]).collect()
    }
}

struct Walk<'a> {
    diagrams: Diagrams,
    policy: &'a Policy,
    taken_away: bool,
    steps: Steps<'a>,
    effects: Vec<Effect>,
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
            return Ok(Tree { from, to, matched, first, halves: Some(Box::new(halves)) });
        }
        let (first, matched) = match self.policy.rules.get(from) {
            None => (NONE, NONE),
            Some(rule) => {
                let first = build::rule(&mut self.diagrams, rule, &self.policy.lists, end(rule.action))?;
                let first = self.diagrams.apply(Op::Within, first, possible)?;
                (first, self.diagrams.whose(first, |end| end != NONE)?)
            }
        };
        Ok(Tree { from, to, matched, first, halves: None })
    }

    /// Looks at the rules of a tree, where `before` is what has been decided before them, and `after` what is done to
    /// packets that none of them decides about. Gives what the first that matches does, of those that are left.
    fn go(&mut self, tree: &Tree, before: Id, after: Id) -> Result<Id, TooLarge> {
        // What these rules do not match is nothing to them: without it the diagrams get smaller on the way down.
        let before = self.diagrams.apply(Op::And, before, tree.matched)?;
        let after = self.diagrams.apply(Op::Within, after, tree.matched)?;
        let Some(halves) = &tree.halves else { return self.rule(tree, before, after) };
        let [left, right] = &**halves;
        self.forget(&[before, after]);
        let all = self.diagrams.apply(Op::Or, before, left.matched)?;
        self.needed.extend([before, after]);
        let kept = self.go(right, all, after)?;
        let after = self.diagrams.apply(Op::Else, kept, after)?;
        self.needed.push(kept);
        let first = self.go(left, before, after)?;
        self.needed.truncate(self.needed.len() - 3);
        self.diagrams.apply(Op::Else, first, kept)
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
        let effect = if tree.matched == NONE {
            Effect::Empty
        } else if own == NONE {
            Effect::Shadowed
        } else if !self.diagrams.leads_to(then, other) {
            Effect::Redundant
        } else {
            Effect::Needed
        };
        debug_assert_eq!(tree.from + 1, tree.to);
        self.effects[tree.from] = effect;
        self.steps.add(1);
        let is_gone = self.taken_away && effect != Effect::Needed;
        Ok(if is_gone { NONE } else { tree.first })
    }
}
