//! Waiting for one of several files (poll(2), select(2)).
use super::signal::block_for_the_call;
use super::time::{Timespec, Timeval};
use super::{Answer, Call};
use crate::errno::Errno;
use crate::executor;
use crate::file::Events;
use crate::program::descriptors::Open;
use crate::wait::{WaitQueue, identity};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::future::poll_fn;
use core::task::Poll;
use core::time::Duration;
use linux_raw_sys::general as linux;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The most files that one call of select(2) may name.
const MAX_FILES: u64 = 65_536;
/// What is told without being asked for.
const ALWAYS: Events = Events::ERR.union(Events::HUP);

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
    wanted: Events,
}

impl Watch {
    fn found(&self) -> u32 {
        match &self.open {
            Some(open) => (open.file.ready() & (self.wanted | ALWAYS)).bits(),
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
        queues(watches).for_each(|queue| queue.register(context.waker()));
        task = Some(identity(context.waker()));
        look(watches).map_or(Poll::Pending, Poll::Ready)
    });
    let found = executor::timeout(due, waiting).await.unwrap_or_else(|| vec![0; watches.len()]);
    if let Some(task) = task {
        // Files that nothing happens to would keep it for ever.
        queues(watches).for_each(|queue| queue.forget(task));
    }
    found
}

/// Who is woken when one of these files changes.
fn queues(watches: &[Watch]) -> impl Iterator<Item = &WaitQueue> {
    watches.iter().filter_map(|watch| watch.open.as_ref()?.file.changed())
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

pub async fn poll(call: &mut Call<'_>) -> Answer {
    poll_until(call, due_after(call.int::<2>())).await
}

pub async fn ppoll(call: &mut Call<'_>) -> Answer {
    let due = due_at(call, call.arg::<2>())?;
    block_for_the_call(call, call.arg::<3>())?;
    poll_until(call, due).await
}

async fn poll_until(call: &mut Call<'_>, due: Option<Duration>) -> Answer {
    let (at, count) = (call.arg::<0>(), call.arg::<1>());
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
        Ok(number) => {
            Watch { open: call.open_number(number).ok(), wanted: Events::from_bits_truncate(u32::from(file.wanted)) }
        }
        // A negative one is skipped: a file that never has anything to tell.
        Err(_) => Watch { open: Some(nothing.clone()), wanted: Events::empty() },
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
            let limit = call.memory().get::<Timeval>(at)?.duration()?;
            Some(machine::time::now().saturating_add(limit))
        }
    };
    select_until(call, due).await
}

pub async fn pselect6(call: &mut Call<'_>) -> Answer {
    let due = due_at(call, call.arg::<4>())?;
    if call.arg::<5>() != 0 {
        let [set_at, _]: [u64; 2] = call.memory().get(call.arg::<5>())?;
        block_for_the_call(call, set_at)?;
    }
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
    if count > MAX_FILES {
        return Err(Errno::EINVAL);
    }
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
        watches.push(Watch { open: Some(call.open_number(number)?), wanted });
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
