//! From one file to another without the program (sendfile(2), splice(2), tee(2), vmsplice(2), copy_file_range(2)).
use super::io::{CHUNK, MAX, Pace, Slices, broken_pipe, read_into, write_from};
use super::wait::{until_ready, until_ready_or};
use super::{Answer, Call};
use crate::errno::Errno;
use crate::file::{Events, File};
use crate::program::descriptors::Open;
use crate::program::pipe::{self, Pipe};
use alloc::sync::Arc;
use alloc::vec;
use linux_raw_sys::general as linux;

const ALL_FLAGS: u32 = linux::SPLICE_F_MOVE | linux::SPLICE_F_NONBLOCK | linux::SPLICE_F_MORE | linux::SPLICE_F_GIFT;

/// The position that a pointer names, or the file's own.
fn start(call: &Call<'_>, open: &Open, at: u64) -> Result<u64, Errno> {
    let start = if at == 0 { *open.offset.lock() } else { call.memory().get(at)? };
    if start > i64::MAX as u64 { Err(Errno::EINVAL) } else { Ok(start) }
}

/// Notes how far it has come.
fn set_position(call: &Call<'_>, open: &Open, at: u64, position: u64) -> Result<(), Errno> {
    if at != 0 {
        return call.memory().put(at, &position);
    }
    if open.file.seekable() {
        *open.offset.lock() = position;
    }
    Ok(())
}

/// sendfile(2): from a file with positions to anything.
pub async fn sendfile(call: &mut Call<'_>) -> Answer {
    let (to, from) = (call.open::<0>()?, call.open::<1>()?);
    let (source, target) = (from.readable()?, to.writable()?);
    let offset_at = call.arg::<2>();
    let begin = start(call, &from, offset_at)?;
    if !source.seekable() || to.flags() & linux::O_APPEND != 0 {
        return Err(Errno::EINVAL);
    }
    let length = call.arg::<3>().min(MAX);
    let to_start = if target.seekable() { *to.offset.lock() } else { 0 };
    let mut buffer = vec![0; length.min(CHUNK as u64) as usize];
    let (mut total, mut pace) = (0, Pace::new());
    while total < length {
        let most = (length - total).min(CHUNK as u64) as usize;
        let count = source.read(buffer.get_mut(..most).unwrap_or_default(), begin.saturating_add(total))?;
        if count == 0 {
            break;
        }
        let part = buffer.get(..count).unwrap_or_default();
        match until_ready(&to, 1, || target.write(part, to_start.saturating_add(total))).await {
            Ok(count) => total += count as u64,
            Err(_) if total > 0 => break,
            Err(error) => {
                broken_pipe(call.thread, error);
                return Err(error);
            }
        }
        // At every step, not at the end: a signal may end the call where it waits.
        call.done = total;
        set_position(call, &from, offset_at, begin.saturating_add(total))?;
        if target.seekable() {
            *to.offset.lock() = to_start.saturating_add(total);
        }
        pace.keep(call.thread).await;
    }
    Ok(total)
}

/// Waits until `file` has something to be read, or never will have.
async fn until_readable(open: &Open, wait: bool) -> Result<(), Errno> {
    let there = Events::IN | Events::HUP | Events::ERR | Events::RDHUP;
    let attempt = || if open.file.ready().intersects(there) { Ok(()) } else { Err(Errno::EAGAIN) };
    until_ready_or(open, 0, wait, attempt).await
}

/// Waits until the pipe has room, or nobody reads it.
async fn until_room(open: &Open, pipe: &Pipe, wait: bool) -> Result<usize, Errno> {
    let attempt = || match pipe.room() {
        Ok(0) => Err(Errno::EAGAIN),
        room => room,
    };
    until_ready_or(open, 1, wait, attempt).await
}

