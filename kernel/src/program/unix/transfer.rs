//! Sending and receiving (send(2), recv(2)) between sockets of the machine.
use super::inbox::{CAPACITY, Message};
use super::name::Name;
use super::rights::Rights;
use super::{Inner, Kind, Socket};
use crate::errno::Errno;
use crate::file::Events;
use crate::program::memory::would_be_scarce;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// How many senders are remembered that found no room.
const MOST_BLOCKED: usize = 1024;

/// What is sent.
#[derive(Default)]
pub struct Sent<'a> {
    /// The bytes.
    pub bytes: &'a [u8],
    /// To whom, if not to the peer.
    pub to: Option<&'a Arc<Socket>>,
    /// The open files that go with the first byte; they stay here where the sending fails.
    pub rights: Option<&'a mut Rights>,
    /// The process that sends.
    pub sender: u32,
}

/// What was received.
#[derive(Default)]
pub struct Received {
    /// Bytes that were copied.
    pub count: usize,
    /// Bytes that the message had.
    pub length: usize,
    /// Where it came from.
    pub from: Name,
    /// The open files that it carried.
    pub rights: Rights,
    /// The process that sent it, if that is told.
    pub sender: Option<u32>,
}

impl Socket {
    /// Sends: a message whole or not at all, a stream as much as there is room for. `EAGAIN` if there is none.
    pub fn send(self: &Arc<Self>, sent: Sent<'_>) -> Result<usize, Errno> {
        let (peer, from, tells) = {
            let inner = self.inner.lock();
            if inner.no_sends {
                return Err(Errno::EPIPE);
            }
            (
                sent.to.or(inner.peer.as_ref()).cloned().ok_or(Errno::ENOTCONN)?,
                inner.name.clone(),
                inner.pass_credentials,
            )
        };
        if self.kind == Kind::Datagram {
            self.may_send_to(&peer)?;
        }
        if self.kind != Kind::Stream && sent.bytes.len() > CAPACITY / 2 {
            return Err(Errno::EMSGSIZE);
        }
        let mut inner = peer.inner.lock();
        if inner.closed || inner.no_reads {
            let refused = inner.closed && self.kind == Kind::Datagram;
            return Err(if refused { Errno::ECONNREFUSED } else { Errno::EPIPE });
        }
        let count = self.fits(&mut inner, sent.bytes.len())?;
        let bytes = copy(sent.bytes.get(..count).unwrap_or_default())?;
        if count == 0 && self.kind == Kind::Stream {
            return Ok(0);
        }
        let rights = sent.rights.map(core::mem::take).unwrap_or_default();
        let sender = Some(sent.sender).filter(|_| tells || inner.pass_credentials);
        inner.inbox.push(self.kind, Message { bytes, taken: 0, rights, sender, from });
        drop(inner);
        peer.changed.wake_for(Events::IN);
        Ok(count)
    }

    /// How many of so many bytes there is room for.
    fn fits(self: &Arc<Self>, inner: &mut Inner, length: usize) -> Result<usize, Errno> {
        let room = inner.inbox.room();
        let count = if self.kind == Kind::Stream { length.min(room) } else { length };
        if room < count || room == 0 {
            let known = inner.blocked.iter().any(|sender| sender.as_ptr() == Arc::as_ptr(self));
            if !known {
                inner.blocked.retain(|sender| sender.strong_count() > 0);
                if inner.blocked.len() >= MOST_BLOCKED {
                    return Err(Errno::ENOBUFS);
                }
                inner.blocked.push(Arc::downgrade(self));
            }
            return Err(Errno::EAGAIN);
        }
        Ok(count)
    }

    /// Receives; `EAGAIN` if nothing is there, no bytes at the end of a stream.
    pub fn receive(&self, buffer: &mut [u8], peek: bool) -> Result<Received, Errno> {
        let mut inner = self.inner.lock();
        if self.kind != Kind::Datagram && inner.peer.is_none() {
            return Err(if self.kind == Kind::Stream { Errno::EINVAL } else { Errno::ENOTCONN });
        }
        if inner.inbox.is_empty() {
            return match inner.error.take() {
                Some(error) => Err(error),
                None if inner.no_reads => Ok(Received::default()),
                None => Err(Errno::EAGAIN),
            };
        }
        if peek {
            return peek_at(&inner, self.kind, buffer);
        }
        let was_writable = inner.inbox.is_writable();
        let mut emptied = Vec::new();
        let received = if self.kind == Kind::Stream {
            take_bytes(&mut inner, buffer, &mut emptied)
        } else {
            take_message(&mut inner, buffer)
        };
        let has_room = inner.inbox.is_writable();
        let blocked = if has_room { core::mem::take(&mut inner.blocked) } else { Vec::new() };
        let peer = inner.peer.clone().filter(|_| has_room && !was_writable);
        drop(inner);
        // Behind the lock: what they held may be files.
        drop(emptied);
        if let Some(peer) = peer {
            peer.changed.wake_for(Events::OUT);
        }
        blocked.iter().filter_map(|sender| sender.upgrade()).for_each(|sender| sender.changed.wake_for(Events::OUT));
        Ok(received)
    }
}

fn copy(bytes: &[u8]) -> Result<Vec<u8>, Errno> {
    if would_be_scarce(bytes.len() as u64) {
        return Err(Errno::ENOBUFS);
    }
    Ok(bytes.to_vec())
}

fn put(buffer: &mut [u8], at: usize, bytes: &[u8]) -> usize {
    let room = buffer.get_mut(at..).unwrap_or_default();
    let count = room.len().min(bytes.len());
    if let (Some(to), Some(from)) = (room.get_mut(..count), bytes.get(..count)) {
        to.copy_from_slice(from);
    }
    count
}

fn take_message(inner: &mut Inner, buffer: &mut [u8]) -> Received {
    let Some(message) = inner.inbox.pop() else { return Received::default() };
    let count = put(buffer, 0, &message.bytes);
    let Message { bytes, rights, sender, from, .. } = message;
    Received { count, length: bytes.len(), from, rights, sender }
}

/// Bytes of a stream: over the pieces, but not past one that carried files.
fn take_bytes(inner: &mut Inner, buffer: &mut [u8], emptied: &mut Vec<Message>) -> Received {
    let mut received = Received::default();
    while let Some(message) = inner.inbox.front() {
        if received.count > 0 && (received.count == buffer.len() || message.sender != received.sender) {
            break;
        }
        received.sender = message.sender;
        received.from = message.from.clone();
        let count = put(buffer, received.count, message.rest());
        received.count += count;
        message.taken += count;
        received.rights = core::mem::take(&mut message.rights);
        if message.rest().is_empty() {
            emptied.extend(inner.inbox.pop());
        }
        if !received.rights.is_empty() || received.count == buffer.len() {
            break;
        }
    }
    received.length = received.count;
    received
}

fn peek_at(inner: &Inner, kind: Kind, buffer: &mut [u8]) -> Result<Received, Errno> {
    let mut received = Received::default();
    for message in inner.inbox.iter() {
        received.count += put(buffer, received.count, message.rest());
        received.length = if kind == Kind::Stream { received.count } else { message.bytes.len() };
        received.from = message.from.clone();
        received.sender = message.sender;
        received.rights = message.rights.copy()?;
        if kind != Kind::Stream || !received.rights.is_empty() || received.count == buffer.len() {
            break;
        }
    }
    Ok(received)
}
