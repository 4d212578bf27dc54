//! UDP sockets as the program sees them (udp(7), socket(7)).
use super::Net;
use super::address::{self, canonical, shown};
use super::endpoint::Endpoint;
use super::options::{Generic, UDP};
use super::ports::{Protocol, Scope};
use super::stack::Stack;
use super::timers::Timer;
use crate::errno::Errno;
use crate::file::{Events, File, Socket, Status, Version};
use crate::wait::WaitQueue;
use alloc::sync::Arc;
use core::any::Any;
use core::net::{IpAddr, SocketAddr};
use linux_raw_sys::net as linux;
use spin::{Mutex, MutexGuard};

#[derive(Default)]
struct Inner {
    /// Its endpoint, once it is bound.
    id: Option<u64>,
    generic: Generic,
}

/// A UDP socket.
pub struct UdpSocket {
    net: Arc<Net>,
    version: Version,
    changed: Arc<WaitQueue>,
    inner: Mutex<Inner>,
}

impl UdpSocket {
    /// A socket that is not bound.
    pub fn new(net: Arc<Net>, version: Version) -> Self {
        UdpSocket { net, version, changed: Arc::new(WaitQueue::new()), inner: Mutex::default() }
    }

    /// The socket, then the stack: always in this order.
    fn lock(&self) -> (MutexGuard<'_, Inner>, MutexGuard<'_, Stack>) {
        (self.inner.lock(), self.net.stack())
    }

    fn bind_to(&self, inner: &mut Inner, stack: &mut Stack, address: SocketAddr) -> Result<u64, Errno> {
        let scope = Scope::new(self.version, inner.generic.only_v6, canonical(address).ip());
        let taken = |address: IpAddr| {
            address.is_loopback()
                || address.is_multicast()
                || stack.link.is_own(address)
                || stack.link.is_broadcast(address)
        };
        if scope.address.is_some_and(|address| !taken(address)) {
            return Err(Errno::EADDRNOTAVAIL);
        }
        let Stack { ports, random, .. } = stack;
        let binding = ports.claim(Protocol::Udp, scope, address.port(), random)?;
        let id = stack.next_id();
        stack.ports.set_receiver(&binding, Some(id));
        stack.endpoints.insert(id, Endpoint::new(binding, self.changed.clone())?);
        inner.id = Some(id);
        Ok(id)
    }

    /// Its endpoint; it is bound to a free port if it is not bound.
    fn bound(&self, inner: &mut Inner, stack: &mut Stack) -> Result<u64, Errno> {
        match inner.id {
            Some(id) => Ok(id),
            None => self.bind_to(inner, stack, address::any(self.version)),
        }
    }

    fn endpoint<'s>(inner: &Inner, stack: &'s mut Stack) -> Option<&'s mut Endpoint> {
        stack.endpoints.get_mut(&inner.id?)
    }
}

impl File for UdpSocket {
    fn read(&self, buffer: &mut [u8], _offset: u64) -> Result<usize, Errno> {
        let (length, _) = self.receive(buffer, false)?;
        Ok(length.min(buffer.len()))
    }

    fn write(&self, bytes: &[u8], _offset: u64) -> Result<usize, Errno> {
        self.send(bytes, None)
    }

    fn ready(&self) -> Events {
        let (inner, mut stack) = self.lock();
        Self::endpoint(&inner, &mut stack).map_or(Events::OUT, |endpoint| endpoint.ready())
    }

    fn changed(&self) -> Option<&WaitQueue> {
        Some(&self.changed)
    }

    fn status(&self) -> Status {
        address::status()
    }

    fn socket(&self) -> Option<&dyn Socket> {
        Some(self)
    }

    fn any(&self) -> &dyn Any {
        self
    }
}

impl Socket for UdpSocket {
    fn bind(&self, address: SocketAddr) -> Result<(), Errno> {
        address::check_version(self.version, address)?;
        let (mut inner, mut stack) = self.lock();
        if inner.id.is_some() {
            return Err(Errno::EINVAL);
        }
        self.bind_to(&mut inner, &mut stack, address).map(|_| ())
    }

    fn listen(&self, _backlog: u32) -> Result<(), Errno> {
        Err(Errno::EOPNOTSUPP)
    }

    fn accept(&self) -> Result<(Arc<dyn File>, SocketAddr), Errno> {
        Err(Errno::EOPNOTSUPP)
    }

