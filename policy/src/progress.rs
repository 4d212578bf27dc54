//! How far work is that may take long. Who does not want to know passes `&mut ()`.

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// The rules of a configuration are looked at, one after the other.
    ReadingRules,
    /// Its lists are read, with the files that have them.
    ReadingLists,
    /// Rules become what an engine looks for, and the lists that they name become tables.
    CompilingRules,
    /// What a policy does to every packet is worked out.
    Analysing,
    /// What is expected of a policy is compared with what it does.
    Testing,
    /// What rules ask for becomes decision trees.
    GrowingTrees,
}

/// Is told how far work is.
pub trait Observer {
    /// So much of all that a phase has to do is done: never less than before, and everything at its end. What is counted
    /// differs from phase to phase.
    fn done(&mut self, phase: Phase, done: usize, total: usize);
}

impl Observer for () {
    fn done(&mut self, _: Phase, _: usize, _: usize) {}
}

/// How often an observer is told in a phase, at most.
const TIMES: usize = 256;

/// The work of a phase, which tells an observer now and then.
pub(crate) struct Steps<'a> {
    observer: &'a mut dyn Observer,
    phase: Phase,
    done: usize,
    told: usize,
    total: usize,
}

impl<'a> Steps<'a> {
    /// Tells that there is so much to do, and nothing of it done.
    pub(crate) fn new(observer: &'a mut dyn Observer, phase: Phase, total: usize) -> Self {
        observer.done(phase, 0, total);
        Self { observer, phase, done: 0, told: 0, total }
    }

    /// So much more is done.
    pub(crate) fn add(&mut self, count: usize) {
        self.done += count;
        let is_due = self.done - self.told > self.total / TIMES || self.done == self.total;
        if is_due && self.done > self.told {
            self.told = self.done;
            self.observer.done(self.phase, self.done, self.total);
        }
    }
}
