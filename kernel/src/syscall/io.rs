//! Reading and writing (read(2), readv(2), pread(2), sendfile(2), lseek(2)).
use super::wait::until_ready;
use super::{Answer, Call};
use crate::errno::Errno;
use crate::program::descriptors::Open;
use crate::program::memory::Memory;
use crate::program::signal::{Info, SIGPIPE};
use crate::program::thread::Thread;
use alloc::vec;
use alloc::vec::Vec;
use linux_raw_sys::general as linux;
use machine::memory::USER_END;

/// How many bytes are copied at once.
const CHUNK: usize = 64 << 10;
/// The most bytes one call moves (Linux: MAX_RW_COUNT).
const MAX: u64 = 0x7fff_f000;
const MAX_SLICES: u64 = 1024;

/// The program's memory that a call reads from or writes to: `(address, length)`, one after the other.
pub struct Slices(Vec<(u64, u64)>);

impl Slices {
    /// One.
    pub fn one(address: u64, length: u64) -> Result<Self, Errno> {
        Ok(Slices(vec![(address, length.min(MAX))]))
    }

    /// Those of an array of `struct iovec`.
    pub fn vector(memory: &Memory, address: u64, count: u64) -> Result<Self, Errno> {
        if count > MAX_SLICES {
            return Err(Errno::EINVAL);
        }
        let mut slices = Vec::with_capacity(count as usize);
        let mut left = MAX;
        for index in 0..count {
            let [start, length]: [u64; 2] = memory.get(address.wrapping_add(index * 16))?;
            if length > i64::MAX as u64 || start.checked_add(length).is_none_or(|end| end > USER_END && length > 0) {
                return Err(Errno::EINVAL);
            }
            slices.push((start, length.min(left)));
            left -= length.min(left);
        }
        Ok(Slices(slices))
    }

    /// Their length in bytes.
    pub fn length(&self) -> u64 {
        self.0.iter().map(|(_, length)| length).sum()
    }

    /// Parts of at most [`CHUNK`] bytes altogether, from the byte `from` on: address and length.
    fn parts(&self, from: u64, most: usize) -> impl Iterator<Item = (u64, usize)> + '_ {
        let (mut skip, mut left) = (from, most as u64);
        self.0.iter().filter_map(move |(address, length)| {
            let skipped = skip.min(*length);
            skip -= skipped;
            let take = (length - skipped).min(left);
            left -= take;
            (take > 0).then_some((address + skipped, take as usize))
        })
    }

    /// What they hold from the byte `from` on, at most `most` bytes.
    pub fn gather(&self, memory: &Memory, from: u64, most: usize) -> Result<Vec<u8>, Errno> {
        let length = self.length().saturating_sub(from).min(most as u64) as usize;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(length).map_err(|_| Errno::ENOMEM)?;
        for (address, length) in self.parts(from, most) {
            let start = bytes.len();
            bytes.resize(start + length, 0);
            memory.space.lock().read(address, bytes.get_mut(start..).unwrap_or_default())?;
        }
        Ok(bytes)
    }

    /// Copies `bytes` to them, from the byte `from` on.
    pub fn scatter(&self, memory: &Memory, from: u64, bytes: &[u8]) -> Result<(), Errno> {
        let mut rest = bytes;
        for (address, length) in self.parts(from, bytes.len()) {
            let Some((now, later)) = rest.split_at_checked(length) else { break };
            memory.space.lock().write(address, now)?;
            rest = later;
        }
        Ok(())
    }
}

/// Sends SIGPIPE for `EPIPE`.
pub fn broken_pipe(thread: &Thread, error: Errno) {
    if error == Errno::EPIPE {
        thread.post(SIGPIPE, Info::default());
    }
}

async fn read_into(call: &mut Call<'_>, open: &Open, slices: Slices, at: Option<u64>) -> Answer {
    let file = open.readable()?;
    let seekable = file.seekable();
    let start = at.unwrap_or(if seekable { *open.offset.lock() } else { 0 });
    let (length, mut total) = (slices.length(), 0);
    if length == 0 {
        return Ok(0);
    }
    let mut buffer = vec![0; length.min(CHUNK as u64) as usize];
    while total < length {
        let most = (length - total).min(CHUNK as u64) as usize;
        let part = buffer.get_mut(..most).unwrap_or_default();
        let result = until_ready(open, 0, || file.read(part, start.saturating_add(total))).await;
        let count = match result {
            Ok(count) => count,
            Err(_) if total > 0 => break,
            Err(error) => return Err(error),
        };
        slices.scatter(call.memory(), total, buffer.get(..count).unwrap_or_default())?;
        total += count as u64;
        if !seekable || count == 0 {
            break;
        }
    }
    if seekable && at.is_none() {
        *open.offset.lock() = start.saturating_add(total);
    }
    Ok(total)
}

