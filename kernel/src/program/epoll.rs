//! Sets of files whose events a thread waits for (epoll(7)).
//!
//! Each file of a set has a waker of its own in the file's queue. What it wakes is put in a list, and only the list is
//! looked at: waiting costs what is ready, not what is in the set.
use super::descriptors::Open;
use crate::errno::Errno;
use crate::file::{Events, File, Status};
use crate::program::memory::is_scarce;
use crate::wait::WaitQueue;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::{Arc, Weak};
use alloc::task::Wake;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::Waker;
use linux_raw_sys::general as linux;
use spin::Mutex;

/// What is told without being asked for.
const ALWAYS: Events = Events::ERR.union(Events::HUP);
const EDGE: u32 = linux::EPOLLET;
const ONCE: u32 = linux::EPOLLONESHOT;

#[derive(Default)]
struct Shared {
    list: Mutex<VecDeque<Arc<Interest>>>,
    changed: WaitQueue,
}

struct Interest {
    number: u64,
    shared: Weak<Shared>,
    open: Weak<Open>,
    /// The bits of `struct epoll_event` as they were given.
    events: u32,
    data: u64,
    listed: AtomicBool,
    /// It is no longer in the set, or another is in its place.
    removed: AtomicBool,
    /// It was ONCE, and has been told.
    spent: AtomicBool,
}

impl Wake for Interest {
    fn wake(self: Arc<Self>) {
        let Some(shared) = self.shared.upgrade().filter(|_| !self.removed.load(Ordering::Relaxed)) else { return };
        if !self.listed.swap(true, Ordering::AcqRel) {
            shared.list.lock().push_back(self);
        }
        shared.changed.wake();
    }
}

impl Interest {
    /// What is to be told of it now; asks to be woken at the next change.
    fn look(self: &Arc<Self>) -> Option<u32> {
        let open = self.open.upgrade()?;
        if let Some(queue) = open.file.changed() {
            queue.register(&Waker::from(self.clone()));
        }
        if self.spent.load(Ordering::Relaxed) {
            return None;
        }
        let wanted = Events::from_bits_truncate(self.events) | ALWAYS;
        Some((open.file.ready() & wanted).bits()).filter(|events| *events != 0)
    }

    fn is_gone(&self) -> bool {
        self.removed.load(Ordering::Relaxed) || self.open.strong_count() == 0
    }
}

/// A set.
#[derive(Default)]
pub struct Epoll {
    interests: Mutex<BTreeMap<u64, Arc<Interest>>>,
    shared: Arc<Shared>,
}

impl Epoll {
    fn new_interest(&self, number: u64, open: &Arc<Open>, events: u32, data: u64) -> Arc<Interest> {
        Arc::new(Interest {
            number,
            shared: Arc::downgrade(&self.shared),
            open: Arc::downgrade(open),
            events,
            data,
            listed: AtomicBool::new(false),
            removed: AtomicBool::new(false),
            spent: AtomicBool::new(false),
        })
    }

    /// Whether the descriptor `number` of the set still means this file.
    fn has(&self, number: u64, open: &Arc<Open>) -> bool {
        let interests = self.interests.lock();
        interests.get(&number).is_some_and(|found| found.open.as_ptr() == Arc::as_ptr(open))
    }

    /// Adds a descriptor to the set.
    pub fn add(&self, number: u64, open: &Arc<Open>, events: u32, data: u64) -> Result<(), Errno> {
        // A set in a set could be a ring.
        if open.file.any().is::<Epoll>() {
            return Err(Errno::EINVAL);
        }
        if self.has(number, open) {
            return Err(Errno::EEXIST);
        }
        if is_scarce() {
            return Err(Errno::ENOMEM);
        }
        self.put(number, open, events, data);
        Ok(())
    }

    /// Changes what is waited for.
    pub fn modify(&self, number: u64, open: &Arc<Open>, events: u32, data: u64) -> Result<(), Errno> {
        if !self.has(number, open) {
            return Err(Errno::ENOENT);
        }
        self.put(number, open, events, data);
        Ok(())
    }

    /// Takes a descriptor out of the set.
    pub fn remove(&self, number: u64, open: &Arc<Open>) -> Result<(), Errno> {
        if !self.has(number, open) {
            return Err(Errno::ENOENT);
        }
        if let Some(old) = self.interests.lock().remove(&number) {
            old.removed.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    fn put(&self, number: u64, open: &Arc<Open>, events: u32, data: u64) {
        let interest = self.new_interest(number, open, events, data);
        if let Some(old) = self.interests.lock().insert(number, interest.clone()) {
            old.removed.store(true, Ordering::Relaxed);
        }
        let mut list = self.shared.list.lock();
        if list.len() > 2 * self.interests.lock().len() {
            // Nobody waits, and what is changed again and again would make it ever longer.
            list.retain(|listed| !listed.is_gone());
        }
        drop(list);
        // It may be ready already: it is looked at once.
        Wake::wake(interest);
    }

    /// Takes up to `most` events that are there now: bits and data.
    pub fn take(&self, most: usize) -> Vec<(u32, u64)> {
        let mut taken = Vec::new();
        let mut again = Vec::new();
        let mut left = self.shared.list.lock().len();
        while left > 0 && taken.len() < most {
            left -= 1;
            let Some(interest) = self.shared.list.lock().pop_front() else { break };
            // Before the look: a wake from now on lists it again.
            interest.listed.store(false, Ordering::Release);
            if interest.is_gone() {
                self.forget(&interest);
                continue;
            }
            let Some(events) = interest.look() else { continue };
            taken.push((events, interest.data));
            if interest.events & ONCE != 0 {
                interest.spent.store(true, Ordering::Relaxed);
            } else if interest.events & EDGE == 0 {
                again.push(interest);
            }
        }
        // What is level-triggered is looked at again the next time, behind the others.
        for interest in again {
            if !interest.listed.swap(true, Ordering::AcqRel) {
                self.shared.list.lock().push_back(interest);
            }
        }
        taken
    }

    /// Waits until there is an event, and takes up to `most`.
    pub async fn wait(&self, most: usize) -> Vec<(u32, u64)> {
        self.shared.changed.until(|| Some(self.take(most)).filter(|taken| !taken.is_empty())).await
    }

    /// How many of its files are to be looked at, those of before a change included.
    #[cfg(test)]
    pub fn listed(&self) -> usize {
        self.shared.list.lock().len()
    }

    /// Drops the entry of a file that was closed.
    fn forget(&self, gone: &Arc<Interest>) {
        let mut interests = self.interests.lock();
        if interests.get(&gone.number).is_some_and(|interest| Arc::ptr_eq(interest, gone)) {
            interests.remove(&gone.number);
        }
    }
}

impl File for Epoll {
    fn ready(&self) -> Events {
        // A copy: a look may drop a file, whose end wakes others.
        let list: Vec<Arc<Interest>> = self.shared.list.lock().iter().cloned().collect();
        let any = list.iter().any(|interest| !interest.is_gone() && interest.look().is_some());
        if any { Events::IN } else { Events::empty() }
    }

    fn changed(&self) -> Option<&WaitQueue> {
        Some(&self.shared.changed)
    }

    fn status(&self) -> Status {
        Status { mode: linux::S_IFREG | 0o600, links: 1, ..Status::default() }
    }

    fn any(&self) -> &dyn core::any::Any {
        self
    }
}
