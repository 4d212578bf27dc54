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
    address: u64,
    woken: bool,
    waker: Option<Waker>,
}

/// The threads that wait, by the address of their word, those that have waited longest first.
#[derive(Default)]
pub struct Futexes(Mutex<BTreeMap<u64, VecDeque<Arc<Waiter>>>>);

impl Futexes {
    /// Wakes up to `count` threads that wait at this address for one of these bits; tells how many.
    pub fn wake(&self, address: u64, count: u64, bits: u32) -> u64 {
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

    /// Lets up to `count` of the threads that wait at `from` wait at `to` instead; tells how many.
    pub fn requeue(&self, from: u64, to: u64, count: u64) -> u64 {
        let mut all = self.0.lock();
        let Some(mut queue) = all.remove(&from) else { return 0 };
        let moved = (queue.len() as u64).min(count);
        for waiter in queue.drain(..moved as usize).collect::<VecDeque<_>>() {
            waiter.state.lock().address = to;
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
    /// Waits until the thread is woken at this address for one of these bits; `EAGAIN` at once if the word there is not
    /// `expected`.
    pub async fn wait(&self, address: u64, expected: u32, bits: u32) -> Result<(), Errno> {
        let waiter = {
            let mut all = self.futexes.0.lock();
            let mut word = [0; 4];
            self.space.lock().read(address, &mut word)?;
            if u32::from_le_bytes(word) != expected {
                return Err(Errno::EAGAIN);
            }
            let waiter = Arc::new(Waiter { bits, state: Mutex::new(State { address, woken: false, waker: None }) });
            all.entry(address).or_default().push_back(waiter.clone());
            waiter
        };
        let entry = Entry { futexes: &self.futexes, waiter };
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
        let address = self.waiter.state.lock().address;
        if let Some(queue) = all.get_mut(&address) {
            queue.retain(|other| !Arc::ptr_eq(other, &self.waiter));
            if queue.is_empty() {
                all.remove(&address);
            }
        }
    }
}
