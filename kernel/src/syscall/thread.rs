//! Threads and processes (clone(2), exit(2), prctl(2)).
use super::{Answer, Call};
use crate::errno::Errno;
use crate::executor;
use crate::host;
use crate::program::futex::ANY;
use crate::program::memory::{self, Memory};
use crate::program::process::{End, Process};
use crate::program::thread::Thread;
use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::sync::atomic::Ordering;
use image::report::Report;
use linux_raw_sys::{general as linux, prctl as options};
use machine::memory::USER_END;
use spin::Mutex;

/// The most entries of a robust list that are looked at (Linux: ROBUST_LIST_LIMIT).
const ROBUST_LIMIT: usize = 2048;

/// The capability of the highest number (capabilities(7)).
const LAST_CAPABILITY: u64 = 40;

struct Clone {
    flags: u64,
    stack: u64,
    parent_tid: u64,
    child_tid: u64,
    tls: u64,
}

pub async fn clone(call: &mut Call<'_>) -> Answer {
    let [flags, stack, parent_tid, child_tid, tls, _] = call.args;
    start(call, Clone { flags, stack, parent_tid, child_tid, tls }).await
}

pub async fn clone3(call: &mut Call<'_>) -> Answer {
    if call.arg::<1>() < 64 {
        return Err(Errno::EINVAL);
    }
    let [flags, _pidfd, child_tid, parent_tid, signal, stack, length, tls]: [u64; 8] =
        call.memory().get(call.arg::<0>())?;
    let stack = stack.checked_add(length).ok_or(Errno::EINVAL)?;
    start(call, Clone { flags: flags | signal & 0xff, stack, parent_tid, child_tid, tls }).await
}

pub async fn fork(call: &mut Call<'_>) -> Answer {
    start(call, Clone { flags: u64::from(linux::SIGCHLD), stack: 0, parent_tid: 0, child_tid: 0, tls: 0 }).await
}

pub async fn vfork(call: &mut Call<'_>) -> Answer {
    let flags = u64::from(linux::CLONE_VM | linux::CLONE_VFORK | linux::SIGCHLD);
    start(call, Clone { flags, stack: 0, parent_tid: 0, child_tid: 0, tls: 0 }).await
}

async fn start(call: &mut Call<'_>, clone: Clone) -> Answer {
    let flag = |bit: u32| clone.flags & u64::from(bit) != 0;
    let namespaces = linux::CLONE_NEWNS
        | linux::CLONE_NEWPID
        | linux::CLONE_NEWNET
        | linux::CLONE_NEWUSER
        | linux::CLONE_NEWIPC
        | linux::CLONE_NEWUTS
        | linux::CLONE_NEWCGROUP
        | linux::CLONE_PIDFD;
    if flag(namespaces) || flag(linux::CLONE_THREAD) && !(flag(linux::CLONE_VM) && flag(linux::CLONE_SIGHAND)) {
        return Err(Errno::EINVAL);
    }
    if clone.tls >= USER_END && flag(linux::CLONE_SETTLS) {
        return Err(Errno::EPERM);
    }
    if memory::is_scarce() {
        return Err(Errno::EAGAIN);
    }
    let child = copy_thread(call, &clone)?;
    let mut registers = Box::new(call.registers.clone());
    registers.rax = 0;
    if clone.stack != 0 {
        registers.rsp = clone.stack;
    }
    if flag(linux::CLONE_SETTLS) {
        registers.fs_base = clone.tls;
    }
    // A bad address is the program's own matter: the child is there already.
    if flag(linux::CLONE_PARENT_SETTID) {
        let _ = call.memory().put(clone.parent_tid, &child.id);
    }
    if flag(linux::CLONE_CHILD_SETTID) {
        let _ = child.memory.put(clone.child_tid, &child.id);
    }
    if flag(linux::CLONE_CHILD_CLEARTID) {
        child.clear_tid.store(clone.child_tid, Ordering::Relaxed);
    }
    let (id, process) = (child.id, child.process.clone());
    child.spawn(registers);
    if flag(linux::CLONE_VFORK) {
        call.done = u64::from(id);
        process.ended.until(|| process.is_dead().then_some(())).await;
    }
    Ok(u64::from(id))
}

