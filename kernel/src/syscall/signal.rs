//! Signals (rt_sigaction(2), rt_sigprocmask(2), kill(2), sigaltstack(2) and their family).
use super::time::Timespec;
use super::{Answer, Call};
use crate::errno::Errno;
use crate::executor;
use crate::program::frame::{self, AUTODISARM, SignalInfo, Stack};
use crate::program::signal::{Action, Info, SIGSEGV, Set, Signal, UNSTOPPABLE, only};
use crate::program::thread::{self, Thread};
use alloc::sync::Arc;
use linux_raw_sys::general as linux;

/// `si_code` of kill(2) and tgkill(2).
const SI_USER: i32 = 0;
const SI_TKILL: i32 = -6;

fn signal_of(number: u32) -> Result<Signal, Errno> {
    u8::try_from(number).ok().filter(|signal| (1..=64).contains(signal)).ok_or(Errno::EINVAL)
}

pub fn rt_sigaction(call: &mut Call<'_>) -> Answer {
    let signal = signal_of(call.int::<0>())?;
    if call.arg::<3>() != 8 {
        return Err(Errno::EINVAL);
    }
    let old = call.thread.process.actions.lock().get(signal);
    if call.arg::<1>() != 0 {
        let action: Action = call.memory().get(call.arg::<1>())?;
        if only(signal) & UNSTOPPABLE != 0 {
            return Err(Errno::EINVAL);
        }
        let mut actions = call.thread.process.actions.lock();
        actions.set(signal, action);
        let ignored = actions.ignores(signal);
        drop(actions);
        if ignored {
            call.thread.process.forget(signal);
        }
    }
    if call.arg::<2>() != 0 {
        call.memory().put(call.arg::<2>(), &old)?;
    }
    Ok(0)
}

pub fn rt_sigprocmask(call: &mut Call<'_>) -> Answer {
    if call.arg::<3>() != 8 {
        return Err(Errno::EINVAL);
    }
    let old = call.thread.blocked();
    if call.arg::<1>() != 0 {
        let set: Set = call.memory().get(call.arg::<1>())?;
        let new = match call.int::<0>() {
            linux::SIG_BLOCK => old | set,
            linux::SIG_UNBLOCK => old & !set,
            linux::SIG_SETMASK => set,
            _ => return Err(Errno::EINVAL),
        };
        call.thread.signals.lock().blocked = new & !UNSTOPPABLE;
    }
    if call.arg::<2>() != 0 {
        call.memory().put(call.arg::<2>(), &old)?;
    }
    Ok(0)
}

pub fn rt_sigpending(call: &mut Call<'_>) -> Answer {
    let pending = call.thread.pending() & call.thread.blocked();
    call.memory().put(call.arg::<0>(), &pending)?;
    Ok(0)
}

/// Blocks this set until the call is over: for sigsuspend(2), ppoll(2) and their like.
pub fn block_for_the_call(call: &Call<'_>, set_at: u64, length: u64) -> Result<(), Errno> {
    if set_at != 0 {
        if length != 8 {
            return Err(Errno::EINVAL);
        }
        let set: Set = call.memory().get(set_at)?;
        let mut signals = call.thread.signals.lock();
        signals.restore = Some(signals.blocked);
        signals.blocked = set & !UNSTOPPABLE;
    }
    Ok(())
}

pub async fn rt_sigsuspend(call: &mut Call<'_>) -> Answer {
    if call.arg::<1>() != 8 {
        return Err(Errno::EINVAL);
    }
    block_for_the_call(call, call.arg::<0>(), call.arg::<1>())?;
    core::future::pending().await
}

pub async fn pause(_call: &mut Call<'_>) -> Answer {
    core::future::pending().await
}

pub async fn rt_sigtimedwait(call: &mut Call<'_>) -> Answer {
    if call.arg::<3>() != 8 {
        return Err(Errno::EINVAL);
    }
    let wanted: Set = call.memory().get::<Set>(call.arg::<0>())? & !UNSTOPPABLE;
    let due = match call.arg::<2>() {
        0 => None,
        at => Some(machine::time::now().saturating_add(call.memory().get::<Timespec>(at)?.duration()?)),
    };
    let thread = call.thread;
    let taken = executor::timeout(due, thread.interrupt.until(|| thread.take_signal(wanted))).await;
    let (signal, info) = taken.ok_or(Errno::EAGAIN)?;
    if call.arg::<1>() != 0 {
        call.memory().put(call.arg::<1>(), &SignalInfo::new(signal, &info))?;
    }
    Ok(u64::from(signal))
}

