//! Files by their path (open(2), mkdir(2), unlink(2), rename(2), readlink(2), chdir(2), getdents(2)).
use super::{Answer, Call};
use crate::errno::Errno;
use crate::file::File;
use crate::program::descriptors::Open;
use crate::program::proc;
use crate::tree::{Device, Found, Kind, Node, Snapshot};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use linux_raw_sys::general as linux;

/// The descriptor that stands for the working directory.
pub const AT_FDCWD: u32 = linux::AT_FDCWD as u32;

/// The flags of open(2) that are kept with the open file: not those of the opening itself.
fn kept(flags: u32) -> u32 {
    match flags & linux::O_PATH {
        0 => flags & !(linux::O_CREAT | linux::O_EXCL | linux::O_TRUNC | linux::O_NOCTTY) | linux::O_LARGEFILE,
        _ => flags & (linux::O_PATH | linux::O_DIRECTORY | linux::O_NOFOLLOW),
    }
}
/// The longest name of a memfd in bytes.
const MAX_MEMFD_NAME: usize = 249;

/// Where a relative path begins: the working directory, or the directory of this descriptor.
pub fn base(call: &Call<'_>, directory: u32) -> Result<String, Errno> {
    if directory == AT_FDCWD {
        return Ok(call.thread.place.lock().path.clone());
    }
    let open = call.open_number(u64::from(directory))?;
    match &open.node {
        Some(node) if matches!(node.kind, Kind::Directory(_)) => Ok(open.path.clone()),
        _ => Err(Errno::ENOTDIR),
    }
}

/// Where a path leads from the directory of a descriptor.
pub fn find(call: &Call<'_>, directory: u32, path: &str, follow: bool) -> Result<Found, Errno> {
    let for_all = proc::path_for_all(path, call.thread);
    let path = for_all.as_deref().unwrap_or(path);
    let base = if path.starts_with('/') { String::new() } else { base(call, directory)? };
    call.world().tree.find(&base, path, follow)
}

/// The open file that a path such as `/dev/stdout` or `/proc/self/fd/1` stands for.
pub fn descriptor_of(call: &Call<'_>, found: &Found) -> Option<Arc<Open>> {
    let number = found.path.strip_prefix("/proc/self/fd/")?.parse().ok()?;
    call.open_number(number).ok()
}

/// Opens what a descriptor stands for once more; what has no name in the tree is the same open file.
fn open_again(call: &Call<'_>, open: Arc<Open>, flags: u32) -> Answer {
    let close_on_exec = flags & linux::O_CLOEXEC != 0;
    let again = match &open.node {
        None if open.file.socket().is_some() => return Err(Errno::ENXIO),
        None => open,
        Some(node) => {
            if flags & linux::O_TRUNC != 0 && flags & linux::O_ACCMODE != linux::O_RDONLY {
                node.truncate(0)?;
            }
            let mut again = Open::new(open.file.clone(), kept(flags));
            (again.path, again.node) = (open.path.clone(), open.node.clone());
            Arc::new(again)
        }
    };
    call.thread.files.lock().add(again, close_on_exec, 0)
}

/// O_TMPFILE: a file in this directory that has no name.
fn open_unnamed(call: &Call<'_>, found: Found, flags: u32, mode: u32) -> Answer {
    let directory = found.existing()?;
    directory.entries()?;
    if flags & linux::O_ACCMODE == linux::O_RDONLY {
        return Err(Errno::EINVAL);
    }
    let mode = mode & 0o7777 & !call.thread.place.lock().umask;
    let node = Node::new(Kind::file(), linux::S_IFREG | mode);
    node.add_links(-1);
    let mut open = Open::new(node.clone(), kept(flags) & !linux::O_TMPFILE);
    open.node = Some(node);
    call.thread.files.lock().add(Arc::new(open), flags & linux::O_CLOEXEC != 0, 0)
}

pub fn open(call: &mut Call<'_>) -> Answer {
    open_at(call, AT_FDCWD, call.arg::<0>(), call.int::<1>(), call.int::<2>())
}

