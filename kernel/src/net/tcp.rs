//! TCP sockets as the program sees them (tcp(7), socket(7)).
use super::Net;
use super::address::{self, canonical, shown};
use super::connection::{Cause, Connection, Flow, Options, RECEIVE_BUFFER, SEND_BUFFER};
use super::listener::Listener;
use super::options::Generic;
use super::ports::{Binding, Protocol, Scope};
use super::stack::Stack;
use crate::errno::Errno;
use crate::file::{Events, File, Socket, Status, Version};
use crate::wait::WaitQueue;
use alloc::sync::Arc;
use core::any::Any;
use core::net::SocketAddr;
use linux_raw_sys::net as linux;
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
}

struct Inner {
    role: Role,
    flow: Option<Flow>,
    options: Options,
    idle: u32,
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

/// Seconds of idleness before the first keep-alive (tcp(7), tcp_keepalive_time).
const KEEP_ALIVE_IDLE: u32 = 7200;

impl TcpSocket {
    /// A socket that is nothing yet.
    pub fn new(net: Arc<Net>, version: Version) -> Self {
        Self::with(net, version, Arc::new(WaitQueue::new()), Role::Fresh(None), None)
    }

    fn with(net: Arc<Net>, version: Version, changed: Arc<WaitQueue>, role: Role, flow: Option<Flow>) -> Self {
        let inner = Inner {
            role,
            flow,
            options: Options::default(),
            idle: KEEP_ALIVE_IDLE,
            generic: Generic::default(),
            deaf: false,
        };
        TcpSocket { net, version, changed, inner: Mutex::new(inner) }
    }

    /// The socket, then the stack: always in this order.
    fn lock(&self) -> (MutexGuard<'_, Inner>, MutexGuard<'_, Stack>) {
        (self.inner.lock(), self.net.stack())
    }

    fn scope(&self, inner: &Inner, address: SocketAddr) -> Scope {
        Scope::new(self.version, inner.generic.only_v6, canonical(address).ip())
    }

    /// Runs `work` on the connection; `otherwise` if the socket is none.
    fn on_connection<R>(
        &self,
        otherwise: Errno,
        work: impl FnOnce(&mut Connection, &Inner) -> Result<R, Errno>,
    ) -> Result<R, Errno> {
        let (inner, mut stack) = self.lock();
        let Role::Connected { id, .. } = inner.role else { return Err(otherwise) };
        let connection = stack.connections.get_mut(&id).ok_or(otherwise)?;
        let result = work(connection, &inner)?;
        stack.settle(id, Cause::Program);
        Ok(result)
    }

    fn start(&self, inner: &mut Inner, stack: &mut Stack, remote: SocketAddr) -> Result<(), Errno> {
        if remote.ip().is_multicast() || stack.link.is_broadcast(remote.ip()) {
            return Err(Errno::ENETUNREACH);
        }
        if remote.port() == 0 {
            return Err(Errno::ECONNREFUSED);
        }
        let source = stack.source_for(remote.ip())?;
        let Role::Fresh(bound) = &mut inner.role else { return Err(Errno::EISCONN) };
        let binding = match bound.take() {
            Some(binding) => binding,
            None => {
                let scope = Scope::new(self.version, false, source);
                let Stack { ports, random, .. } = stack;
                ports.claim(Protocol::Tcp, scope, 0, random)?
            }
        };
        let local = (binding.scope.address.unwrap_or(source), binding.port);
        let flow = Flow { local, remote: (remote.ip(), remote.port()) };
        match stack.open_actively(flow, self.changed.clone()) {
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
        let Role::Connected { id, told, binding } = &mut inner.role else { return Err(Errno::EINVAL) };
        let connection = stack.connections.get_mut(id).ok_or(Errno::ECONNABORTED)?;
        if connection.connecting() {
            return Err(Errno::EALREADY);
        }
        if core::mem::replace(told, true) {
            return Err(Errno::EISCONN);
        }
        if connection.state() != State::Closed {
            return Ok(());
        }
        // It failed, and the program may try again.
        let fault = connection.take_fault().unwrap_or(Errno::ECONNABORTED);
        let (id, binding) = (*id, binding.take());
        stack.remove(id);
        inner.role = Role::Fresh(binding);
        inner.flow = None;
        Err(fault)
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
        self.receive(buffer, false).map(|(length, _)| length)
    }

    fn write(&self, bytes: &[u8], _offset: u64) -> Result<usize, Errno> {
        self.send(bytes, None)
    }

    fn ready(&self) -> Events {
        let (inner, stack) = self.lock();
        match inner.role {
            Role::Fresh(_) => Events::OUT | Events::HUP,
            Role::Listening(id) => {
                let waiting = stack.listeners.get(&id).is_some_and(Listener::has_waiting);
                if waiting { Events::IN } else { Events::empty() }
            }
            Role::Connected { id, .. } => {
                let events = stack.connections.get(&id).map_or(Events::IN | Events::HUP, Connection::ready);
                if inner.deaf { events | Events::IN | Events::RDHUP } else { events }
            }
        }
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
        let scope = self.scope(&inner, address);
        let Role::Fresh(bound @ None) = &mut inner.role else { return Err(Errno::EINVAL) };
        if scope.address.is_some_and(|address| !address.is_loopback() && !stack.link.is_own(address)) {
            return Err(Errno::EADDRNOTAVAIL);
        }
        let Stack { ports, random, .. } = &mut *stack;
        *bound = Some(ports.claim(Protocol::Tcp, scope, address.port(), random)?);
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
            Role::Connected { .. } => return Err(Errno::EINVAL),
        };
        let Stack { ports, random, .. } = &mut *stack;
        let binding = match binding {
            Some(binding) => binding,
            None => ports.claim(Protocol::Tcp, everywhere, 0, random)?,
        };
        let id = stack.next_id();
        stack.ports.set_receiver(&binding, Some(id));
        stack.listeners.insert(id, Listener::new(binding, self.changed.clone(), backlog));
        inner.role = Role::Listening(id);
        Ok(())
    }

