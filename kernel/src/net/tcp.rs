//! TCP sockets as the program sees them (tcp(7), socket(7)).
mod options;

use super::Net;
use super::address::{self, canonical, shown};
use super::connection::{Cause, Connection, Flow, Options};
use super::listener::{Listener, Waiting};
use super::local::End;
use super::loopback;
use super::options::Generic;
use super::ports::{Binding, Protocol, Scope};
use super::stack::Stack;
use crate::errno::Errno;
use crate::file::{Events, File, Received, Socket, Status, Version};
use crate::wait::WaitQueue;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;
use core::net::SocketAddr;
use smoltcp::socket::tcp::State;
use spin::{Mutex, MutexGuard};

/// What a socket is.
enum Role {
    /// Nothing yet; bound if there is a binding.
    Fresh(Option<Binding>),
    /// It listens.
    Listening(u64),
    /// It is a connection, that `connect` still has to be told of or not, and whose port was bound or not.
    Connected { id: u64, told: bool, binding: Option<Binding> },
    /// The same, within the instance.
    Local { end: End, told: bool, binding: Option<Binding> },
}

/// A connection, wherever its peer is.
trait Stream {
    /// Reads what came: 0 is the end, `EAGAIN` if nothing is there yet.
    fn read(&mut self, buffer: &mut [u8], peek: bool) -> Result<usize, Errno>;
    /// Takes bytes to send: how many, `EAGAIN` if there is no room. With `more`, more follows at once.
    fn write(&mut self, bytes: &[u8], more: bool) -> Result<usize, Errno>;
}

impl Stream for Connection {
    fn read(&mut self, buffer: &mut [u8], peek: bool) -> Result<usize, Errno> {
        Connection::read(self, buffer, peek)
    }

    fn write(&mut self, bytes: &[u8], more: bool) -> Result<usize, Errno> {
        Connection::write(self, bytes, more)
    }
}

impl Stream for End {
    fn read(&mut self, buffer: &mut [u8], peek: bool) -> Result<usize, Errno> {
        End::read(self, buffer, peek)
    }

    fn write(&mut self, bytes: &[u8], _more: bool) -> Result<usize, Errno> {
        End::write(self, bytes)
    }
}

struct Inner {
    role: Role,
    flow: Option<Flow>,
    options: Options,
    generic: Generic,
    /// The program shut down its side to read.
    deaf: bool,
}

/// A TCP socket.
pub struct TcpSocket {
    net: Arc<Net>,
    version: Version,
    changed: Arc<WaitQueue>,
    inner: Mutex<Inner>,
}

impl TcpSocket {
    /// A socket that is nothing yet.
    pub fn new(net: Arc<Net>, version: Version) -> Self {
        Self::with(net, version, Arc::new(WaitQueue::new()), Role::Fresh(None), None)
    }

    fn with(net: Arc<Net>, version: Version, changed: Arc<WaitQueue>, role: Role, flow: Option<Flow>) -> Self {
        let inner = Inner { role, flow, options: Options::default(), generic: Generic::default(), deaf: false };
        TcpSocket { net, version, changed, inner: Mutex::new(inner) }
    }

    /// The socket, then the stack: always in this order.
    fn lock(&self) -> (MutexGuard<'_, Inner>, MutexGuard<'_, Stack>) {
        (self.inner.lock(), self.net.stack())
    }

    fn scope(&self, inner: &Inner, address: SocketAddr) -> Scope {
        Scope::new(self.version, inner.generic.only_v6, canonical(address).ip())
    }

    /// Runs `work` on the connection; `otherwise` if the socket is none. Also told is whether the program reads no more.
    fn on_connection<R>(
        &self,
        otherwise: Errno,
        work: impl FnOnce(&mut dyn Stream, bool) -> Result<R, Errno>,
    ) -> Result<R, Errno> {
        let mut inner = self.inner.lock();
        let deaf = inner.deaf;
        let id = match &mut inner.role {
            Role::Local { end, .. } => return work(end, deaf),
            Role::Connected { id, .. } => *id,
            Role::Fresh(_) | Role::Listening(_) => return Err(otherwise),
        };
        let mut stack = self.net.stack();
        let connection = stack.connections.get_mut(&id).ok_or(otherwise)?;
        let result = work(connection, deaf)?;
        stack.settle(id, Cause::Program);
        Ok(result)
    }

