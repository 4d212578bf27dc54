//! Sets of files whose events a thread waits for (epoll(7)).
//!
//! Each file of a set has a waker of its own in the file's queue. What it wakes is put in a list, and only the list is
//! looked at: waiting costs what is ready, not what is in the set.
mod nesting;

use super::descriptors::Open;
use crate::errno::Errno;
use crate::file::{Events, File, Status};
use crate::program::memory::is_scarce;
use crate::wait::{WaitQueue, identity};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::{Arc, Weak};
use alloc::task::Wake;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::Waker;
use linux_raw_sys::general as linux;
use spin::Mutex;

const EDGE: u32 = linux::EPOLLET;
const ONCE: u32 = linux::EPOLLONESHOT;
const EXCLUSIVE: u32 = linux::EPOLLEXCLUSIVE;
/// The bits that are no events.
const MODES: u32 = EDGE | ONCE | EXCLUSIVE | linux::EPOLLWAKEUP;
/// What an entry with EPOLLEXCLUSIVE may ask for.
const WITH_EXCLUSIVE: u32 = MODES & !ONCE | linux::EPOLLIN | linux::EPOLLOUT | linux::EPOLLERR | linux::EPOLLHUP;

/// An entry is found by the number of its descriptor and the open file: a number may mean another file by now.
type Key = (u64, usize);

fn key(number: u64, open: &Arc<Open>) -> Key {
    (number, Arc::as_ptr(open).addr())
}

#[derive(Default)]
struct Shared {
    interests: Mutex<BTreeMap<Key, Arc<Interest>>>,
    list: Mutex<VecDeque<Arc<Interest>>>,
    /// Held while the list is gone through: it is not whole then.
    looking: Mutex<()>,
    changed: WaitQueue,
    /// The open file of the set itself.
    own: Mutex<Weak<Open>>,
}

/// What is asked for: the bits of `struct epoll_event` as they were given, and what is told with them.
#[derive(Clone, Copy)]
struct Wanted {
    events: u32,
    data: u64,
}

impl Wanted {
    /// ONCE, and told.
    fn is_spent(&self) -> bool {
        self.events & !MODES == 0
    }
}

/// A file's place in a set.
pub struct Interest {
    key: Key,
    shared: Weak<Shared>,
    open: Weak<Open>,
    wanted: Mutex<Wanted>,
    listed: AtomicBool,
    removed: AtomicBool,
}

impl Wake for Interest {
    fn wake(self: Arc<Self>) {
        let Some(shared) = self.shared.upgrade().filter(|_| !self.is_gone()) else { return };
        shared.add(self);
        shared.changed.wake();
    }
}

impl Shared {
    fn add(&self, interest: Arc<Interest>) {
        if !interest.listed.swap(true, Ordering::AcqRel) {
            self.list.lock().push_back(interest);
        }
    }

    /// The entry that has waited longest, taken out of the list: a wake from now on lists it again.
    fn next(&self) -> Option<Arc<Interest>> {
        let interest = self.list.lock().pop_front()?;
        interest.listed.store(false, Ordering::Release);
        Some(interest)
    }
}

impl Interest {
    /// What is to be told of it now; asks to be woken at the next change.
    fn look(self: &Arc<Self>) -> Option<(u32, u64)> {
        let open = self.open.upgrade().filter(|_| !self.is_gone())?;
        let wanted = *self.wanted.lock();
        if wanted.is_spent() {
            return None;
        }
        if let Some(queue) = open.file.changed() {
            queue.register_for(&Waker::from(self.clone()), Events::asked(wanted.events));
        }
        let told = open.file.ready().told(wanted.events & !MODES);
        Some((told, wanted.data)).filter(|(told, _)| *told != 0)
    }

    fn is_gone(&self) -> bool {
        self.removed.load(Ordering::Relaxed)
    }

    /// Takes it out of its set, and out of the queue of its file.
    pub fn leave(self: &Arc<Self>, file: &dyn File) {
        self.removed.store(true, Ordering::Relaxed);
        if let Some(queue) = file.changed() {
            queue.forget(identity(&Waker::from(self.clone())));
        }
        if let Some(shared) = self.shared.upgrade() {
            let removed = shared.interests.lock().remove(&self.key);
            drop(removed);
        }
    }
}

impl Drop for Shared {
    /// The files of a set that is closed may stay open: nothing of the set stays with them.
    fn drop(&mut self) {
        for interest in core::mem::take(self.interests.get_mut()).into_values() {
            let Some(open) = interest.open.upgrade() else { continue };
            interest.leave(&*open.file);
            open.watchers.lock().retain(|watcher| watcher.as_ptr() != Arc::as_ptr(&interest));
        }
    }
}

/// A set.
#[derive(Default)]
pub struct Epoll {
    shared: Arc<Shared>,
}

