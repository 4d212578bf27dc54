//! Tasks: each thread of the program is one, a future that runs it in ring 3 and serves its traps.
//!
//! The kernel is not preempted: interrupts come only while the program runs or the machine idles. A task gives way at
//! an `.await` that is not ready. One processor at a time runs any of this (see [`machine::cpus`]); a task that runs the
//! program stays on its processor until it gives way, and goes on wherever it is taken up.
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use alloc::task::Wake;
use core::future::{Future, poll_fn};
use core::pin::Pin;
use core::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use spin::Mutex;

static READY: Mutex<VecDeque<Arc<Task>>> = Mutex::new(VecDeque::new());
static TIMERS: Mutex<BTreeMap<(Duration, u64), Waker>> = Mutex::new(BTreeMap::new());
static NEXT_TIMER: AtomicU64 = AtomicU64::new(0);

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

struct Task {
    /// `None` once it is done, and while it runs.
    work: Mutex<Option<Work>>,
    state: AtomicU8,
    allowed: Allowed,
}

/// The processors that a task may run on, a bit for each.
pub type Allowed = Arc<AtomicU64>;

/// All of them.
pub fn anywhere() -> Allowed {
    Arc::new(AtomicU64::new(u64::MAX))
}

/// It waits to be woken.
const WAITS: u8 = 0;
/// It is in the queue of those that are ready.
const IS_READY: u8 = 1;
/// A processor runs it.
const RUNS: u8 = 2;
/// A processor runs it, and it was woken since.
const RUNS_AND_IS_READY: u8 = 3;

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        let woken = |state| match state {
            WAITS => Some(IS_READY),
            RUNS => Some(RUNS_AND_IS_READY),
            _ => None,
        };
        if self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, woken) == Ok(WAITS) {
            READY.lock().push_back(self);
        }
    }
}

/// Starts a task.
pub fn spawn(work: impl Future<Output = ()> + Send + 'static) {
    spawn_on(anywhere(), work);
}

/// Starts a task that runs only where it is allowed to at the time.
pub fn spawn_on(allowed: Allowed, work: impl Future<Output = ()> + Send + 'static) {
    Arc::new(Task { work: Mutex::new(Some(Box::pin(work))), state: AtomicU8::new(WAITS), allowed }).wake();
}

fn take_ready() -> Option<Arc<Task>> {
    let own = 1 << machine::cpus::current();
    let mut ready = READY.lock();
    let first = ready.iter().position(|task| task.allowed.load(Ordering::Relaxed) & own != 0)?;
    ready.remove(first)
}

/// Runs the task that has been ready longest until it waits; `false` if none is ready that may run on this processor.
pub fn run_one() -> bool {
    let Some(task) = take_ready() else { return false };
    // Before the poll: a wake from now on queues it again.
    task.state.store(RUNS, Ordering::Release);
    // Taken out, so that nothing is locked while the task runs the program.
    let Some(mut work) = task.work.lock().take() else { return true };
    let waker = Waker::from(task.clone());
    let done = work.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
    machine::user::park();
    if done {
        return true;
    }
    *task.work.lock() = Some(work);
    let waits = task.state.compare_exchange(RUNS, WAITS, Ordering::AcqRel, Ordering::Acquire);
    if waits.is_err() {
        task.state.store(IS_READY, Ordering::Release);
        READY.lock().push_back(task);
    }
    true
}

/// Has a processor that halts take up a task that is ready, if there are both. For one that will not do so itself, because
/// it goes on with another task or may not run any of these.
pub fn share() {
    let allowed = READY.lock().iter().fold(0, |all, task| all | task.allowed.load(Ordering::Relaxed));
    if allowed != 0 {
        machine::cpus::wake(allowed);
    }
}

/// Wakes the tasks whose time has come, and tells when the next one's will.
pub fn fire_timers(now: Duration) -> Option<Duration> {
    loop {
        let mut timers = TIMERS.lock();
        let first = timers.first_entry()?;
        let due = first.key().0;
        if due > now {
            return Some(due);
        }
        let waker = first.remove();
        drop(timers);
        waker.wake();
    }
}

/// Lets every other ready task run first.
pub async fn give_way() {
    let mut gave = false;
    poll_fn(|context| {
        if core::mem::replace(&mut gave, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Waits until this time since the boot.
pub async fn sleep_until(due: Duration) {
    let timer = Timer { key: (due, NEXT_TIMER.fetch_add(1, Ordering::Relaxed)) };
    poll_fn(|context| {
        if machine::time::now() >= timer.key.0 {
            return Poll::Ready(());
        }
        TIMERS.lock().insert(timer.key, context.waker().clone());
        Poll::Pending
    })
    .await;
}

/// Wakes this at that time since the boot, unless the timer ends before.
pub fn wake_at(due: Duration, waker: Waker) -> Timer {
    let timer = Timer { key: (due, NEXT_TIMER.fetch_add(1, Ordering::Relaxed)) };
    TIMERS.lock().insert(timer.key, waker);
    timer
}

/// Its end takes it out of the list, also when the task that waits is dropped.
pub struct Timer {
    key: (Duration, u64),
}

impl Drop for Timer {
    fn drop(&mut self) {
        let waker = TIMERS.lock().remove(&self.key);
        // Behind the lock: it may be the last that holds a task with timers of its own.
        drop(waker);
    }
}

/// Runs `work`, but for no longer than until `due`: `None` when the time was over first.
pub async fn timeout<T>(due: Option<Duration>, work: impl Future<Output = T>) -> Option<T> {
    let Some(due) = due else { return Some(work.await) };
    let mut work = core::pin::pin!(work);
    let mut sleep = core::pin::pin!(sleep_until(due));
    poll_fn(|context| {
        if let Poll::Ready(done) = work.as_mut().poll(context) {
            return Poll::Ready(Some(done));
        }
        sleep.as_mut().poll(context).map(|()| None)
    })
    .await
}
