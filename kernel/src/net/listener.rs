//! Listening sockets, and how connections begin and end in the stack.
use super::connection::{Cause, Connection, Flow, RECEIVE_BUFFER, SEND_BUFFER, Stage};
use super::ports::{Binding, Scope};
use super::stack::Stack;
use super::timers::Timer;
use crate::errno::Errno;
use crate::wait::WaitQueue;
use alloc::collections::{BTreeSet, VecDeque};
use alloc::sync::Arc;
use core::net::IpAddr;
use smoltcp::socket::tcp::State;
use smoltcp::time::Duration;

/// Most connections that wait at one listener (net.core.somaxconn).
pub const BACKLOG: u32 = 4096;
/// Most handshakes at one listener, if its backlog is not longer.
const HANDSHAKES: usize = 64;
/// Most connections in TIME-WAIT; the oldest gives way.
const LINGERING: usize = 32;
/// Most connections that the program closed and whose peer does not have everything yet; the oldest gives way.
const ORPHANS: usize = 128;
/// Memory in bytes that connections leave free.
const RESERVE: u64 = 1 << 20;
/// How long a handshake may take that a peer began.
const HANDSHAKE: Duration = Duration::from_secs(20);
/// How long a handshake is left alone although others wait for its place. A peer that means it has answered by then.
const UNDISTURBED: Duration = Duration::from_secs(1);
/// How long a closed connection is kept for its peer (tcp(7), tcp_fin_timeout).
const FAREWELL: Duration = Duration::from_secs(60);

/// The most connections that memory is there for: a quarter of it goes to their buffers.
pub fn limit(memory: u64) -> usize {
    let each = (RECEIVE_BUFFER + SEND_BUFFER + 2048) as u64;
    usize::try_from(memory / 4 / each).unwrap_or(usize::MAX).clamp(16, BACKLOG as usize)
}

/// A listening socket.
pub struct Listener {
    /// Its port.
    pub binding: Binding,
    /// Who waits for connections.
    pub changed: Arc<WaitQueue>,
    backlog: usize,
    half_open: BTreeSet<u64>,
    queue: VecDeque<u64>,
}

impl Listener {
    /// A socket that listens on this port.
    pub fn new(binding: Binding, changed: Arc<WaitQueue>, backlog: u32) -> Self {
        let mut listener =
            Listener { binding, changed, backlog: 1, half_open: BTreeSet::new(), queue: VecDeque::new() };
        listener.set_backlog(backlog);
        listener
    }

    /// Changes how many connections may wait.
    pub fn set_backlog(&mut self, backlog: u32) {
        self.backlog = backlog.clamp(1, BACKLOG) as usize;
    }

    /// Whether a connection can be accepted.
    pub fn has_waiting(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Whether a connection more may wait.
    fn has_room(&self) -> bool {
        self.queue.len() < self.backlog
    }

    /// The handshake that began first, if no more may begin, when there may be `limit` connections altogether. A burst of
    /// handshakes may be longer than the backlog, as on Linux with SYN cookies: each would else wait for its peer's next try.
    fn first_of_too_many(&self, limit: usize) -> Option<u64> {
        let handshakes = self.backlog.max(HANDSHAKES).min(limit / 2);
        self.half_open.first().copied().filter(|_| self.half_open.len() >= handshakes)
    }

    /// What it is bound to.
    pub fn scope(&self) -> Scope {
        self.binding.scope
    }
}

impl Stack {
    /// Answers the SYN of a new connection. Where there is no room, the SYN is lost: the peer will send it again.
    pub(super) fn open_passively(&mut self, listener_id: u64, flow: Flow, frame: &[u8]) {
        let Some(listener) = self.listeners.get(&listener_id).filter(|listener| listener.has_room()) else { return };
        if let Some(first) = listener.first_of_too_many(self.limit)
            && !self.gives_way(first)
        {
            return;
        }
        if !self.has_room() {
            return;
        }
        let mut connection = Connection::new(flow, Stage::HalfOpen(listener_id), Arc::new(WaitQueue::new()));
        if connection.listen().is_err() {
            return;
        }
        self.link.feed(frame, connection.set());
        if connection.state() != State::SynReceived {
            return;
        }
        connection.until = Some(self.link.now() + HANDSHAKE);
        let id = self.insert(connection);
        if let Some(listener) = self.listeners.get_mut(&listener_id) {
            listener.half_open.insert(id);
        }
        self.settle(id, Cause::Segment { reset: false });
    }

    /// Forgets a handshake whose peer has had time to answer; tells whether it was one.
    fn gives_way(&mut self, id: u64) -> bool {
        let until = self.connections.get(&id).and_then(|connection| connection.until);
        let stale = until.is_none_or(|until| until + UNDISTURBED <= self.link.now() + HANDSHAKE);
        if stale {
            self.remove(id);
        }
        stale
    }

    /// Begins a connection for the program.
    pub(super) fn open_actively(&mut self, flow: Flow, changed: Arc<WaitQueue>) -> Result<u64, Errno> {
        match self.flows.get(&flow) {
            Some(&id) if self.lingering.contains(&id) => self.remove(id),
            Some(_) => return Err(Errno::EADDRNOTAVAIL),
            None => {}
        }
        if !self.has_room() {
            return Err(Errno::ENOBUFS);
        }
        let mut connection = Connection::new(flow, Stage::Held, changed);
        connection.connect(self.link.interface().context())?;
        let id = self.insert(connection);
        self.settle(id, Cause::Program);
        Ok(id)
    }

