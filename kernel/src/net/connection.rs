//! One TCP connection: its socket in a set of its own, and what became of it.
use super::buffers::Sizes;
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

/// How long a connection is tried to be made.
const CONNECT: Duration = Duration::from_secs(60);
/// How long a peer may leave data unacknowledged (tcp(7), tcp_retries2).
const UNACKNOWLEDGED: Duration = Duration::from_secs(15 * 60);
/// How long the last, short segment is held back for more of it (tcp(7), TCP_CORK).
const CORKED: Duration = Duration::from_millis(200);
/// What fills a segment.
const SEGMENT: usize = 1460;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Send small segments at once (TCP_NODELAY).
    pub no_delay: bool,
    /// Send full segments only (TCP_CORK).
    pub cork: bool,
    /// Probe an idle peer (SO_KEEPALIVE).
    pub keep_alive: bool,
    /// After this many seconds (TCP_KEEPIDLE).
    pub idle: u32,
    /// Seconds between probes (TCP_KEEPINTVL), and how many of them (TCP_KEEPCNT). Of these only the time until the connection
    /// is given up is kept: probes come every `idle` seconds.
    pub interval: u32,
    /// How many probes.
    pub probes: u32,
    /// Milliseconds that a peer may leave data unacknowledged; 0 for the default (TCP_USER_TIMEOUT).
    pub patience: u32,
}

impl Default for Options {
    /// As tcp(7) says.
    fn default() -> Self {
        Options { no_delay: false, cork: false, keep_alive: false, idle: 7200, interval: 75, probes: 9, patience: 0 }
    }
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
    /// How large its buffers are.
    pub sizes: Sizes,
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
    options: Options,
    /// The program has more to send at once (MSG_MORE).
    more: bool,
    fault: Option<Errno>,
    seen: Seen,
}

impl Connection {
    /// A connection that no segment was sent or received for.
    pub fn new(flow: Flow, stage: Stage, changed: Arc<WaitQueue>, sizes: Sizes) -> Self {
        let buffer = |length| SocketBuffer::new(vec![0; length]);
        let mut set = SocketSet::new(alloc::vec::Vec::with_capacity(1));
        let handle = set.add(Socket::new(buffer(sizes.receive), buffer(sizes.send)));
        let seen = Seen { state: State::Closed, received: 0, writable: false };
        Connection {
            set,
            handle,
            sizes,
            flow,
            stage,
            changed,
            due: None,
            until: None,
            options: Options::default(),
            more: false,
            fault: None,
            seen,
        }
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

    /// Whether nothing can come of it any more: another connection may have its addresses and ports (RFC 6191).
    pub fn is_over(&self) -> bool {
        matches!(self.state(), State::Closed | State::TimeWait)
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
        let before = core::mem::replace(&mut self.options, options);
        self.socket_mut().set_nagle_enabled(!options.no_delay);
        if (before.keep_alive, before.idle) != (options.keep_alive, options.idle) {
            let idle = options.keep_alive.then(|| Duration::from_secs(options.idle.into()));
            self.socket_mut().set_keep_alive(idle);
        }
    }

    /// Sets how long the peer may be silent, as the state asks for it.
    pub fn set_patience(&mut self) {
        let unacknowledged = self.socket().send_queue() > 0;
        let Options { keep_alive, idle, interval, probes, patience, .. } = self.options;
        let asked = (patience > 0).then(|| Duration::from_millis(patience.into()));
        let unheard = u64::from(idle) + u64::from(interval) * u64::from(probes);
        let patience = match self.state() {
            State::SynSent => Some(asked.unwrap_or(CONNECT)),
            State::FinWait1 | State::Closing | State::LastAck => Some(asked.unwrap_or(UNACKNOWLEDGED)),
            _ if unacknowledged => Some(asked.unwrap_or(UNACKNOWLEDGED)),
            _ => keep_alive.then(|| Duration::from_secs(unheard)),
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

    /// Ends with this error.
    pub fn fail(&mut self, fault: Errno) {
        self.fault = Some(fault);
        self.abort();
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

    /// Bytes that were written and not acknowledged.
    pub fn unsent(&self) -> usize {
        self.socket().send_queue()
    }

    /// For how long what is to be sent waits for more: it does not fill a segment, and the program said that more follows.
    pub fn waits_for_more(&self) -> Option<Duration> {
        let waits = (self.options.cork || self.more) && self.socket().may_send() && self.unsent() < SEGMENT;
        (waits && self.unsent() > 0).then_some(CORKED)
    }

    /// Takes bytes to send: how many, `EAGAIN` if there is no room. With `more`, more follows at once.
    pub fn write(&mut self, bytes: &[u8], more: bool) -> Result<usize, Errno> {
        self.more = more;
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
