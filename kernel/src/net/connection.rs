//! One TCP connection: its socket in a set of its own, and what became of it.
use super::link::Sockets;
use crate::errno::Errno;
use crate::file::Events;
use crate::wait::WaitQueue;
use alloc::sync::Arc;
use alloc::vec;
use core::net::{IpAddr, SocketAddr};
use firewall::{Packet, Ports};
use smoltcp::iface::{Context, SocketHandle, SocketSet};
use smoltcp::socket::tcp::{Socket, SocketBuffer, State};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::IpEndpoint;

/// Bytes received that the program has not read: the largest window. At 32 KiB and more smoltcp would scale it.
pub const RECEIVE_BUFFER: usize = 16 << 10;
/// Bytes the program wrote that the peer has not acknowledged.
pub const SEND_BUFFER: usize = 32 << 10;
/// How long a connection is tried to be made.
const CONNECT: Duration = Duration::from_secs(60);
/// How long a peer may leave data unacknowledged (tcp(7), tcp_retries2).
const UNACKNOWLEDGED: Duration = Duration::from_secs(15 * 60);
/// The time that passes between the first keep-alive and giving up (tcp(7), tcp_keepalive_probes times _intvl).
const KEEP_ALIVE_GIVES_UP: Duration = Duration::from_secs(9 * 75);

/// The four numbers that tell a connection from the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Flow {
    /// This side.
    pub local: (IpAddr, u16),
    /// The other side.
    pub remote: (IpAddr, u16),
}

impl Flow {
    /// The flow that a received packet belongs to.
    pub fn of(packet: &Packet, ports: Ports) -> Self {
        Flow { local: (packet.destination, ports.destination), remote: (packet.source, ports.source) }
    }
}

/// Whose a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Its handshake goes on, for this listener.
    HalfOpen(u64),
    /// It waits to be accepted from this listener.
    Queued(u64),
    /// The program's.
    Held,
    /// The program closed it; it goes on until the peer has everything.
    Orphan,
}

/// What made a connection take a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A segment came, with RST or without.
    Segment {
        /// It had RST.
        reset: bool,
    },
    /// Time passed.
    Time,
    /// The program did something.
    Program,
    /// The interface lost the address.
    Unbound,
}

/// What the program asked of a connection.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Send small segments at once (TCP_NODELAY).
    pub no_delay: bool,
    /// Probe an idle peer after this many seconds (SO_KEEPALIVE with TCP_KEEPIDLE).
    pub keep_alive: Option<u32>,
}

/// What the program could see of a connection at its last turn.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Seen {
    state: State,
    received: usize,
    writable: bool,
}

/// A connection.
pub struct Connection {
    set: Sockets,
    handle: SocketHandle,
    /// Its addresses and ports.
    pub flow: Flow,
    /// Whose it is.
    pub stage: Stage,
    /// Who waits for it.
    pub changed: Arc<WaitQueue>,
    /// Its entry in the list of timers.
    pub due: Option<Instant>,
    /// When it must have got further, whatever the socket says.
    pub until: Option<Instant>,
    keep_alive: Option<Duration>,
    fault: Option<Errno>,
    seen: Seen,
}

impl Connection {
    /// A connection that no segment was sent or received for.
    pub fn new(flow: Flow, stage: Stage, changed: Arc<WaitQueue>) -> Self {
        let buffer = |length| SocketBuffer::new(vec![0; length]);
        let mut set = SocketSet::new(alloc::vec::Vec::with_capacity(1));
        let handle = set.add(Socket::new(buffer(RECEIVE_BUFFER), buffer(SEND_BUFFER)));
        let seen = Seen { state: State::Closed, received: 0, writable: false };
        Connection { set, handle, flow, stage, changed, due: None, until: None, keep_alive: None, fault: None, seen }
    }

    /// The set with its socket.
    pub fn set(&mut self) -> &mut Sockets {
        &mut self.set
    }

