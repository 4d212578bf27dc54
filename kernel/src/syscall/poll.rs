//! Waiting for one of several files (poll(2), select(2)).
use super::signal::block_for_the_call;
use super::time::{Timespec, Timeval};
use super::{Answer, Call};
use crate::errno::Errno;
use crate::executor;
use crate::file::Events;
use crate::program::descriptors::Open;
use crate::program::memory::Memory;
use crate::program::thread::Thread;
use crate::wait::{WaitQueue, identity};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::future::poll_fn;
use core::task::Poll;
use core::time::Duration;
use linux_raw_sys::general as linux;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// How many descriptors select(2) looks at at least (Linux: NR_OPEN_DEFAULT).
const LEAST_FILES: usize = 64;
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct PollFile {
    descriptor: i32,
    wanted: u16,
    found: u16,
}

/// A file that is waited for; `None` for a descriptor that is not open.
struct Watch {
    open: Option<Arc<Open>>,
    wanted: u32,
}

impl Watch {
    fn found(&self) -> u32 {
        match &self.open {
            Some(open) => open.file.ready().told(self.wanted),
            None => linux::POLLNVAL,
        }
    }
}

fn look(watches: &[Watch]) -> Option<Vec<u32>> {
    let found: Vec<u32> = watches.iter().map(Watch::found).collect();
    found.iter().any(|bits| *bits != 0).then_some(found)
}

/// Waits until one of them has something to tell, or `due`: the bits of each.
async fn wait_for(watches: &[Watch], due: Option<Duration>) -> Vec<u32> {
    let mut task = None;
    let waiting = poll_fn(|context| {
        if let Some(found) = look(watches) {
            return Poll::Ready(found);
        }
        for (queue, events) in queues(watches) {
            queue.register_for(context.waker(), events);
        }
        task = Some(identity(context.waker()));
        look(watches).map_or(Poll::Pending, Poll::Ready)
    });
    let found = executor::timeout(due, waiting).await.unwrap_or_else(|| vec![0; watches.len()]);
    if let Some(task) = task {
        // Files that nothing happens to would keep it for ever.
        queues(watches).for_each(|(queue, _)| queue.forget(task));
    }
    found
}

/// Who is woken when one of these files changes, and for what.
fn queues(watches: &[Watch]) -> impl Iterator<Item = (&WaitQueue, Events)> {
    watches.iter().filter_map(|watch| Some((watch.open.as_ref()?.file.changed()?, Events::asked(watch.wanted))))
}

/// When a time limit in milliseconds is over; negative for never.
pub fn due_after(milliseconds: u32) -> Option<Duration> {
    let limit = u64::try_from(milliseconds as i32).ok()?;
    Some(machine::time::now().saturating_add(Duration::from_millis(limit)))
}

/// When the time limit that a `struct timespec` at `at` says is over.
pub fn due_at(call: &Call<'_>, at: u64) -> Result<Option<Duration>, Errno> {
    if at == 0 {
        return Ok(None);
    }
    let limit = call.memory().get::<Timespec>(at)?.duration()?;
    Ok(Some(machine::time::now().saturating_add(limit)))
}

/// Tells the program what was left of its time limit, however the call ends.
struct TimeLeft<'a> {
    memory: &'a Memory,
    due: Option<Duration>,
    /// Where the limit is, and whether as a `struct timeval`.
    at: u64,
    micro: bool,
}

impl<'a> TimeLeft<'a> {
    fn new(thread: &'a Thread, due: Option<Duration>, at: u64, micro: bool) -> Self {
        TimeLeft { memory: &thread.memory, due, at, micro }
    }
}

impl Drop for TimeLeft<'_> {
    fn drop(&mut self) {
        let Some(due) = self.due else { return };
        let left = due.saturating_sub(machine::time::now());
        // A place that cannot be written changes nothing about what was found.
        let _ = match self.micro {
            true => self.memory.put(self.at, &Timeval::from(left)),
            false => self.memory.put(self.at, &Timespec::from(left)),
        };
    }
}

pub async fn poll(call: &mut Call<'_>) -> Answer {
    poll_until(call, due_after(call.int::<2>())).await
}

pub async fn ppoll(call: &mut Call<'_>) -> Answer {
    let due = due_at(call, call.arg::<2>())?;
    block_for_the_call(call, call.arg::<3>(), call.arg::<4>())?;
    let _left = TimeLeft::new(call.thread, due, call.arg::<2>(), false);
    poll_until(call, due).await
}

