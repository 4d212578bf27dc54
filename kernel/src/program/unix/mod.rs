//! Sockets within the machine (unix(7)): streams, datagrams and sequenced packets, by names or in pairs.
//!
//! - [`name`]: how a socket is found
//! - [`inbox`]: what was sent to a socket and not yet taken
//! - [`connect`]: how two sockets come together
//! - [`transfer`]: sending and receiving
//!
//! The locks of two sockets are never held at once.
mod connect;
pub mod inbox;
pub mod name;
pub mod rights;
mod transfer;

pub use connect::{pair, socket};
pub use transfer::{Received, Sent};

use crate::errno::Errno;
use crate::file::{Events, File, Status};
use crate::wait::WaitQueue;
use alloc::collections::VecDeque;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use inbox::Inbox;
use linux_raw_sys::general as linux;
use name::{Address, Name, Names};
use spin::Mutex;

/// SOCK_STREAM, SOCK_DGRAM or SOCK_SEQPACKET.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Bytes, between two.
    Stream,
    /// Messages, from anybody.
    Datagram,
    /// Messages, between two.
    Packets,
}

/// A socket, for as long as anybody knows it; its [`Handle`] is what descriptors mean.
pub struct Socket {
    /// What it carries.
    pub kind: Kind,
    changed: WaitQueue,
    names: Arc<Names>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    name: Name,
    address: Option<Address>,
    inbox: Inbox,
    peer: Option<Arc<Socket>>,
    /// The process that it was connected or bound by, and its peer's.
    owner: u32,
    peer_owner: Option<u32>,
    backlog: Option<Backlog>,
    /// Nothing comes any more, nothing can be sent any more (shutdown(2)).
    no_reads: bool,
    no_sends: bool,
    closed: bool,
    error: Option<Errno>,
    /// Who found no room here.
    blocked: Vec<Weak<Socket>>,
    pass_credentials: bool,
}

/// The connections that wait to be accepted.
struct Backlog {
    most: usize,
    waiting: VecDeque<Handle>,
}

/// A socket as a file; its end closes the socket.
pub struct Handle(pub Arc<Socket>);

/// The socket behind this file, if it is one of these.
pub fn of(file: &dyn File) -> Option<&Arc<Socket>> {
    file.any().downcast_ref().map(|handle: &Handle| &handle.0)
}

impl Socket {
    /// Its name (getsockname(2)).
    pub fn name(&self) -> Name {
        self.inner.lock().name.clone()
    }

    /// Its peer's name (getpeername(2)).
    pub fn peer_name(&self) -> Result<Name, Errno> {
        let peer = self.inner.lock().peer.clone();
        peer.map(|peer| peer.name()).ok_or(Errno::ENOTCONN)
    }

    /// The process of its peer (SO_PEERCRED).
    pub fn peer_owner(&self) -> Option<u32> {
        self.inner.lock().peer_owner
    }

    /// Whether it takes connections (SO_ACCEPTCONN).
    pub fn is_listening(&self) -> bool {
        self.inner.lock().backlog.is_some()
    }

    /// Whether messages tell who sent them (SO_PASSCRED).
    pub fn passes_credentials(&self) -> bool {
        self.inner.lock().pass_credentials
    }

    /// Changes that.
    pub fn pass_credentials(&self, on: bool) {
        self.inner.lock().pass_credentials = on;
    }

    /// Takes the error that waits to be told (SO_ERROR).
    pub fn take_error(&self) -> Option<Errno> {
        self.inner.lock().error.take()
    }

    /// What one read could take now (FIONREAD).
    pub fn available(&self) -> usize {
        self.inner.lock().inbox.available(self.kind)
    }

    /// shutdown(2).
    pub fn shutdown(&self, read: bool, write: bool) {
        let peer = {
            let mut inner = self.inner.lock();
            inner.no_reads |= read;
            inner.no_sends |= write;
            inner.peer.clone().filter(|_| self.kind != Kind::Datagram)
        };
        if let Some(peer) = peer {
            let mut inner = peer.inner.lock();
            inner.no_reads |= write;
            inner.no_sends |= read;
            drop(inner);
            peer.changed.wake();
        }
        self.changed.wake();
    }

    fn close(&self) {
        let mut inner = self.inner.lock();
        inner.closed = true;
        let (peer, backlog, address) = (inner.peer.take(), inner.backlog.take(), inner.address.take());
        let unread = core::mem::take(&mut inner.inbox);
        let blocked = core::mem::take(&mut inner.blocked);
        drop(inner);
        if let Some(address) = address {
            self.names.remove(&address);
        }
        if let Some(peer) = peer.filter(|_| self.kind != Kind::Datagram) {
            peer.end(!unread.is_empty());
        }
        for waiting in backlog.into_iter().flat_map(|backlog| backlog.waiting) {
            // Nobody will ever accept it.
            let peer = waiting.0.inner.lock().peer.clone();
            drop(waiting);
            if let Some(peer) = peer {
                peer.inner.lock().error = Some(Errno::ECONNRESET);
            }
        }
        blocked.iter().filter_map(Weak::upgrade).for_each(|sender| sender.changed.wake());
        self.changed.wake();
    }

    /// Its peer is gone; `unread`: without having read all.
    fn end(&self, unread: bool) {
        let mut inner = self.inner.lock();
        inner.no_reads = true;
        inner.no_sends = true;
        if unread {
            inner.error = Some(Errno::ECONNRESET);
        }
        drop(inner);
        self.changed.wake();
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl File for Handle {
    fn read(&self, buffer: &mut [u8], _offset: u64) -> Result<usize, Errno> {
        self.0.receive(buffer, false).map(|received| received.count)
    }

    fn write(&self, bytes: &[u8], _offset: u64) -> Result<usize, Errno> {
        let sender = self.0.owner();
        self.0.send(Sent { bytes, sender, ..Sent::default() })
    }

    fn ready(&self) -> Events {
        let inner = self.0.inner.lock();
        let mut events = Events::empty();
        events.set(Events::ERR, inner.error.is_some());
        if let Some(backlog) = &inner.backlog {
            events.set(Events::IN, !backlog.waiting.is_empty());
            return events;
        }
        events.set(Events::IN, !inner.inbox.is_empty() || inner.no_reads);
        events.set(Events::RDHUP, inner.no_reads);
        let alone = self.0.kind != Kind::Datagram && inner.peer.is_none();
        events.set(Events::HUP, inner.no_reads && inner.no_sends || alone);
        let peer = inner.peer.clone();
        drop(inner);
        events.set(Events::OUT, peer.is_none_or(|peer| peer.inner.lock().inbox.is_writable()));
        events
    }

    fn changed(&self) -> Option<&WaitQueue> {
        Some(&self.0.changed)
    }

    fn status(&self) -> Status {
        Status { mode: linux::S_IFSOCK | 0o777, links: 1, ..Status::default() }
    }

    fn any(&self) -> &dyn core::any::Any {
        self
    }
}
