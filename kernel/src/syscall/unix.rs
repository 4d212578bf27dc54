//! Sockets within the machine: the calls of socket(2) and its family for AF_UNIX (unix(7)).
use super::control;
use super::io::{Slices, broken_pipe};
use super::wait::{until_ready, until_ready_or};
use super::{Answer, Call};
use crate::errno::Errno;
use crate::program::descriptors::Open;
use crate::program::unix::inbox::CAPACITY;
use crate::program::unix::name::{Address, Name};
use crate::program::unix::rights::Rights;
use crate::program::unix::{self, Kind, Received, Sent, Socket};
use crate::tree;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use linux_raw_sys::{general as linux, net};

/// `sun_family` and the whole of `sun_path`.
const ADDRESS_LENGTH: u32 = 2 + 108;
/// How many bytes of a stream are copied at once.
const PART: usize = 64 << 10;
/// The bits of a socket's type that are no flags (SOCK_TYPE_MASK).
const KIND: u32 = 0xf;
/// The last there is (SOCK_PACKET).
const MOST_KIND: u32 = 10;
const SOCK_NONBLOCK: u32 = linux::O_NONBLOCK;
const SOCK_CLOEXEC: u32 = linux::O_CLOEXEC;

fn kind_of(call: &Call<'_>) -> Result<Kind, Errno> {
    let (kind, flags) = (call.int::<1>() & KIND, call.int::<1>() & !KIND);
    if flags & !(SOCK_NONBLOCK | SOCK_CLOEXEC) != 0 || kind > MOST_KIND {
        return Err(Errno::EINVAL);
    }
    if !matches!(call.int::<2>(), 0 | net::AF_UNIX) {
        return Err(Errno::EPROTONOSUPPORT);
    }
    match kind {
        net::SOCK_STREAM => Ok(Kind::Stream),
        net::SOCK_DGRAM | net::SOCK_RAW => Ok(Kind::Datagram),
        net::SOCK_SEQPACKET => Ok(Kind::Packets),
        _ => Err(Errno::ESOCKTNOSUPPORT),
    }
}

fn add(call: &Call<'_>, handle: unix::Handle, flags: u32) -> Answer {
    let open = Open::new(Arc::new(handle), linux::O_RDWR | flags & SOCK_NONBLOCK);
    call.thread.files.lock().add(Arc::new(open), flags & SOCK_CLOEXEC != 0, 0)
}

pub fn socket(call: &Call<'_>) -> Answer {
    let kind = kind_of(call)?;
    add(call, unix::socket(kind, &call.world().names, call.thread.process.id), call.int::<1>())
}

pub fn socketpair(call: &Call<'_>) -> Answer {
    let (first, second) = unix::pair(kind_of(call)?, &call.world().names, call.thread.process.id);
    let first = add(call, first, call.int::<1>())?;
    let second = add(call, second, call.int::<1>());
    let told = second.and_then(|second| call.memory().put(call.arg::<3>(), &[first as u32, second as u32]));
    if let Err(error) = told {
        for number in [Ok(first), second].into_iter().flatten() {
            let closed = call.thread.files.lock().remove(number);
            drop(closed);
        }
        return Err(error);
    }
    Ok(0)
}

/// The name that the program has at `at`; `None` if it names no family (AF_UNSPEC).
fn get_name(call: &Call<'_>, at: u64, length: u32) -> Result<Option<Name>, Errno> {
    if !(2..=ADDRESS_LENGTH).contains(&length) {
        return Err(Errno::EINVAL);
    }
    let bytes = call.memory().bytes(at, length as usize)?;
    let (family, path) = bytes.split_first_chunk().ok_or(Errno::EINVAL)?;
    match u32::from(u16::from_le_bytes(*family)) {
        net::AF_UNIX => {}
        net::AF_UNSPEC => return Ok(None),
        _ => return Err(Errno::EINVAL),
    }
    Ok(Some(match path {
        [] => Name::None,
        [0, name @ ..] => Name::Abstract(name.to_vec()),
        path => Name::Path(path.split(|byte| *byte == 0).next().unwrap_or_default().to_vec()),
    }))
}

fn encode(name: &Name) -> Vec<u8> {
    let mut bytes = (net::AF_UNIX as u16).to_le_bytes().to_vec();
    match name {
        Name::None => {}
        Name::Path(path) => {
            bytes.extend_from_slice(path);
            bytes.push(0);
        }
        Name::Abstract(name) => {
            bytes.push(0);
            bytes.extend_from_slice(name);
        }
    }
    bytes
}

/// Tells the program a name: cut to the room it has, with the length it has in full.
fn put_name(call: &Call<'_>, name: &Name, at: u64, length_at: u64) -> Result<(), Errno> {
    let room: u32 = call.memory().get(length_at)?;
    let length = put_cut(call, name, at, room)?;
    call.memory().put(length_at, &length)
}

