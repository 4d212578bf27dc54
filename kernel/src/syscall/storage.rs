//! How files are kept (fallocate(2), sync(2), xattr(7), openat2(2), mknod(2), utime(2)).
use super::io::Pace;
use super::path::{AT_FDCWD, find, open_at};
use super::{Answer, Call};
use crate::errno::Errno;
use crate::tree::Kind;
use linux_raw_sys::{errno, general as linux};

const ENODATA: Errno = Errno(errno::ENODATA as i32);
/// How much of a file is taken memory for before the clock is looked at.
const PART: u64 = 256 << 10;
/// The size of `struct open_how`, as of its first version.
const OPEN_HOW: u64 = 24;
/// The restrictions of openat2(2) that always hold: there is one file system, and no link that is more than a path.
const ALWAYS: u64 = (linux::RESOLVE_NO_XDEV | linux::RESOLVE_NO_MAGICLINKS) as u64;

/// sync(2): everything is where it stays.
pub fn sync(_call: &mut Call<'_>) -> Answer {
    Ok(0)
}

pub async fn fallocate(call: &mut Call<'_>) -> Answer {
    let (mode, offset, length) = (call.int::<1>(), call.arg::<2>(), call.arg::<3>());
    let open = call.open::<0>()?;
    let keeps = mode & linux::FALLOC_FL_KEEP_SIZE != 0;
    let end =
        offset.checked_add(length).filter(|_| length > 0 && length <= i64::MAX as u64 && offset <= i64::MAX as u64);
    let range = offset..end.ok_or(Errno::EINVAL)?;
    if range.end > i64::MAX as u64 {
        return Err(Errno::EFBIG);
    }
    open.writable()?;
    if !open.file.seekable() {
        return Err(Errno::ESPIPE);
    }
    let node = open.node.as_ref().ok_or(Errno::ENODEV)?;
    if mode & !linux::FALLOC_FL_KEEP_SIZE == 0 {
        let mut pace = Pace::new();
        let mut from = range.start;
        while from < range.end {
            let to = range.end.min(from.saturating_add(PART));
            node.content()?.lock().allocate(from..to)?;
            from = to;
            pace.keep(call.thread).await;
        }
    }
    let mut content = node.content()?.lock();
    match mode & !linux::FALLOC_FL_KEEP_SIZE {
        0 => {}
        linux::FALLOC_FL_PUNCH_HOLE if !keeps => return Err(Errno::EOPNOTSUPP),
        linux::FALLOC_FL_PUNCH_HOLE | linux::FALLOC_FL_ZERO_RANGE => content.clear(range.clone())?,
        _ => return Err(Errno::EOPNOTSUPP),
    }
    if !keeps && range.end > content.length() {
        content.truncate(range.end)?;
    }
    Ok(0)
}

/// openat2(2). Restrictions that would have to be enforced are not there: who asks does without.
pub fn openat2(call: &mut Call<'_>) -> Answer {
    let size = call.arg::<3>();
    if size < OPEN_HOW {
        return Err(Errno::EINVAL);
    }
    if size > 4096 {
        return Err(Errno::E2BIG);
    }
    let [flags, mode, resolve]: [u64; 3] = call.memory().get(call.arg::<2>())?;
    let rest = call.memory().bytes(call.arg::<2>().wrapping_add(OPEN_HOW), (size - OPEN_HOW) as usize)?;
    if rest.iter().any(|byte| *byte != 0) {
        return Err(Errno::E2BIG);
    }
    let creates =
        flags & u64::from(linux::O_CREAT) != 0 || flags & u64::from(linux::O_TMPFILE) == u64::from(linux::O_TMPFILE);
    if flags > u64::from(u32::MAX) || mode & !0o7777 != 0 || !creates && mode != 0 {
        return Err(Errno::EINVAL);
    }
    if resolve & !ALWAYS != 0 {
        return Err(Errno::ENOSYS);
    }
    open_at(call, call.int::<0>(), call.arg::<1>(), flags as u32, mode as u32)
}