    fn socket(&self) -> &Socket<'static> {
        self.set.get(self.handle)
    }

    fn socket_mut(&mut self) -> &mut Socket<'static> {
        self.set.get_mut(self.handle)
    }

    /// Where it stands (RFC 9293, 3.3.2).
    pub fn state(&self) -> State {
        self.socket().state()
    }

    /// Waits for the SYN of its flow.
    pub fn listen(&mut self) -> Result<(), Errno> {
        let local = IpEndpoint::from(SocketAddr::from(self.flow.local));
        self.socket_mut().listen(local).map_err(|_| Errno::EINVAL)?;
        self.seen.state = State::Listen;
        Ok(())
    }

    /// Begins the handshake of its flow.
    pub fn connect(&mut self, context: &mut Context) -> Result<(), Errno> {
        let (local, remote) = (SocketAddr::from(self.flow.local), SocketAddr::from(self.flow.remote));
        self.socket_mut().connect(context, remote, local).map_err(|_| Errno::EADDRNOTAVAIL)?;
        self.seen.state = State::SynSent;
        Ok(())
    }

    /// Sets what the program asked for.
    pub fn set_options(&mut self, options: Options) {
        self.keep_alive = options.keep_alive.map(|seconds| Duration::from_secs(seconds.into()));
        let keep_alive = self.keep_alive;
        self.socket_mut().set_nagle_enabled(!options.no_delay);
        self.socket_mut().set_keep_alive(keep_alive);
    }

    /// Sets how long the peer may be silent, as the state asks for it.
    pub fn set_patience(&mut self) {
        let unacknowledged = self.socket().send_queue() > 0;
        let patience = match self.state() {
            State::SynSent => Some(CONNECT),
            State::FinWait1 | State::Closing | State::LastAck => Some(UNACKNOWLEDGED),
            _ if unacknowledged => Some(UNACKNOWLEDGED),
            _ => self.keep_alive.map(|idle| idle + KEEP_ALIVE_GIVES_UP),
        };
        self.socket_mut().set_timeout(patience);
    }

    /// Sends no more: FIN after what is still to be sent.
    pub fn close(&mut self) {
        self.socket_mut().close();
    }

    /// Ends with RST.
    pub fn abort(&mut self) {
        self.socket_mut().abort();
    }

    /// Bytes that were received and not read.
    pub fn unread(&self) -> usize {
        self.socket().recv_queue()
    }

    /// Notes what the turn changed: the error if it ended the connection; who waits is woken.
    pub fn observe(&mut self, cause: Cause) {
        let before = self.seen;
        let socket = self.socket();
        let now = Seen { state: socket.state(), received: socket.recv_queue(), writable: socket.can_send() };
        self.seen = now;
        if now.state == State::Closed && before.state != State::Closed && self.fault.is_none() {
            self.fault = fault(before.state, cause);
        }
        if now.state != before.state || now.received > before.received || (now.writable && !before.writable) {
            self.changed.wake();
        }
    }

    /// The error that ended it; once.
    pub fn take_fault(&mut self) -> Option<Errno> {
        self.fault.take()
    }

    /// Whether the handshake still goes on.
    pub fn connecting(&self) -> bool {
        matches!(self.state(), State::SynSent | State::SynReceived)
    }

    fn peer_may_send(&self) -> bool {
        matches!(self.state(), State::Established | State::FinWait1 | State::FinWait2)
    }

    /// Reads what was received: 0 is the end, `EAGAIN` if nothing is there yet.
    pub fn read(&mut self, buffer: &mut [u8], peek: bool) -> Result<usize, Errno> {
        if self.connecting() {
            return Err(Errno::EAGAIN);
        }
        if self.unread() > 0 || buffer.is_empty() {
            let socket = self.socket_mut();
            let read = if peek { socket.peek_slice(buffer) } else { socket.recv_slice(buffer) };
            self.seen.received = self.unread();
            return read.or(Ok(0));
        }
        match self.take_fault() {
            Some(fault) => Err(fault),
            None if self.peer_may_send() => Err(Errno::EAGAIN),
            None => Ok(0),
        }
    }

    /// Takes bytes to send: how many, `EAGAIN` if there is no room.
    pub fn write(&mut self, bytes: &[u8]) -> Result<usize, Errno> {
        if let Some(fault) = self.take_fault() {
            return Err(fault);
        }
        if self.connecting() {
            return Err(Errno::EAGAIN);
        }
        let written = self.socket_mut().send_slice(bytes).map_err(|_| Errno::EPIPE)?;
        self.seen.writable = self.socket().can_send();
        if written == 0 && !bytes.is_empty() { Err(Errno::EAGAIN) } else { Ok(written) }
    }

    /// What it is ready for (tcp_poll of Linux).
    pub fn ready(&self) -> Events {
        let socket = self.socket();
        let mut events = Events::empty();
        if self.fault.is_some() {
            events |= Events::ERR;
        }
        if self.state() == State::Closed || self.state() == State::TimeWait {
            return events | Events::IN | Events::OUT | Events::HUP | Events::RDHUP;
        }
        if self.connecting() {
            return events;
        }
        if !self.peer_may_send() {
            events |= Events::IN | Events::RDHUP;
        }
        if socket.can_recv() {
            events |= Events::IN;
        }
        match (socket.may_send(), self.peer_may_send()) {
            (true, _) if socket.can_send() => events |= Events::OUT,
            (true, _) => {}
            // Writing does not wait: it fails.
            (false, true) => events |= Events::OUT,
            (false, false) => events |= Events::OUT | Events::HUP,
        }
        events
    }
}

/// The error of a connection that ended from this state.
fn fault(before: State, cause: Cause) -> Option<Errno> {
    match (before, cause) {
        (State::LastAck | State::Closing | State::TimeWait | State::Listen, _) => None,
        (_, Cause::Unbound) => Some(Errno::ENETDOWN),
        (State::SynSent, Cause::Segment { .. }) => Some(Errno::ECONNREFUSED),
        (State::CloseWait, Cause::Segment { reset: true }) => Some(Errno::EPIPE),
        (_, Cause::Segment { reset: true }) => Some(Errno::ECONNRESET),
        // It was the socket's own timer.
        (_, Cause::Segment { reset: false } | Cause::Time | Cause::Program) => Some(Errno::ETIMEDOUT),
    }
}
