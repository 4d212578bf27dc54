//! UDP sockets as the program sees them (udp(7), socket(7)).
use super::Net;
use super::address::{self, canonical, shown};
use super::connection::Flow;
use super::endpoint::{Endpoint, LONGEST};
use super::loopback;
use super::options::{Generic, UDP};
use super::ports::{Protocol, Scope};
use super::stack::Stack;
use super::timers::Timer;
use crate::errno::Errno;
use crate::file::{Events, File, Received, Socket, Status, Version};
use crate::wait::WaitQueue;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;
use core::net::{IpAddr, SocketAddr};
use linux_raw_sys::net as linux;
use spin::{Mutex, MutexGuard};

#[derive(Default)]
struct Inner {
    /// Its endpoint, once it is bound.
    id: Option<u64>,
    generic: Generic,
    /// The program shut down its side to read, and to write.
    deaf: bool,
    mute: bool,
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
        let taken =
            |address: IpAddr| stack.is_local(address) || address.is_multicast() || stack.link.is_broadcast(address);
        if scope.address.is_some_and(|address| !taken(address)) {
            return Err(Errno::EADDRNOTAVAIL);
        }
        let Stack { ports, random, .. } = stack;
        let binding = ports.claim(Protocol::Udp, scope, inner.generic.sharing, address.port(), random)?;
        let id = stack.next_id();
        stack.ports.set_receiver(&binding, id)?;
        stack.endpoints.insert(id, Endpoint::new(binding, self.changed.clone()));
        inner.id = Some(id);
        self.apply(inner, stack);
        Ok(id)
    }

    fn apply(&self, inner: &Inner, stack: &mut Stack) {
        if let Some(endpoint) = Self::endpoint(inner, stack) {
            endpoint.most = inner.generic.wish.receive.map(|bytes| 2 * bytes);
        }
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

    fn set_peer(&self, id: u64, stack: &mut Stack, peer: Option<(IpAddr, u16)>) {
        if let Some(endpoint) = stack.endpoints.get_mut(&id) {
            endpoint.peer = peer;
            stack.ports.set_peer(&endpoint.binding, peer);
        }
    }
}

impl File for UdpSocket {
    fn read(&self, buffer: &mut [u8], _offset: u64) -> Result<usize, Errno> {
        let received = self.receive(buffer, false)?;
        Ok(received.length.min(buffer.len()))
    }

    fn write(&self, bytes: &[u8], _offset: u64) -> Result<usize, Errno> {
        self.send(bytes, None)
    }

    fn ready(&self) -> Events {
        let (inner, mut stack) = self.lock();
        let mut events = Self::endpoint(&inner, &mut stack).map_or(Events::OUT, |endpoint| endpoint.ready());
        if inner.deaf {
            events |= Events::IN | Events::RDHUP;
        }
        events.set(Events::HUP, inner.deaf && inner.mute);
        events
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
        let (mut inner, mut stack) = self.lock();
        address::check_destination(self.version, inner.generic.only_v6, address)?;
        let remote = canonical(address);
        let remote = (loopback::named(remote.ip()), remote.port());
        if stack.link.is_broadcast(remote.0) && !inner.generic.broadcast {
            return Err(Errno::EACCES);
        }
        stack.source_for(remote.0)?;
        let id = self.bound(&mut inner, &mut stack)?;
        self.set_peer(id, &mut stack, Some(remote));
        Ok(())
    }

    fn disconnect(&self) -> Result<(), Errno> {
        let (inner, mut stack) = self.lock();
        inner.id.into_iter().for_each(|id| self.set_peer(id, &mut stack, None));
        Ok(())
    }

    fn send(&self, bytes: &[u8], to: Option<SocketAddr>) -> Result<usize, Errno> {
        let (mut inner, mut stack) = self.lock();
        to.map_or(Ok(()), |to| address::check_destination(self.version, inner.generic.only_v6, to))?;
        if inner.mute {
            return Err(Errno::EPIPE);
        }
        if bytes.len() > LONGEST {
            return Err(Errno::EMSGSIZE);
        }
        let peer = Self::endpoint(&inner, &mut stack).and_then(|endpoint| endpoint.peer);
        let named = to.map(canonical).map(|to| (loopback::named(to.ip()), to.port()));
        let to = named.or(peer).ok_or(Errno::EDESTADDRREQ)?;
        if to.1 == 0 {
            return Err(Errno::EINVAL);
        }
        if stack.link.is_broadcast(to.0) && !inner.generic.broadcast {
            return Err(Errno::EACCES);
        }
        let source = stack.source_for(to.0)?;
        let id = self.bound(&mut inner, &mut stack)?;
        let now = stack.link.now();
        let local = stack.is_local(to.0);
        let endpoint = stack.endpoints.get_mut(&id).ok_or(Errno::EINVAL)?;
        endpoint.take_fault().map_or(Ok(()), Err)?;
        let source = endpoint.binding.scope.address.filter(|address| !address.is_multicast()).unwrap_or(source);
        if local {
            let flow = Flow { local: (source, endpoint.binding.port), remote: to };
            let delivered = stack.deliver_locally(bytes, flow);
            if let (Err(fault), Some(endpoint)) = (delivered, stack.endpoints.get_mut(&id))
                && endpoint.peer.is_some()
            {
                endpoint.refused(fault);
            }
            return Ok(bytes.len());
        }
        let sent = endpoint.send(bytes, to, source, now)?;
        stack.flush_endpoint(id);
        Ok(sent)
    }