pub fn openat(call: &mut Call<'_>) -> Answer {
    open_at(call, call.int::<0>(), call.arg::<1>(), call.int::<2>(), call.int::<3>())
}

pub fn creat(call: &mut Call<'_>) -> Answer {
    let flags = linux::O_CREAT | linux::O_WRONLY | linux::O_TRUNC;
    open_at(call, AT_FDCWD, call.arg::<0>(), flags, call.int::<1>())
}

pub fn open_at(call: &mut Call<'_>, directory: u32, path_at: u64, flags: u32, mode: u32) -> Answer {
    let path = call.memory().path(path_at)?;
    let both = linux::O_CREAT | linux::O_DIRECTORY;
    let follow =
        flags & linux::O_NOFOLLOW == 0 && flags & (linux::O_CREAT | linux::O_EXCL) != linux::O_CREAT | linux::O_EXCL;
    if flags & linux::O_PATH == 0 && flags & both == both {
        return Err(Errno::EINVAL);
    }
    let found = find(call, directory, &path, follow)?;
    if let Some(open) = descriptor_of(call, &found) {
        return open_again(call, open, flags);
    }
    if flags & linux::O_TMPFILE == linux::O_TMPFILE {
        return open_unnamed(call, found, flags, mode);
    }
    let node = match &found.node {
        Some(_) if flags & (linux::O_CREAT | linux::O_EXCL) == linux::O_CREAT | linux::O_EXCL => {
            return Err(Errno::EEXIST);
        }
        Some(node) => node.clone(),
        None if flags & linux::O_CREAT == 0 => return Err(Errno::ENOENT),
        None => {
            let mode = mode & 0o7777 & !call.thread.place.lock().umask;
            call.world().tree.create(&found, Kind::file(), linux::S_IFREG | mode)?
        }
    };
    let writes = flags & linux::O_ACCMODE != linux::O_RDONLY;
    let is_directory = matches!(node.kind, Kind::Directory(_));
    match &node.kind {
        Kind::Directory(_) if writes || flags & linux::O_CREAT != 0 => return Err(Errno::EISDIR),
        Kind::Link(_) if flags & linux::O_PATH == 0 => return Err(Errno::ELOOP),
        Kind::Generated(_) if writes => return Err(Errno::EACCES),
        Kind::Socket if flags & linux::O_PATH == 0 => return Err(Errno::ENXIO),
        Kind::Device(Device::Terminal) if flags & linux::O_PATH == 0 => return Err(Errno::ENXIO),
        _ if !is_directory && (flags & linux::O_DIRECTORY != 0 || found.directory) => return Err(Errno::ENOTDIR),
        _ => {}
    }
    if flags & linux::O_TRUNC != 0 && writes && matches!(node.kind, Kind::File(_)) {
        node.truncate(0)?;
    }
    let file: Arc<dyn File> = match &node.kind {
        Kind::Generated(what) => Arc::new(Snapshot(proc::text(*what, call.thread).into_bytes())),
        _ => node.clone(),
    };
    let (file, node) = match proc::directory(&found.path, call.thread) {
        Some(now) => (now.clone() as Arc<dyn File>, now),
        None => (file, node),
    };
    let mut open = Open::new(file, kept(flags));
    open.path = found.path;
    open.node = Some(node);
    call.thread.files.lock().add(Arc::new(open), flags & linux::O_CLOEXEC != 0, 0)
}

/// memfd_create(2): a file in memory without a name.
pub fn memfd_create(call: &mut Call<'_>) -> Answer {
    let (name, flags) = (call.path::<0>()?, call.int::<1>());
    if flags & !(linux::MFD_CLOEXEC | linux::MFD_ALLOW_SEALING | linux::MFD_NOEXEC_SEAL | linux::MFD_EXEC) != 0
        || name.len() > MAX_MEMFD_NAME
    {
        return Err(Errno::EINVAL);
    }
    let node = Node::new(Kind::file(), linux::S_IFREG | 0o777);
    node.add_links(-1);
    let mut open = Open::new(node.clone(), linux::O_RDWR | linux::O_LARGEFILE);
    open.path = alloc::format!("/memfd:{name} (deleted)");
    open.node = Some(node);
    call.thread.files.lock().add(Arc::new(open), flags & linux::MFD_CLOEXEC != 0, 0)
}