fn put_cut(call: &Call<'_>, name: &Name, at: u64, room: u32) -> Result<u32, Errno> {
    if room > i32::MAX as u32 {
        return Err(Errno::EINVAL);
    }
    let bytes = encode(name);
    call.memory().put(at, bytes.get(..bytes.len().min(room as usize)).unwrap_or_default())?;
    Ok(bytes.len() as u32)
}

fn as_text(path: &[u8]) -> Result<String, Errno> {
    String::from_utf8(path.to_vec()).map_err(|_| Errno::ENOENT)
}

/// The socket of this name.
fn find(call: &Call<'_>, kind: Kind, name: &Name) -> Result<Arc<Socket>, Errno> {
    let address = match name {
        Name::None => return Err(Errno::EINVAL),
        Name::Abstract(name) => Address::Abstract(kind, name.clone()),
        Name::Path(path) => {
            let base = call.thread.place.lock().path.clone();
            let node = call.world().tree.find(&base, &as_text(path)?, true)?.existing()?;
            if !matches!(node.kind, tree::Kind::Socket) {
                return Err(Errno::ECONNREFUSED);
            }
            Address::Node(node.inode())
        }
    };
    call.world().names.find(&address)
}

pub fn bind(call: &Call<'_>, socket: &Arc<Socket>) -> Answer {
    let name = get_name(call, call.arg::<1>(), call.int::<2>())?.ok_or(Errno::EINVAL)?;
    if socket.is_bound() {
        return Err(Errno::EINVAL);
    }
    match name {
        Name::None => {
            let name = call.world().names.free_name(socket.kind)?;
            socket.bind(Address::Abstract(socket.kind, name.clone()), Name::Abstract(name))?;
        }
        Name::Abstract(name) => socket.bind(Address::Abstract(socket.kind, name.clone()), Name::Abstract(name))?,
        Name::Path(path) => {
            let place = call.thread.place.lock().clone();
            let found = call.world().tree.find(&place.path, &as_text(&path)?, false)?;
            let mode = linux::S_IFSOCK | 0o777 & !place.umask;
            let node = call.world().tree.create(&found, tree::Kind::Socket, mode).map_err(|error| match error {
                Errno::EEXIST => Errno::EADDRINUSE,
                other => other,
            })?;
            socket.bind(Address::Node(node.inode()), Name::Path(path))?;
        }
    }
    Ok(0)
}

pub fn listen(call: &Call<'_>, socket: &Socket) -> Answer {
    socket.listen(call.int::<1>(), call.thread.process.id).map(|()| 0)
}

pub async fn accept(call: &mut Call<'_>, open: &Open, socket: &Socket, flags: u32) -> Answer {
    let accepted = until_ready(open, 0, || socket.accept()).await?;
    if call.arg::<1>() != 0 {
        let name = accepted.0.peer_name().unwrap_or_default();
        put_name(call, &name, call.arg::<1>(), call.arg::<2>())?;
    }
    add(call, accepted, flags)
}

pub async fn connect(call: &mut Call<'_>, open: &Open, socket: &Arc<Socket>) -> Answer {
    let name = get_name(call, call.arg::<1>(), call.int::<2>())?;
    if socket.kind == Kind::Datagram {
        let peer = name.map(|name| find(call, socket.kind, &name)).transpose()?;
        return socket.connect_datagram(peer).map(|()| 0);
    }
    let listener = find(call, socket.kind, &name.ok_or(Errno::EINVAL)?)?;
    let owner = call.thread.process.id;
    match socket.connect(&listener, owner) {
        Err(Errno::EAGAIN) if !open.is_nonblocking() => {}
        done => return done.map(|()| 0),
    }
    // Where too many wait already: until one of them is accepted.
    let attempt = || Some(socket.connect(&listener, owner)).filter(|done| *done != Err(Errno::EAGAIN));
    listener.changed().until(attempt).await.map(|()| 0)
}

/// A message to be sent, as the calls of the family give it.
pub struct Outgoing {
    /// Its bytes.
    pub slices: Slices,
    /// Where the address is, and its length; 0 for none.
    pub to: (u64, u32),
    /// Where the control data is, and its length.
    pub control: (u64, u64),
    /// MSG_ flags.
    pub flags: u32,
}