/// mknod(2): files. Devices and FIFOs are not made.
fn make_node(call: &Call<'_>, directory: u32, path: &str, mode: u32) -> Answer {
    let found = find(call, directory, path, false)?;
    match mode & linux::S_IFMT {
        0 | linux::S_IFREG => {}
        linux::S_IFCHR | linux::S_IFBLK | linux::S_IFIFO | linux::S_IFSOCK if found.node.is_some() => {
            return Err(Errno::EEXIST);
        }
        linux::S_IFCHR | linux::S_IFBLK | linux::S_IFIFO | linux::S_IFSOCK => return Err(Errno::EPERM),
        _ => return Err(Errno::EINVAL),
    }
    let mode = mode & 0o7777 & !call.thread.place.lock().umask;
    call.world().tree.create(&found, Kind::file(), linux::S_IFREG | mode)?;
    Ok(0)
}

pub fn mknod(call: &mut Call<'_>) -> Answer {
    make_node(call, AT_FDCWD, &call.path::<0>()?, call.int::<1>())
}

pub fn mknodat(call: &mut Call<'_>) -> Answer {
    make_node(call, call.int::<0>(), &call.path::<1>()?, call.int::<2>())
}

/// getxattr(2), removexattr(2): no file has any.
pub fn no_attribute(call: &mut Call<'_>) -> Answer {
    find(call, AT_FDCWD, &call.path::<0>()?, true)?.existing()?;
    Err(ENODATA)
}

pub fn no_attribute_of_descriptor(call: &mut Call<'_>) -> Answer {
    call.open::<0>()?;
    Err(ENODATA)
}

/// setxattr(2): none can be added.
pub fn set_attribute(call: &mut Call<'_>) -> Answer {
    find(call, AT_FDCWD, &call.path::<0>()?, true)?.existing()?;
    Err(Errno::EOPNOTSUPP)
}

pub fn set_attribute_of_descriptor(call: &mut Call<'_>) -> Answer {
    call.open::<0>()?;
    Err(Errno::EOPNOTSUPP)
}

/// listxattr(2): an empty list.
pub fn list_attributes(call: &mut Call<'_>) -> Answer {
    find(call, AT_FDCWD, &call.path::<0>()?, true)?.existing()?;
    Ok(0)
}

fn set_time(call: &Call<'_>, directory: u32, path: &str, seconds: Option<i64>) -> Answer {
    let node = find(call, directory, path, true)?.existing()?;
    node.set_modified(seconds.map_or_else(|| machine::time::wall().as_secs(), |seconds| seconds as u64));
    Ok(0)
}

pub fn utime(call: &mut Call<'_>) -> Answer {
    let seconds = match call.arg::<1>() {
        0 => None,
        at => Some(call.memory().get::<[i64; 2]>(at)?[1]),
    };
    set_time(call, AT_FDCWD, &call.path::<0>()?, seconds)
}

/// The second of the two times of utimes(2), in seconds.
fn second_time(call: &Call<'_>, at: u64) -> Result<Option<i64>, Errno> {
    if at == 0 {
        return Ok(None);
    }
    match call.memory().get::<[i64; 4]>(at)? {
        [_, 0..1_000_000, seconds, 0..1_000_000] => Ok(Some(seconds)),
        _ => Err(Errno::EINVAL),
    }
}

pub fn utimes(call: &mut Call<'_>) -> Answer {
    let seconds = second_time(call, call.arg::<1>())?;
    set_time(call, AT_FDCWD, &call.path::<0>()?, seconds)
}

pub fn futimesat(call: &mut Call<'_>) -> Answer {
    let seconds = second_time(call, call.arg::<2>())?;
    set_time(call, call.int::<0>(), &call.path::<1>()?, seconds)
}
