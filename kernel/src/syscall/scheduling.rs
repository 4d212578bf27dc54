//! How threads are scheduled (sched(7)): all alike, in turn. What is asked for is checked, and changes nothing.
use super::{Answer, Call};
use crate::errno::Errno;
use linux_raw_sys::general as linux;

const FIFO: u32 = linux::SCHED_FIFO;
const ROUND_ROBIN: u32 = linux::SCHED_RR;
/// The most bytes of a `struct sched_attr` that are known (SCHED_ATTR_SIZE_VER0).
const ATTRIBUTES: u64 = 48;

fn is_real_time(policy: u32) -> bool {
    [FIFO, ROUND_ROBIN].contains(&policy)
}

/// Whether this number is a thread's of the caller's process; 0 is the caller.
fn exists(call: &Call<'_>, id: u32) -> Result<(), Errno> {
    match id {
        _ if id as i32 <= -1 => Err(Errno::EINVAL),
        0 => Ok(()),
        id if call.thread.process.thread(id).is_some() || call.world().process(id).is_some() => Ok(()),
        _ => Err(Errno::ESRCH),
    }
}

fn check_priority(policy: u32, priority: i32) -> Result<(), Errno> {
    let allowed = match policy & !linux::SCHED_RESET_ON_FORK {
        policy if is_real_time(policy) => 1..=99,
        linux::SCHED_NORMAL | linux::SCHED_BATCH | linux::SCHED_IDLE => 0..=0,
        _ => return Err(Errno::EINVAL),
    };
    if allowed.contains(&priority) { Ok(()) } else { Err(Errno::EINVAL) }
}

pub fn sched_setparam(call: &mut Call<'_>) -> Answer {
    let priority: i32 = call.memory().get(call.arg::<1>())?;
    exists(call, call.int::<0>())?;
    check_priority(linux::SCHED_NORMAL, priority).map(|()| 0)
}

pub fn sched_getparam(call: &mut Call<'_>) -> Answer {
    exists(call, call.int::<0>())?;
    call.memory().put(call.arg::<1>(), &0_u32)?;
    Ok(0)
}

pub fn sched_setscheduler(call: &mut Call<'_>) -> Answer {
    let priority: i32 = call.memory().get(call.arg::<2>())?;
    exists(call, call.int::<0>())?;
    check_priority(call.int::<1>(), priority).map(|()| 0)
}

pub fn sched_getscheduler(call: &mut Call<'_>) -> Answer {
    exists(call, call.int::<0>())?;
    Ok(u64::from(linux::SCHED_NORMAL))
}

fn limit(policy: u32, real_time: u64) -> Answer {
    match policy {
        policy if is_real_time(policy) => Ok(real_time),
        linux::SCHED_NORMAL | linux::SCHED_BATCH | linux::SCHED_IDLE | linux::SCHED_DEADLINE => Ok(0),
        _ => Err(Errno::EINVAL),
    }
}

pub fn sched_get_priority_max(call: &mut Call<'_>) -> Answer {
    limit(call.int::<0>(), 99)
}

pub fn sched_get_priority_min(call: &mut Call<'_>) -> Answer {
    limit(call.int::<0>(), 1)
}

pub fn sched_rr_get_interval(call: &mut Call<'_>) -> Answer {
    exists(call, call.int::<0>())?;
    call.memory().put(call.arg::<1>(), &[0_u64, 10_000_000])?;
    Ok(0)
}

pub fn sched_setattr(call: &mut Call<'_>) -> Answer {
    let [size, policy]: [u32; 2] = call.memory().get(call.arg::<1>())?;
    exists(call, call.int::<0>())?;
    let priority: u32 = call.memory().get(call.arg::<1>().wrapping_add(20))?;
    if u64::from(size) < ATTRIBUTES && size != 0 {
        return Err(Errno::EINVAL);
    }
    check_priority(policy, priority as i32).map(|()| 0)
}

pub fn sched_getattr(call: &mut Call<'_>) -> Answer {
    exists(call, call.int::<0>())?;
    if u64::from(call.int::<2>()) < ATTRIBUTES || call.int::<3>() != 0 {
        return Err(Errno::EINVAL);
    }
    let mut words = [0_u32; ATTRIBUTES as usize / 4];
    words[0] = ATTRIBUTES as u32;
    call.memory().put(call.arg::<1>(), &words)?;
    Ok(0)
}

/// getpriority(2): 20 less the nice value, which is 0.
pub fn getpriority(call: &mut Call<'_>) -> Answer {
    if call.int::<0>() > linux::PRIO_USER { Err(Errno::EINVAL) } else { Ok(20) }
}

pub fn setpriority(call: &mut Call<'_>) -> Answer {
    if call.int::<0>() > linux::PRIO_USER { Err(Errno::EINVAL) } else { Ok(0) }
}

/// ioprio_set(2), ioprio_get(2): no disk is there to be waited for.
pub fn ioprio(call: &mut Call<'_>) -> Answer {
    if (1..=3).contains(&call.int::<0>()) { Ok(0) } else { Err(Errno::EINVAL) }
}