/// splice(2): between two files, of which one is a pipe.
pub async fn splice(call: &mut Call<'_>) -> Answer {
    let (length, flags) = (call.arg::<4>().min(MAX), call.int::<5>());
    if flags & !ALL_FLAGS != 0 {
        return Err(Errno::EINVAL);
    }
    if length == 0 {
        return Ok(0);
    }
    let (from, to) = (call.open::<0>()?, call.open::<2>()?);
    let (from_at, to_at) = (call.arg::<1>(), call.arg::<3>());
    from.readable()?;
    to.writable()?;
    let (source, target) = (pipe::of(&*from.file).cloned(), pipe::of(&*to.file).cloned());
    let bad_offset = |pipe: bool, open: &Open, at: u64| at != 0 && (pipe || !open.file.seekable());
    if bad_offset(source.is_some(), &from, from_at) || bad_offset(target.is_some(), &to, to_at) {
        return Err(Errno::ESPIPE);
    }
    let wait = flags & linux::SPLICE_F_NONBLOCK == 0;
    let result = match (source, target) {
        (Some(source), Some(target)) if Arc::ptr_eq(&source, &target) => Err(Errno::EINVAL),
        (Some(source), _) => from_pipe(call, &from, &source, (&to, to_at), length, wait).await,
        (None, Some(target)) => into_pipe(call, (&from, from_at), &to, &target, length, wait).await,
        (None, None) => Err(Errno::EINVAL),
    };
    if let Err(error) = result {
        broken_pipe(call.thread, error);
    }
    result
}

async fn from_pipe(
    call: &mut Call<'_>,
    from: &Open,
    source: &Pipe,
    (to, to_at): (&Open, u64),
    length: u64,
    wait: bool,
) -> Answer {
    if to.flags() & linux::O_APPEND != 0 {
        return Err(Errno::EINVAL);
    }
    let begin = start(call, to, to_at)?;
    let mut buffer = vec![0; length.min(CHUNK as u64) as usize];
    let (mut total, mut pace) = (0, Pace::new());
    while total < length {
        // Once something has moved, what is not there yet is not waited for.
        let waits = wait && !from.is_nonblocking() && total == 0;
        let most = (length - total).min(CHUNK as u64) as usize;
        let wait_to = wait && !to.is_nonblocking();
        let moved = match until_readable(from, waits).await {
            Ok(()) => {
                let attempt = || {
                    let part = buffer.get_mut(..most).unwrap_or_default();
                    let count =
                        source.peek(part).or_else(|error| if error == Errno::EAGAIN { Ok(0) } else { Err(error) })?;
                    let part = part.get(..count).unwrap_or_default();
                    let written = match pipe::of(&*to.file) {
                        Some(target) => target.put(part),
                        None if part.is_empty() => Ok(0),
                        None => to.file.write(part, begin.saturating_add(total)),
                    }?;
                    source.skip(written);
                    Ok(written)
                };
                until_ready_or(to, 1, wait_to, attempt).await
            }
            Err(error) => Err(error),
        };
        match moved {
            Ok(0) => break,
            Ok(count) => total += count as u64,
            Err(_) if total > 0 => break,
            Err(error) => return Err(error),
        }
        call.done = total;
        set_position(call, to, to_at, begin.saturating_add(total))?;
        pace.keep(call.thread).await;
    }
    Ok(total)
}

async fn into_pipe(
    call: &mut Call<'_>,
    (from, from_at): (&Open, u64),
    to: &Open,
    target: &Pipe,
    length: u64,
    wait: bool,
) -> Answer {
    let begin = start(call, from, from_at)?;
    let seekable = from.file.seekable();
    let room = until_room(to, target, wait && !to.is_nonblocking()).await?;
    let most = (length as usize).min(room);
    let mut buffer = vec![0; most];
    let count = loop {
        if !seekable {
            until_readable(from, wait && !from.is_nonblocking()).await?;
        }
        match from.file.read(&mut buffer, begin) {
            Err(Errno::EAGAIN) if wait && !from.is_nonblocking() => crate::executor::give_way().await,
            done => break done?,
        }
    };
    // The room is still there, or a writer was quicker: then the pipe holds a little more than it should.
    target.force(buffer.get(..count).unwrap_or_default())?;
    set_position(call, from, from_at, begin.saturating_add(count as u64))?;
    Ok(count as u64)
}