    fn start(&self, inner: &mut Inner, stack: &mut Stack, remote: SocketAddr) -> Result<(), Errno> {
        let remote = (loopback::named(remote.ip()), remote.port());
        if remote.0.is_multicast() || stack.link.is_broadcast(remote.0) {
            return Err(Errno::ENETUNREACH);
        }
        let source = stack.source_for(remote.0)?;
        let Role::Fresh(bound) = &mut inner.role else { return Err(Errno::EISCONN) };
        let binding = match bound.take() {
            Some(binding) => binding,
            None => {
                let scope = Scope::new(self.version, false, source);
                let Stack { ports, random, .. } = stack;
                ports.claim(Protocol::Tcp, scope, inner.generic.sharing, 0, random)?
            }
        };
        let local = (binding.scope.address.unwrap_or(source), binding.port);
        let flow = Flow { local, remote };
        if stack.is_local(remote.0) {
            let end = stack.connect_locally(flow, self.changed.clone());
            inner.flow = Some(flow);
            inner.role = Role::Local { end, told: false, binding: Some(binding) };
            return Err(Errno::EINPROGRESS);
        }
        let opened = match remote.1 {
            0 => Err(Errno::ECONNREFUSED),
            _ => stack.open_actively(flow, self.changed.clone(), inner.generic.wish),
        };
        match opened {
            Ok(id) => {
                inner.flow = Some(flow);
                inner.role = Role::Connected { id, told: false, binding: Some(binding) };
                Err(Errno::EINPROGRESS)
            }
            Err(error) => {
                inner.role = Role::Fresh(Some(binding));
                Err(error)
            }
        }
    }

    /// How a connection that was begun goes on.
    fn progress(&self, inner: &mut Inner, stack: &mut Stack) -> Result<(), Errno> {
        let (told, connecting, over) = match &mut inner.role {
            Role::Connected { id, told, .. } => {
                let connection = stack.connections.get(id).ok_or(Errno::ECONNABORTED)?;
                (told, connection.connecting(), connection.state() == State::Closed)
            }
            Role::Local { end, told, .. } => (told, end.connecting(), end.is_over()),
            Role::Fresh(_) | Role::Listening(_) => return Err(Errno::EINVAL),
        };
        if connecting {
            return Err(Errno::EALREADY);
        }
        if core::mem::replace(told, true) {
            return Err(Errno::EISCONN);
        }
        if !over {
            return Ok(());
        }
        // It failed, and the program may try again.
        inner.flow = None;
        let (fault, binding) = match core::mem::replace(&mut inner.role, Role::Fresh(None)) {
            Role::Connected { id, binding, .. } => {
                let fault = stack.connections.get_mut(&id).and_then(Connection::take_fault);
                stack.remove(id);
                (fault, binding)
            }
            Role::Local { end, binding, .. } => (end.take_fault(), binding),
            Role::Fresh(binding) => (None, binding),
            Role::Listening(_) => (None, None),
        };
        inner.role = Role::Fresh(binding);
        Err(fault.unwrap_or(Errno::ECONNABORTED))
    }

    fn apply_options(&self, inner: &Inner, stack: &mut Stack) {
        if let Role::Connected { id, .. } = inner.role
            && let Some(connection) = stack.connections.get_mut(&id)
        {
            connection.set_options(inner.options);
            stack.settle(id, Cause::Program);
        }
    }
}

impl File for TcpSocket {
    fn read(&self, buffer: &mut [u8], _offset: u64) -> Result<usize, Errno> {
        self.receive(buffer, false).map(|received| received.length)
    }

    fn write(&self, bytes: &[u8], _offset: u64) -> Result<usize, Errno> {
        self.send(bytes, None)
    }

