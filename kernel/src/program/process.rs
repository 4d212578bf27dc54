//! Processes: what the threads of one program share, and how it ends.
use super::alarm::Alarm;
use super::group::Membership;
use super::locks;
use super::signal::{self, Actions, Info, Pending, SIGCHLD, SIGCONT, SIGKILL, Signal};
use super::stop::Stop;
use super::thread::Thread;
use super::timer::Timers;
use super::unix::name::Names;
use crate::file::Sockets;
use crate::syscall::trace::Trace;
use crate::tree::Tree;
use crate::wait::WaitQueue;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use core::time::Duration;
use linux_raw_sys::general as linux;
use spin::Mutex;

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// By itself, with this code.
    Exited(u8),
    /// By a signal; what it did, in words.
    Killed {
        /// The signal (signal(7)).
        signal: u8,
        /// What it did.
        what: String,
    },
}

impl End {
    /// It as wait(2) tells it.
    pub fn status(&self) -> u32 {
        match self {
            End::Exited(code) => u32::from(*code) << 8,
            End::Killed { signal, .. } => u32::from(*signal),
        }
    }
}

/// What all processes share.
pub struct World {
    /// The files.
    pub tree: Tree,
    /// The network.
    pub sockets: Arc<dyn Sockets>,
    /// What is told of the program's calls.
    pub trace: Trace,
    /// The names of sockets within the machine.
    pub names: Arc<Names>,
    /// Whether it was told that the only process cannot be stopped.
    pub told_of_stop: AtomicBool,
    processes: Mutex<BTreeMap<u32, Arc<Process>>>,
    next_id: AtomicU32,
}

impl World {
    /// A world without processes.
    pub fn new(tree: Tree, sockets: Arc<dyn Sockets>) -> Arc<Self> {
        // Not 1: some programs take that to mean that they are init.
        Arc::new(World {
            tree,
            sockets,
            trace: Trace::default(),
            names: Arc::default(),
            told_of_stop: AtomicBool::new(false),
            processes: Mutex::default(),
            next_id: AtomicU32::new(2),
        })
    }

    /// A number for a process or a thread; no two get the same.
    pub fn new_id(&self) -> u32 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// The process of this number, also if it has ended and nobody asked yet.
    pub fn process(&self, id: u32) -> Option<Arc<Process>> {
        self.processes.lock().get(&id).cloned()
    }

    /// The thread of this number, of whatever process.
    pub fn thread(&self, id: u32) -> Option<Arc<Thread>> {
        self.processes.lock().values().find_map(|process| process.thread(id))
    }

    /// All processes, in order; those too that have ended and were not asked for.
    pub fn processes(&self) -> Vec<Arc<Process>> {
        self.processes.lock().values().cloned().collect()
    }

    /// How many processes there are.
    pub fn process_count(&self) -> usize {
        self.processes.lock().len()
    }

    fn children(&self, parent: u32) -> Vec<Arc<Process>> {
        self.processes.lock().values().filter(|process| process.parent() == parent).cloned().collect()
    }
}

/// A process.
pub struct Process {
    /// Its number.
    pub id: u32,
    /// What it shares with all others.
    pub world: Arc<World>,
    /// What it does with signals.
    pub actions: Mutex<Actions>,
    /// Woken when a child of it has ended, was stopped, or goes on.
    pub child_changed: WaitQueue,
    /// Whether it is stopped.
    pub stop: Stop,
    /// Woken when it has ended.
    pub ended: WaitQueue,
    /// Its alarm (setitimer(2)), if it is set.
    pub alarm: Mutex<Option<Alarm>>,
    /// Its other timers.
    pub timers: Timers,
    /// Woken when a signal was sent to it or to a thread of it.
    pub signalled: Arc<WaitQueue>,
    /// Its group and its session.
    pub membership: Membership,
    /// What its threads that have ended used of the processors, in nanoseconds.
    used: AtomicU64,
    /// The same of its children that have ended and were waited for, and of theirs.
    used_by_children: AtomicU64,
    parent: AtomicU32,
    pending: Mutex<Pending>,
    threads: Mutex<BTreeMap<u32, Arc<Thread>>>,
    end: Mutex<Option<End>>,
}

