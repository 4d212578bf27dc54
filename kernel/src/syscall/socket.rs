//! Sockets (socket(2), bind(2), accept(2), send(2), recv(2) and their family).
use super::io::{Slices, broken_pipe};
use super::time::Timeval;
use super::wait::{until_ready, until_ready_or};
use super::{Answer, Call};
use crate::errno::Errno;
use crate::file::{Socket, SocketKind, Version};
use crate::program::descriptors::Open;
use crate::program::pipe;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use linux_raw_sys::{general as linux, net};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The most bytes of one message, and of one part of a stream.
const MAX_MESSAGE: usize = 64 << 10;
const SOCK_NONBLOCK: u32 = linux::O_NONBLOCK;
const SOCK_CLOEXEC: u32 = linux::O_CLOEXEC;
const RECEIVING: usize = 0;
const SENDING: usize = 1;

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

fn as_socket(open: &Open) -> Result<&dyn Socket, Errno> {
    open.file.socket().ok_or(Errno::ENOTSOCK)
}

/// The address that the program has at `at` (ip(7), ipv6(7)).
fn get_address(call: &Call<'_>, at: u64, length: u32) -> Result<SocketAddr, Errno> {
    let family: u16 = if length < 2 { return Err(Errno::EINVAL) } else { call.memory().get(at)? };
    match (u32::from(family), length) {
        (net::AF_INET, 16..) => {
            let [_, _, high, low, a, b, c, d]: [u8; 8] = call.memory().get(at)?;
            Ok((Ipv4Addr::new(a, b, c, d), u16::from_be_bytes([high, low])).into())
        }
        (net::AF_INET6, 24..) => {
            let [_, _, high, low, _, _, _, _]: [u8; 8] = call.memory().get(at)?;
            let address: [u8; 16] = call.memory().get(at.wrapping_add(8))?;
            let scope: u32 = if length >= 28 { call.memory().get(at.wrapping_add(24))? } else { 0 };
            Ok(SocketAddrV6::new(Ipv6Addr::from(address), u16::from_be_bytes([high, low]), 0, scope).into())
        }
        (net::AF_INET | net::AF_INET6, _) => Err(Errno::EINVAL),
        _ => Err(Errno::EAFNOSUPPORT),
    }
}

fn encode_address(address: SocketAddr) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(28);
    let port = address.port().to_be_bytes();
    match address {
        SocketAddr::V4(v4) => {
            bytes.extend_from_slice(&(net::AF_INET as u16).to_le_bytes());
            bytes.extend_from_slice(&port);
            bytes.extend_from_slice(&v4.ip().octets());
            bytes.extend_from_slice(&[0; 8]);
        }
        SocketAddr::V6(v6) => {
            bytes.extend_from_slice(&(net::AF_INET6 as u16).to_le_bytes());
            bytes.extend_from_slice(&port);
            bytes.extend_from_slice(&v6.flowinfo().to_be_bytes());
            bytes.extend_from_slice(&v6.ip().octets());
            bytes.extend_from_slice(&v6.scope_id().to_le_bytes());
        }
    }
    bytes
}

/// Tells the program an address: cut to the room it has, with the length it has in full.
fn put_address(call: &Call<'_>, address: SocketAddr, at: u64, length_at: u64) -> Result<(), Errno> {
    if at == 0 || length_at == 0 {
        return Ok(());
    }
    let room: u32 = call.memory().get(length_at)?;
    let length = put_cut(call, address, at, room)?;
    call.memory().put(length_at, &length)
}

fn put_cut(call: &Call<'_>, address: SocketAddr, at: u64, room: u32) -> Result<u32, Errno> {
    if room as i32 <= 0 && room != 0 {
        return Err(Errno::EINVAL);
    }
    let bytes = encode_address(address);
    call.memory().put(at, bytes.get(..bytes.len().min(room as usize)).unwrap_or_default())?;
    Ok(bytes.len() as u32)
}

fn add(call: &Call<'_>, file: Arc<dyn crate::file::File>, flags: u32) -> Answer {
    let open = Open::new(file, linux::O_RDWR | flags & SOCK_NONBLOCK);
    call.thread.files.lock().add(Arc::new(open), flags & SOCK_CLOEXEC != 0, 0)
}

pub fn socket(call: &mut Call<'_>) -> Answer {
    let (kind, protocol) = (call.int::<1>() & !(SOCK_NONBLOCK | SOCK_CLOEXEC), call.int::<2>());
    let version = match call.int::<0>() {
        net::AF_INET => Version::V4,
        net::AF_INET6 => Version::V6,
        _ => return Err(Errno::EAFNOSUPPORT),
    };
    let (kind, own_protocol) = match kind {
        net::SOCK_STREAM => (SocketKind::Stream, net::IPPROTO_TCP as u32),
        net::SOCK_DGRAM => (SocketKind::Datagram, net::IPPROTO_UDP as u32),
        _ => return Err(Errno::ESOCKTNOSUPPORT),
    };
    if protocol != 0 && protocol != own_protocol {
        return Err(Errno::EPROTONOSUPPORT);
    }
    add(call, call.world().sockets.open(version, kind)?, call.int::<1>())
}

/// socketpair(2): two ends of a stream within the machine.
pub fn socketpair(call: &mut Call<'_>) -> Answer {
    if call.int::<0>() != net::AF_UNIX {
        return Err(Errno::EOPNOTSUPP);
    }
    let (first, second) = pipe::pair();
    let numbers = [add(call, first, call.int::<1>())? as u32, add(call, second, call.int::<1>())? as u32];
    call.memory().put(call.arg::<3>(), &numbers)?;
    Ok(0)
}

