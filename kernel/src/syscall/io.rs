//! Reading and writing (read(2), readv(2), pread(2), lseek(2)).
use super::wait::until_ready;
use super::{Answer, Call, signalfd, unix};
use crate::errno::Errno;
use crate::executor;
use crate::file::Events;
use crate::program::descriptors::Open;
use crate::program::memory::Memory;
use crate::program::signal::{Info, SIGPIPE};
use crate::program::thread::Thread;
use crate::program::unix as local;
use crate::tree::{Kind, Node};
use alloc::vec;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;
use core::time::Duration;
use linux_raw_sys::general as linux;
use machine::memory::USER_END;

/// How many bytes are copied at once.
pub const CHUNK: usize = 64 << 10;
/// The most bytes one call moves (Linux: MAX_RW_COUNT).
pub const MAX: u64 = 0x7fff_f000;
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

/// How long a call works before others have their turn.
const TURN: Duration = Duration::from_millis(2);

/// Keeps a call that moves much from keeping everything else from running.
pub struct Pace {
    turn_ends: Duration,
}

impl Pace {
    /// A call begins.
    pub fn new() -> Self {
        Pace { turn_ends: machine::time::now() + TURN }
    }

    /// Gives way if it is time to. No signal ends the call there: what reads a file gets all of it.
    pub async fn keep(&mut self, thread: &Thread) {
        if machine::time::now() >= self.turn_ends {
            thread.gives_way.store(true, Ordering::Relaxed);
            executor::give_way().await;
            self.turn_ends = machine::time::now() + TURN;
        }
    }
}

pub async fn read_into(call: &mut Call<'_>, open: &Open, slices: Slices, at: Option<u64>) -> Answer {
    let file = open.readable()?;
    let seekable = file.seekable();
    let (length, mut total) = (slices.length(), 0);
    if length == 0 {
        return Ok(0);
    }
    if let Some(socket) = local::of(file) {
        return unix::read(call, open, socket, &slices).await;
    }
    let signals = signalfd::of(file);
    // A device gives all that is asked for, as a file does.
    let endless = file.any().downcast_ref::<Node>().is_some_and(|node| matches!(node.kind, Kind::Device(_)));
    let mut buffer = vec![0; length.min(CHUNK as u64) as usize];
    let mut pace = Pace::new();
    while total < length {
        let most = (length - total).min(CHUNK as u64) as usize;
        let part = buffer.get_mut(..most).unwrap_or_default();
        let result = match (at, signals) {
            (None, _) if seekable => read_on(open, part),
            (Some(at), _) => file.read(part, at.saturating_add(total)),
            (None, Some(signals)) => until_ready(open, 0, || signals.take(call.thread, part)).await,
            (None, None) => until_ready(open, 0, || file.read(part, 0)).await,
        };
        let count = match result {
            Ok(count) => count,
            Err(_) if total > 0 => break,
            Err(error) => return Err(error),
        };
        if let Err(error) = slices.scatter(call.memory(), total, buffer.get(..count).unwrap_or_default()) {
            if seekable && at.is_none() {
                // What did not arrive is still to be read.
                let mut offset = open.offset.lock();
                *offset = offset.saturating_sub(count as u64);
            }
            return if total > 0 { Ok(total) } else { Err(error) };
        }
        total += count as u64;
        if !(seekable || endless) || count == 0 {
            break;
        }
        call.done = total;
        pace.keep(call.thread).await;
    }
    Ok(total)
}

/// Reads where the file stands, and goes on: no two threads read the same.
fn read_on(open: &Open, part: &mut [u8]) -> Result<usize, Errno> {
    let mut offset = open.offset.lock();
    let count = open.file.read(part, *offset)?;
    *offset = offset.saturating_add(count as u64);
    Ok(count)
}

/// Writes where the file stands, or at its end, and goes on.
fn write_on(open: &Open, part: &[u8], append: bool) -> Result<usize, Errno> {
    let mut offset = open.offset.lock();
    let start = if append { open.file.status().size } else { *offset };
    let count = open.file.write(part, start)?;
    *offset = start.saturating_add(count as u64);
    Ok(count)
}

pub async fn write_from(call: &mut Call<'_>, open: &Open, slices: Slices, at: Option<u64>) -> Answer {
    let append = open.flags() & linux::O_APPEND != 0;
    write_to(call, open, slices, at, append).await
}

async fn write_to(call: &mut Call<'_>, open: &Open, slices: Slices, at: Option<u64>, append: bool) -> Answer {
    let file = open.writable()?;
    if let Some(socket) = local::of(file) {
        let message = unix::Outgoing { slices, to: (0, 0), control: (0, 0), flags: 0 };
        return unix::send(call, open, socket, message).await;
    }
    let seekable = file.seekable();
    let length = slices.length();
    let (mut total, mut pace) = (0, Pace::new());
    while total < length || length == 0 {
        let bytes = match slices.gather(call.memory(), total, CHUNK) {
            Ok(bytes) => bytes,
            Err(_) if total > 0 => break,
            Err(error) => return Err(error),
        };
        let result = match at {
            None if seekable => write_on(open, &bytes, append),
            Some(at) => file.write(&bytes, if append { file.status().size } else { at.saturating_add(total) }),
            None => until_ready(open, 1, || file.write(&bytes, 0)).await,
        };
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
        pace.keep(call.thread).await;
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

/// The position that `preadv2` and `pwritev2` name: -1 is the file's own.
fn position_or_own(open: &Open, at: u64) -> Result<Option<u64>, Errno> {
    if at == u64::MAX { Ok(None) } else { position(open, at) }
}

/// The flags of `preadv2` and `pwritev2` that change nothing here: all is written at once, and nothing is slow.
const WITHOUT_EFFECT: u32 = linux::RWF_HIPRI | linux::RWF_DSYNC | linux::RWF_SYNC;

pub async fn preadv2(call: &mut Call<'_>) -> Answer {
    let open = call.open::<0>()?;
    if call.int::<5>() & !(WITHOUT_EFFECT | linux::RWF_NOWAIT) != 0 {
        return Err(Errno::EOPNOTSUPP);
    }
    let at = position_or_own(&open, call.arg::<3>())?;
    let slices = Slices::vector(call.memory(), call.arg::<1>(), call.arg::<2>())?;
    let may_wait = open.file.changed().is_some() && !open.file.ready().contains(Events::IN);
    if call.int::<5>() & linux::RWF_NOWAIT != 0 && may_wait {
        return Err(Errno::EAGAIN);
    }
    read_into(call, &open, slices, at).await
}

pub async fn pwritev2(call: &mut Call<'_>) -> Answer {
    let open = call.open::<0>()?;
    let flags = call.int::<5>();
    if flags & !(WITHOUT_EFFECT | linux::RWF_APPEND) != 0 {
        return Err(Errno::EOPNOTSUPP);
    }
    let at = position_or_own(&open, call.arg::<3>())?;
    let slices = Slices::vector(call.memory(), call.arg::<1>(), call.arg::<2>())?;
    let append = (open.flags() & linux::O_APPEND) != 0 || flags & linux::RWF_APPEND != 0;
    write_to(call, &open, slices, at, append).await
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
