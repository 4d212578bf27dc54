//! Sending and receiving (send(2), recv(2), sendmmsg(2), recvmmsg(2)).
use super::address::{get_address, put_address, put_cut};
use super::control;
use super::{RECEIVING, SENDING, as_socket};
use crate::errno::Errno;
use crate::file::Socket;
use crate::program::descriptors::Open;
use crate::program::unix as local;
use crate::syscall::io::{Slices, broken_pipe};
use crate::syscall::time::Timespec;
use crate::syscall::wait::until_ready_or;
use crate::syscall::{Answer, Call, unix};
use alloc::vec;
use core::net::{IpAddr, SocketAddr};
use linux_raw_sys::net;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The most bytes of one message, and of one part of a stream.
const MAX_MESSAGE: usize = 64 << 10;
/// The most messages of one call, and parts of one message (UIO_MAXIOV).
const MAX_MESSAGES: u64 = 1024;
/// The bytes of a `struct mmsghdr`, and where in it the count of bytes is.
const MANY_STEP: u64 = 64;
const MANY_LENGTH: u64 = 56;
/// MSG_WAITFORONE.
const WAIT_FOR_ONE: u32 = 0x10000;

/// `struct msghdr`.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Message {
    name: u64,
    name_length: u32,
    padding: u32,
    slices: u64,
    slice_count: u64,
    control: u64,
    control_length: u64,
    flags: u32,
    padding2: u32,
}

impl Message {
    fn slices(&self, call: &Call<'_>) -> Result<Slices, Errno> {
        if self.slice_count > MAX_MESSAGES {
            return Err(Errno::EMSGSIZE);
        }
        Slices::vector(call.memory(), self.slices, self.slice_count)
    }
}

fn is_stream(socket: &dyn Socket) -> bool {
    socket.option(net::SOL_SOCKET, net::SO_TYPE) != Ok(net::SOCK_DGRAM as i32)
}

async fn send(call: &mut Call<'_>, open: &Open, slices: Slices, to: Option<SocketAddr>, flags: u32) -> Answer {
    let wait = flags & net::MSG_DONTWAIT == 0 && !open.is_nonblocking();
    let socket = as_socket(open)?;
    let stream = is_stream(socket);
    if flags & net::MSG_OOB != 0 {
        return Err(Errno::EOPNOTSUPP);
    }
    let length = slices.length();
    if !stream && length > MAX_MESSAGE as u64 {
        return Err(Errno::EMSGSIZE);
    }
    let mut total = 0;
    loop {
        let bytes = slices.gather(call.memory(), total, MAX_MESSAGE)?;
        let more = stream && (flags & net::MSG_MORE != 0 || total + (bytes.len() as u64) < length);
        let attempt = || if more { socket.send_some(&bytes) } else { socket.send(&bytes, to) };
        match until_ready_or(open, SENDING, wait, attempt).await {
            Ok(count) => total += count as u64,
            Err(_) if total > 0 => return Ok(total),
            Err(error) => {
                if flags & net::MSG_NOSIGNAL == 0 && stream {
                    broken_pipe(call.thread, error);
                }
                return Err(error);
            }
        }
        call.done = total;
        if !stream || total >= length {
            return Ok(total);
        }
    }
}

pub async fn sendto(call: &mut Call<'_>) -> Answer {
    let open = call.open::<0>()?;
    let slices = Slices::one(call.arg::<1>(), call.arg::<2>())?;
    if let Some(socket) = local::of(&*open.file) {
        let to = (call.arg::<4>(), call.int::<5>());
        let message = unix::Outgoing { slices, to, control: (0, 0), flags: call.int::<3>() };
        return unix::send(call, &open, socket, message).await;
    }
    as_socket(&open)?;
    let to = match call.arg::<4>() {
        0 => None,
        at => Some(get_address(call, at, call.int::<5>())?),
    };
    send(call, &open, slices, to, call.int::<3>()).await
}

async fn send_message(call: &mut Call<'_>, open: &Open, at: u64, flags: u32) -> Answer {
    let message: Message = call.memory().get(at)?;
    let slices = message.slices(call)?;
    if let Some(socket) = local::of(&*open.file) {
        let (to, control) = ((message.name, message.name_length), (message.control, message.control_length));
        return unix::send(call, open, socket, unix::Outgoing { slices, to, control, flags }).await;
    }
    let to = match message.name {
        0 => None,
        at => Some(get_address(call, at, message.name_length)?),
    };
    send(call, open, slices, to, flags).await
}

pub async fn sendmsg(call: &mut Call<'_>) -> Answer {
    let open = call.open::<0>()?;
    let (at, flags) = (call.arg::<1>(), call.int::<2>());
    send_message(call, &open, at, flags).await
}

/// sendmmsg(2): as many as can be sent; an error is told only of the first.
pub async fn sendmmsg(call: &mut Call<'_>) -> Answer {
    let open = call.open::<0>()?;
    let (at, count, flags) = (call.arg::<1>(), u64::from(call.int::<2>()).min(MAX_MESSAGES), call.int::<3>());
    for index in 0..count {
        let at = at.wrapping_add(index * MANY_STEP);
        match send_message(call, &open, at, flags).await {
            Ok(sent) => call.memory().put(at.wrapping_add(MANY_LENGTH), &(sent as u32))?,
            Err(error) if index == 0 => return Err(error),
            Err(_) => return Ok(index),
        }
        call.done = index + 1;
    }
    Ok(count)
}