pub fn bind(call: &mut Call<'_>) -> Answer {
    let open = call.open::<0>()?;
    let socket = as_socket(&open)?;
    socket.bind(get_address(call, call.arg::<1>(), call.int::<2>())?).map(|()| 0)
}

pub fn listen(call: &mut Call<'_>) -> Answer {
    let open = call.open::<0>()?;
    as_socket(&open)?.listen(call.int::<1>()).map(|()| 0)
}

pub async fn accept(call: &mut Call<'_>) -> Answer {
    accept_with(call, 0).await
}

pub async fn accept4(call: &mut Call<'_>) -> Answer {
    let flags = call.int::<3>();
    if flags & !(SOCK_NONBLOCK | SOCK_CLOEXEC) != 0 {
        return Err(Errno::EINVAL);
    }
    accept_with(call, flags).await
}

async fn accept_with(call: &mut Call<'_>, flags: u32) -> Answer {
    let open = call.open::<0>()?;
    let socket = as_socket(&open)?;
    let (file, peer) = until_ready(&open, RECEIVING, || socket.accept()).await?;
    put_address(call, peer, call.arg::<1>(), call.arg::<2>())?;
    add(call, file, flags)
}

pub async fn connect(call: &mut Call<'_>) -> Answer {
    let open = call.open::<0>()?;
    let socket = as_socket(&open)?;
    let address = get_address(call, call.arg::<1>(), call.int::<2>())?;
    if open.is_nonblocking() {
        return socket.connect(address).map(|()| 0);
    }
    let mut started = false;
    until_ready(&open, SENDING, || match socket.connect(address) {
        Err(Errno::EINPROGRESS | Errno::EALREADY) => {
            started = true;
            Err(Errno::EAGAIN)
        }
        // It came about between two looks.
        Err(Errno::EISCONN) if started => Ok(0),
        done => done.map(|()| 0),
    })
    .await
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

pub fn shutdown(call: &mut Call<'_>) -> Answer {
    let open = call.open::<0>()?;
    let (read, write) = match call.int::<1>() {
        net::SHUT_RD => (true, false),
        net::SHUT_WR => (false, true),
        net::SHUT_RDWR => (true, true),
        _ => return Err(Errno::EINVAL),
    };
    match open.file.socket() {
        Some(socket) => socket.shutdown(read, write).map(|()| 0),
        None => pipe::shut(&*open.file, read, write).map(|()| 0),
    }
}

pub fn getsockname(call: &mut Call<'_>) -> Answer {
    let open = call.open::<0>()?;
    put_address(call, as_socket(&open)?.local(), call.arg::<1>(), call.arg::<2>()).map(|()| 0)
}

pub fn getpeername(call: &mut Call<'_>) -> Answer {
    let open = call.open::<0>()?;
    put_address(call, as_socket(&open)?.peer()?, call.arg::<1>(), call.arg::<2>()).map(|()| 0)
}

/// Which time limit an option sets, if it is one.
fn time_limit(level: u32, name: u32) -> Option<usize> {
    match (level, name) {
        (net::SOL_SOCKET, net::SO_RCVTIMEO_OLD) => Some(RECEIVING),
        (net::SOL_SOCKET, net::SO_SNDTIMEO_OLD) => Some(SENDING),
        _ => None,
    }
}

pub fn setsockopt(call: &mut Call<'_>) -> Answer {
    let open = call.open::<0>()?;
    let (level, name, at, length) = (call.int::<1>(), call.int::<2>(), call.arg::<3>(), call.int::<4>());
    let socket = as_socket(&open)?;
    if let Some(direction) = time_limit(level, name) {
        let limit =
            if length < 16 { return Err(Errno::EINVAL) } else { call.memory().get::<Timeval>(at)?.duration()? };
        if let Some(slot) = open.timeouts.lock().get_mut(direction) {
            *slot = Some(limit).filter(|limit| !limit.is_zero());
        }
        return Ok(0);
    }
    if length < 4 {
        return Err(Errno::EINVAL);
    }
    let value: i32 = match (level, name) {
        // struct linger: whether, and how long.
        (net::SOL_SOCKET, net::SO_LINGER) => {
            let [on, seconds]: [i32; 2] = call.memory().get(at)?;
            if on == 0 { -1 } else { seconds }
        }
        _ => call.memory().get(at)?,
    };
    socket.set_option(level, name, value).map(|()| 0)
}

pub fn getsockopt(call: &mut Call<'_>) -> Answer {
    let open = call.open::<0>()?;
    let (level, name, at, length_at) = (call.int::<1>(), call.int::<2>(), call.arg::<3>(), call.arg::<4>());
    let room: u32 = call.memory().get(length_at)?;
    let bytes = if let Some(direction) = time_limit(level, name) {
        let limit = open.timeouts.lock().get(direction).copied().flatten().unwrap_or_default();
        Timeval::from(limit).as_bytes().to_vec()
    } else {
        as_socket(&open)?.option(level, name)?.to_le_bytes().to_vec()
    };
    let bytes = bytes.get(..bytes.len().min(room as usize)).unwrap_or_default();
    call.memory().put(at, bytes)?;
    call.memory().put(length_at, &(bytes.len() as u32))?;
    Ok(0)
}
