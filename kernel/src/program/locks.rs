//! Locks on files (flock(2), fcntl(2)): advice that programs take from each other. They stand by the file's inode number.
use super::memory::is_scarce;
use crate::errno::Errno;
use crate::wait::WaitQueue;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::ops::Range;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use spin::Mutex;

/// The end of a lock that goes on to the end of the file, however long it becomes: behind the last byte that a file may have.
pub const FOR_EVER: u64 = 1 << 63;

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
/// Who waits for one, by process and a number of its own, with the process that has it: several threads of a process may
/// wait, each for another.
static WAITING: Mutex<BTreeMap<(u32, u64), u32>> = Mutex::new(BTreeMap::new());
static NEXT_WAITER: AtomicU64 = AtomicU64::new(0);

/// Changes the locks of a file, in one step for all processors; wakes who waits for one, unless nothing was done.
fn change(inode: u64, change: impl FnOnce(&mut Vec<Lock>) -> Result<(), Errno>) -> Result<(), Errno> {
    let mut all = LOCKS.lock();
    let locks = all.entry(inode).or_default();
    let result = change(locks);
    if locks.is_empty() {
        all.remove(&inode);
    }
    FILES.store(all.len(), Ordering::Relaxed);
    drop(all);
    if result.is_ok() {
        CHANGED.wake();
    }
    result
}

/// Whether a file that has these may have one more.
fn room(locks: &[Lock]) -> Result<(), Errno> {
    if locks.len() >= MOST || is_scarce() { Err(Errno::ENOLCK) } else { Ok(()) }
}

/// Gives up a part of what this one has on a file (F_UNLCK).
pub fn give_up(inode: u64, owner: Owner, range: Range<u64>) -> Result<(), Errno> {
    if !has_any(inode, owner) {
        return Ok(());
    }
    change(inode, |locks| {
        // One that is cut in two is one more.
        let is_cut = |held: &Lock| held.range.start < range.start && range.end < held.range.end;
        if locks.iter().any(|held| held.owner == owner && is_cut(held)) {
            room(locks)?;
        }
        cut(locks, owner, &range);
        Ok(())
    })
}

fn has_any(inode: u64, owner: Owner) -> bool {
    LOCKS.lock().get(&inode).is_some_and(|locks| locks.iter().any(|held| held.owner == owner))
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
    change(inode, |locks| {
        if locks.iter().any(|held| held.keeps_out(wanted)) {
            return Err(Errno::EAGAIN);
        }
        room(locks)?;
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
        Ok(())
    })
}

/// The same, and waits until it can be had; `EDEADLK` where a process would wait for itself.
pub async fn wait(inode: u64, wanted: &Lock) -> Result<(), Errno> {
    let waits = Waits { owner: wanted.owner, number: NEXT_WAITER.fetch_add(1, Ordering::Relaxed) };
    CHANGED
        .until(|| match take(inode, wanted) {
            Err(Errno::EAGAIN) => waits.note(conflict(inode, wanted)?.owner).err().map(Err),
            done => Some(done),
        })
        .await
}

/// Who waits. Its end takes it out of those that do.
struct Waits {
    owner: Owner,
    number: u64,
}

impl Waits {
    /// It waits for this one; `EDEADLK` if that waits, be it over others, for it.
    fn note(&self, holder: Owner) -> Result<(), Errno> {
        let (Owner::Process(own), Owner::Process(holder)) = (self.owner, holder) else { return Ok(()) };
        let mut waiting = WAITING.lock();
        waiting.insert((own, self.number), holder);
        let (mut seen, mut next) = (BTreeSet::new(), alloc::vec![holder]);
        while let Some(at) = next.pop() {
            if at == own {
                return Err(Errno::EDEADLK);
            }
            if seen.insert(at) {
                next.extend(waiting.range((at, 0)..=(at, u64::MAX)).map(|(_, holder)| *holder));
            }
        }
        Ok(())
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        if let Owner::Process(own) = self.owner {
            WAITING.lock().remove(&(own, self.number));
        }
    }
}

/// Gives up what this one has in this range of the file.
pub fn release(inode: u64, owner: Owner, range: Range<u64>) {
    if has_any(inode, owner) {
        let _ = change(inode, |locks| {
            cut(locks, owner, &range);
            Ok(())
        });
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

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: u64 = u64::MAX - 7;

    fn lock(process: u32, range: Range<u64>) -> Lock {
        Lock { owner: Owner::Process(process), exclusive: true, range }
    }

    #[test]
    fn each_waiter_of_a_process_counts() {
        let [one, other, third] = [900_001, 900_002, 900_003];
        let waits =
            |process| Waits { owner: Owner::Process(process), number: NEXT_WAITER.fetch_add(1, Ordering::Relaxed) };
        let (first, second) = (waits(one), waits(one));
        first.note(Owner::Process(other)).unwrap();
        second.note(Owner::Process(third)).unwrap();
        assert_eq!(waits(other).note(Owner::Process(one)), Err(Errno::EDEADLK));
        assert_eq!(waits(third).note(Owner::Process(one)), Err(Errno::EDEADLK));
        drop(second);
        assert_eq!(waits(other).note(Owner::Process(one)), Err(Errno::EDEADLK));
        assert_eq!(waits(third).note(Owner::Process(one)), Ok(()));
        drop(first);
        assert_eq!(waits(other).note(Owner::Process(one)), Ok(()));
    }

    #[test]
    fn what_was_taken_can_be_given_up_however_many_there_are() {
        let owner = Owner::Process(900_004);
        for index in 0..MOST as u64 {
            take(FILE, &lock(900_004, index * 10..index * 10 + 5)).unwrap();
        }
        assert_eq!(take(FILE, &lock(900_004, 7..8)), Err(Errno::ENOLCK));
        // Cut in two it would be one more.
        assert_eq!(give_up(FILE, owner, 1..2), Err(Errno::ENOLCK));
        assert_eq!(give_up(FILE, owner, 0..2), Ok(()));
        assert_eq!(give_up(FILE, owner, 10..15), Ok(()));
        assert_eq!(give_up(FILE, owner, 21..22), Ok(()));
        release(FILE, owner, 0..FOR_EVER);
        assert!(conflict(FILE, &lock(900_005, 0..FOR_EVER)).is_none());
    }
}