/// What a call to receive gives.
struct Taken {
    /// Bytes that were copied.
    count: u64,
    /// Bytes that the message had.
    length: u64,
    from: Option<SocketAddr>,
    to: Option<IpAddr>,
}

async fn receive(call: &mut Call<'_>, open: &Open, slices: Slices, flags: u32) -> Result<Taken, Errno> {
    let wait = flags & net::MSG_DONTWAIT == 0 && !open.is_nonblocking();
    let peek = flags & net::MSG_PEEK != 0;
    let socket = as_socket(open)?;
    if flags & net::MSG_ERRQUEUE != 0 {
        // Errors are told by the calls themselves.
        return Err(Errno::EAGAIN);
    }
    if flags & net::MSG_OOB != 0 {
        return Err(Errno::EINVAL);
    }
    let all = flags & net::MSG_WAITALL != 0 && !peek && is_stream(socket);
    let mut buffer = vec![0; slices.length().min(MAX_MESSAGE as u64) as usize];
    let mut taken = Taken { count: 0, length: 0, from: None, to: None };
    loop {
        let most = (slices.length() - taken.count).min(buffer.len() as u64) as usize;
        let part = buffer.get_mut(..most).unwrap_or_default();
        let attempt = || socket.receive(part, peek);
        let received = match until_ready_or(open, RECEIVING, wait, attempt).await {
            Ok(some) => some,
            Err(_) if taken.count > 0 => return Ok(taken),
            Err(error) => return Err(error),
        };
        let count = received.length.min(most);
        slices.scatter(call.memory(), taken.count, buffer.get(..count).unwrap_or_default())?;
        taken.count += count as u64;
        taken.length += received.length as u64;
        (taken.from, taken.to) = (received.from, received.to);
        if !all || count == 0 || taken.count >= slices.length() {
            return Ok(taken);
        }
        call.done = taken.count;
    }
}

pub async fn recvfrom(call: &mut Call<'_>) -> Answer {
    let open = call.open::<0>()?;
    if let Some(socket) = local::of(&*open.file) {
        return unix::recvfrom(call, &open, socket).await;
    }
    let slices = Slices::one(call.arg::<1>(), call.arg::<2>())?;
    let flags = call.int::<3>();
    let taken = receive(call, &open, slices, flags).await?;
    if let Some(from) = taken.from {
        put_address(call, from, call.arg::<4>(), call.arg::<5>())?;
    }
    Ok(if flags & net::MSG_TRUNC != 0 { taken.length } else { taken.count })
}

async fn receive_message(call: &mut Call<'_>, open: &Open, at: u64, flags: u32) -> Answer {
    let mut message: Message = call.memory().get(at)?;
    let slices = message.slices(call)?;
    if let Some(socket) = local::of(&*open.file) {
        let (name, control) = ((message.name, message.name_length), (message.control, message.control_length));
        let told = unix::recvmsg(call, open, socket, &slices, name, control, flags).await?;
        message.name_length = told.name_length;
        message.control_length = told.control_length;
        message.flags = told.flags;
        call.memory().put(at, &message)?;
        return Ok(told.length);
    }
    let taken = receive(call, open, slices, flags).await?;
    message.name_length = match taken.from {
        Some(from) if message.name != 0 => put_cut(call, from, message.name, message.name_length)?,
        _ => 0,
    };
    message.flags = if taken.length > taken.count { net::MSG_TRUNC } else { 0 };
    let data = taken.to.map(control::destination).unwrap_or_default();
    if data.len() as u64 <= message.control_length {
        call.memory().put(message.control, data.as_slice())?;
        message.control_length = data.len() as u64;
    } else {
        message.control_length = 0;
        message.flags |= net::MSG_CTRUNC;
    }
    call.memory().put(at, &message)?;
    Ok(if flags & net::MSG_TRUNC != 0 { taken.length } else { taken.count })
}

pub async fn recvmsg(call: &mut Call<'_>) -> Answer {
    let open = call.open::<0>()?;
    let (at, flags) = (call.arg::<1>(), call.int::<2>());
    receive_message(call, &open, at, flags).await
}

/// recvmmsg(2): with MSG_WAITFORONE only the first is waited for. As on Linux the time limit is looked at between messages.
pub async fn recvmmsg(call: &mut Call<'_>) -> Answer {
    let open = call.open::<0>()?;
    let (at, count, mut flags) = (call.arg::<1>(), u64::from(call.int::<2>()).min(MAX_MESSAGES), call.int::<3>());
    let limit = match call.arg::<4>() {
        0 => None,
        at => Some(call.memory().get::<Timespec>(at)?.duration()?),
    };
    let due = limit.map(|limit| machine::time::now().saturating_add(limit));
    for index in 0..count {
        let at = at.wrapping_add(index * MANY_STEP);
        match receive_message(call, &open, at, flags & !WAIT_FOR_ONE).await {
            Ok(received) => call.memory().put(at.wrapping_add(MANY_LENGTH), &(received as u32))?,
            Err(error) if index == 0 => return Err(error),
            Err(_) => return Ok(index),
        }
        call.done = index + 1;
        if due.is_some_and(|due| machine::time::now() >= due) {
            return Ok(index + 1);
        }
        if flags & WAIT_FOR_ONE != 0 {
            flags |= net::MSG_DONTWAIT;
        }
    }
    Ok(count)
}
