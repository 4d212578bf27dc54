//! Pipes, counters and sets of files (pipe(2), eventfd(2), epoll(7)).
use super::poll::{due_after, due_at};
use super::signal::block_for_the_call;
use super::{Answer, Call};
use crate::errno::Errno;
use crate::executor;
use crate::file::File;
use crate::program::descriptors::Open;
use crate::program::epoll::Epoll;
use crate::program::eventfd::Counter;
use crate::program::pipe;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;
use linux_raw_sys::general as linux;
use machine::memory::USER_END;

/// The most events that one call takes.
const MOST_EVENTS: u32 = 4096;
/// The most that it may ask for (Linux: EP_MAX_EVENTS).
const MAX_EVENTS: u32 = i32::MAX as u32 / 12;

fn add(call: &Call<'_>, file: Arc<dyn File>, access: u32, flags: u32) -> Answer {
    let open = Open::new(file, access | flags & linux::O_NONBLOCK);
    call.thread.files.lock().add(Arc::new(open), flags & linux::O_CLOEXEC != 0, 0)
}

pub fn pipe(call: &mut Call<'_>) -> Answer {
    new_pipe(call, 0)
}

pub fn pipe2(call: &mut Call<'_>) -> Answer {
    let flags = call.int::<1>();
    if flags & !(linux::O_NONBLOCK | linux::O_CLOEXEC) != 0 {
        return Err(Errno::EINVAL);
    }
    new_pipe(call, flags)
}

fn new_pipe(call: &mut Call<'_>, flags: u32) -> Answer {
    let (reader, writer) = pipe::pipe();
    let reader = add(call, reader, linux::O_RDONLY, flags)?;
    let writer = add(call, writer, linux::O_WRONLY, flags);
    let told = writer.and_then(|writer| call.memory().put(call.arg::<0>(), &[reader as u32, writer as u32]));
    if let Err(error) = told {
        for number in [Ok(reader), writer].into_iter().flatten() {
            let closed = call.thread.files.lock().remove(number);
            drop(closed);
        }
        return Err(error);
    }
    Ok(0)
}

pub fn eventfd(call: &mut Call<'_>) -> Answer {
    new_counter(call, 0)
}

pub fn eventfd2(call: &mut Call<'_>) -> Answer {
    new_counter(call, call.int::<1>())
}

fn new_counter(call: &mut Call<'_>, flags: u32) -> Answer {
    if flags & !(linux::EFD_SEMAPHORE | linux::O_NONBLOCK | linux::O_CLOEXEC) != 0 {
        return Err(Errno::EINVAL);
    }
    let counter = Counter::new(u64::from(call.int::<0>()), flags & linux::EFD_SEMAPHORE != 0);
    add(call, Arc::new(counter), linux::O_RDWR, flags)
}

pub fn epoll_create(call: &mut Call<'_>) -> Answer {
    if call.int::<0>() as i32 <= 0 {
        return Err(Errno::EINVAL);
    }
    add(call, Arc::new(Epoll::default()), linux::O_RDWR, 0)
}

pub fn epoll_create1(call: &mut Call<'_>) -> Answer {
    if call.int::<0>() & !linux::O_CLOEXEC != 0 {
        return Err(Errno::EINVAL);
    }
    add(call, Arc::new(Epoll::default()), linux::O_RDWR, call.int::<0>())
}

fn as_epoll(open: &Open) -> Result<&Epoll, Errno> {
    open.file.any().downcast_ref().ok_or(Errno::EINVAL)
}

pub fn epoll_ctl(call: &mut Call<'_>) -> Answer {
    let operation = call.int::<1>();
    // struct epoll_event is packed: 32 bits of events, 64 of data.
    let (events, data) = if operation == linux::EPOLL_CTL_DEL {
        (0, 0)
    } else {
        let [events, low, high]: [u32; 3] = call.memory().get(call.arg::<3>())?;
        (events, u64::from(high) << 32 | u64::from(low))
    };
    let set = call.open::<0>()?;
    let number = u64::from(call.int::<2>());
    let open = call.open_number(number)?;
    // Files that are always ready cannot be waited for.
    if open.file.changed().is_none() {
        return Err(Errno::EPERM);
    }
    let epoll = as_epoll(&set)?;
    if Arc::ptr_eq(&set, &open) {
        return Err(Errno::EINVAL);
    }
    match operation {
        linux::EPOLL_CTL_ADD => epoll.add(&set, number, &open, events, data)?,
        linux::EPOLL_CTL_MOD => epoll.modify(number, &open, events, data)?,
        linux::EPOLL_CTL_DEL => epoll.remove(number, &open)?,
        _ => return Err(Errno::EINVAL),
    }
    Ok(0)
}

pub async fn epoll_wait(call: &mut Call<'_>) -> Answer {
    wait_until(call, due_after(call.int::<3>())).await
}

pub async fn epoll_pwait(call: &mut Call<'_>) -> Answer {
    let due = due_after(call.int::<3>());
    block_for_the_call(call, call.arg::<4>(), call.arg::<5>())?;
    wait_until(call, due).await
}

pub async fn epoll_pwait2(call: &mut Call<'_>) -> Answer {
    let due = due_at(call, call.arg::<3>())?;
    block_for_the_call(call, call.arg::<4>(), call.arg::<5>())?;
    wait_until(call, due).await
}

async fn wait_until(call: &mut Call<'_>, due: Option<Duration>) -> Answer {
    let (at, most) = (call.arg::<1>(), call.int::<2>());
    if most == 0 || most > MAX_EVENTS {
        return Err(Errno::EINVAL);
    }
    if at.checked_add(u64::from(most) * 12).is_none_or(|end| end > USER_END) {
        return Err(Errno::EFAULT);
    }
    let set = call.open::<0>()?;
    let epoll = as_epoll(&set)?;
    let events = executor::timeout(due, epoll.wait(most.min(MOST_EVENTS) as usize)).await.unwrap_or_default();
    let mut bytes = Vec::with_capacity(events.len() * 12);
    for (bits, data) in &events {
        bytes.extend_from_slice(&bits.to_le_bytes());
        bytes.extend_from_slice(&data.to_le_bytes());
    }
    call.memory().put(at, bytes.as_slice())?;
    Ok(events.len() as u64)
}