impl Process {
    /// A process without threads; `parent` is 1 for one that nobody waits for.
    pub fn new(world: &Arc<World>, parent: u32, actions: Actions) -> Arc<Self> {
        let id = world.new_id();
        let process = Arc::new(Process {
            id,
            world: world.clone(),
            actions: Mutex::new(actions),
            child_changed: WaitQueue::new(),
            stop: Stop::default(),
            ended: WaitQueue::new(),
            alarm: Mutex::new(None),
            timers: Timers::default(),
            signalled: Arc::default(),
            membership: Membership::new(id, world.process(parent).as_deref()),
            used: AtomicU64::new(0),
            used_by_children: AtomicU64::new(0),
            parent: AtomicU32::new(parent),
            pending: Mutex::default(),
            threads: Mutex::default(),
            end: Mutex::new(None),
        });
        world.processes.lock().insert(process.id, process.clone());
        process
    }

    /// How it ended, if it has.
    pub fn end(&self) -> Option<End> {
        self.end.lock().clone()
    }

    /// The number of its parent, 1 if that has ended.
    pub fn parent(&self) -> u32 {
        self.parent.load(Ordering::Relaxed)
    }

    /// Adds a thread.
    pub fn add_thread(&self, thread: Arc<Thread>) {
        self.threads.lock().insert(thread.id, thread);
    }

    /// Its thread of this number.
    pub fn thread(&self, id: u32) -> Option<Arc<Thread>> {
        self.threads.lock().get(&id).cloned()
    }

    /// How many threads it has.
    pub fn thread_count(&self) -> usize {
        self.threads.lock().len()
    }

    /// The numbers of its threads, in order.
    pub fn thread_ids(&self) -> Vec<u32> {
        self.threads.lock().keys().copied().collect()
    }

    /// Ends it: each of its threads stops at the next chance. Only the first end counts.
    pub fn finish(&self, end: End) {
        self.end.lock().get_or_insert(end);
        self.wake_threads();
    }

    /// Sends a signal to it; `false` if too many wait already.
    pub fn post(&self, signal: Signal, info: Info) -> bool {
        if signal == SIGKILL {
            self.finish(End::Killed { signal, what: signal::describe(signal) });
            return true;
        }
        let blocks = |thread: &Arc<Thread>| thread.blocked() & signal::only(signal) != 0;
        let by_all = self.threads.lock().values().all(blocks);
        if self.stops_or_goes_on(signal, by_all) {
            return true;
        }
        let blocked = self.threads.lock().values().any(blocks);
        if blocked || !self.actions.lock().ignores(signal) {
            let added = self.pending.lock().add(signal, info);
            self.wake_threads();
            return added;
        }
        true
    }

    /// What a signal does at once, whoever is to take it: SIGCONT lets the process go on, also where it is blocked or
    /// ignored, and of stops and SIGCONT the one sent last counts. Tells whether that was all, as for a stop that is neither
    /// blocked nor handled.
    pub fn stops_or_goes_on(&self, signal: Signal, blocked: bool) -> bool {
        if signal == SIGCONT {
            (1..=64).filter(|other| signal::stops(*other)).for_each(|other| self.forget(other));
            if self.stop.end() {
                self.wake_threads();
                self.tell_parent(linux::CLD_CONTINUED, i32::from(SIGCONT));
            }
        } else if signal::stops(signal) {
            self.forget(SIGCONT);
            if !blocked && self.actions.lock().get(signal).handler == 0 {
                self.stop_by(signal);
                return true;
            }
        }
        false
    }

    /// This signal stops all its threads; `false` if it does not, as where nobody could let it go on.
    pub fn stop_by(&self, signal: Signal) -> bool {
        if self.does_not_stop(signal) {
            return false;
        }
        if self.stop.begin(signal) {
            self.wake_threads();
            self.tell_parent(linux::CLD_STOPPED, i32::from(signal));
        }
        true
    }