fn may(call: &Call<'_>, found: Found) -> Answer {
    if descriptor_of(call, &found).is_some() {
        return Ok(0);
    }
    // Root may do anything, and everybody is root.
    found.existing().map(|_| 0)
}

pub fn access(call: &mut Call<'_>) -> Answer {
    may(call, find(call, AT_FDCWD, &call.path::<0>()?, true)?)
}

pub fn faccessat(call: &mut Call<'_>) -> Answer {
    may(call, find(call, call.int::<0>(), &call.path::<1>()?, true)?)
}

fn make_directory(call: &mut Call<'_>, directory: u32, path: &str, mode: u32) -> Answer {
    let found = find(call, directory, path, true)?;
    let mode = mode & 0o1777 & !call.thread.place.lock().umask;
    call.world().tree.create(&found, Kind::directory(), linux::S_IFDIR | mode)?;
    Ok(0)
}

pub fn mkdir(call: &mut Call<'_>) -> Answer {
    make_directory(call, AT_FDCWD, &call.path::<0>()?, call.int::<1>())
}

pub fn mkdirat(call: &mut Call<'_>) -> Answer {
    make_directory(call, call.int::<0>(), &call.path::<1>()?, call.int::<2>())
}

fn remove(call: &mut Call<'_>, directory: u32, path: &str, is_directory: bool) -> Answer {
    let base = if path.starts_with('/') { String::new() } else { base(call, directory)? };
    call.world().tree.remove(&base, path, is_directory).map(|()| 0)
}

pub fn unlink(call: &mut Call<'_>) -> Answer {
    remove(call, AT_FDCWD, &call.path::<0>()?, false)
}

pub fn rmdir(call: &mut Call<'_>) -> Answer {
    remove(call, AT_FDCWD, &call.path::<0>()?, true)
}

pub fn unlinkat(call: &mut Call<'_>) -> Answer {
    let flags = call.int::<2>();
    if flags & !linux::AT_REMOVEDIR != 0 {
        return Err(Errno::EINVAL);
    }
    remove(call, call.int::<0>(), &call.path::<1>()?, flags != 0)
}

fn move_at(call: &Call<'_>, from: (u32, u64), to: (u32, u64), flags: u32) -> Answer {
    let (source, target) = (call.memory().path(from.1)?, call.memory().path(to.1)?);
    let base_of = |directory, path: &str| if path.starts_with('/') { Ok(String::new()) } else { base(call, directory) };
    let (from, to) = (base_of(from.0, &source)?, base_of(to.0, &target)?);
    call.world().tree.rename((&from, &source), (&to, &target), flags).map(|()| 0)
}

pub fn rename(call: &mut Call<'_>) -> Answer {
    move_at(call, (AT_FDCWD, call.arg::<0>()), (AT_FDCWD, call.arg::<1>()), 0)
}

pub fn renameat(call: &mut Call<'_>) -> Answer {
    move_at(call, (call.int::<0>(), call.arg::<1>()), (call.int::<2>(), call.arg::<3>()), 0)
}

pub fn renameat2(call: &mut Call<'_>) -> Answer {
    move_at(call, (call.int::<0>(), call.arg::<1>()), (call.int::<2>(), call.arg::<3>()), call.int::<4>())
}

fn link_at(call: &Call<'_>, from: (u32, u64), to: (u32, u64), follow: bool) -> Answer {
    let (source, target) = (call.memory().path(from.1)?, call.memory().path(to.1)?);
    let node = find(call, from.0, &source, follow)?.existing()?;
    call.world().tree.link(node, &find(call, to.0, &target, false)?).map(|()| 0)
}

