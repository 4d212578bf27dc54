//! Locks on files (flock(2), fcntl(2)): advice that programs take from each other. They stand by the file's inode number.
use super::memory::is_scarce;
use crate::errno::Errno;
use crate::wait::WaitQueue;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::ops::Range;
use core::sync::atomic::{AtomicUsize, Ordering};
use spin::Mutex;

/// The end of a lock that goes on to the end of the file, however long it becomes.
pub const FOR_EVER: u64 = i64::MAX as u64;

/// The most locks that a file may have: each new one is held against all of them.
const MOST: usize = 4096;

/// Who has a lock. Those of flock(2) and those of fcntl(2) do not see each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// An open file, by its address; flock(2), of the whole file.
    Flock(usize),
    /// A process (fcntl(2), F_SETLK).
    Process(u32),
    /// An open file, by its address (F_OFD_SETLK).
    Open(usize),
}

impl Owner {
    fn sees(self, other: Owner) -> bool {
        matches!(self, Owner::Flock(_)) == matches!(other, Owner::Flock(_))
    }
}

/// A lock on a part of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    /// Who has it.
    pub owner: Owner,
    /// Whether nobody else may have one there.
    pub exclusive: bool,
    /// The bytes it is on.
    pub range: Range<u64>,
}

impl Lock {
    fn keeps_out(&self, other: &Lock) -> bool {
        self.owner != other.owner
            && self.owner.sees(other.owner)
            && (self.exclusive || other.exclusive)
            && self.range.start < other.range.end
            && other.range.start < self.range.end
    }
}

static LOCKS: Mutex<BTreeMap<u64, Vec<Lock>>> = Mutex::new(BTreeMap::new());
/// How many files have any: who closes a file need not look where there are none.
static FILES: AtomicUsize = AtomicUsize::new(0);
/// Woken when a lock is given up.
static CHANGED: WaitQueue = WaitQueue::new();
/// The processes that wait for one, each with the process that has it.
static WAITING: Mutex<BTreeMap<u32, u32>> = Mutex::new(BTreeMap::new());

/// Changes the locks of a file; wakes who waits for one.
fn change<T>(inode: u64, change: impl FnOnce(&mut Vec<Lock>) -> T) -> T {
    let mut all = LOCKS.lock();
    let locks = all.entry(inode).or_default();
    let result = change(locks);
    if locks.is_empty() {
        all.remove(&inode);
    }
    FILES.store(all.len(), Ordering::Relaxed);
    drop(all);
    CHANGED.wake();
    result
}

/// Whether a file may have more locks: also one that is cut in two is one more.
fn room(inode: u64) -> Result<(), Errno> {
    let full = LOCKS.lock().get(&inode).is_some_and(|locks| locks.len() >= MOST);
    if full || is_scarce() { Err(Errno::ENOLCK) } else { Ok(()) }
}

/// Gives up a part of what this one has on a file (F_UNLCK).
pub fn give_up(inode: u64, owner: Owner, range: Range<u64>) -> Result<(), Errno> {
    if range != (0..FOR_EVER) {
        room(inode)?;
    }
    release(inode, owner, range);
    Ok(())
}

/// Who keeps this lock out.
pub fn conflict(inode: u64, wanted: &Lock) -> Option<Lock> {
    let all = LOCKS.lock();
    let against = all.get(&inode)?.iter().filter(|held| held.keeps_out(wanted));
    against.min_by_key(|held| held.range.start).cloned()
}

/// Takes a lock, in place of what its owner has there; `EAGAIN` if another keeps it out.
pub fn take(inode: u64, wanted: &Lock) -> Result<(), Errno> {
    if matches!(wanted.owner, Owner::Flock(_)) {
        let held = LOCKS.lock().get(&inode).is_some_and(|locks| locks.contains(wanted));
        if held {
            return Ok(());
        }
        // The old one is given up first, and stays so if the new one cannot be had (flock(2)).
        release(inode, wanted.owner, wanted.range.clone());
    }
    if conflict(inode, wanted).is_some() {
        return Err(Errno::EAGAIN);
    }
    room(inode)?;
    change(inode, |locks| {
        cut(locks, wanted.owner, &wanted.range);
        let mut range = wanted.range.clone();
        // Neighbours of the same kind are one.
        locks.retain(|held| {
            let joins = held.owner == wanted.owner
                && held.exclusive == wanted.exclusive
                && held.range.start <= range.end
                && range.start <= held.range.end;
            if joins {
                range = range.start.min(held.range.start)..range.end.max(held.range.end);
            }
            !joins
        });
        locks.push(Lock { range, ..*wanted });
    });
    Ok(())
}

/// The same, and waits until it can be had; `EDEADLK` where a process would wait for itself.
pub async fn wait(inode: u64, wanted: &Lock) -> Result<(), Errno> {
    let waits = Waits(wanted.owner);
    CHANGED
        .until(|| match take(inode, wanted) {
            Err(Errno::EAGAIN) => waits.note(conflict(inode, wanted)?.owner).err().map(Err),
            done => Some(done),
        })
        .await
}

/// Who waits. Its end takes it out of those that do.
struct Waits(Owner);

impl Waits {
    /// It waits for this one; `EDEADLK` if that waits, be it over others, for it.
    fn note(&self, holder: Owner) -> Result<(), Errno> {
        let (Owner::Process(own), Owner::Process(mut at)) = (self.0, holder) else { return Ok(()) };
        let mut waiting = WAITING.lock();
        waiting.insert(own, at);
        for _ in 0..waiting.len() {
            match waiting.get(&at) {
                Some(next) if *next == own => return Err(Errno::EDEADLK),
                Some(next) => at = *next,
                None => break,
            }
        }
        Ok(())
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        if let Owner::Process(own) = self.0 {
            WAITING.lock().remove(&own);
        }
    }
}

/// Gives up what this one has in this range of the file.
pub fn release(inode: u64, owner: Owner, range: Range<u64>) {
    let any = LOCKS.lock().get(&inode).is_some_and(|locks| locks.iter().any(|held| held.owner == owner));
    if any {
        change(inode, |locks| cut(locks, owner, &range));
    }
}

/// Gives up all that this one has on a file that it closes.
pub fn closes(inode: u64, owner: Owner) {
    if FILES.load(Ordering::Relaxed) > 0 {
        release(inode, owner, 0..FOR_EVER);
    }
}

/// Gives up all that this process has.
pub fn ends(process: u32) {
    if FILES.load(Ordering::Relaxed) > 0 {
        let files: Vec<u64> = LOCKS.lock().keys().copied().collect();
        files.into_iter().for_each(|inode| release(inode, Owner::Process(process), 0..FOR_EVER));
    }
}

/// Takes a range out of the locks of this owner: of one that is on more, its ends stay.
fn cut(locks: &mut Vec<Lock>, owner: Owner, range: &Range<u64>) {
    let (whole, others): (Vec<Lock>, Vec<Lock>) =
        core::mem::take(locks).into_iter().partition(|held| held.owner == owner);
    *locks = others;
    for held in whole {
        let (before, after) =
            (held.range.start..held.range.end.min(range.start), held.range.start.max(range.end)..held.range.end);
        let ends = [before, after].into_iter().filter(|part| !part.is_empty());
        locks.extend(ends.map(|range| Lock { range, ..held.clone() }));
    }
}
