//! Processors, and where threads run (sched_setaffinity(2), getcpu(2), membarrier(2)).
use super::{Answer, Call};
use crate::errno::Errno;
use crate::executor;
use crate::program::thread::Thread;
use alloc::sync::Arc;
use core::sync::atomic::Ordering;
use linux_raw_sys::general::membarrier_cmd as command;

/// The size of a set of processors in bytes: a bit for each of 64.
const SET: u64 = 8;

/// The set of all processors that there are.
fn all() -> u64 {
    u64::MAX >> (64 - machine::cpus::count().clamp(1, 64))
}

/// The thread that is meant: the caller for 0, or one of any process.
fn thread(call: &Call<'_>) -> Result<Arc<Thread>, Errno> {
    match call.int::<0>() {
        0 => Ok(call.thread.clone()),
        id => call.world().thread(id).ok_or(Errno::ESRCH),
    }
}

pub fn sched_getaffinity(call: &mut Call<'_>) -> Answer {
    let length = call.arg::<1>();
    if length < SET || !length.is_multiple_of(8) {
        return Err(Errno::EINVAL);
    }
    let allowed = thread(call)?.allowed.load(Ordering::Relaxed) & all();
    call.memory().put(call.arg::<2>(), &allowed)?;
    Ok(SET)
}

pub async fn sched_setaffinity(call: &mut Call<'_>) -> Answer {
    // A shorter set has zeroes behind it, of a longer one no more is looked at.
    let bytes = call.memory().bytes(call.arg::<2>(), call.arg::<1>().min(SET) as usize)?;
    let wanted = bytes.iter().rev().fold(0, |set, byte| set << 8 | u64::from(*byte));
    let thread = thread(call)?;
    if wanted & all() == 0 {
        return Err(Errno::EINVAL);
    }
    thread.allowed.store(wanted & all(), Ordering::Relaxed);
    // It goes on where it may.
    if Arc::ptr_eq(&thread, call.thread) {
        executor::give_way().await;
    } else {
        thread.wake();
    }
    Ok(0)
}

pub fn getcpu(call: &mut Call<'_>) -> Answer {
    let number = machine::cpus::current() as u32;
    // The second is the memory's node: there is one.
    for (at, value) in [(call.arg::<0>(), number), (call.arg::<1>(), 0)].into_iter().filter(|(at, _)| *at != 0) {
        call.memory().put(at, &value)?;
    }
    Ok(0)
}

/// membarrier(2): what other threads did before it is done, and what they do after it sees what the caller did.
pub fn membarrier(call: &mut Call<'_>) -> Answer {
    const QUERY: u32 = command::MEMBARRIER_CMD_QUERY as u32;
    const GLOBAL: u32 = command::MEMBARRIER_CMD_GLOBAL as u32;
    const PRIVATE: u32 = command::MEMBARRIER_CMD_PRIVATE_EXPEDITED as u32;
    const REGISTER: u32 = command::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED as u32;
    if call.int::<1>() != 0 {
        return Err(Errno::EINVAL);
    }
    let registered = &call.memory().barriers;
    match call.int::<0>() {
        QUERY => return Ok(u64::from(GLOBAL | PRIVATE | REGISTER)),
        REGISTER => registered.store(true, Ordering::Relaxed),
        PRIVATE if !registered.load(Ordering::Relaxed) => return Err(Errno::EPERM),
        GLOBAL | PRIVATE => machine::cpus::barrier(),
        _ => return Err(Errno::EINVAL),
    }
    Ok(0)
}
