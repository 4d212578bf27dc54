//! Waiting for children (wait4(2), waitid(2)).
use super::{Answer, Call, system};
use crate::errno::Errno;
use crate::program::process::Process;
use crate::program::signal::SIGCHLD;
use crate::program::stop::News;
use alloc::sync::Arc;
use linux_raw_sys::general as linux;

/// Options that name kinds of children: there is only one kind.
const KINDS: u32 = linux::__WNOTHREAD | linux::__WALL | linux::__WCLONE;

/// What has become of a child.
#[derive(Clone, Copy)]
enum Change {
    /// It has ended, with this status.
    Ended(u32),
    /// It lives.
    Lives(News),
}

impl Change {
    /// It as wait(2) tells it.
    fn status(self) -> u32 {
        match self {
            Change::Ended(status) => status,
            Change::Lives(News::Stopped(signal)) => u32::from(signal) << 8 | 0x7f,
            Change::Lives(News::WentOn) => 0xffff,
        }
    }

    /// It as `siginfo_t` tells it: `si_code` and `si_status`.
    fn told(self) -> (u32, u32) {
        match self {
            Change::Ended(status) if status & 0x7f == 0 => (linux::CLD_EXITED, status >> 8),
            Change::Ended(status) => (linux::CLD_KILLED, status),
            Change::Lives(News::Stopped(signal)) => (linux::CLD_STOPPED, u32::from(signal)),
            Change::Lives(News::WentOn) => (linux::CLD_CONTINUED, linux::SIGCONT),
        }
    }
}

/// Which children.
#[derive(Clone, Copy)]
enum Which {
    All,
    /// The one of this number.
    One(u32),
    /// Those of this group.
    Group(u32),
}

/// Which changes of which children are waited for.
struct Wanted {
    which: Which,
    options: u32,
}

impl Wanted {
    fn is_of(&self, child: &Process) -> bool {
        match self.which {
            Which::All => true,
            Which::One(id) => child.id == id,
            Which::Group(group) => child.group() == group,
        }
    }

    /// What has become of this child, if that is waited for.
    fn change(&self, child: &Process) -> Option<Change> {
        let asked = |option: u32| self.options & option != 0;
        if child.is_dead() {
            return asked(linux::WEXITED).then(|| Change::Ended(child.end().map_or(0, |end| end.status())));
        }
        child.stop.news().map(Change::Lives).filter(|change| match change {
            Change::Lives(News::Stopped(_)) => asked(linux::WSTOPPED),
            _ => asked(linux::WCONTINUED),
        })
    }

    /// Waits for one; `None` if there is none yet and the caller does not wait.
    async fn wait(&self, process: &Process) -> Result<Option<(Arc<Process>, Change)>, Errno> {
        let look = || {
            let children = process.children();
            // One that has ended has no news but its end.
            let may_tell = |child: &Process| self.options & linux::WEXITED != 0 || !child.is_dead();
            let mine = |child: &&Arc<Process>| self.is_of(child) && may_tell(child);
            let mut candidates = children.iter().filter(mine).peekable();
            if candidates.peek().is_none() {
                return Some(Err(Errno::ECHILD));
            }
            candidates.find_map(|child| Some(Ok((child.clone(), self.change(child)?))))
        };
        let found = match self.options & linux::WNOHANG {
            0 => Some(process.child_changed.until(look).await),
            _ => look(),
        };
        let Some((child, change)) = found.transpose()? else { return Ok(None) };
        match change {
            _ if self.options & linux::WNOWAIT != 0 => {}
            Change::Ended(_) => process.reap(&child),
            Change::Lives(_) => child.stop.told(),
        }
        Ok(Some((child, change)))
    }
}

pub async fn wait4(call: &mut Call<'_>) -> Answer {
    let (wanted, options) = (call.int::<0>() as i32, call.int::<2>());
    if options & !(linux::WNOHANG | linux::WUNTRACED | linux::WCONTINUED | KINDS) != 0 {
        return Err(Errno::EINVAL);
    }
    let process = call.thread.process.clone();
    let which = match wanted {
        i32::MIN => return Err(Errno::ESRCH),
        -1 => Which::All,
        0 => Which::Group(process.group()),
        1.. => Which::One(wanted.unsigned_abs()),
        _ => Which::Group(wanted.unsigned_abs()),
    };
    let wanted = Wanted { which, options: options | linux::WEXITED };
    let Some((child, change)) = wanted.wait(&process).await? else { return Ok(0) };
    if call.arg::<1>() != 0 {
        call.memory().put(call.arg::<1>(), &change.status())?;
    }
    if call.arg::<3>() != 0 {
        call.memory().put(call.arg::<3>(), &system::usage(child.processor_time(), 0))?;
    }
    Ok(u64::from(child.id))
}

pub async fn waitid(call: &mut Call<'_>) -> Answer {
    let (kind, id, options) = (call.int::<0>(), call.int::<1>(), call.int::<3>());
    let changes = linux::WEXITED | linux::WSTOPPED | linux::WCONTINUED;
    if options & !(changes | linux::WNOHANG | linux::WNOWAIT | KINDS) != 0 || options & changes == 0 {
        return Err(Errno::EINVAL);
    }
    let process = call.thread.process.clone();
    let which = match kind {
        linux::P_ALL => Which::All,
        linux::P_PID if id as i32 > 0 => Which::One(id),
        linux::P_PGID if id == 0 => Which::Group(process.group()),
        linux::P_PGID if id as i32 > 0 => Which::Group(id),
        _ => return Err(Errno::EINVAL),
    };
    let found = Wanted { which, options }.wait(&process).await?;
    if call.arg::<4>() != 0
        && let Some((child, _)) = &found
    {
        call.memory().put(call.arg::<4>(), &system::usage(child.processor_time(), 0))?;
    }
    if call.arg::<2>() != 0 {
        // si_signo, si_errno, si_code, padding, si_pid, si_uid, si_status; all 0 where there is no child.
        let told = found.map_or([0; 7], |(child, change)| {
            let (code, status) = change.told();
            [u32::from(SIGCHLD), 0, code, 0, child.id, 0, status]
        });
        call.memory().put(call.arg::<2>(), &told)?;
    }
    Ok(0)
}