    fn accept(&self) -> Result<(Arc<dyn File>, SocketAddr), Errno> {
        let (inner, mut stack) = self.lock();
        let Role::Listening(id) = inner.role else { return Err(Errno::EINVAL) };
        let (id, flow, changed) = stack.accept(id)?;
        let role = Role::Connected { id, told: true, binding: None };
        let socket = TcpSocket::with(self.net.clone(), self.version, changed, role, Some(flow));
        {
            let mut accepted = socket.inner.lock();
            // accept(2): on Linux these are taken over.
            accepted.options = inner.options;
            accepted.idle = inner.idle;
            socket.apply_options(&accepted, &mut stack);
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
            Role::Connected { .. } => self.progress(&mut inner, &mut stack),
        }
    }

    fn send(&self, bytes: &[u8], _to: Option<SocketAddr>) -> Result<usize, Errno> {
        self.on_connection(Errno::EPIPE, |connection, _| connection.write(bytes))
    }

    fn receive(&self, buffer: &mut [u8], peek: bool) -> Result<(usize, Option<SocketAddr>), Errno> {
        self.on_connection(Errno::ENOTCONN, |connection, inner| match connection.read(buffer, peek) {
            Err(Errno::EAGAIN) if inner.deaf => Ok((0, None)),
            read => read.map(|length| (length, None)),
        })
    }

    fn shutdown(&self, read: bool, write: bool) -> Result<(), Errno> {
        let (mut inner, mut stack) = self.lock();
        match inner.role {
            Role::Fresh(_) => Err(Errno::ENOTCONN),
            Role::Listening(id) => {
                // On Linux this ends listening.
                if read {
                    stack.close_listener(id);
                    inner.role = Role::Fresh(None);
                    self.changed.wake();
                }
                Ok(())
            }
            Role::Connected { id, .. } => {
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
            (Role::Connected { .. }, None) => (None, 0),
        };
        shown(self.version, (address.unwrap_or(address::any(self.version).ip()), port))
    }

    fn peer(&self) -> Result<SocketAddr, Errno> {
        let (inner, stack) = self.lock();
        let Role::Connected { id, .. } = inner.role else { return Err(Errno::ENOTCONN) };
        let connection = stack.connections.get(&id).ok_or(Errno::ENOTCONN)?;
        if connection.connecting() || connection.state() == State::Closed {
            return Err(Errno::ENOTCONN);
        }
        Ok(shown(self.version, connection.flow.remote))
    }

    fn set_option(&self, level: u32, name: u32, value: i32) -> Result<(), Errno> {
        let (mut inner, mut stack) = self.lock();
        match (level, name) {
            (linux::SOL_SOCKET, linux::SO_KEEPALIVE) => {
                inner.options.keep_alive = (value != 0).then_some(inner.idle);
            }
            (super::options::TCP, linux::TCP_NODELAY) => inner.options.no_delay = value != 0,
            (super::options::TCP, linux::TCP_KEEPIDLE) => {
                inner.idle =
                    u32::try_from(value).ok().filter(|idle| (1..=32767).contains(idle)).ok_or(Errno::EINVAL)?;
                let idle = inner.idle;
                inner.options.keep_alive = inner.options.keep_alive.map(|_| idle);
            }
            _ => return inner.generic.set(level, name, value),
        }
        self.apply_options(&inner, &mut stack);
        Ok(())
    }

    fn option(&self, level: u32, name: u32) -> Result<i32, Errno> {
        let (inner, mut stack) = self.lock();
        Ok(match (level, name) {
            (linux::SOL_SOCKET, linux::SO_TYPE) => linux::SOCK_STREAM as i32,
            (linux::SOL_SOCKET, linux::SO_PROTOCOL) => super::options::TCP as i32,
            (linux::SOL_SOCKET, linux::SO_DOMAIN) => address::family(self.version),
            (linux::SOL_SOCKET, linux::SO_ACCEPTCONN) => matches!(inner.role, Role::Listening(_)).into(),
            (linux::SOL_SOCKET, linux::SO_SNDBUF) => SEND_BUFFER as i32,
            (linux::SOL_SOCKET, linux::SO_RCVBUF) => RECEIVE_BUFFER as i32,
            (linux::SOL_SOCKET, linux::SO_KEEPALIVE) => inner.options.keep_alive.is_some().into(),
            (linux::SOL_SOCKET, linux::SO_ERROR) => {
                let Role::Connected { id, .. } = inner.role else { return Ok(0) };
                let connection = stack.connections.get_mut(&id);
                connection.and_then(Connection::take_fault).map_or(0, |fault| fault.0)
            }
            (super::options::TCP, linux::TCP_NODELAY) => inner.options.no_delay.into(),
            (super::options::TCP, linux::TCP_KEEPIDLE) => inner.idle as i32,
            (super::options::TCP, linux::TCP_MAXSEG) => 1460,
            _ => return inner.generic.get(level, name),
        })
    }
}

impl Drop for TcpSocket {
    fn drop(&mut self) {
        let mut stack = self.net.stack();
        match core::mem::replace(&mut self.inner.get_mut().role, Role::Fresh(None)) {
            Role::Fresh(binding) => binding.into_iter().for_each(|binding| stack.ports.release(binding)),
            Role::Listening(id) => stack.close_listener(id),
            Role::Connected { id, binding, .. } => {
                stack.release(id);
                binding.into_iter().for_each(|binding| stack.ports.release(binding));
            }
        }
    }
}
