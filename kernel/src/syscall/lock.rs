//! Locks on files (flock(2), and the commands of fcntl(2) for them).
use super::{Answer, Call};
use crate::errno::Errno;
use crate::program::descriptors::Open;
use crate::program::locks::{self, FOR_EVER, Lock, Owner};
use alloc::sync::Arc;
use core::ops::Range;
use linux_raw_sys::general as linux;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// `struct flock`.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Flock {
    kind: u16,
    origin: u16,
    padding: u32,
    start: i64,
    length: i64,
    process: i32,
    end: u32,
}

impl Flock {
    /// The bytes that it is about.
    fn range(&self, open: &Open) -> Result<Range<u64>, Errno> {
        let base = match u32::from(self.origin) {
            linux::SEEK_SET => 0,
            linux::SEEK_CUR => *open.offset.lock() as i64,
            linux::SEEK_END => open.file.status().size as i64,
            _ => return Err(Errno::EINVAL),
        };
        let start = base.checked_add(self.start).ok_or(Errno::EOVERFLOW)?;
        let first = u64::try_from(start).map_err(|_| Errno::EINVAL)?;
        match self.length {
            0 => Ok(first..FOR_EVER),
            length @ 1.. => {
                // The last byte is one that an offset can name; its end may be one more.
                let end = first.saturating_add(length as u64);
                if end <= FOR_EVER { Ok(first..end) } else { Err(Errno::EOVERFLOW) }
            }
            length => Ok(first.checked_sub(length.unsigned_abs()).ok_or(Errno::EINVAL)?..first),
        }
    }
}

/// Whether fcntl(2) is asked for locks.
pub fn is_command(command: u32) -> bool {
    matches!(
        command,
        linux::F_GETLK
            | linux::F_SETLK
            | linux::F_SETLKW
            | linux::F_OFD_GETLK
            | linux::F_OFD_SETLK
            | linux::F_OFD_SETLKW
    )
}

/// fcntl(2) for locks.
pub async fn control(call: &mut Call<'_>, open: &Arc<Open>, command: u32) -> Answer {
    let at = call.arg::<2>();
    let asked: Flock = call.memory().get(at)?;
    let of_open = matches!(command, linux::F_OFD_GETLK | linux::F_OFD_SETLK | linux::F_OFD_SETLKW);
    let owner = if of_open { Owner::Open(address(open)) } else { Owner::Process(call.thread.process.id) };
    let gets = matches!(command, linux::F_GETLK | linux::F_OFD_GETLK);
    let range = asked.range(open)?;
    let exclusive = match u32::from(asked.kind) {
        linux::F_RDLCK => Some(false),
        linux::F_WRLCK => Some(true),
        linux::F_UNLCK if !gets => None,
        _ => return Err(Errno::EINVAL),
    };
    if of_open && asked.process != 0 {
        return Err(Errno::EINVAL);
    }
    let inode = open.node.as_ref().map_or(0, |node| node.inode());
    let Some(exclusive) = exclusive else {
        return locks::give_up(inode, owner, range).map(|()| 0);
    };
    let wanted = Lock { owner, exclusive, range };
    if gets {
        let told = match locks::conflict(inode, &wanted) {
            Some(held) => tell(&asked, &held),
            None => Flock { kind: linux::F_UNLCK as u16, ..asked },
        };
        call.memory().put(at, &told)?;
        return Ok(0);
    }
    if exclusive { open.writable() } else { open.readable() }?;
    if open.node.is_none() {
        // A pipe or a socket: nobody opens it by a name to meet another there.
        return Ok(0);
    }
    match command {
        linux::F_SETLK | linux::F_OFD_SETLK => locks::take(inode, &wanted),
        _ => locks::wait(inode, &wanted).await,
    }?;
    // Another thread may have closed the descriptor meanwhile, and with it given up what the process had by then.
    if !of_open && !call.open::<0>().is_ok_and(|now| Arc::ptr_eq(&now, open)) {
        locks::release(inode, owner, wanted.range);
        return Err(Errno::EBADF);
    }
    Ok(0)
}

fn tell(asked: &Flock, held: &Lock) -> Flock {
    let length = if held.range.end == FOR_EVER { 0 } else { (held.range.end - held.range.start) as i64 };
    Flock {
        kind: (if held.exclusive { linux::F_WRLCK } else { linux::F_RDLCK }) as u16,
        origin: linux::SEEK_SET as u16,
        start: held.range.start as i64,
        length,
        process: if let Owner::Process(id) = held.owner { id as i32 } else { -1 },
        ..*asked
    }
}

/// What tells an open file from all others that are open.
pub fn address(open: &Open) -> usize {
    core::ptr::from_ref(open).addr()
}

pub async fn flock(call: &mut Call<'_>) -> Answer {
    let operation = call.int::<1>();
    let exclusive = match operation & !linux::LOCK_NB {
        linux::LOCK_SH => Some(false),
        linux::LOCK_EX => Some(true),
        linux::LOCK_UN => None,
        _ => return Err(Errno::EINVAL),
    };
    let open = call.open::<0>()?;
    if open.flags() & linux::O_PATH != 0 {
        return Err(Errno::EBADF);
    }
    let Some(inode) = open.node.as_ref().map(|node| node.inode()) else { return Ok(0) };
    let owner = Owner::Flock(address(&open));
    match exclusive {
        None => locks::release(inode, owner, 0..FOR_EVER),
        Some(exclusive) => {
            let wanted = Lock { owner, exclusive, range: 0..FOR_EVER };
            match operation & linux::LOCK_NB {
                0 => locks::wait(inode, &wanted).await?,
                _ => locks::take(inode, &wanted)?,
            }
        }
    }
    Ok(0)
}
