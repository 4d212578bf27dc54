//! Options of sockets (getsockopt(2)).
use super::{RECEIVING, SENDING, as_socket};
use crate::errno::Errno;
use crate::program::descriptors::Open;
use crate::program::unix as local;
use crate::syscall::time::Timeval;
use crate::syscall::{Answer, Call, unix};
use linux_raw_sys::net;
use zerocopy::IntoBytes;

/// Which time limit an option sets, if it is one.
fn time_limit(level: u32, name: u32) -> Option<usize> {
    match (level, name) {
        (net::SOL_SOCKET, net::SO_RCVTIMEO_OLD) => Some(RECEIVING),
        (net::SOL_SOCKET, net::SO_SNDTIMEO_OLD) => Some(SENDING),
        _ => None,
    }
}

fn is_socket(open: &Open) -> Result<(), Errno> {
    if local::of(&*open.file).is_some() { Ok(()) } else { as_socket(open).map(|_| ()) }
}

pub fn setsockopt(call: &mut Call<'_>) -> Answer {
    let open = call.open::<0>()?;
    let (level, name, at, length) = (call.int::<1>(), call.int::<2>(), call.arg::<3>(), call.int::<4>());
    is_socket(&open)?;
    if let Some(direction) = time_limit(level, name) {
        let limit =
            if length < 16 { return Err(Errno::EINVAL) } else { call.memory().get::<Timeval>(at)?.duration()? };
        if let Some(slot) = open.timeouts.lock().get_mut(direction) {
            *slot = Some(limit).filter(|limit| !limit.is_zero());
        }
        return Ok(0);
    }
    if let Some(socket) = local::of(&*open.file) {
        return unix::setsockopt(call, socket);
    }
    let socket = as_socket(&open)?;
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
    is_socket(&open)?;
    let room: u32 = call.memory().get(length_at)?;
    if let Some(socket) = local::of(&*open.file).filter(|_| time_limit(level, name).is_none()) {
        return unix::getsockopt(call, socket);
    }
    let bytes = if let Some(direction) = time_limit(level, name) {
        let limit = open.timeouts.lock().get(direction).copied().flatten().unwrap_or_default();
        Timeval::from(limit).as_bytes().to_vec()
    } else {
        as_socket(&open)?.option_bytes(level, name)?
    };
    let bytes = bytes.get(..bytes.len().min(room as usize)).unwrap_or_default();
    call.memory().put(at, bytes)?;
    call.memory().put(length_at, &(bytes.len() as u32))?;
    Ok(0)
}
