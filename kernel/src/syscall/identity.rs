//! Who the caller is: always root, in a session of its own (credentials(7)).
use super::{Answer, Call};
use crate::errno::Errno;

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

/// getpgrp(2), getpgid(2), getsid(2), setsid(2): each process leads its own.
pub fn own_group(call: &mut Call<'_>) -> Answer {
    getpid(call)
}

pub fn setpgid(call: &mut Call<'_>) -> Answer {
    let own = [0, call.thread.process.id];
    if own.contains(&call.int::<0>()) { Ok(0) } else { Err(Errno::ESRCH) }
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
    if data == 0 && words != Err(Errno::EFAULT) {
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
