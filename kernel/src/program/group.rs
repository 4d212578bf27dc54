//! Process groups and sessions (setpgid(2), setsid(2), credentials(7)): a child is in those of its parent until it leaves.
use super::process::{Process, World};
use super::signal::{self, Info, SIGCONT, SIGHUP, SIGSTOP, Signal};
use crate::errno::Errno;
use crate::host;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};
use image::report::Report;

/// Where a process belongs: the numbers of its group and of its session, each that of the process which began it.
#[derive(Debug)]
pub struct Membership {
    group: AtomicU32,
    session: AtomicU32,
}

impl Membership {
    /// That of a new process: its parent's, or its own.
    pub fn new(id: u32, parent: Option<&Process>) -> Self {
        let (group, session) = parent.map_or((id, id), |parent| (parent.group(), parent.session()));
        Membership { group: AtomicU32::new(group), session: AtomicU32::new(session) }
    }
}

impl World {
    /// The processes of this group, those too that have ended and were not asked for.
    pub fn group(&self, group: u32) -> Vec<Arc<Process>> {
        self.processes().into_iter().filter(|process| process.group() == group).collect()
    }

    /// Whether no parent outside a group, but of its session, could let it go on where it is stopped (setpgid(2)).
    fn is_orphaned(&self, group: u32) -> bool {
        self.group(group).iter().filter(|member| !member.is_dead()).all(|member| {
            let parent = self.process(member.parent()).filter(|parent| !parent.is_dead());
            parent.is_none_or(|parent| parent.group() == group || parent.session() != member.session())
        })
    }

    /// An end may have made this group an orphan: what is stopped of it goes on, and learns why (setpgid(2)).
    fn let_go_on_if_orphaned(&self, group: u32) {
        let members = self.group(group);
        if members.iter().any(|member| !member.is_dead() && member.stop.is_stopped()) && self.is_orphaned(group) {
            for member in members {
                member.post(SIGHUP, Info::default());
                member.post(SIGCONT, Info::default());
            }
        }
    }
}

impl Process {
    /// The number of its group.
    pub fn group(&self) -> u32 {
        self.membership.group.load(Ordering::Relaxed)
    }

    /// The number of its session.
    pub fn session(&self) -> u32 {
        self.membership.session.load(Ordering::Relaxed)
    }

    /// Goes to a group of its session, or begins one.
    pub fn join_group(&self, group: u32) -> Result<(), Errno> {
        // Who began the session began its group, too, and stays there.
        let leads = self.session() == self.id && group != self.group();
        let is_there = || self.world.group(group).iter().any(|member| member.session() == self.session());
        if leads || group != self.id && !is_there() {
            return Err(Errno::EPERM);
        }
        self.membership.group.store(group, Ordering::Relaxed);
        Ok(())
    }

    /// Begins a session (setsid(2)); who leads its own already has one.
    pub fn begin_session(&self) -> Result<u32, Errno> {
        if self.session() != self.id && !self.world.group(self.id).is_empty() {
            return Err(Errno::EPERM);
        }
        self.membership.session.store(self.id, Ordering::Relaxed);
        self.membership.group.store(self.id, Ordering::Relaxed);
        Ok(self.id)
    }

    /// Whether this signal does not stop it, though it would by default: its group is an orphan, and SIGTSTP and its like do
    /// not count there (signal(7)); or nobody else is there to send SIGCONT ever, which is told once.
    pub fn does_not_stop(&self, signal: Signal) -> bool {
        if signal != SIGSTOP && self.world.is_orphaned(self.group()) {
            return true;
        }
        let alone = !self.world.processes().iter().any(|other| other.id != self.id && !other.is_dead());
        if alone && !self.world.told_of_stop.swap(true, Ordering::Relaxed) {
            host::report(&Report::Notice(format!(
                "{}: {} does not stop the only process: nobody could let it go on; told once",
                self.world.tree.program(),
                signal::describe(signal)
            )));
        }
        alone
    }

    /// It has ended: the groups that it or its parent could let go on may be orphans now.
    pub fn leaves_groups(&self, children: &[Arc<Process>]) {
        let linked = |one: &Process, other: &Process| one.group() != other.group() && one.session() == other.session();
        if self.world.process(self.parent()).is_some_and(|parent| linked(self, &parent)) {
            self.world.let_go_on_if_orphaned(self.group());
        }
        for child in children.iter().filter(|child| linked(self, child)) {
            self.world.let_go_on_if_orphaned(child.group());
        }
    }
}