async fn write_from(call: &mut Call<'_>, open: &Open, slices: Slices, at: Option<u64>) -> Answer {
    let file = open.writable()?;
    let seekable = file.seekable();
    let start = match at {
        Some(at) => at,
        None if !seekable => 0,
        None if open.flags() & linux::O_APPEND != 0 => file.status().size,
        None => *open.offset.lock(),
    };
    let length = slices.length();
    let mut total = 0;
    while total < length || length == 0 {
        let bytes = slices.gather(call.memory(), total, CHUNK)?;
        let result = until_ready(open, 1, || file.write(&bytes, start.saturating_add(total))).await;
        match result {
            Ok(count) => total += count as u64,
            Err(_) if total > 0 => break,
            Err(error) => {
                broken_pipe(call.thread, error);
                return Err(error);
            }
        }
        call.done = total;
        if length == 0 {
            break;
        }
    }
    if seekable && at.is_none() {
        *open.offset.lock() = start.saturating_add(total);
    }
    Ok(total)
}

pub async fn read(call: &mut Call<'_>) -> Answer {
    let open = call.open::<0>()?;
    let slices = Slices::one(call.arg::<1>(), call.arg::<2>())?;
    read_into(call, &open, slices, None).await
}

pub async fn write(call: &mut Call<'_>) -> Answer {
    let open = call.open::<0>()?;
    let slices = Slices::one(call.arg::<1>(), call.arg::<2>())?;
    write_from(call, &open, slices, None).await
}

pub async fn readv(call: &mut Call<'_>) -> Answer {
    let open = call.open::<0>()?;
    let slices = Slices::vector(call.memory(), call.arg::<1>(), call.arg::<2>())?;
    read_into(call, &open, slices, None).await
}

pub async fn writev(call: &mut Call<'_>) -> Answer {
    let open = call.open::<0>()?;
    let slices = Slices::vector(call.memory(), call.arg::<1>(), call.arg::<2>())?;
    write_from(call, &open, slices, None).await
}

/// The position that `pread` and its family name, on a file that has positions.
fn position(open: &Open, at: u64) -> Result<Option<u64>, Errno> {
    match (open.file.seekable(), at <= i64::MAX as u64) {
        (false, _) => Err(Errno::ESPIPE),
        (true, false) => Err(Errno::EINVAL),
        (true, true) => Ok(Some(at)),
    }
}

pub async fn pread(call: &mut Call<'_>) -> Answer {
    let open = call.open::<0>()?;
    let at = position(&open, call.arg::<3>())?;
    let slices = Slices::one(call.arg::<1>(), call.arg::<2>())?;
    read_into(call, &open, slices, at).await
}

pub async fn pwrite(call: &mut Call<'_>) -> Answer {
    let open = call.open::<0>()?;
    let at = position(&open, call.arg::<3>())?;
    let slices = Slices::one(call.arg::<1>(), call.arg::<2>())?;
    write_from(call, &open, slices, at).await
}

pub async fn preadv(call: &mut Call<'_>) -> Answer {
    let open = call.open::<0>()?;
    let at = position(&open, call.arg::<3>())?;
    let slices = Slices::vector(call.memory(), call.arg::<1>(), call.arg::<2>())?;
    read_into(call, &open, slices, at).await
}

pub async fn pwritev(call: &mut Call<'_>) -> Answer {
    let open = call.open::<0>()?;
    let at = position(&open, call.arg::<3>())?;
    let slices = Slices::vector(call.memory(), call.arg::<1>(), call.arg::<2>())?;
    write_from(call, &open, slices, at).await
}

/// sendfile(2): from a file with positions to anything.
pub async fn sendfile(call: &mut Call<'_>) -> Answer {
    let (to, from) = (call.open::<0>()?, call.open::<1>()?);
    let (source, target) = (from.readable()?, to.writable()?);
    if !source.seekable() {
        return Err(Errno::EINVAL);
    }
    let offset_at = call.arg::<2>();
    let start: u64 = if offset_at == 0 { *from.offset.lock() } else { call.memory().get(offset_at)? };
    let length = call.arg::<3>().min(MAX);
    let to_start = if target.seekable() { *to.offset.lock() } else { 0 };
    let mut buffer = vec![0; length.min(CHUNK as u64) as usize];
    let mut total = 0;
    while total < length {
        let most = (length - total).min(CHUNK as u64) as usize;
        let count = source.read(buffer.get_mut(..most).unwrap_or_default(), start.saturating_add(total))?;
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
        match offset_at {
            0 => *from.offset.lock() = start.saturating_add(total),
            _ => call.memory().put(offset_at, &start.saturating_add(total))?,
        }
    }
    if target.seekable() {
        *to.offset.lock() = to_start.saturating_add(total);
    }
    Ok(total)
}

pub fn lseek(call: &mut Call<'_>) -> Answer {
    let open = call.open::<0>()?;
    if !open.file.seekable() {
        return Err(Errno::ESPIPE);
    }
    let mut offset = open.offset.lock();
    let size = open.file.status().size;
    let base = match call.int::<2>() {
        linux::SEEK_SET => 0,
        linux::SEEK_CUR => *offset,
        linux::SEEK_END => size,
        // The file is one piece of data, with a hole behind its end.
        linux::SEEK_DATA if call.arg::<1>() < size => 0,
        linux::SEEK_HOLE if call.arg::<1>() < size => return Ok(size),
        linux::SEEK_DATA | linux::SEEK_HOLE => return Err(Errno::ENXIO),
        _ => return Err(Errno::EINVAL),
    };
    let target = base.checked_add_signed(call.arg::<1>() as i64).filter(|at| *at <= i64::MAX as u64);
    *offset = target.ok_or(Errno::EINVAL)?;
    Ok(*offset)
}