    fn connect(&self, address: SocketAddr) -> Result<(), Errno> {
        address::check_version(self.version, address)?;
        let (mut inner, mut stack) = self.lock();
        let remote = canonical(address);
        stack.source_for(remote.ip())?;
        let id = self.bound(&mut inner, &mut stack)?;
        let endpoint = stack.endpoints.get_mut(&id).ok_or(Errno::EINVAL)?;
        endpoint.peer = Some((remote.ip(), remote.port()));
        Ok(())
    }

    fn send(&self, bytes: &[u8], to: Option<SocketAddr>) -> Result<usize, Errno> {
        to.map_or(Ok(()), |to| address::check_version(self.version, to))?;
        let (mut inner, mut stack) = self.lock();
        let peer = Self::endpoint(&inner, &mut stack).and_then(|endpoint| endpoint.peer);
        let named = to.map(canonical).map(|to| (to.ip(), to.port()));
        let to = named.or(peer).ok_or(Errno::EDESTADDRREQ)?;
        if stack.link.is_broadcast(to.0) && !inner.generic.broadcast {
            return Err(Errno::EACCES);
        }
        let source = stack.source_for(to.0)?;
        let id = self.bound(&mut inner, &mut stack)?;
        let now = stack.link.now();
        let endpoint = stack.endpoints.get_mut(&id).ok_or(Errno::EINVAL)?;
        let sent = endpoint.send(bytes, to, source, now)?;
        stack.flush_endpoint(id);
        Ok(sent)
    }

    fn receive(&self, buffer: &mut [u8], peek: bool) -> Result<(usize, Option<SocketAddr>), Errno> {
        let (inner, mut stack) = self.lock();
        let endpoint = Self::endpoint(&inner, &mut stack).ok_or(Errno::EAGAIN)?;
        let (length, sender) = endpoint.receive(buffer, peek)?;
        Ok((length, Some(shown(self.version, sender))))
    }

    fn shutdown(&self, _read: bool, _write: bool) -> Result<(), Errno> {
        let (inner, mut stack) = self.lock();
        let connected = Self::endpoint(&inner, &mut stack).is_some_and(|endpoint| endpoint.peer.is_some());
        if connected { Ok(()) } else { Err(Errno::ENOTCONN) }
    }

    fn local(&self) -> SocketAddr {
        let (inner, mut stack) = self.lock();
        let any = address::any(self.version).ip();
        let local = Self::endpoint(&inner, &mut stack)
            .map_or((any, 0), |endpoint| (endpoint.binding.scope.address.unwrap_or(any), endpoint.binding.port));
        shown(self.version, local)
    }

    fn peer(&self) -> Result<SocketAddr, Errno> {
        let (inner, mut stack) = self.lock();
        let peer = Self::endpoint(&inner, &mut stack).and_then(|endpoint| endpoint.peer);
        peer.map(|peer| shown(self.version, peer)).ok_or(Errno::ENOTCONN)
    }

    fn set_option(&self, level: u32, name: u32, value: i32) -> Result<(), Errno> {
        self.inner.lock().generic.set(level, name, value)
    }

    fn option(&self, level: u32, name: u32) -> Result<i32, Errno> {
        match (level, name) {
            (linux::SOL_SOCKET, linux::SO_TYPE) => Ok(linux::SOCK_DGRAM as i32),
            (linux::SOL_SOCKET, linux::SO_PROTOCOL) => Ok(UDP as i32),
            (linux::SOL_SOCKET, linux::SO_DOMAIN) => Ok(address::family(self.version)),
            (linux::SOL_SOCKET, linux::SO_SNDBUF) => Ok(super::endpoint::SEND_BUFFER as i32),
            (linux::SOL_SOCKET, linux::SO_RCVBUF) => Ok(super::endpoint::RECEIVE_BUFFER.0 as i32),
            _ => self.inner.lock().generic.get(level, name),
        }
    }
}

impl Drop for UdpSocket {
    fn drop(&mut self) {
        let mut stack = self.net.stack();
        let Some(id) = self.inner.get_mut().id.take() else { return };
        let Some(mut endpoint) = stack.endpoints.remove(&id) else { return };
        stack.timers.set(Timer::Endpoint(id), &mut endpoint.due, None);
        stack.ports.release(endpoint.binding);
    }
}
