//! Sending and receiving (send(2), recv(2)).
use super::address::{get_address, put_address, put_cut};
use super::{RECEIVING, SENDING};
use crate::errno::Errno;
use crate::file::Socket;
use crate::program::descriptors::Open;
use crate::program::pipe;
use crate::syscall::io::{Slices, broken_pipe};
use crate::syscall::wait::until_ready_or;
use crate::syscall::{Answer, Call};
use alloc::vec;
use core::net::SocketAddr;
use linux_raw_sys::net;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The most bytes of one message, and of one part of a stream.
const MAX_MESSAGE: usize = 64 << 10;

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

fn is_stream(socket: &dyn Socket) -> bool {
    socket.option(net::SOL_SOCKET, net::SO_TYPE) != Ok(net::SOCK_DGRAM as i32)
}

async fn send(call: &mut Call<'_>, open: &Open, slices: Slices, to: Option<SocketAddr>, flags: u32) -> Answer {
    let wait = flags & net::MSG_DONTWAIT == 0 && !open.is_nonblocking();
    let socket = open.file.socket();
    let stream = socket.is_none_or(is_stream);
    if socket.is_none() && !pipe::is_pair(&*open.file) {
        return Err(Errno::ENOTSOCK);
    }
    let length = slices.length();
    if !stream && length > MAX_MESSAGE as u64 {
        return Err(Errno::EMSGSIZE);
    }
    let mut total = 0;
    loop {
        let bytes = slices.gather(call.memory(), total, MAX_MESSAGE)?;
        let attempt = || match socket {
            Some(socket) => socket.send(&bytes, to),
            None => open.file.write(&bytes, 0),
        };
        match until_ready_or(open, SENDING, wait, attempt).await {
            Ok(count) => total += count as u64,
            Err(_) if total > 0 => return Ok(total),
            Err(error) => {
                if flags & net::MSG_NOSIGNAL == 0 {
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
    let to = match call.arg::<4>() {
        0 => None,
        at => Some(get_address(call, at, call.int::<5>())?),
    };
    send(call, &open, slices, to, call.int::<3>()).await
}

pub async fn sendmsg(call: &mut Call<'_>) -> Answer {
    let open = call.open::<0>()?;
    let message: Message = call.memory().get(call.arg::<1>())?;
    let slices = Slices::vector(call.memory(), message.slices, message.slice_count)?;
    let to = match message.name {
        0 => None,
        at => Some(get_address(call, at, message.name_length)?),
    };
    send(call, &open, slices, to, call.int::<2>()).await
}

struct Received {
    /// Bytes that were copied.
    count: u64,
    /// Bytes that the message had.
    length: u64,
    from: Option<SocketAddr>,
}

async fn receive(call: &mut Call<'_>, open: &Open, slices: Slices, flags: u32) -> Result<Received, Errno> {
    let wait = flags & net::MSG_DONTWAIT == 0 && !open.is_nonblocking();
    let peek = flags & net::MSG_PEEK != 0;
    let socket = open.file.socket();
    if socket.is_none() && (!pipe::is_pair(&*open.file) || peek) {
        return Err(Errno::ENOTSOCK);
    }
    let all = flags & net::MSG_WAITALL != 0 && !peek && socket.is_none_or(is_stream);
    let mut buffer = vec![0; slices.length().min(MAX_MESSAGE as u64) as usize];
    let mut received = Received { count: 0, length: 0, from: None };
    loop {
        let most = (slices.length() - received.count).min(buffer.len() as u64) as usize;
        let part = buffer.get_mut(..most).unwrap_or_default();
        let attempt = || match socket {
            Some(socket) => socket.receive(part, peek),
            None => open.file.read(part, 0).map(|count| (count, None)),
        };
        let (length, from) = match until_ready_or(open, RECEIVING, wait, attempt).await {
            Ok(some) => some,
            Err(_) if received.count > 0 => return Ok(received),
            Err(error) => return Err(error),
        };
        let count = length.min(most);
        slices.scatter(call.memory(), received.count, buffer.get(..count).unwrap_or_default())?;
        received.count += count as u64;
        received.length += length as u64;
        received.from = from;
        if !all || count == 0 || received.count >= slices.length() {
            return Ok(received);
        }
        call.done = received.count;
    }
}

pub async fn recvfrom(call: &mut Call<'_>) -> Answer {
    let open = call.open::<0>()?;
    let slices = Slices::one(call.arg::<1>(), call.arg::<2>())?;
    let flags = call.int::<3>();
    let received = receive(call, &open, slices, flags).await?;
    if let Some(from) = received.from {
        put_address(call, from, call.arg::<4>(), call.arg::<5>())?;
    }
    Ok(if flags & net::MSG_TRUNC != 0 { received.length } else { received.count })
}

pub async fn recvmsg(call: &mut Call<'_>) -> Answer {
    let open = call.open::<0>()?;
    let at = call.arg::<1>();
    let mut message: Message = call.memory().get(at)?;
    let slices = Slices::vector(call.memory(), message.slices, message.slice_count)?;
    let flags = call.int::<2>();
    let received = receive(call, &open, slices, flags).await?;
    message.name_length = match received.from {
        Some(from) if message.name != 0 => put_cut(call, from, message.name, message.name_length)?,
        _ => 0,
    };
    message.control_length = 0;
    message.flags = if received.length > received.count { net::MSG_TRUNC } else { 0 };
    call.memory().put(at, &message)?;
    Ok(if flags & net::MSG_TRUNC != 0 { received.length } else { received.count })
}
