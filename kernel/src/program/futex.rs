//! Futexes: threads that wait for a word of the program's memory to change (futex(2)).
use super::memory::Memory;
use crate::errno::Errno;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use core::future::poll_fn;
use core::task::{Poll, Waker};
use spin::Mutex;

/// Matches every waiter.
pub const ANY: u32 = u32::MAX;

struct Waiter {
    bits: u32,
    state: Mutex<State>,
}

struct State {
    key: Key,
    woken: bool,
    waker: Option<Waker>,
}

/// Where a word is: in a file that is mapped as shared memory, or, with 0 for the file, at an address of one memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    file: usize,
    at: u64,
}

/// The threads that wait, by the place of their word, those that have waited longest first.
#[derive(Default)]
pub struct Futexes(Mutex<BTreeMap<Key, VecDeque<Arc<Waiter>>>>);

/// Those that wait for words of memory that several processes may have.
static SHARED: Futexes = Futexes(Mutex::new(BTreeMap::new()));

impl Futexes {
    fn wake(&self, address: Key, count: u64, bits: u32) -> u64 {
        let mut all = self.0.lock();
        let Some(queue) = all.get_mut(&address) else { return 0 };
        let mut woken = 0;
        queue.retain(|waiter| {
            if woken == count || waiter.bits & bits == 0 {
                return true;
            }
            woken += 1;
            let mut state = waiter.state.lock();
            state.woken = true;
            if let Some(waker) = state.waker.take() {
                waker.wake();
            }
            false
        });
        if queue.is_empty() {
            all.remove(&address);
        }
        woken
    }

    fn requeue(&self, from: Key, to: Key, count: u64) -> u64 {
        let mut all = self.0.lock();
        let Some(mut queue) = all.remove(&from) else { return 0 };
        let moved = (queue.len() as u64).min(count);
        for waiter in queue.drain(..moved as usize).collect::<VecDeque<_>>() {
            waiter.state.lock().key = to;
            all.entry(to).or_default().push_back(waiter);
        }
        if !queue.is_empty() {
            // Where from and to are the same, the ones that moved are behind.
            let behind = all.remove(&from).unwrap_or_default();
            queue.extend(behind);
            all.insert(from, queue);
        }
        moved
    }
}

impl Memory {
    /// Who waits for the word at this address, and its place; `private` says that no other process may.
    fn futex(&self, address: u64, private: bool) -> (&Futexes, Key) {
        let space = self.space.lock();
        if !private
            && let Some((range, region)) = space.region(address)
            && region.backing.is_shared()
            && let Some((file, offset)) = region.backing.file()
        {
            let at = offset.saturating_add(address - range.start);
            return (&SHARED, Key { file: Arc::as_ptr(file).addr(), at });
        }
        (&self.futexes, Key { file: 0, at: address })
    }

    /// Wakes up to `count` threads that wait at this address for one of these bits; tells how many.
    pub fn wake(&self, address: u64, private: bool, count: u64, bits: u32) -> u64 {
        let (futexes, key) = self.futex(address, private);
        futexes.wake(key, count, bits)
    }

    /// Lets up to `count` of the threads that wait at `from` wait at `to` instead; tells how many. None, where only one of
    /// the two words is in shared memory.
    pub fn requeue(&self, from: u64, to: u64, private: bool, count: u64) -> u64 {
        let ((futexes, from), (others, to)) = (self.futex(from, private), self.futex(to, private));
        if core::ptr::eq(futexes, others) { futexes.requeue(from, to, count) } else { 0 }
    }

    /// Waits until the thread is woken at this address for one of these bits; `EAGAIN` at once if the word there is not
    /// `expected`.
    pub async fn wait(&self, address: u64, private: bool, expected: u32, bits: u32) -> Result<(), Errno> {
        let (futexes, key) = self.futex(address, private);
        let waiter = {
            let mut all = futexes.0.lock();
            let mut word = [0; 4];
            self.space.lock().read(address, &mut word)?;
            if u32::from_le_bytes(word) != expected {
                return Err(Errno::EAGAIN);
            }
            let waiter = Arc::new(Waiter { bits, state: Mutex::new(State { key, woken: false, waker: None }) });
            all.entry(key).or_default().push_back(waiter.clone());
            waiter
        };
        let entry = Entry { futexes, waiter };
        poll_fn(|context| {
            let mut state = entry.waiter.state.lock();
            if state.woken {
                return Poll::Ready(Ok(()));
            }
            state.waker = Some(context.waker().clone());
            Poll::Pending
        })
        .await
    }
}

/// Its end takes the waiter out of the queue, also when the call is given up.
struct Entry<'a> {
    futexes: &'a Futexes,
    waiter: Arc<Waiter>,
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        let mut all = self.futexes.0.lock();
        let key = self.waiter.state.lock().key;
        if let Some(queue) = all.get_mut(&key) {
            queue.retain(|other| !Arc::ptr_eq(other, &self.waiter));
            if queue.is_empty() {
                all.remove(&key);
            }
        }
    }
}
