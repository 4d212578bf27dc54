//! Waiting: a queue of tasks that something wakes.
use alloc::vec::Vec;
use core::future::poll_fn;
use core::task::{Poll, Waker};
use spin::Mutex;

/// Tasks that wait for a change of one thing. Waking takes all of them: each looks again and waits on if it must.
#[derive(Default)]
pub struct WaitQueue(Mutex<Vec<Waker>>);

impl WaitQueue {
    /// An empty queue.
    pub const fn new() -> Self {
        WaitQueue(Mutex::new(Vec::new()))
    }

    /// Adds a task; once is enough, however often it asks.
    pub fn register(&self, waker: &Waker) {
        let mut waiting = self.0.lock();
        if !waiting.iter().any(|other| other.will_wake(waker)) {
            waiting.push(waker.clone());
        }
    }

    /// Wakes every task that waits.
    pub fn wake(&self) {
        let waiting = core::mem::take(&mut *self.0.lock());
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Waits until `attempt` gives something; it is tried now and after every wake.
    pub async fn until<T>(&self, mut attempt: impl FnMut() -> Option<T>) -> T {
        poll_fn(|context| {
            if let Some(done) = attempt() {
                return Poll::Ready(done);
            }
            // Registered first and tried again: a wake between the two is not lost.
            self.register(context.waker());
            attempt().map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}
