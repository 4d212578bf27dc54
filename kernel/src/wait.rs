//! Waiting: a queue of tasks that something wakes.
use crate::file::Events;
use alloc::vec::Vec;
use core::future::poll_fn;
use core::task::{Poll, Waker};
use spin::Mutex;

/// Tasks that wait for a change of one thing. Waking takes all that wait for this change: each looks again and waits on
/// if it must.
#[derive(Default)]
pub struct WaitQueue(Mutex<Vec<(Waker, Events)>>);

impl WaitQueue {
    /// An empty queue.
    pub const fn new() -> Self {
        WaitQueue(Mutex::new(Vec::new()))
    }

    /// Adds a task; once is enough, however often it asks.
    pub fn register(&self, waker: &Waker) {
        self.register_for(waker, Events::all());
    }

    /// Adds a task that only these events matter to.
    pub fn register_for(&self, waker: &Waker, events: Events) {
        let mut waiting = self.0.lock();
        match waiting.iter_mut().find(|(other, _)| other.will_wake(waker)) {
            Some((_, wanted)) => *wanted |= events,
            None => waiting.push((waker.clone(), events)),
        }
    }

    /// Takes a task out, by its [`identity`]: it waits no longer. A queue that nothing wakes would keep it for ever.
    pub fn forget(&self, task: usize) {
        let gone: Vec<_> = self.0.lock().extract_if(.., |(waiting, _)| identity(waiting) == task).collect();
        // Behind the lock: it may have been the last that held the task.
        drop(gone);
    }

    /// Wakes every task that waits.
    pub fn wake(&self) {
        let waiting = core::mem::take(&mut *self.0.lock());
        waiting.into_iter().for_each(|(waker, _)| waker.wake());
    }

    /// Wakes the tasks that one of these events matters to.
    pub fn wake_for(&self, events: Events) {
        let waiting: Vec<_> = self.0.lock().extract_if(.., |(_, wanted)| wanted.intersects(events)).collect();
        waiting.into_iter().for_each(|(waker, _)| waker.wake());
    }

    /// Waits until `attempt` gives something; it is tried now and after every wake.
    pub async fn until<T>(&self, mut attempt: impl FnMut() -> Option<T>) -> T {
        let mut waiting = Waiting { queue: self, task: None };
        poll_fn(|context| {
            if let Some(done) = attempt() {
                return Poll::Ready(done);
            }
            // Registered first and tried again: a wake between the two is not lost.
            self.register(context.waker());
            waiting.task = Some(identity(context.waker()));
            attempt().map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}

/// What tells one task from the others that there are.
pub fn identity(waker: &Waker) -> usize {
    waker.data().addr()
}

/// Its end takes the task out of the queue, also when the waiting is given up.
struct Waiting<'a> {
    queue: &'a WaitQueue,
    task: Option<usize>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some(task) = self.task {
            self.queue.forget(task);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::boxed::Box;
    use alloc::sync::Arc;
    use alloc::task::Wake;
    use core::future::Future;
    use core::task::Context;

    struct Task;

    impl Wake for Task {
        fn wake(self: Arc<Self>) {}
    }

    #[test]
    fn who_gives_up_waiting_is_forgotten() {
        let queue = WaitQueue::new();
        let (one, other) = (Waker::from(Arc::new(Task)), Waker::from(Arc::new(Task)));
        queue.register(&other);
        let mut waiting = Box::pin(queue.until(|| None::<()>));
        assert!(waiting.as_mut().poll(&mut Context::from_waker(&one)).is_pending());
        assert_eq!(queue.0.lock().len(), 2);
        drop(waiting);
        assert!(queue.0.lock().iter().all(|(left, _)| left.will_wake(&other)));
        assert_eq!(queue.0.lock().len(), 1);
    }

    #[test]
    fn only_who_waits_for_the_event_is_woken() {
        let queue = WaitQueue::new();
        let (reader, writer) = (Waker::from(Arc::new(Task)), Waker::from(Arc::new(Task)));
        queue.register_for(&reader, Events::IN);
        queue.register_for(&writer, Events::OUT);
        queue.wake_for(Events::IN | Events::HUP);
        assert!(queue.0.lock().iter().all(|(left, _)| left.will_wake(&writer)));
        assert_eq!(queue.0.lock().len(), 1);
    }
}