async fn poll_until(call: &mut Call<'_>, due: Option<Duration>) -> Answer {
    let (at, count) = (call.arg::<0>(), u64::from(call.int::<1>()));
    if count > call.thread.files.lock().limit() as u64 {
        return Err(Errno::EINVAL);
    }
    let (mut files, mut watches) = (Vec::new(), Vec::new());
    files.try_reserve_exact(count as usize).map_err(|_| Errno::ENOMEM)?;
    watches.try_reserve_exact(count as usize).map_err(|_| Errno::ENOMEM)?;
    for index in 0..count {
        files.push(call.memory().get::<PollFile>(at.wrapping_add(index * 8))?);
    }
    let nothing = nothing();
    watches.extend(files.iter().map(|file| watch(call, file, &nothing)));
    let found = wait_for(&watches, due).await;
    let mut told = 0;
    for ((file, bits), index) in files.iter_mut().zip(found).zip(0..) {
        file.found = if file.descriptor < 0 { 0 } else { bits as u16 };
        told += u64::from(file.found != 0);
        call.memory().put(at.wrapping_add(index * 8), file)?;
    }
    Ok(told)
}

fn watch(call: &Call<'_>, file: &PollFile, nothing: &Arc<Open>) -> Watch {
    match u64::try_from(file.descriptor) {
        Ok(number) => Watch { open: call.open_number(number).ok(), wanted: u32::from(file.wanted) },
        // A negative one is skipped: a file that never has anything to tell.
        Err(_) => Watch { open: Some(nothing.clone()), wanted: 0 },
    }
}

fn nothing() -> Arc<Open> {
    let file = Arc::new(crate::program::epoll::Epoll::default());
    Arc::new(Open::new(file, linux::O_RDWR))
}

pub async fn select(call: &mut Call<'_>) -> Answer {
    let due = match call.arg::<4>() {
        0 => None,
        at => {
            let limit = call.memory().get::<Timeval>(at)?.limit()?;
            Some(machine::time::now().saturating_add(limit))
        }
    };
    let _left = TimeLeft::new(call.thread, due, call.arg::<4>(), true);
    select_until(call, due).await
}

pub async fn pselect6(call: &mut Call<'_>) -> Answer {
    let due = due_at(call, call.arg::<4>())?;
    if call.arg::<5>() != 0 {
        let [set_at, length]: [u64; 2] = call.memory().get(call.arg::<5>())?;
        block_for_the_call(call, set_at, length)?;
    }
    let _left = TimeLeft::new(call.thread, due, call.arg::<4>(), false);
    select_until(call, due).await
}

/// The three sets of select(2): what of a file's events puts it in, and what is waited for.
const SETS: [(Events, Events); 3] = [
    (Events::IN.union(Events::HUP).union(Events::ERR).union(Events::RDHUP), Events::IN.union(Events::RDHUP)),
    (Events::OUT.union(Events::ERR), Events::OUT),
    // Exceptional conditions: there are none.
    (Events::empty(), Events::empty()),
];

async fn select_until(call: &mut Call<'_>, due: Option<Duration>) -> Answer {
    let count = u64::from(call.int::<0>());
    if count > i32::MAX as u64 {
        return Err(Errno::EINVAL);
    }
    // As on Linux: descriptors past the end of the table are not looked at.
    let count = count.min(call.thread.files.lock().size().next_power_of_two().max(LEAST_FILES) as u64);
    let at = [call.arg::<1>(), call.arg::<2>(), call.arg::<3>()];
    let length = count.div_ceil(64) as usize * 8;
    let mut sets: [Vec<u8>; 3] = [vec![], vec![], vec![]];
    for (set, at) in sets.iter_mut().zip(at) {
        *set = if at == 0 { vec![0; length] } else { call.memory().bytes(at, length)? };
    }
    let has = |set: &[u8], number: u64| set.get(number as usize / 8).is_some_and(|byte| byte >> (number % 8) & 1 == 1);
    let mut numbers = Vec::new();
    let mut watches = Vec::new();
    for number in (0..count).filter(|number| sets.iter().any(|set| has(set, *number))) {
        let wanted = sets
            .iter()
            .zip(SETS)
            .filter(|(set, _)| has(set, number))
            .fold(Events::empty(), |all, (_, set)| all | set.1);
        watches.push(Watch { open: Some(call.open_number(number)?), wanted: wanted.bits() });
        numbers.push(number);
    }
    let found = wait_for(&watches, due).await;
    let mut told = 0;
    for ((set, at), (events, _)) in sets.iter().zip(at).zip(SETS) {
        let mut result = vec![0_u8; length];
        for (number, bits) in numbers.iter().zip(&found) {
            if has(set, *number) && Events::from_bits_truncate(*bits).intersects(events) {
                told += 1;
                if let Some(byte) = result.get_mut(*number as usize / 8) {
                    *byte |= 1 << (number % 8);
                }
            }
        }
        if at != 0 {
            call.memory().put(at, result.as_slice())?;
        }
    }
    Ok(told)
}
