//! Sockets (socket(2), bind(2), accept(2), send(2), recv(2) and their family).
mod address;
mod control;
mod message;
mod options;

pub use message::{recvfrom, recvmmsg, recvmsg, sendmmsg, sendmsg, sendto};
pub use options::{getsockopt, setsockopt};

use super::wait::until_ready;
use super::{Answer, Call, unix};
use crate::errno::Errno;
use crate::file::{Socket, SocketKind, Version};
use crate::program::descriptors::Open;
use crate::program::unix as local;
use address::{get_address, is_unspecified, put_address};
use alloc::sync::Arc;
use linux_raw_sys::{general as linux, net};

const SOCK_NONBLOCK: u32 = linux::O_NONBLOCK;
const SOCK_CLOEXEC: u32 = linux::O_CLOEXEC;
const RECEIVING: usize = 0;
const SENDING: usize = 1;

fn as_socket(open: &Open) -> Result<&dyn Socket, Errno> {
    open.file.socket().ok_or(Errno::ENOTSOCK)
}

fn add(call: &Call<'_>, file: Arc<dyn crate::file::File>, flags: u32) -> Answer {
    let open = Open::new(file, linux::O_RDWR | flags & SOCK_NONBLOCK);
    call.thread.files.lock().add(Arc::new(open), flags & SOCK_CLOEXEC != 0, 0)
}

pub fn socket(call: &mut Call<'_>) -> Answer {
    if call.int::<0>() == net::AF_UNIX {
        return unix::socket(call);
    }
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

/// socketpair(2): two sockets within the machine.
pub fn socketpair(call: &mut Call<'_>) -> Answer {
    if call.int::<0>() != net::AF_UNIX {
        return Err(Errno::EOPNOTSUPP);
    }
    unix::socketpair(call)
}

pub fn bind(call: &mut Call<'_>) -> Answer {
    let open = call.open::<0>()?;
    if let Some(socket) = local::of(&*open.file) {
        return unix::bind(call, socket);
    }
    let socket = as_socket(&open)?;
    socket.bind(get_address(call, call.arg::<1>(), call.int::<2>())?).map(|()| 0)
}

pub fn listen(call: &mut Call<'_>) -> Answer {
    let open = call.open::<0>()?;
    if let Some(socket) = local::of(&*open.file) {
        return unix::listen(call, socket);
    }
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
    if let Some(socket) = local::of(&*open.file) {
        return unix::accept(call, &open, socket, flags).await;
    }
    let socket = as_socket(&open)?;
    let (file, peer) = until_ready(&open, RECEIVING, || socket.accept()).await?;
    put_address(call, peer, call.arg::<1>(), call.arg::<2>())?;
    add(call, file, flags)
}

pub async fn connect(call: &mut Call<'_>) -> Answer {
    let open = call.open::<0>()?;
    if let Some(socket) = local::of(&*open.file) {
        return unix::connect(call, &open, socket).await;
    }
    let socket = as_socket(&open)?;
    if is_unspecified(call, call.arg::<1>(), call.int::<2>())? {
        return socket.disconnect().map(|()| 0);
    }
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

pub fn shutdown(call: &mut Call<'_>) -> Answer {
    let open = call.open::<0>()?;
    let (read, write) = match call.int::<1>() {
        net::SHUT_RD => (true, false),
        net::SHUT_WR => (false, true),
        net::SHUT_RDWR => (true, true),
        _ => return Err(Errno::EINVAL),
    };
    if let Some(socket) = local::of(&*open.file) {
        return unix::shutdown(socket, read, write);
    }
    as_socket(&open)?.shutdown(read, write).map(|()| 0)
}

pub fn getsockname(call: &mut Call<'_>) -> Answer {
    let open = call.open::<0>()?;
    if let Some(socket) = local::of(&*open.file) {
        return unix::getsockname(call, socket);
    }
    put_address(call, as_socket(&open)?.local(), call.arg::<1>(), call.arg::<2>()).map(|()| 0)
}

pub fn getpeername(call: &mut Call<'_>) -> Answer {
    let open = call.open::<0>()?;
    if let Some(socket) = local::of(&*open.file) {
        return unix::getpeername(call, socket);
    }
    put_address(call, as_socket(&open)?.peer()?, call.arg::<1>(), call.arg::<2>()).map(|()| 0)
}