fn copy_thread(call: &Call<'_>, clone: &Clone) -> Result<Arc<Thread>, Errno> {
    let flag = |bit: u32| clone.flags & u64::from(bit) != 0;
    let parent = call.thread;
    let memory = if flag(linux::CLONE_VM) {
        parent.memory.clone()
    } else {
        let copy = parent.memory.space.lock().fork().map_err(|_| Errno::ENOMEM)?;
        let copy = Memory::new(copy);
        copy.barriers.store(parent.memory.barriers.load(Ordering::Relaxed), Ordering::Relaxed);
        Arc::new(copy)
    };
    let files = match flag(linux::CLONE_FILES) {
        true => parent.files.clone(),
        false => Arc::new(Mutex::new(parent.files.lock().clone())),
    };
    let place = match flag(linux::CLONE_FS) {
        true => parent.place.clone(),
        false => Arc::new(Mutex::new(parent.place.lock().clone())),
    };
    let thread = if flag(linux::CLONE_THREAD) {
        Thread::new(&parent.process, call.world().new_id(), memory, files, place)
    } else {
        let actions = parent.process.actions.lock().clone();
        let process = Process::new(call.world(), parent.process.id, actions);
        Thread::new(&process, process.id, memory, files, place)
    };
    let mut signals = thread.signals.lock();
    signals.blocked = parent.blocked();
    if !flag(linux::CLONE_VM) {
        let of_parent = parent.signals.lock();
        (signals.alternate, signals.disarms) = (of_parent.alternate, of_parent.disarms);
    }
    drop(signals);
    *thread.name.lock() = *parent.name.lock();
    thread.allowed.store(parent.allowed.load(Ordering::Relaxed), Ordering::Relaxed);
    Ok(thread)
}

/// The programs that were asked for, by the last part of their paths, and how many are told: a program could ask for any.
static REFUSED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
const MOST_REFUSED: usize = 64;

/// execve(2): one program per machine. Told once for each name: who has a search path tries each of its directories.
pub fn execve(call: &mut Call<'_>) -> Answer {
    let path = call.path::<0>()?;
    let name = path.rsplit('/').next().unwrap_or_default();
    let mut refused = REFUSED.lock();
    if refused.len() < MOST_REFUSED && refused.insert(name.to_string()) {
        host::report(&Report::Notice(format!(
            "one program per machine: it wanted to run {path}, which was refused (EPERM), told once"
        )));
    }
    Err(Errno::EPERM)
}

/// execveat(2), the same.
pub fn execveat(call: &mut Call<'_>) -> Answer {
    call.args[0] = call.arg::<1>();
    execve(call)
}

/// get_robust_list(2), the caller's own.
pub fn get_robust_list(call: &mut Call<'_>) -> Answer {
    if ![0, call.thread.id].contains(&call.int::<0>()) {
        return Err(Errno::ESRCH);
    }
    call.memory().put(call.arg::<1>(), &call.thread.robust_list.load(Ordering::Relaxed))?;
    call.memory().put(call.arg::<2>(), &24_u64)?;
    Ok(0)
}

pub fn exit(call: &mut Call<'_>) -> Answer {
    call.thread.exit(call.int::<0>() as u8);
    Ok(0)
}

pub fn exit_group(call: &mut Call<'_>) -> Answer {
    call.thread.process.finish(End::Exited(call.int::<0>() as u8));
    Ok(0)
}

pub fn set_tid_address(call: &mut Call<'_>) -> Answer {
    call.thread.clear_tid.store(call.arg::<0>(), Ordering::Relaxed);
    Ok(u64::from(call.thread.id))
}

pub fn set_robust_list(call: &mut Call<'_>) -> Answer {
    if call.arg::<1>() != 24 {
        return Err(Errno::EINVAL);
    }
    call.thread.robust_list.store(call.arg::<0>(), Ordering::Relaxed);
    Ok(0)
}