pub fn sigaltstack(call: &mut Call<'_>) -> Answer {
    let signals = call.thread.signals.lock();
    let ((start, length), disarms) = (signals.alternate, signals.disarms);
    drop(signals);
    let on_it = length > 0 && call.registers.rsp.wrapping_sub(start) < length && !disarms;
    // Read first: the old one may go to the same place.
    let new: Option<Stack> = match call.arg::<0>() {
        0 => None,
        at => Some(call.memory().get(at)?),
    };
    if call.arg::<1>() != 0 {
        let flags = match (length, on_it) {
            (0, _) => linux::SS_DISABLE,
            (_, true) => linux::SS_ONSTACK,
            _ if disarms => AUTODISARM,
            _ => 0,
        };
        call.memory().put(call.arg::<1>(), &Stack { start, flags, padding: 0, length })?;
    }
    if let Some(new) = new {
        if on_it {
            return Err(Errno::EPERM);
        }
        if ![0, linux::SS_ONSTACK, linux::SS_DISABLE].contains(&(new.flags & !AUTODISARM)) {
            return Err(Errno::EINVAL);
        }
        let off = new.flags & linux::SS_DISABLE != 0;
        if !off && new.length < u64::from(linux::MINSIGSTKSZ) {
            return Err(Errno::ENOMEM);
        }
        let mut signals = call.thread.signals.lock();
        signals.alternate = if off { (0, 0) } else { (new.start, new.length) };
        signals.disarms = !off && new.flags & AUTODISARM != 0;
    }
    Ok(0)
}

pub fn rt_sigreturn(call: &mut Call<'_>) -> Answer {
    let result = frame::leave_handler(call.thread, call.registers);
    if result.is_err() {
        let what = "segmentation fault: a signal handler returned to what is no signal frame".into();
        thread::force(call.thread, SIGSEGV, thread::KERNEL, 0, what);
    }
    Ok(result.unwrap_or(0))
}

fn from_user(call: &Call<'_>, code: i32) -> Info {
    Info { code, value: u64::from(call.thread.process.id), ..Info::default() }
}

pub fn kill(call: &mut Call<'_>) -> Answer {
    let (target, number) = (call.int::<0>() as i32, call.int::<1>());
    let world = call.world();
    let processes = match target {
        -1 => return Err(Errno::EPERM),
        1.. => world.process(target.unsigned_abs()).into_iter().collect(),
        0 => world.group(call.thread.process.group()),
        _ => world.group(target.unsigned_abs()),
    };
    if processes.is_empty() {
        return Err(Errno::ESRCH);
    }
    if number != 0 {
        let signal = signal_of(number)?;
        for process in processes {
            process.post(signal, from_user(call, SI_USER));
        }
    }
    Ok(0)
}

fn post_to_thread(call: &Call<'_>, thread: Option<Arc<Thread>>, number: u32) -> Answer {
    let thread = thread.ok_or(Errno::ESRCH)?;
    if number != 0 {
        thread.post(signal_of(number)?, from_user(call, SI_TKILL));
    }
    Ok(0)
}

/// What rt_sigqueueinfo(2) is to tell with the signal. Only to itself may a process say that the kernel sends it.
fn queued(call: &Call<'_>, at: u64, to: u32) -> Result<Info, Errno> {
    let words: [u64; 16] = call.memory().get(at)?;
    let code = words[1] as i32;
    if to != call.thread.process.id && (code >= 0 || code == SI_TKILL) {
        return Err(Errno::EPERM);
    }
    Ok(Info { code, value: words[2], queued: words[3], ..Info::default() })
}

pub fn rt_sigqueueinfo(call: &mut Call<'_>) -> Answer {
    let (id, number) = (call.int::<0>(), call.int::<1>());
    let info = queued(call, call.arg::<2>(), id)?;
    let process = call.world().process(id).ok_or(Errno::ESRCH)?;
    let room = number == 0 || process.post(signal_of(number)?, info);
    if room { Ok(0) } else { Err(Errno::EAGAIN) }
}

pub fn rt_tgsigqueueinfo(call: &mut Call<'_>) -> Answer {
    let (id, thread, number) = (call.int::<0>(), call.int::<1>(), call.int::<2>());
    if id as i32 <= 0 || thread as i32 <= 0 {
        return Err(Errno::EINVAL);
    }
    let info = queued(call, call.arg::<3>(), id)?;
    let process = call.world().process(id).ok_or(Errno::ESRCH)?;
    let thread = process.thread(thread).ok_or(Errno::ESRCH)?;
    let room = number == 0 || thread.post(signal_of(number)?, info);
    if room { Ok(0) } else { Err(Errno::EAGAIN) }
}

pub fn tkill(call: &mut Call<'_>) -> Answer {
    if call.int::<0>() as i32 <= 0 {
        return Err(Errno::EINVAL);
    }
    let thread = call.thread.process.thread(call.int::<0>());
    post_to_thread(call, thread, call.int::<1>())
}

pub fn tgkill(call: &mut Call<'_>) -> Answer {
    if call.int::<0>() as i32 <= 0 || call.int::<1>() as i32 <= 0 {
        return Err(Errno::EINVAL);
    }
    let process = call.world().process(call.int::<0>()).ok_or(Errno::ESRCH)?;
    post_to_thread(call, process.thread(call.int::<1>()), call.int::<2>())
}