pub fn link(call: &mut Call<'_>) -> Answer {
    link_at(call, (AT_FDCWD, call.arg::<0>()), (AT_FDCWD, call.arg::<1>()), false)
}

pub fn linkat(call: &mut Call<'_>) -> Answer {
    let follow = call.int::<4>() & linux::AT_SYMLINK_FOLLOW != 0;
    link_at(call, (call.int::<0>(), call.arg::<1>()), (call.int::<2>(), call.arg::<3>()), follow)
}

fn symlink_at(call: &Call<'_>, target: String, directory: u32, path: &str) -> Answer {
    if target.is_empty() {
        return Err(Errno::ENOENT);
    }
    let found = find(call, directory, path, false)?;
    call.world().tree.create(&found, Kind::Link(target), linux::S_IFLNK | 0o777)?;
    Ok(0)
}

pub fn symlink(call: &mut Call<'_>) -> Answer {
    symlink_at(call, call.path::<0>()?, AT_FDCWD, &call.path::<1>()?)
}

pub fn symlinkat(call: &mut Call<'_>) -> Answer {
    symlink_at(call, call.path::<0>()?, call.int::<1>(), &call.path::<2>()?)
}

fn read_link(call: &Call<'_>, directory: u32, path: &str, at: u64, length: u64) -> Answer {
    if length as i32 <= 0 {
        return Err(Errno::EINVAL);
    }
    let found = find(call, directory, path, false)?;
    if let Some(open) = descriptor_of(call, &found) {
        let inode = open.file.status().inode;
        let unnamed = match open.file.socket() {
            Some(_) => alloc::format!("socket:[{inode}]"),
            None if open.file.status().mode & linux::S_IFMT == linux::S_IFIFO => alloc::format!("pipe:[{inode}]"),
            None => "anon_inode:[file]".into(),
        };
        return put_text(call, if open.path.is_empty() { &unnamed } else { &open.path }, at, length);
    }
    let node = found.existing()?;
    match &node.kind {
        Kind::Link(target) => put_text(call, target, at, length),
        _ => Err(Errno::EINVAL),
    }
}

fn put_text(call: &Call<'_>, text: &str, at: u64, length: u64) -> Answer {
    let length = text.len().min(length as usize);
    call.memory().put(at, text.as_bytes().get(..length).unwrap_or_default())?;
    Ok(length as u64)
}

pub fn readlink(call: &mut Call<'_>) -> Answer {
    read_link(call, AT_FDCWD, &call.path::<0>()?, call.arg::<1>(), call.arg::<2>())
}

pub fn readlinkat(call: &mut Call<'_>) -> Answer {
    read_link(call, call.int::<0>(), &call.path::<1>()?, call.arg::<2>(), call.arg::<3>())
}

pub fn getcwd(call: &mut Call<'_>) -> Answer {
    let mut path = call.thread.place.lock().path.clone();
    path.push('\0');
    if path.len() as u64 > call.arg::<1>() {
        return Err(Errno::ERANGE);
    }
    put_text(call, &path, call.arg::<0>(), call.arg::<1>())
}

fn go_to(call: &Call<'_>, path: String, node: &Node) -> Answer {
    node.entries()?;
    call.thread.place.lock().path = path;
    Ok(0)
}

pub fn chdir(call: &mut Call<'_>) -> Answer {
    let found = find(call, AT_FDCWD, &call.path::<0>()?, true)?;
    let path = found.path.clone();
    go_to(call, path, &*found.existing()?)
}

pub fn fchdir(call: &mut Call<'_>) -> Answer {
    let open = call.open::<0>()?;
    go_to(call, open.path.clone(), open.node.as_deref().ok_or(Errno::ENOTDIR)?)
}

pub fn umask(call: &mut Call<'_>) -> Answer {
    let mut place = call.thread.place.lock();
    Ok(u64::from(core::mem::replace(&mut place.umask, call.int::<0>() & 0o777)))
}

pub fn chmod(call: &mut Call<'_>) -> Answer {
    find(call, AT_FDCWD, &call.path::<0>()?, true)?.existing()?.set_permissions(call.int::<1>());
    Ok(0)
}