    fn insert(&mut self, connection: Connection) -> u64 {
        let id = self.next_id();
        self.flows.insert(connection.flow, id);
        self.connections.insert(id, connection);
        id
    }

    /// Whether there is memory for one more connection; the oldest in TIME-WAIT gives way.
    fn has_room(&mut self) -> bool {
        if self.connections.len() >= self.limit
            && let Some(oldest) = self.lingering.pop_first()
        {
            self.remove(oldest);
        }
        self.connections.len() < self.limit && machine::memory::usage().free > RESERVE
    }

    /// Takes the connection that waited longest.
    pub(super) fn accept(&mut self, listener_id: u64) -> Result<(u64, Flow, Arc<WaitQueue>), Errno> {
        let listener = self.listeners.get_mut(&listener_id).ok_or(Errno::EINVAL)?;
        while let Some(id) = listener.queue.pop_front() {
            if let Some(connection) = self.connections.get_mut(&id) {
                connection.stage = Stage::Held;
                return Ok((id, connection.flow, connection.changed.clone()));
            }
        }
        Err(Errno::EAGAIN)
    }

    /// Ends a listener, and with RST the connections that wait at it.
    pub(super) fn close_listener(&mut self, id: u64) {
        let Some(listener) = self.listeners.remove(&id) else { return };
        self.ports.release(listener.binding);
        listener.half_open.into_iter().for_each(|id| self.remove(id));
        listener.queue.into_iter().for_each(|id| self.end(id));
    }

    /// The program closed a connection: it goes on alone until the peer has everything, or is reset if the program left
    /// something unread (RFC 2525, 2.17).
    pub(super) fn release(&mut self, id: u64) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if connection.connecting() {
            return self.remove(id);
        }
        if connection.unread() > 0 {
            return self.end(id);
        }
        connection.stage = Stage::Orphan;
        connection.until = Some(self.link.now() + FAREWELL);
        connection.close();
        self.orphans.insert(id);
        self.settle(id, Cause::Program);
        if self.orphans.len() > ORPHANS
            && let Some(&oldest) = self.orphans.first()
        {
            self.end(oldest);
        }
    }

    /// Ends a connection with RST.
    pub(super) fn end(&mut self, id: u64) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        connection.abort();
        self.link.flush(connection.set());
        self.remove(id);
    }

    /// Forgets a connection, without a word to the peer.
    pub(super) fn remove(&mut self, id: u64) {
        let Some(mut connection) = self.connections.remove(&id) else { return };
        self.timers.set(Timer::Connection(id), &mut connection.due, None);
        self.flows.remove(&connection.flow);
        self.orphans.remove(&id);
        self.lingering.remove(&id);
        if let Stage::HalfOpen(listener) | Stage::Queued(listener) = connection.stage
            && let Some(listener) = self.listeners.get_mut(&listener)
        {
            listener.half_open.remove(&id);
            listener.queue.retain(|queued| *queued != id);
        }
    }

    /// Gives a connection its turn: sends what is due, and draws the consequences of what happened.
    pub(super) fn settle(&mut self, id: u64, cause: Cause) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        connection.set_patience();
        let due = self.link.flush(connection.set());
        connection.observe(cause);
        let late = connection.until.is_some_and(|until| until <= self.link.now());
        match (connection.stage, connection.state()) {
            (Stage::HalfOpen(_), State::Listen | State::Closed) => return self.remove(id),
            (Stage::HalfOpen(_), State::SynReceived) if late => return self.remove(id),
            (Stage::HalfOpen(_), State::SynReceived) => {}
            (Stage::HalfOpen(listener), _) => self.established(id, listener),
            (Stage::Queued(_), State::Closed) => return self.remove(id),
            (Stage::Orphan, State::Closed) => return self.remove(id),
            (Stage::Orphan, State::TimeWait) => self.linger(id),
            (Stage::Orphan, _) if late || connection.unread() > 0 => return self.end(id),
            (Stage::Queued(_) | Stage::Held | Stage::Orphan, _) => {}
        }
        self.schedule(id, due);
    }

    fn established(&mut self, id: u64, listener_id: u64) {
        let (Some(connection), Some(listener)) = (self.connections.get_mut(&id), self.listeners.get_mut(&listener_id))
        else {
            return;
        };
        connection.stage = Stage::Queued(listener_id);
        connection.until = None;
        listener.half_open.remove(&id);
        listener.queue.push_back(id);
        listener.changed.wake();
    }

    fn linger(&mut self, id: u64) {
        if let Some(connection) = self.connections.get_mut(&id) {
            // The socket itself knows how long.
            connection.until = None;
        }
        self.orphans.remove(&id);
        self.lingering.insert(id);
        if self.lingering.len() > LINGERING
            && let Some(&oldest) = self.lingering.first()
        {
            self.remove(oldest);
        }
    }

    /// The local address of a listener's connections, for getsockname(2): unspecified where it takes all.
    pub(super) fn listener_address(&self, id: u64) -> Option<(Option<IpAddr>, u16)> {
        self.listeners.get(&id).map(|listener| (listener.scope().address, listener.binding.port))
    }
}
