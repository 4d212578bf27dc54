//! Descriptors themselves (close(2), dup(2), fcntl(2), ioctl(2)).
use super::{Answer, Call, lock};
use crate::errno::Errno;
use crate::program::descriptors::Open;
use crate::program::locks::{self, Owner};
use crate::program::{pipe, unix};
use linux_raw_sys::general as linux;
use linux_raw_sys::ioctl;

/// The flags of close_range(2).
const CLOSE_RANGE_UNSHARE: u32 = 2;
const CLOSE_RANGE_CLOEXEC: u32 = 4;

pub fn close(call: &mut Call<'_>) -> Answer {
    let open = call.thread.files.lock().remove(u64::from(call.int::<0>()))?;
    // Behind the lock: the end of a file may do more than a little.
    closed(call, &open);
    drop(open);
    Ok(0)
}

pub fn close_range(call: &mut Call<'_>) -> Answer {
    let (first, last, flags) = (call.int::<0>(), call.int::<1>(), call.int::<2>());
    if first > last || flags & !(CLOSE_RANGE_CLOEXEC | CLOSE_RANGE_UNSHARE) != 0 {
        return Err(Errno::EINVAL);
    }
    let numbers: alloc::vec::Vec<u32> = call.thread.files.lock().numbers().collect();
    for number in numbers.into_iter().filter(|number| (first..=last).contains(number)) {
        if flags & CLOSE_RANGE_CLOEXEC != 0 {
            call.thread.files.lock().set_close_on_exec(u64::from(number), true)?;
        } else {
            let open = call.thread.files.lock().remove(u64::from(number))?;
            closed(call, &open);
            drop(open);
        }
    }
    Ok(0)
}

/// A process that closes a descriptor of a file has no lock on it any more, whatever else it has of it (fcntl(2)).
fn closed(call: &Call<'_>, open: &Open) {
    if let Some(node) = &open.node {
        locks::closes(node.inode(), Owner::Process(call.thread.process.id));
    }
}

pub fn dup(call: &mut Call<'_>) -> Answer {
    let open = call.open::<0>()?;
    call.thread.files.lock().add(open, false, 0)
}

pub fn dup2(call: &mut Call<'_>) -> Answer {
    if call.int::<0>() == call.int::<1>() {
        call.open::<0>()?;
        return Ok(u64::from(call.int::<1>()));
    }
    replace(call, false)
}

pub fn dup3(call: &mut Call<'_>) -> Answer {
    if call.int::<0>() == call.int::<1>() || call.int::<2>() & !linux::O_CLOEXEC != 0 {
        return Err(Errno::EINVAL);
    }
    replace(call, call.int::<2>() & linux::O_CLOEXEC != 0)
}

fn replace(call: &mut Call<'_>, close_on_exec: bool) -> Answer {
    let open = call.open::<0>()?;
    let number = call.int::<1>();
    let old = call.thread.files.lock().set(number as usize, open, close_on_exec)?;
    if let Some(old) = &old {
        closed(call, old);
    }
    drop(old);
    Ok(u64::from(number))
}

pub async fn fcntl(call: &mut Call<'_>) -> Answer {
    let open = call.open::<0>()?;
    if lock::is_command(call.int::<1>()) {
        return lock::control(call, &open, call.int::<1>()).await;
    }
    let (number, value) = (u64::from(call.int::<0>()), call.arg::<2>());
    let mut files = call.thread.files.lock();
    match call.int::<1>() {
        linux::F_DUPFD | linux::F_DUPFD_CLOEXEC if value >= files.limit() as u64 => Err(Errno::EINVAL),
        linux::F_DUPFD => files.add(open, false, value as usize),
        linux::F_DUPFD_CLOEXEC => files.add(open, true, value as usize),
        linux::F_GETFD => files.close_on_exec(number).map(u64::from),
        linux::F_SETFD => files.set_close_on_exec(number, value & u64::from(linux::FD_CLOEXEC) != 0).map(|()| 0),
        linux::F_GETFL => Ok(u64::from(open.flags())),
        linux::F_SETFL => {
            open.set_flags(value as u32);
            Ok(0)
        }
        command => {
            drop(files);
            control(call, &open, command)
        }
    }
}

/// The commands of fcntl(2) that are about the file.
fn control(call: &Call<'_>, open: &Open, command: u32) -> Answer {
    let value = call.arg::<2>();
    match command {
        // Nothing sends signals for files: nobody is told.
        linux::F_GETOWN => Ok(0),
        linux::F_SETOWN | linux::F_SETOWN_EX => Ok(0),
        linux::F_GETOWN_EX => call.memory().put(value, &[linux::F_OWNER_PID, 0]).map(|()| 0),
        linux::F_GETPIPE_SZ => pipe::of(&*open.file).map(|pipe| pipe.capacity() as u64).ok_or(Errno::EBADF),
        linux::F_SETPIPE_SZ => {
            let pipe = pipe::of(&*open.file).ok_or(Errno::EBADF)?;
            pipe.set_capacity(value as u32 as usize).map(|size| size as u64)
        }
        _ => Err(Errno::EINVAL),
    }
}

pub fn ioctl(call: &mut Call<'_>) -> Answer {
    let open = call.open::<0>()?;
    match call.int::<1>() {
        ioctl::FIONBIO => {
            let on: u32 = call.memory().get(call.arg::<2>())?;
            let flags = open.flags() & !linux::O_NONBLOCK;
            open.set_flags(if on == 0 { flags } else { flags | linux::O_NONBLOCK });
            Ok(0)
        }
        ioctl::FIOASYNC => {
            let on: u32 = call.memory().get(call.arg::<2>())?;
            // Nothing sends signals for files.
            if on != 0 && open.file.changed().is_none() { Err(Errno::ENOTTY) } else { Ok(0) }
        }
        ioctl::FIOCLEX | ioctl::FIONCLEX => {
            let on = call.int::<1>() == ioctl::FIOCLEX;
            call.thread.files.lock().set_close_on_exec(u64::from(call.int::<0>()), on)?;
            Ok(0)
        }
        ioctl::FIONREAD => {
            let available = available(&open)?;
            call.memory().put(call.arg::<2>(), &available)?;
            Ok(0)
        }
        // FIONREAD's counterpart for sockets has the number of a terminal's.
        ioctl::TIOCOUTQ => {
            let socket = open.file.socket().ok_or(Errno::ENOTTY)?;
            call.memory().put(call.arg::<2>(), &(socket.unsent().min(i32::MAX as usize) as u32))?;
            Ok(0)
        }
        _ => Err(Errno::ENOTTY),
    }
}

/// How many bytes can be read now.
fn available(open: &Open) -> Result<u32, Errno> {
    if open.file.seekable() {
        return Ok(open.file.status().size.saturating_sub(*open.offset.lock()).min(i32::MAX as u64) as u32);
    }
    if let Some(socket) = open.file.socket() {
        return Ok(socket.unread().min(i32::MAX as usize) as u32);
    }
    let held = pipe::of(&*open.file).map(|pipe| pipe.length());
    let available = held.or_else(|| unix::of(&*open.file).map(|socket| socket.available()));
    available.map(|count| count as u32).ok_or(Errno::ENOTTY)
}