    /// Tells the parent that it stopped or goes on.
    fn tell_parent(&self, code: u32, status: i32) {
        let Some(parent) = self.world.process(self.parent()) else { return };
        if parent.actions.lock().get(SIGCHLD).flags & u64::from(linux::SA_NOCLDSTOP) == 0 {
            let info = Info { code: code as i32, value: u64::from(self.id), status, ..Info::default() };
            parent.post(SIGCHLD, info);
        }
        parent.child_changed.wake();
    }

    /// Forgets what was sent of this signal, to it and to its threads: it is ignored from now on.
    pub fn forget(&self, signal: Signal) {
        self.pending.lock().forget(signal);
        for thread in self.threads.lock().values() {
            thread.signals.lock().pending.forget(signal);
        }
    }

    /// Which signals wait for it or for one of its threads.
    pub fn pending_anywhere(&self) -> signal::Set {
        self.threads.lock().values().fold(self.pending(), |set, thread| set | thread.signals.lock().pending.set())
    }

    /// What its threads used of the processors.
    pub fn processor_time(&self) -> Duration {
        let ended = Duration::from_nanos(self.used.load(Ordering::Relaxed));
        self.threads.lock().values().fold(ended, |sum, thread| sum.saturating_add(thread.processor_time()))
    }

    /// What its children that were waited for used of the processors.
    pub fn children_time(&self) -> Duration {
        Duration::from_nanos(self.used_by_children.load(Ordering::Relaxed))
    }

    /// Which signals were sent to it and not yet taken.
    pub fn pending(&self) -> signal::Set {
        self.pending.lock().set()
    }

    /// Takes one of these signals.
    pub fn take_signal(&self, wanted: signal::Set) -> Option<(Signal, Info)> {
        self.pending.lock().take(wanted)
    }

    /// Takes a thread that has ended out of it; the last one ends it.
    pub fn remove_thread(&self, id: u32, code: u8) {
        let last = {
            let mut threads = self.threads.lock();
            if let Some(thread) = threads.remove(&id) {
                self.used.fetch_add(thread.processor_time().as_nanos() as u64, Ordering::Relaxed);
            }
            threads.is_empty()
        };
        if last {
            self.end.lock().get_or_insert(End::Exited(code));
            self.bury();
        }
    }

    /// Forgets a child of it that has ended, now that it was told.
    pub fn reap(&self, child: &Process) {
        let used = child.processor_time().saturating_add(child.children_time());
        self.used_by_children.fetch_add(used.as_nanos() as u64, Ordering::Relaxed);
        child.leave();
    }

    /// Nobody is to be told of it any more.
    fn leave(&self) {
        self.world.processes.lock().remove(&self.id);
    }

    /// Its children, those too that have ended and were not asked for.
    pub fn children(&self) -> Vec<Arc<Process>> {
        self.world.children(self.id)
    }

    /// Whether nothing of it runs any more.
    pub fn is_dead(&self) -> bool {
        self.threads.lock().is_empty()
    }

    fn bury(&self) {
        *self.alarm.lock() = None;
        self.timers.clear();
        locks::ends(self.id);
        let children = self.children();
        for child in &children {
            child.parent.store(1, Ordering::Relaxed);
            if child.is_dead() {
                child.leave();
            }
        }
        self.leaves_groups(&children);
        match self.world.process(self.parent()) {
            Some(parent) => parent.child_has_ended(self),
            None => self.leave(),
        }
        self.ended.wake();
    }

    fn child_has_ended(&self, child: &Process) {
        let action = self.actions.lock().get(SIGCHLD);
        if action.handler == 1 || action.flags & u64::from(linux::SA_NOCLDWAIT) != 0 {
            child.leave();
        }
        let status = child.end().map_or(0, |end| end.status());
        let code = if status & 0x7f == 0 { linux::CLD_EXITED } else { linux::CLD_KILLED };
        let status = if status & 0x7f == 0 { status >> 8 } else { status };
        let status = status as i32;
        self.post(SIGCHLD, Info { code: code as i32, value: u64::from(child.id), status, ..Info::default() });
        self.child_changed.wake();
    }

    fn wake_threads(&self) {
        for thread in self.threads.lock().values() {
            thread.wake();
        }
        self.signalled.wake();
    }
}
