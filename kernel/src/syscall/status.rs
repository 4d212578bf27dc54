//! What is known of a file (stat(2), statx(2), statfs(2)).
use super::path::{base, descriptor_of, find};
use super::{Answer, Call};
use crate::errno::Errno;
use crate::file::{File, Status};
use linux_raw_sys::general as linux;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

const AT_FDCWD: u32 = linux::AT_FDCWD as u32;
const BLOCK: u64 = 4096;

/// The kernel's `struct stat`.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Stat {
    device: u64,
    inode: u64,
    links: u64,
    mode: u32,
    owner: u32,
    group: u32,
    padding: u32,
    special: u64,
    size: u64,
    block_size: u64,
    blocks: u64,
    /// Access, change of content, change of status: seconds and nanoseconds.
    times: [[u64; 2]; 3],
    unused: [u64; 3],
}

/// `struct statx`.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Statx {
    mask: u32,
    block_size: u32,
    attributes: u64,
    links: u32,
    owner: u32,
    group: u32,
    mode: u16,
    padding: u16,
    inode: u64,
    size: u64,
    blocks: u64,
    attributes_mask: u64,
    /// Access, creation, change of status, change of content: seconds and nanoseconds.
    times: [[u64; 2]; 4],
    /// Major and minor, of the device it is, then of the one it is on.
    devices: [u32; 4],
    rest: [u64; 14],
}

fn put(call: &Call<'_>, at: u64, status: Status) -> Answer {
    let time = [status.modified, 0];
    let stat = Stat {
        device: status.device,
        inode: status.inode,
        links: status.links,
        mode: status.mode,
        owner: 0,
        group: 0,
        padding: 0,
        special: status.special,
        size: status.size,
        block_size: BLOCK,
        blocks: status.size.div_ceil(512),
        times: [time; 3],
        unused: [0; 3],
    };
    call.memory().put(at, &stat)?;
    Ok(0)
}

fn of_path(call: &Call<'_>, directory: u32, path_at: u64, flags: u32) -> Result<Status, Errno> {
    let path = if path_at == 0 { Default::default() } else { call.memory().path(path_at)? };
    if path.is_empty() && flags & linux::AT_EMPTY_PATH != 0 {
        if directory != AT_FDCWD {
            return Ok(call.open_number(u64::from(directory))?.file.status());
        }
        return Ok(call.world().tree.find("/", &base(call, directory)?, true)?.existing()?.status());
    }
    let found = find(call, directory, &path, flags & linux::AT_SYMLINK_NOFOLLOW == 0)?;
    match descriptor_of(call, &found) {
        Some(open) => Ok(open.file.status()),
        None => Ok(found.existing()?.status()),
    }
}

pub fn stat(call: &mut Call<'_>) -> Answer {
    put(call, call.arg::<1>(), of_path(call, AT_FDCWD, call.arg::<0>(), 0)?)
}

pub fn lstat(call: &mut Call<'_>) -> Answer {
    put(call, call.arg::<1>(), of_path(call, AT_FDCWD, call.arg::<0>(), linux::AT_SYMLINK_NOFOLLOW)?)
}

pub fn fstat(call: &mut Call<'_>) -> Answer {
    put(call, call.arg::<1>(), call.open::<0>()?.file.status())
}

pub fn newfstatat(call: &mut Call<'_>) -> Answer {
    put(call, call.arg::<2>(), of_path(call, call.int::<0>(), call.arg::<1>(), call.int::<3>())?)
}

pub fn statx(call: &mut Call<'_>) -> Answer {
    let status = of_path(call, call.int::<0>(), call.arg::<1>(), call.int::<2>())?;
    let split = |device: u64| [(device >> 8) as u32, (device & 0xff) as u32];
    let ([special_major, special_minor], [major, minor]) = (split(status.special), split(status.device));
    let statx = Statx {
        mask: linux::STATX_BASIC_STATS,
        block_size: BLOCK as u32,
        attributes: 0,
        links: status.links as u32,
        owner: 0,
        group: 0,
        mode: status.mode as u16,
        padding: 0,
        inode: status.inode,
        size: status.size,
        blocks: status.size.div_ceil(512),
        attributes_mask: 0,
        times: [[status.modified, 0]; 4],
        devices: [special_major, special_minor, major, minor],
        rest: [0; 14],
    };
    call.memory().put(call.arg::<4>(), &statx)?;
    Ok(0)
}

fn put_file_system(call: &Call<'_>, at: u64) -> Answer {
    const TMPFS_MAGIC: u64 = 0x0102_1994;
    let usage = machine::memory::usage();
    let (total, free) = (usage.total / BLOCK, usage.free / BLOCK);
    let words: [u64; 15] = [TMPFS_MAGIC, BLOCK, total, free, free, 0, 0, 0, 255, BLOCK, 0, 0, 0, 0, 0];
    call.memory().put(at, &words)?;
    Ok(0)
}

pub fn statfs(call: &mut Call<'_>) -> Answer {
    find(call, AT_FDCWD, &call.path::<0>()?, true)?.existing()?;
    put_file_system(call, call.arg::<1>())
}

pub fn fstatfs(call: &mut Call<'_>) -> Answer {
    call.open::<0>()?;
    put_file_system(call, call.arg::<1>())
}
