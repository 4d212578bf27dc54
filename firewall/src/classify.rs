//! A packet and a table to the rule that decides. Bounded by the size of the table, and cannot panic.
use crate::plain::Plain;
use crate::table::{Engine, Table};
use crate::{Cause, Packet};

/// What happens to a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// It goes on to the stack.
    Accept,
    /// It is gone.
    Drop,
}

/// What a policy says about a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What happens to it.
    pub action: Action,
    /// What says so.
    pub cause: Matched,
}

/// The part of a policy that decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Matched {
    /// The first rule that matches, counted from 0.
    Rule(u32),
    /// No rule matches.
    Default,
}

impl From<Matched> for Cause {
    fn from(matched: Matched) -> Self {
        match matched {
            Matched::Rule(rule) => Self::Rule(rule),
            Matched::Default => Self::Default,
        }
    }
}

impl Table<'_> {
    /// Decides about a packet.
    #[inline(always)]
    pub fn decide(&self, packet: &Packet) -> Decision {
        let rule = match &self.engine {
            Engine::Linear(linear) => linear.first_match(packet),
            Engine::Forest(forest) => forest.first_match(packet),
        };
        self.decision(rule)
    }

    /// Decides about a plain packet as about any other; `None` where that is no faster.
    #[inline(always)]
    pub(crate) fn decide_plain(&self, plain: &Plain) -> Option<Decision> {
        match &self.engine {
            Engine::Linear(_) => None,
            Engine::Forest(forest) => forest.first_match_plain(plain).map(|rule| self.decision(rule)),
        }
    }

    #[inline(always)]
    fn decision(&self, rule: Option<(u32, Action)>) -> Decision {
        match rule {
            Some((rule, action)) => Decision { action, cause: Matched::Rule(rule) },
            None => Decision { action: self.default, cause: Matched::Default },
        }
    }

    /// Decides about packets that came together, and fills in as many decisions as there are packets, if there are so many.
    /// Each is decided as by [`decide`](Self::decide), one after the other: paths that go down together were measured too, and
    /// were no faster with up to 100,000 rules, because the processor looks ahead by itself and what they wait for is in its caches.
    /// A list is larger than they are: what it says of all is asked for before it is waited for.
    pub fn decide_burst(&self, packets: &[Packet], decisions: &mut [Decision]) {
        if let Engine::Forest(forest) = &self.engine {
            forest.fetch_lists(packets);
        }
        decisions.iter_mut().zip(packets).for_each(|(decision, packet)| *decision = self.decide(packet));
    }

    /// What the rule of this number does; `None` when there is no such rule.
    pub fn action(&self, rule: u32) -> Option<Action> {
        match &self.engine {
            Engine::Linear(linear) => linear.action(rule),
            Engine::Forest(forest) => forest.action(rule),
        }
    }
}