impl Epoll {
    /// Adds a descriptor to the set, which `own` is the open file of.
    pub fn add(&self, own: &Arc<Open>, number: u64, open: &Arc<Open>, events: u32, data: u64) -> Result<(), Errno> {
        let is_set = open.file.any().is::<Epoll>();
        if events & EXCLUSIVE != 0 && (is_set || events & !WITH_EXCLUSIVE != 0) {
            return Err(Errno::EINVAL);
        }
        if is_set {
            nesting::check(own, open)?;
        }
        *self.shared.own.lock() = Arc::downgrade(own);
        let key = key(number, open);
        if self.shared.interests.lock().contains_key(&key) {
            return Err(Errno::EEXIST);
        }
        if is_scarce() {
            return Err(Errno::ENOMEM);
        }
        let interest = Arc::new(Interest {
            key,
            shared: Arc::downgrade(&self.shared),
            open: Arc::downgrade(open),
            wanted: Mutex::new(Wanted { events: with_always(events), data }),
            listed: AtomicBool::new(false),
            removed: AtomicBool::new(false),
        });
        self.shared.interests.lock().insert(key, interest.clone());
        open.watchers.lock().push(Arc::downgrade(&interest));
        self.shorten_list();
        // It may be ready already: it is looked at once.
        Wake::wake(interest);
        Ok(())
    }

    fn find(&self, number: u64, open: &Arc<Open>) -> Result<Arc<Interest>, Errno> {
        self.shared.interests.lock().get(&key(number, open)).cloned().ok_or(Errno::ENOENT)
    }

    /// Changes what is waited for.
    pub fn modify(&self, number: u64, open: &Arc<Open>, events: u32, data: u64) -> Result<(), Errno> {
        let interest = self.find(number, open)?;
        if (events | interest.wanted.lock().events) & EXCLUSIVE != 0 {
            return Err(Errno::EINVAL);
        }
        *interest.wanted.lock() = Wanted { events: with_always(events), data };
        if let Some(queue) = open.file.changed() {
            // What it waited for no longer matters.
            queue.forget(identity(&Waker::from(interest.clone())));
        }
        Wake::wake(interest);
        Ok(())
    }

    /// Takes a descriptor out of the set.
    pub fn remove(&self, number: u64, open: &Arc<Open>) -> Result<(), Errno> {
        let interest = self.find(number, open)?;
        interest.leave(&*open.file);
        open.watchers.lock().retain(|watcher| watcher.as_ptr() != Arc::as_ptr(&interest));
        Ok(())
    }

    /// Where nobody waits, files that come and go would make the list ever longer.
    fn shorten_list(&self) {
        let most = 2 * self.shared.interests.lock().len();
        let mut list = self.shared.list.lock();
        if list.len() > most {
            list.retain(|listed| !listed.is_gone());
        }
    }

    /// Takes up to `most` events that are there now: bits and data.
    pub fn take(&self, most: usize) -> Vec<(u32, u64)> {
        let _looking = self.shared.looking.lock();
        let (mut taken, mut again) = (Vec::new(), Vec::new());
        let mut left = self.shared.list.lock().len();
        while left > 0 && taken.len() < most {
            left -= 1;
            let Some(interest) = self.shared.next() else { break };
            let Some(event) = interest.look() else { continue };
            taken.push(event);
            let mut wanted = interest.wanted.lock();
            if wanted.events & ONCE != 0 {
                wanted.events &= MODES;
            } else if wanted.events & EDGE == 0 {
                drop(wanted);
                again.push(interest);
            }
        }
        // What is level-triggered is looked at again the next time, behind the others.
        again.into_iter().for_each(|interest| self.shared.add(interest));
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

    /// The files that are in it.
    fn members(&self) -> Vec<Arc<Open>> {
        let interests: Vec<_> = self.shared.interests.lock().values().cloned().collect();
        interests.iter().filter_map(|interest| interest.open.upgrade()).collect()
    }
}

/// Errors are told also where nothing was asked for.
fn with_always(events: u32) -> u32 {
    events | Events::ALWAYS.bits()
}

impl File for Epoll {
    fn ready(&self) -> Events {
        let _looking = self.shared.looking.lock();
        let mut left = self.shared.list.lock().len();
        while left > 0 {
            left -= 1;
            let Some(interest) = self.shared.next() else { break };
            if interest.look().is_some() {
                // It is still to be told: first, as it was.
                if !interest.listed.swap(true, Ordering::AcqRel) {
                    self.shared.list.lock().push_front(interest);
                }
                return Events::IN;
            }
        }
        Events::empty()
    }

    fn changed(&self) -> Option<&WaitQueue> {
        Some(&self.shared.changed)
    }

    fn status(&self) -> Status {
        Status { mode: 0o600, links: 1, ..Status::default() }
    }

    fn any(&self) -> &dyn core::any::Any {
        self
    }
}