pub fn fchmod(call: &mut Call<'_>) -> Answer {
    if let Some(node) = &call.open::<0>()?.node {
        node.set_permissions(call.int::<1>());
    }
    Ok(0)
}

pub fn fchmodat(call: &mut Call<'_>) -> Answer {
    find(call, call.int::<0>(), &call.path::<1>()?, true)?.existing()?.set_permissions(call.int::<2>());
    Ok(0)
}

/// chown(2), lchown(2): everything is root's and stays so.
pub fn chown(call: &mut Call<'_>) -> Answer {
    may(call, find(call, AT_FDCWD, &call.path::<0>()?, true)?)
}

pub fn fchownat(call: &mut Call<'_>) -> Answer {
    may(call, find(call, call.int::<0>(), &call.path::<1>()?, true)?)
}

/// fchown(2), fsync(2) and their like: the descriptor must be one, and there is nothing to do.
pub fn check_descriptor(call: &mut Call<'_>) -> Answer {
    call.open::<0>().map(|_| 0)
}

pub fn truncate(call: &mut Call<'_>) -> Answer {
    let node = find(call, AT_FDCWD, &call.path::<0>()?, true)?.existing()?;
    node.entries().err().ok_or(Errno::EISDIR)?;
    node.truncate(call.arg::<1>()).map(|()| 0)
}

pub fn ftruncate(call: &mut Call<'_>) -> Answer {
    let open = call.open::<0>()?;
    open.writable().map_err(|_| Errno::EINVAL)?.truncate(call.arg::<1>()).map(|()| 0)
}

/// utimensat(2): the time of the last change is set; others are not kept.
pub fn utimensat(call: &mut Call<'_>) -> Answer {
    const OMIT: i64 = linux::UTIME_OMIT as i64;
    let node = match call.arg::<1>() {
        0 => call.open::<0>()?.node.clone().ok_or(Errno::EINVAL)?,
        _ => find(call, call.int::<0>(), &call.path::<1>()?, true)?.existing()?,
    };
    let now = machine::time::wall().as_secs();
    let seconds = match call.arg::<2>() {
        0 => Some(now),
        at => match call.memory().get::<[i64; 4]>(at)? {
            [_, _, _, OMIT] => None,
            [_, _, seconds, 0..1_000_000_000] => Some(seconds as u64),
            _ => Some(now),
        },
    };
    if let Some(seconds) = seconds {
        node.set_modified(seconds);
    }
    Ok(0)
}

/// getdents64(2). The position is the index of the next entry in the order of names, after `.` and `..`.
pub fn getdents64(call: &mut Call<'_>) -> Answer {
    let open = call.open::<0>()?;
    let node = open.node.as_ref().ok_or(Errno::ENOTDIR)?;
    let room = call.arg::<2>().min(64 << 10) as usize;
    let mut offset = open.offset.lock();
    let entries = node.entries()?.lock();
    let own = [(".", node.inode(), node.mode()), ("..", node.inode(), node.mode())].into_iter();
    let others = entries.iter().map(|(name, node)| (name.as_str(), node.inode(), node.mode()));
    let mut records = Vec::new();
    let mut next = *offset;
    for (name, inode, mode) in own.chain(others).skip(*offset as usize) {
        let length = (19 + name.len() + 1).next_multiple_of(8);
        if records.len() + length > room {
            if records.is_empty() {
                return Err(Errno::EINVAL);
            }
            break;
        }
        next += 1;
        let end = records.len() + length;
        records.extend_from_slice(&inode.to_le_bytes());
        records.extend_from_slice(&next.to_le_bytes());
        records.extend_from_slice(&(length as u16).to_le_bytes());
        records.push((mode >> 12) as u8); // DT_ is the type's part of the mode
        records.extend_from_slice(name.as_bytes());
        records.resize(end, 0);
    }
    drop(entries);
    call.memory().put(call.arg::<1>(), records.as_slice())?;
    *offset = next;
    Ok(records.len() as u64)
}