/// tee(2): what one pipe holds is put into another, and stays.
pub async fn tee(call: &mut Call<'_>) -> Answer {
    let (length, flags) = (call.arg::<2>().min(MAX), call.int::<3>());
    if flags & !ALL_FLAGS != 0 {
        return Err(Errno::EINVAL);
    }
    if length == 0 {
        return Ok(0);
    }
    let (from, to) = (call.open::<0>()?, call.open::<1>()?);
    from.readable()?;
    to.writable()?;
    let (Some(source), Some(target)) = (pipe::of(&*from.file), pipe::of(&*to.file)) else { return Err(Errno::EINVAL) };
    if Arc::ptr_eq(source, target) {
        return Err(Errno::EINVAL);
    }
    let wait = flags & linux::SPLICE_F_NONBLOCK == 0;
    until_readable(&from, wait && !from.is_nonblocking()).await?;
    let room = until_room(&to, target, wait && !to.is_nonblocking()).await;
    let done = room.and_then(|room| {
        let mut buffer = vec![0; (length as usize).min(room)];
        let count = source.peek(&mut buffer).unwrap_or(0);
        target.put(buffer.get(..count).unwrap_or_default())
    });
    if let Err(error) = done {
        broken_pipe(call.thread, error);
    }
    done.map(|count| count as u64)
}

/// vmsplice(2): between memory and a pipe; the pages are copied.
pub async fn vmsplice(call: &mut Call<'_>) -> Answer {
    let open = call.open::<0>()?;
    if call.int::<3>() & !ALL_FLAGS != 0 {
        return Err(Errno::EINVAL);
    }
    let pipe = pipe::of(&*open.file).ok_or(Errno::EBADF)?;
    let slices = Slices::vector(call.memory(), call.arg::<1>(), call.arg::<2>())?;
    let wait = call.int::<3>() & linux::SPLICE_F_NONBLOCK == 0;
    if open.readable().is_ok() {
        if !wait && pipe.length() == 0 {
            return Err(Errno::EAGAIN);
        }
        return read_into(call, &open, slices, None).await;
    }
    if !wait && pipe.room()? == 0 {
        return Err(Errno::EAGAIN);
    }
    write_from(call, &open, slices, None).await
}

fn regular(file: &dyn File) -> Result<(), Errno> {
    match file.status().mode & linux::S_IFMT {
        linux::S_IFDIR => Err(Errno::EISDIR),
        linux::S_IFREG => Ok(()),
        _ => Err(Errno::EINVAL),
    }
}

/// copy_file_range(2).
pub async fn copy_file_range(call: &mut Call<'_>) -> Answer {
    let (from, to) = (call.open::<0>()?, call.open::<2>()?);
    let (from_at, to_at, length) = (call.arg::<1>(), call.arg::<3>(), call.arg::<4>().min(MAX));
    if call.int::<5>() != 0 {
        return Err(Errno::EINVAL);
    }
    let (begin, to_begin) = (start(call, &from, from_at)?, start(call, &to, to_at)?);
    regular(&*from.file)?;
    regular(&*to.file)?;
    let (source, target) = (from.readable()?, to.writable()?);
    if to.flags() & linux::O_APPEND != 0 {
        return Err(Errno::EBADF);
    }
    let (one, other) = (source.status(), target.status());
    let overlap = begin < to_begin.saturating_add(length) && to_begin < begin.saturating_add(length);
    if overlap && (one.inode, one.device) == (other.inode, other.device) {
        return Err(Errno::EINVAL);
    }
    let mut buffer = vec![0; length.min(CHUNK as u64) as usize];
    let (mut total, mut pace) = (0, Pace::new());
    while total < length {
        let most = (length - total).min(CHUNK as u64) as usize;
        let count = source.read(buffer.get_mut(..most).unwrap_or_default(), begin.saturating_add(total))?;
        let part = buffer.get(..count).unwrap_or_default();
        match target.write(part, to_begin.saturating_add(total)) {
            Ok(0) => break,
            Ok(count) => total += count as u64,
            Err(_) if total > 0 => break,
            Err(error) => return Err(error),
        }
        call.done = total;
        set_position(call, &from, from_at, begin.saturating_add(total))?;
        set_position(call, &to, to_at, to_begin.saturating_add(total))?;
        pace.keep(call.thread).await;
    }
    Ok(total)
}