    fn receive(&self, buffer: &mut [u8], peek: bool) -> Result<Received, Errno> {
        let (inner, mut stack) = self.lock();
        let Some(endpoint) = Self::endpoint(&inner, &mut stack) else {
            return if inner.deaf { Ok(Received::default()) } else { Err(Errno::EAGAIN) };
        };
        let received = endpoint.receive(peek, |datagram| {
            let fits = buffer.len().min(datagram.bytes.len());
            if let (Some(to), Some(from)) = (buffer.get_mut(..fits), datagram.bytes.get(..fits)) {
                to.copy_from_slice(from);
            }
            let to = datagram.to.filter(|_| inner.generic.tells_destination);
            let from = Some(shown(self.version, datagram.from));
            Received { length: datagram.bytes.len(), from, to: to.map(|to| shown(self.version, (to, 0)).ip()) }
        });
        match received {
            Err(Errno::EAGAIN) if inner.deaf => Ok(Received::default()),
            received => received,
        }
    }

    fn shutdown(&self, read: bool, write: bool) -> Result<(), Errno> {
        let (mut inner, mut stack) = self.lock();
        let connected = Self::endpoint(&inner, &mut stack).is_some_and(|endpoint| endpoint.peer.is_some());
        inner.deaf |= read;
        inner.mute |= write;
        self.changed.wake();
        if connected { Ok(()) } else { Err(Errno::ENOTCONN) }
    }

    fn local(&self) -> SocketAddr {
        let (inner, mut stack) = self.lock();
        let any = address::any(self.version).ip();
        let Some(endpoint) = Self::endpoint(&inner, &mut stack) else { return shown(self.version, (any, 0)) };
        let (bound, peer, port) = (endpoint.binding.scope.address, endpoint.peer, endpoint.binding.port);
        // One that is connected has the address that its datagrams leave from.
        let source = peer.and_then(|peer| stack.source_for(peer.0).ok());
        shown(self.version, (bound.or(source).unwrap_or(any), port))
    }

    fn peer(&self) -> Result<SocketAddr, Errno> {
        let (inner, mut stack) = self.lock();
        let peer = Self::endpoint(&inner, &mut stack).and_then(|endpoint| endpoint.peer);
        peer.map(|peer| shown(self.version, peer)).ok_or(Errno::ENOTCONN)
    }

    fn unread(&self) -> usize {
        let (inner, mut stack) = self.lock();
        Self::endpoint(&inner, &mut stack).map_or(0, |endpoint| endpoint.first_length())
    }

    fn set_option(&self, level: u32, name: u32, value: i32) -> Result<(), Errno> {
        let (mut inner, mut stack) = self.lock();
        inner.generic.set(level, name, value)?;
        self.apply(&inner, &mut stack);
        Ok(())
    }

    fn option(&self, level: u32, name: u32) -> Result<i32, Errno> {
        match (level, name) {
            (linux::SOL_SOCKET, linux::SO_TYPE) => Ok(linux::SOCK_DGRAM as i32),
            (linux::SOL_SOCKET, linux::SO_PROTOCOL) => Ok(UDP as i32),
            (linux::SOL_SOCKET, linux::SO_DOMAIN) => Ok(address::family(self.version)),
            (linux::SOL_SOCKET, linux::SO_ERROR) => {
                let (inner, mut stack) = self.lock();
                let fault = Self::endpoint(&inner, &mut stack).and_then(Endpoint::take_fault);
                Ok(fault.map_or(0, |fault| fault.0))
            }
            _ => self.inner.lock().generic.get(level, name),
        }
    }

    fn option_bytes(&self, level: u32, name: u32) -> Result<Vec<u8>, Errno> {
        match (level, name) {
            (linux::SOL_SOCKET, linux::SO_LINGER) => Ok(self.inner.lock().generic.linger_bytes()),
            _ => Ok(self.option(level, name)?.to_ne_bytes().to_vec()),
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
