//! How two sockets come together (socketpair(2), bind(2), listen(2), connect(2), accept(2)).
use super::name::{Address, Name, Names};
use super::{Backlog, Handle, Inner, Kind, Socket};
use crate::errno::Errno;
use crate::file::Events;
use crate::wait::WaitQueue;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use spin::Mutex;

/// The most connections that wait to be accepted (`net.core.somaxconn`).
const MOST_WAITING: usize = 4096;

fn with(kind: Kind, names: &Arc<Names>, inner: Inner) -> Arc<Socket> {
    Arc::new(Socket { kind, changed: WaitQueue::new(), names: names.clone(), inner: Mutex::new(inner) })
}

/// A socket without name and peer, of the process `owner`.
pub fn socket(kind: Kind, names: &Arc<Names>, owner: u32) -> Handle {
    Handle(with(kind, names, Inner { owner, ..Inner::default() }))
}

/// Two sockets that are each other's peer.
pub fn pair(kind: Kind, names: &Arc<Names>, owner: u32) -> (Handle, Handle) {
    let (one, other) = (socket(kind, names, owner), socket(kind, names, owner));
    one.0.join(&other.0, owner);
    other.0.join(&one.0, owner);
    (one, other)
}

impl Socket {
    fn join(&self, peer: &Arc<Socket>, peer_owner: u32) {
        let mut inner = self.inner.lock();
        inner.peer = Some(peer.clone());
        inner.peer_owner = Some(peer_owner);
    }

    /// Gives it a name; `EINVAL` if it has one.
    pub fn bind(self: &Arc<Self>, address: Address, name: Name) -> Result<(), Errno> {
        if self.is_bound() {
            return Err(Errno::EINVAL);
        }
        self.names.add(address.clone(), self)?;
        let mut inner = self.inner.lock();
        inner.address = Some(address);
        inner.name = name;
        Ok(())
    }

    /// Whether it has a name.
    pub fn is_bound(&self) -> bool {
        self.inner.lock().name != Name::None
    }

    /// listen(2).
    pub fn listen(&self, backlog: u32, owner: u32) -> Result<(), Errno> {
        if self.kind == Kind::Datagram {
            return Err(Errno::EOPNOTSUPP);
        }
        let mut inner = self.inner.lock();
        if inner.name == Name::None || inner.peer.is_some() {
            return Err(Errno::EINVAL);
        }
        let most = (backlog as usize).min(MOST_WAITING);
        inner.owner = owner;
        match &mut inner.backlog {
            Some(backlog) => backlog.most = most,
            None => inner.backlog = Some(Backlog { most, waiting: VecDeque::new() }),
        }
        drop(inner);
        self.changed.wake_for(Events::OUT);
        Ok(())
    }

    /// Connects a socket of messages from anybody: where it sends to by itself.
    pub fn connect_datagram(&self, peer: Option<Arc<Socket>>) -> Result<(), Errno> {
        if let Some(peer) = &peer {
            self.may_send_to(peer)?;
        }
        let old = core::mem::replace(&mut self.inner.lock().peer, peer);
        drop(old);
        self.changed.wake();
        Ok(())
    }

    /// Whether a datagram may go there: not if it has another peer.
    pub(super) fn may_send_to(&self, target: &Arc<Socket>) -> Result<(), Errno> {
        if target.kind != self.kind {
            return Err(Errno::EPROTOTYPE);
        }
        let others = target.inner.lock().peer.clone();
        match others {
            Some(peer) if !core::ptr::eq(&*peer, self) => Err(Errno::EPERM),
            _ => Ok(()),
        }
    }

    /// Connects to a socket that listens; `EAGAIN` if too many wait there already.
    pub fn connect(self: &Arc<Self>, listener: &Arc<Socket>, owner: u32) -> Result<(), Errno> {
        {
            let inner = self.inner.lock();
            if inner.peer.is_some() {
                return Err(Errno::EISCONN);
            }
            if inner.backlog.is_some() {
                return Err(Errno::EINVAL);
            }
        }
        if listener.kind != self.kind {
            return Err(Errno::EPROTOTYPE);
        }
        let mut at = listener.inner.lock();
        let (name, listener_owner, no_reads) = (at.name.clone(), at.owner, at.no_reads);
        let backlog = at.backlog.as_mut().filter(|_| !no_reads).ok_or(Errno::ECONNREFUSED)?;
        if backlog.waiting.len() > backlog.most {
            return Err(Errno::EAGAIN);
        }
        let accepted = with(
            self.kind,
            &self.names,
            Inner {
                name,
                owner: listener_owner,
                peer: Some(self.clone()),
                peer_owner: Some(owner),
                ..Inner::default()
            },
        );
        backlog.waiting.push_back(Handle(accepted.clone()));
        drop(at);
        self.join(&accepted, listener_owner);
        listener.changed.wake_for(Events::IN);
        self.changed.wake();
        Ok(())
    }

    /// accept(2): `EAGAIN` if nobody waits.
    pub fn accept(&self) -> Result<Handle, Errno> {
        if self.kind == Kind::Datagram {
            return Err(Errno::EOPNOTSUPP);
        }
        let mut inner = self.inner.lock();
        let no_reads = inner.no_reads;
        let backlog = inner.backlog.as_mut().ok_or(Errno::EINVAL)?;
        let first = backlog.waiting.pop_front();
        drop(inner);
        if first.is_some() {
            self.changed.wake_for(Events::OUT);
        }
        first.ok_or(if no_reads { Errno::EINVAL } else { Errno::EAGAIN })
    }

    /// Who is woken when it changes.
    pub fn changed(&self) -> &WaitQueue {
        &self.changed
    }

    /// The process that it belongs to.
    pub fn owner(&self) -> u32 {
        self.inner.lock().owner
    }
}
