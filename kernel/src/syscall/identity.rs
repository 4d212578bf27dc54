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
