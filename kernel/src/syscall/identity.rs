//! Who the caller is: always root, and the groups of processes (credentials(7)).
use super::{Answer, Call};
use crate::errno::Errno;
use crate::program::process::Process;
use alloc::sync::Arc;

pub fn getpid(call: &mut Call<'_>) -> Answer {
    Ok(u64::from(call.thread.process.id))
}

pub fn gettid(call: &mut Call<'_>) -> Answer {
    Ok(u64::from(call.thread.id))
}

pub fn getppid(call: &mut Call<'_>) -> Answer {
    Ok(u64::from(call.thread.process.parent()))
}

/// getuid(2) and its family: root.
pub fn root(_call: &mut Call<'_>) -> Answer {
    Ok(0)
}

/// setuid(2) and its family: root may, and stays root.
pub fn stay_root(_call: &mut Call<'_>) -> Answer {
    Ok(0)
}

/// getresuid(2), getresgid(2).
pub fn three_roots(call: &mut Call<'_>) -> Answer {
    for at in [call.arg::<0>(), call.arg::<1>(), call.arg::<2>()] {
        call.memory().put(at, &0_u32)?;
    }
    Ok(0)
}

/// getgroups(2): none.
pub fn getgroups(_call: &mut Call<'_>) -> Answer {
    Ok(0)
}

/// The process of this number, 0 for the caller's.
fn process_of(call: &Call<'_>, id: u32) -> Result<Arc<Process>, Errno> {
    let own = &call.thread.process;
    if id == 0 { Ok(own.clone()) } else { call.world().process(id).ok_or(Errno::ESRCH) }
}

pub fn getpgrp(call: &mut Call<'_>) -> Answer {
    Ok(u64::from(call.thread.process.group()))
}

pub fn getpgid(call: &mut Call<'_>) -> Answer {
    Ok(u64::from(process_of(call, call.int::<0>())?.group()))
}

pub fn getsid(call: &mut Call<'_>) -> Answer {
    Ok(u64::from(process_of(call, call.int::<0>())?.session()))
}

pub fn setsid(call: &mut Call<'_>) -> Answer {
    call.thread.process.begin_session().map(u64::from)
}

/// setpgid(2), for the caller and its children.
pub fn setpgid(call: &mut Call<'_>) -> Answer {
    let (id, group) = (call.int::<0>(), call.int::<1>());
    if group as i32 <= -1 {
        return Err(Errno::EINVAL);
    }
    let (process, own) = (process_of(call, id)?, &call.thread.process);
    if process.id != own.id && process.parent() != own.id {
        return Err(Errno::ESRCH);
    }
    if process.session() != own.session() {
        return Err(Errno::EPERM);
    }
    process.join_group(if group == 0 { process.id } else { group }).map(|()| 0)
}

/// The headers of capget(2) that are known, by their version, with how many groups of three words follow.
const CAPABILITY_VERSIONS: [(u32, usize); 3] = [(0x1998_0330, 1), (0x2007_1026, 2), (0x2008_0522, 2)];
/// All capabilities that there are, in two words.
const ALL_CAPABILITIES: [u32; 2] = [u32::MAX, 0x1ff];

fn capability_words(call: &Call<'_>) -> Result<usize, Errno> {
    let version: u32 = call.memory().get(call.arg::<0>())?;
    match CAPABILITY_VERSIONS.iter().find(|(known, _)| *known == version) {
        Some((_, count)) => Ok(*count),
        None => {
            call.memory().put(call.arg::<0>(), &CAPABILITY_VERSIONS[2].0)?;
            Err(Errno::EINVAL)
        }
    }
}

/// capget(2): root has all of them, and none is inherited.
pub fn capget(call: &mut Call<'_>) -> Answer {
    let (data, words) = (call.arg::<1>(), capability_words(call));
    if data == 0 && !matches!(words, Err(Errno::EFAULT | Errno::EXHAUSTED)) {
        // Asked for the version only.
        return Ok(0);
    }
    for (index, all) in ALL_CAPABILITIES.into_iter().take(words?).enumerate() {
        call.memory().put(data.wrapping_add(index as u64 * 12), &[all, all, 0])?;
    }
    Ok(0)
}

/// capset(2): taken without effect.
pub fn capset(call: &mut Call<'_>) -> Answer {
    capability_words(call).map(|_| 0)
}

/// personality(2): Linux's own, and it stays that.
pub fn personality(_call: &mut Call<'_>) -> Answer {
    Ok(0)
}