    fn ready(&self) -> Events {
        let inner = self.inner.lock();
        let id = match &inner.role {
            Role::Fresh(_) => return Events::OUT | Events::HUP,
            Role::Local { end, .. } => return end.ready(),
            Role::Listening(id) | Role::Connected { id, .. } => *id,
        };
        let stack = self.net.stack();
        if matches!(inner.role, Role::Listening(_)) {
            let waiting = stack.listeners.get(&id).is_some_and(Listener::has_waiting);
            return if waiting { Events::IN } else { Events::empty() };
        }
        let events = stack.connections.get(&id).map_or(Events::IN | Events::HUP, Connection::ready);
        if inner.deaf { events | Events::IN | Events::RDHUP } else { events }
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

impl Socket for TcpSocket {
    fn bind(&self, address: SocketAddr) -> Result<(), Errno> {
        address::check_version(self.version, address)?;
        let (mut inner, mut stack) = self.lock();
        let (scope, sharing) = (self.scope(&inner, address), inner.generic.sharing);
        let Role::Fresh(bound @ None) = &mut inner.role else { return Err(Errno::EINVAL) };
        if scope.address.is_some_and(|address| !stack.is_local(address)) {
            return Err(Errno::EADDRNOTAVAIL);
        }
        let Stack { ports, random, .. } = &mut *stack;
        *bound = Some(ports.claim(Protocol::Tcp, scope, sharing, address.port(), random)?);
        Ok(())
    }

    fn listen(&self, backlog: u32) -> Result<(), Errno> {
        let (mut inner, mut stack) = self.lock();
        let everywhere = Scope::new(self.version, inner.generic.only_v6, address::any(self.version).ip());
        let binding = match &mut inner.role {
            Role::Fresh(bound) => bound.take(),
            Role::Listening(id) => {
                return stack.listeners.get_mut(id).map(|listener| listener.set_backlog(backlog)).ok_or(Errno::EINVAL);
            }
            Role::Connected { .. } | Role::Local { .. } => return Err(Errno::EINVAL),
        };
        let Stack { ports, random, .. } = &mut *stack;
        let binding = match binding {
            Some(binding) => binding,
            None => ports.claim(Protocol::Tcp, everywhere, inner.generic.sharing, 0, random)?,
        };
        let id = stack.next_id();
        if let Err(error) = stack.ports.set_receiver(&binding, id) {
            inner.role = Role::Fresh(Some(binding));
            return Err(error);
        }
        let listener = Listener::new(binding, self.changed.clone(), inner.generic.wish, backlog);
        stack.listeners.insert(id, listener);
        inner.role = Role::Listening(id);
        Ok(())
    }

    fn accept(&self) -> Result<(Arc<dyn File>, SocketAddr), Errno> {
        let (inner, mut stack) = self.lock();
        let Role::Listening(id) = inner.role else { return Err(Errno::EINVAL) };
        let (role, flow, changed) = match stack.accept(id)? {
            Waiting::Remote(id) => {
                let connection = stack.connections.get(&id).ok_or(Errno::EAGAIN)?;
                let role = Role::Connected { id, told: true, binding: None };
                (role, connection.flow, connection.changed.clone())
            }
            Waiting::Local(end) => {
                let (flow, changed) = (end.flow, end.changed().clone());
                (Role::Local { end, told: true, binding: None }, flow, changed)
            }
        };
        let mut socket = TcpSocket::with(self.net.clone(), self.version, changed, role, Some(flow));
        // accept(2): on Linux these are taken over.
        let accepted = socket.inner.get_mut();
        accepted.options = inner.options;
        accepted.generic = inner.generic;
        if inner.options != Options::default() {
            socket.apply_options(&socket.inner.lock(), &mut stack);
        }
        Ok((Arc::new(socket), shown(self.version, flow.remote)))
    }

    fn connect(&self, address: SocketAddr) -> Result<(), Errno> {
        let (mut inner, mut stack) = self.lock();
        match inner.role {
            Role::Fresh(_) => {
                address::check_version(self.version, address)?;
                let started = self.start(&mut inner, &mut stack, canonical(address));
                self.apply_options(&inner, &mut stack);
                started
            }
            Role::Listening(_) => Err(Errno::EISCONN),
            Role::Connected { .. } | Role::Local { .. } => self.progress(&mut inner, &mut stack),
        }
    }

    fn send(&self, bytes: &[u8], _to: Option<SocketAddr>) -> Result<usize, Errno> {
        self.on_connection(Errno::EPIPE, |stream, _| stream.write(bytes, false))
    }

    fn send_some(&self, bytes: &[u8]) -> Result<usize, Errno> {
        self.on_connection(Errno::EPIPE, |stream, _| stream.write(bytes, true))
    }

    fn receive(&self, buffer: &mut [u8], peek: bool) -> Result<Received, Errno> {
        let length = self.on_connection(Errno::ENOTCONN, |stream, deaf| match stream.read(buffer, peek) {
            Err(Errno::EAGAIN) if deaf => Ok(0),
            read => read,
        })?;
        Ok(Received { length, ..Received::default() })
    }

    fn shutdown(&self, read: bool, write: bool) -> Result<(), Errno> {
        let (mut inner, mut stack) = self.lock();
        match &inner.role {
            Role::Fresh(_) => Err(Errno::ENOTCONN),
            Role::Listening(id) => {
                // On Linux this ends listening.
                if read {
                    stack.close_listener(*id);
                    inner.role = Role::Fresh(None);
                    self.changed.wake();
                }
                Ok(())
            }
            Role::Local { end, .. } => end.shutdown(read, write),
            Role::Connected { id, .. } => {
                let id = *id;
                let connection = stack.connections.get_mut(&id).ok_or(Errno::ENOTCONN)?;
                if connection.state() == State::Closed || connection.connecting() {
                    return Err(Errno::ENOTCONN);
                }
                if write {
                    connection.close();
                }
                inner.deaf |= read;
                stack.settle(id, Cause::Program);
                self.changed.wake();
                Ok(())
            }
        }
    }

    fn local(&self) -> SocketAddr {
        let (inner, stack) = self.lock();
        let bound = |binding: &Binding| (binding.scope.address, binding.port);
        let (address, port) = match (&inner.role, inner.flow) {
            (_, Some(flow)) => (Some(flow.local.0), flow.local.1),
            (Role::Fresh(binding), None) => binding.as_ref().map_or((None, 0), bound),
            (Role::Listening(id), None) => stack.listener_address(*id).unwrap_or((None, 0)),
            (Role::Connected { .. } | Role::Local { .. }, None) => (None, 0),
        };
        shown(self.version, (address.unwrap_or(address::any(self.version).ip()), port))
    }

    fn peer(&self) -> Result<SocketAddr, Errno> {
        let (inner, stack) = self.lock();
        let (flow, connected) = match &inner.role {
            Role::Fresh(_) | Role::Listening(_) => return Err(Errno::ENOTCONN),
            Role::Local { end, .. } => (end.flow, !end.connecting() && !end.is_over()),
            Role::Connected { id, .. } => {
                let connection = stack.connections.get(id).ok_or(Errno::ENOTCONN)?;
                (connection.flow, !connection.connecting() && connection.state() != State::Closed)
            }
        };
        if connected { Ok(shown(self.version, flow.remote)) } else { Err(Errno::ENOTCONN) }
    }

    fn unread(&self) -> usize {
        let (inner, stack) = self.lock();
        match &inner.role {
            Role::Fresh(_) | Role::Listening(_) => 0,
            Role::Local { end, .. } => end.unread(),
            Role::Connected { id, .. } => stack.connections.get(id).map_or(0, Connection::unread),
        }
    }

    fn unsent(&self) -> usize {
        let (inner, stack) = self.lock();
        let Role::Connected { id, .. } = &inner.role else { return 0 };
        stack.connections.get(id).map_or(0, Connection::unsent)
    }

    fn set_option(&self, level: u32, name: u32, value: i32) -> Result<(), Errno> {
        let (mut inner, mut stack) = self.lock();
        self.change_option(&mut inner, &mut stack, (level, name), value)
    }

    fn option(&self, level: u32, name: u32) -> Result<i32, Errno> {
        let (mut inner, mut stack) = self.lock();
        self.get_option(&mut inner, &mut stack, (level, name))
    }

    fn option_bytes(&self, level: u32, name: u32) -> Result<Vec<u8>, Errno> {
        let (mut inner, mut stack) = self.lock();
        self.get_option_bytes(&mut inner, &mut stack, (level, name))
    }
}

impl Drop for TcpSocket {
    fn drop(&mut self) {
        let mut stack = self.net.stack();
        let inner = self.inner.get_mut();
        // SO_LINGER with no time: what is not sent is thrown away.
        let resets = inner.generic.linger == Some(0);
        match core::mem::replace(&mut inner.role, Role::Fresh(None)) {
            Role::Fresh(binding) => binding.into_iter().for_each(|binding| stack.ports.release(binding)),
            Role::Listening(id) => stack.close_listener(id),
            Role::Connected { id, binding, .. } => {
                if resets {
                    stack.end(id);
                } else {
                    stack.release(id);
                }
                binding.into_iter().for_each(|binding| stack.ports.release(binding));
            }
            Role::Local { end, binding, .. } => {
                if resets {
                    end.reset();
                }
                binding.into_iter().for_each(|binding| stack.ports.release(binding));
            }
        }
    }
}