pub async fn sched_yield(_call: &mut Call<'_>) -> Answer {
    executor::give_way().await;
    Ok(0)
}

/// What a thread leaves behind for others of its process: released locks and the word that says it has ended.
pub fn thread_ends(thread: &Thread) {
    // Memory that is not as it should be is the program's own matter: what can be released is released.
    let _ = release_robust(thread);
    let clear = thread.clear_tid.load(Ordering::Relaxed);
    if clear != 0 && thread.memory.put(clear, &0_u32).is_ok() {
        thread.memory.wake(clear, false, 1, ANY);
    }
}

/// Marks the robust futexes that the thread holds as owned by a dead one, and wakes who waits (get_robust_list(2)).
fn release_robust(thread: &Thread) -> Result<(), Errno> {
    let head = thread.robust_list.load(Ordering::Relaxed);
    if head == 0 {
        return Ok(());
    }
    let [first, offset, pending]: [u64; 3] = thread.memory.get(head)?;
    let mut entry = first;
    for _ in 0..ROBUST_LIMIT {
        if entry == head {
            break;
        }
        let next: u64 = thread.memory.get(entry)?;
        if entry != pending {
            release_word(thread, entry.wrapping_add(offset))?;
        }
        entry = next;
    }
    if pending != 0 {
        release_word(thread, pending.wrapping_add(offset))?;
    }
    Ok(())
}

fn release_word(thread: &Thread, at: u64) -> Result<(), Errno> {
    if !at.is_multiple_of(4) {
        return Err(Errno::EINVAL);
    }
    let owns = |word: u32| word & linux::FUTEX_TID_MASK == thread.id;
    let release = |word| if owns(word) { word & linux::FUTEX_WAITERS | linux::FUTEX_OWNER_DIED } else { word };
    if owns(thread.memory.change(at, release)?) {
        thread.memory.wake(at, false, 1, ANY);
    }
    Ok(())
}

pub fn prctl(call: &mut Call<'_>) -> Answer {
    match call.int::<0>() {
        options::PR_SET_NAME => {
            let name = name_at(call.memory(), call.arg::<1>())?;
            call.thread.set_name(&name);
        }
        options::PR_GET_NAME => call.memory().put(call.arg::<1>(), &*call.thread.name.lock())?,
        options::PR_GET_DUMPABLE => return Ok(1),
        options::PR_GET_PDEATHSIG => call.memory().put(call.arg::<1>(), &0_u32)?,
        // Root has every capability, and none of them is ambient.
        options::PR_CAPBSET_READ if call.arg::<1>() <= LAST_CAPABILITY => return Ok(1),
        options::PR_CAP_AMBIENT if call.arg::<1>() == u64::from(options::PR_CAP_AMBIENT_IS_SET) => return Ok(0),
        options::PR_GET_NO_NEW_PRIVS | options::PR_GET_KEEPCAPS | options::PR_GET_THP_DISABLE => return Ok(0),
        options::PR_GET_TIMERSLACK => return Ok(50_000),
        options::PR_GET_TSC => call.memory().put(call.arg::<1>(), &options::PR_TSC_ENABLE)?,
        options::PR_SET_VMA => {}
        options::PR_SET_DUMPABLE
        | options::PR_SET_PDEATHSIG
        | options::PR_SET_NO_NEW_PRIVS
        | options::PR_SET_KEEPCAPS
        | options::PR_SET_TIMERSLACK
        | options::PR_SET_THP_DISABLE => {}
        _ => return Err(Errno::EINVAL),
    }
    Ok(0)
}

/// Up to 15 bytes that end at a zero.
fn name_at(memory: &Memory, at: u64) -> Result<alloc::vec::Vec<u8>, Errno> {
    let mut name = alloc::vec::Vec::new();
    for index in 0..15 {
        match memory.get::<u8>(at.wrapping_add(index))? {
            0 => break,
            byte => name.push(byte),
        }
    }
    Ok(name)
}