pub async fn send(call: &mut Call<'_>, open: &Open, socket: &Arc<Socket>, message: Outgoing) -> Answer {
    if message.flags & net::MSG_OOB != 0 {
        return Err(Errno::EOPNOTSUPP);
    }
    let mut rights = control::rights(call, message.control)?;
    let to = target(call, socket, message.to)?;
    let stream = socket.kind == Kind::Stream;
    let length = message.slices.length();
    if !stream && length > CAPACITY as u64 {
        return Err(Errno::EMSGSIZE);
    }
    let wait = message.flags & net::MSG_DONTWAIT == 0 && !open.is_nonblocking();
    let sender = call.thread.process.id;
    let mut total = 0;
    loop {
        let most = if stream { PART } else { CAPACITY };
        let bytes = message.slices.gather(call.memory(), total, most)?;
        let attempt = || socket.send(Sent { bytes: &bytes, to: to.as_ref(), rights: Some(&mut rights), sender });
        match until_ready_or(open, 1, wait, attempt).await {
            Ok(count) => total += count as u64,
            Err(_) if total > 0 => return Ok(total),
            Err(error) => {
                if stream && message.flags & net::MSG_NOSIGNAL == 0 {
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

/// Whom a message names; connections have their peer.
fn target(call: &Call<'_>, socket: &Socket, (at, length): (u64, u32)) -> Result<Option<Arc<Socket>>, Errno> {
    if at == 0 || length == 0 {
        return Ok(None);
    }
    // Looked at in any case.
    call.memory().bytes(at, length.min(ADDRESS_LENGTH) as usize)?;
    match socket.kind {
        Kind::Stream if socket.peer_name().is_ok() => Err(Errno::EISCONN),
        Kind::Stream => Err(Errno::EOPNOTSUPP),
        // The peer, whatever the name says.
        Kind::Packets => Ok(None),
        Kind::Datagram => {
            let name = get_name(call, at, length)?.ok_or(Errno::EINVAL)?;
            find(call, socket.kind, &name).map(Some)
        }
    }
}

/// Receives into `slices`. The message's rights are the caller's.
async fn receive(
    call: &mut Call<'_>,
    open: &Open,
    socket: &Socket,
    slices: &Slices,
    flags: u32,
) -> Result<Received, Errno> {
    if flags & net::MSG_OOB != 0 {
        return Err(if socket.kind == Kind::Stream { Errno::EINVAL } else { Errno::EOPNOTSUPP });
    }
    let wait = flags & net::MSG_DONTWAIT == 0 && !open.is_nonblocking();
    let peek = flags & net::MSG_PEEK != 0;
    let all = flags & net::MSG_WAITALL != 0 && !peek && socket.kind == Kind::Stream;
    let most = slices.length().min(CAPACITY as u64) as usize;
    if most == 0 && socket.kind == Kind::Stream {
        return Ok(Received::default());
    }
    let mut buffer = alloc::vec![0; most];
    let mut received = Received::default();
    loop {
        let left = slices.length().saturating_sub(received.count as u64).min(buffer.len() as u64) as usize;
        let part = buffer.get_mut(..left).unwrap_or_default();
        let next = match until_ready_or(open, 0, wait, || socket.receive(part, peek)).await {
            Ok(next) => next,
            Err(_) if received.count > 0 => return Ok(received),
            Err(error) => return Err(error),
        };
        let copied = buffer.get(..next.count).unwrap_or_default();
        slices.scatter(call.memory(), received.count as u64, copied)?;
        let ends = next.count == 0 || !next.rights.is_empty();
        received = Received { count: received.count + next.count, length: received.length + next.length, ..next };
        if !all || ends || received.count as u64 >= slices.length() {
            return Ok(received);
        }
        call.done = received.count as u64;
    }
}

/// read(2): a message that is longer than there is room for is cut.
pub async fn read(call: &mut Call<'_>, open: &Open, socket: &Socket, slices: &Slices) -> Answer {
    receive(call, open, socket, slices, 0).await.map(|received| received.count as u64)
}

fn length_told(received: &Received, socket: &Socket, flags: u32) -> u64 {
    let whole = flags & net::MSG_TRUNC != 0 && socket.kind != Kind::Stream;
    if whole { received.length as u64 } else { received.count as u64 }
}

pub async fn recvfrom(call: &mut Call<'_>, open: &Open, socket: &Socket) -> Answer {
    let slices = Slices::one(call.arg::<1>(), call.arg::<2>())?;
    let flags = call.int::<3>();
    let received = receive(call, open, socket, &slices, flags).await?;
    if call.arg::<4>() != 0 {
        let room: u32 = call.memory().get(call.arg::<5>())?;
        let length = put_sender(call, &received, call.arg::<4>(), room)?;
        call.memory().put(call.arg::<5>(), &length)?;
    }
    Ok(length_told(&received, socket, flags))
}

/// Tells whom a message is from: nothing of a socket without a name.
fn put_sender(call: &Call<'_>, received: &Received, at: u64, room: u32) -> Result<u32, Errno> {
    if received.from == Name::None { Ok(0) } else { put_cut(call, &received.from, at, room) }
}

/// What one `struct msghdr` is told.
pub struct Told {
    /// What the call gives.
    pub length: u64,
    /// The length of the name.
    pub name_length: u32,
    /// The length of the control data.
    pub control_length: u64,
    /// MSG_ flags.
    pub flags: u32,
}

pub async fn recvmsg(
    call: &mut Call<'_>,
    open: &Open,
    socket: &Socket,
    slices: &Slices,
    (name_at, name_room): (u64, u32),
    control: (u64, u64),
    flags: u32,
) -> Result<Told, Errno> {
    let mut received = receive(call, open, socket, slices, flags).await?;
    let name_length = if name_at == 0 { 0 } else { put_sender(call, &received, name_at, name_room)? };
    let sender = socket.passes_credentials().then_some(received.sender);
    let close_on_exec = flags & net::MSG_CMSG_CLOEXEC != 0;
    let rights: Rights = core::mem::take(&mut received.rights);
    let (control_length, cut) = control::put(call, control, sender, rights.take(), close_on_exec)?;
    let mut told = if close_on_exec { net::MSG_CMSG_CLOEXEC } else { 0 };
    if received.length > received.count {
        told |= net::MSG_TRUNC;
    }
    if cut {
        told |= net::MSG_CTRUNC;
    }
    Ok(Told { length: length_told(&received, socket, flags), name_length, control_length, flags: told })
}

pub fn shutdown(socket: &Socket, read: bool, write: bool) -> Answer {
    socket.shutdown(read, write);
    Ok(0)
}

pub fn getsockname(call: &Call<'_>, socket: &Socket) -> Answer {
    put_name(call, &socket.name(), call.arg::<1>(), call.arg::<2>()).map(|()| 0)
}

pub fn getpeername(call: &Call<'_>, socket: &Socket) -> Answer {
    put_name(call, &socket.peer_name()?, call.arg::<1>(), call.arg::<2>()).map(|()| 0)
}

pub fn setsockopt(call: &Call<'_>, socket: &Socket) -> Answer {
    if call.int::<1>() != net::SOL_SOCKET {
        return Err(Errno::EOPNOTSUPP);
    }
    if call.int::<4>() < 4 {
        return Err(Errno::EINVAL);
    }
    let value: u32 = call.memory().get(call.arg::<3>())?;
    match call.int::<2>() {
        net::SO_PASSCRED => socket.pass_credentials(value != 0),
        // Nothing here has a use for them.
        net::SO_REUSEADDR | net::SO_KEEPALIVE | net::SO_BROADCAST | net::SO_LINGER | net::SO_DONTROUTE => {}
        // An inbox has the same size always.
        net::SO_SNDBUF | net::SO_RCVBUF => {}
        _ => return Err(Errno::ENOPROTOOPT),
    }
    Ok(0)
}

pub fn getsockopt(call: &Call<'_>, socket: &Socket) -> Answer {
    if call.int::<1>() != net::SOL_SOCKET {
        return Err(Errno::EOPNOTSUPP);
    }
    let value = match call.int::<2>() {
        net::SO_TYPE => match socket.kind {
            Kind::Stream => net::SOCK_STREAM,
            Kind::Datagram => net::SOCK_DGRAM,
            Kind::Packets => net::SOCK_SEQPACKET,
        },
        net::SO_DOMAIN => net::AF_UNIX,
        net::SO_PROTOCOL => 0,
        net::SO_ERROR => socket.take_error().map_or(0, |error| error.0 as u32),
        net::SO_ACCEPTCONN => u32::from(socket.is_listening()),
        net::SO_PASSCRED => u32::from(socket.passes_credentials()),
        net::SO_SNDBUF | net::SO_RCVBUF => CAPACITY as u32,
        net::SO_REUSEADDR | net::SO_KEEPALIVE | net::SO_BROADCAST => 0,
        net::SO_PEERCRED => {
            let nobody = [0, u32::MAX, u32::MAX];
            return put_option(call, &socket.peer_owner().map_or(nobody, |owner| [owner, 0, 0]));
        }
        _ => return Err(Errno::ENOPROTOOPT),
    };
    put_option(call, &[value])
}

fn put_option(call: &Call<'_>, words: &[u32]) -> Answer {
    let room: u32 = call.memory().get(call.arg::<4>())?;
    if room > i32::MAX as u32 {
        return Err(Errno::EINVAL);
    }
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let bytes = bytes.get(..bytes.len().min(room as usize)).unwrap_or_default();
    call.memory().put(call.arg::<3>(), bytes)?;
    call.memory().put(call.arg::<4>(), &(bytes.len() as u32))?;
    Ok(0)
}
