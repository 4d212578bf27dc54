//! Listening sockets, and how connections begin and end in the stack.
use super::buffers::{Sizes, Wish};
use super::connection::{Cause, Connection, Flow, Stage};
use super::local::End;
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
/// Of all connections that there may be, the part that the program may have closed while their peers do not have everything
/// yet, and its least; the oldest gives way.
const ORPHANS: (usize, usize) = (8, 128);
/// Memory in bytes that connections leave free.
const RESERVE: u64 = 1 << 20;
/// How long a handshake may take that a peer began.
const HANDSHAKE: Duration = Duration::from_secs(20);
/// How long a handshake is left alone although others wait for its place. A peer that means it has answered by then.
const UNDISTURBED: Duration = Duration::from_secs(1);
/// How long a neighbour may take to tell its hardware address.
const NEIGHBOUR: Duration = Duration::from_secs(3);
/// How long a closed connection is kept for its peer (tcp(7), tcp_fin_timeout).
const FAREWELL: Duration = Duration::from_secs(60);

/// A listening socket.
pub struct Listener {
    /// Its port.
    pub binding: Binding,
    /// Who waits for connections.
    pub changed: Arc<WaitQueue>,
    /// The sizes of buffers that its connections are to have.
    wish: Wish,
    backlog: usize,
    half_open: BTreeSet<u64>,
    queue: VecDeque<Waiting>,
    /// Connections from within for which there is no place yet.
    outside: VecDeque<End>,
}

/// A connection that waits to be accepted.
pub enum Waiting {
    /// From the network: its number.
    Remote(u64),
    /// From within.
    Local(End),
}

impl Listener {
    /// A socket that listens on this port.
    pub fn new(binding: Binding, changed: Arc<WaitQueue>, wish: Wish, backlog: u32) -> Self {
        let mut listener = Listener {
            binding,
            changed,
            wish,
            backlog: 1,
            half_open: BTreeSet::new(),
            queue: VecDeque::new(),
            outside: VecDeque::new(),
        };
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

    /// Whether a connection more from within may wait, if only for a place. Those that were given up make room.
    pub fn may_take_local(&mut self) -> bool {
        if self.outside.len() >= BACKLOG as usize {
            self.outside.retain(|end| !end.is_abandoned());
        }
        self.outside.len() < BACKLOG as usize
    }

    /// Takes a connection from within: it waits to be accepted, or for a place.
    pub fn take_local(&mut self, end: End) {
        self.outside.push_back(end);
        self.let_in();
    }

    /// Gives free places to those that wait for one.
    fn let_in(&mut self) {
        while self.has_room()
            && let Some(end) = self.outside.pop_front()
        {
            if !end.is_abandoned() {
                end.establish();
                self.queue.push_back(Waiting::Local(end));
                self.changed.wake();
            }
        }
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
        let wish = listener.wish;
        if let Some(first) = listener.first_of_too_many(self.budget.limit)
            && !self.gives_way(first)
        {
            return;
        }
        let Some(sizes) = self.take_buffers(wish) else { return };
        let mut connection = Connection::new(flow, Stage::HalfOpen(listener_id), Arc::new(WaitQueue::new()), sizes);
        if connection.listen().is_ok() {
            self.link.feed(frame, connection.set());
        }
        if connection.state() != State::SynReceived {
            return self.budget.put_back(sizes);
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
    pub(super) fn open_actively(&mut self, flow: Flow, changed: Arc<WaitQueue>, wish: Wish) -> Result<u64, Errno> {
        let taken = self.flows.get(&flow).and_then(|id| self.connections.get(id));
        if taken.is_some_and(|connection| !connection.is_over()) {
            return Err(Errno::EADDRNOTAVAIL);
        }
        self.time_wait.remove(&flow);
        let sizes = self.take_buffers(wish).ok_or(Errno::ENOBUFS)?;
        let mut connection = Connection::new(flow, Stage::Held, changed, sizes);
        if let Err(error) = connection.connect(self.link.interface().context()) {
            self.budget.put_back(sizes);
            return Err(error);
        }
        connection.until = Some(self.link.now() + NEIGHBOUR);
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

    /// Takes the buffers of one more connection; `None` if there is no memory for it.
    fn take_buffers(&mut self, wish: Wish) -> Option<Sizes> {
        let free = machine::memory::usage().free.saturating_sub(RESERVE);
        let room = self.connections.len() < self.budget.limit && free > 0;
        room.then(|| self.budget.take(wish, free))
    }

    /// Takes the connection that waited longest.
    pub(super) fn accept(&mut self, listener_id: u64) -> Result<Waiting, Errno> {
        let listener = self.listeners.get_mut(&listener_id).ok_or(Errno::EINVAL)?;
        let first = listener.queue.pop_front().ok_or(Errno::EAGAIN)?;
        listener.let_in();
        if let Waiting::Remote(id) = first {
            self.connections.get_mut(&id).ok_or(Errno::EAGAIN)?.stage = Stage::Held;
        }
        Ok(first)
    }

    /// Ends a listener, and with RST the connections that wait at it.
    pub(super) fn close_listener(&mut self, id: u64) {
        let Some(listener) = self.listeners.remove(&id) else { return };
        self.ports.release(listener.binding);
        listener.half_open.into_iter().for_each(|id| self.remove(id));
        for waiting in listener.queue {
            match waiting {
                Waiting::Remote(id) => self.end(id),
                Waiting::Local(end) => end.reset(),
            }
        }
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
        let (part, least) = ORPHANS;
        if self.orphans.len() > least.max(self.budget.limit / part)
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
        // Unless another has taken its place.
        if self.flows.get(&connection.flow) == Some(&id) {
            self.flows.remove(&connection.flow);
        }
        self.orphans.remove(&id);
        self.budget.put_back(connection.sizes);
        if let Stage::HalfOpen(listener) | Stage::Queued(listener) = connection.stage
            && let Some(listener) = self.listeners.get_mut(&listener)
        {
            listener.half_open.remove(&id);
            listener.queue.retain(|queued| !matches!(queued, Waiting::Remote(queued) if *queued == id));
            listener.let_in();
        }
    }

    /// Gives a connection its turn: sends what is due, and draws the consequences of what happened.
    pub(super) fn settle(&mut self, id: u64, cause: Cause) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        connection.set_patience();
        let due = match (cause, connection.waits_for_more()) {
            (Cause::Program, Some(time)) => Some(self.link.now() + time),
            _ => self.link.flush(connection.set()),
        };
        connection.observe(cause);
        let late = connection.until.is_some_and(|until| until <= self.link.now());
        match (connection.stage, connection.state()) {
            (Stage::HalfOpen(_), State::Listen | State::Closed) => return self.remove(id),
            (Stage::HalfOpen(_), State::SynReceived) if late => return self.remove(id),
            (Stage::HalfOpen(_), State::SynReceived) => {}
            (Stage::HalfOpen(listener), _) => self.established(id, listener),
            (Stage::Queued(_), State::Closed) => return self.remove(id),
            (Stage::Orphan, State::Closed) => return self.remove(id),
            (Stage::Orphan, State::TimeWait) => return self.linger(id),
            (Stage::Orphan, _) if late || connection.unread() > 0 => return self.end(id),
            (Stage::Held, State::SynSent) if late => return self.look_for_neighbour(id),
            (Stage::Held, State::SynSent) => {}
            (Stage::Held, _) => connection.until = None,
            (Stage::Queued(_) | Stage::Orphan, _) => {}
        }
        self.schedule(id, due);
    }

    /// A connection is still being made: it cannot be if the neighbour on the way is not there.
    fn look_for_neighbour(&mut self, id: u64) {
        let now = self.link.now();
        let Some(connection) = self.connections.get_mut(&id) else { return };
        connection.until = None;
        let neighbour = self.link.next_hop(connection.flow.remote.0);
        if neighbour.is_none_or(|neighbour| self.neighbours.knows(neighbour, false, now)) {
            return self.settle(id, Cause::Time);
        }
        self.fail(id, Errno::EHOSTUNREACH);
    }

    /// Ends a connection that is being made, with this error.
    pub(super) fn fail(&mut self, id: u64, why: Errno) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.fail(why);
            self.settle(id, Cause::Time);
        }
    }

    fn established(&mut self, id: u64, listener_id: u64) {
        let (Some(connection), Some(listener)) = (self.connections.get_mut(&id), self.listeners.get_mut(&listener_id))
        else {
            return;
        };
        connection.stage = Stage::Queued(listener_id);
        connection.until = None;
        listener.half_open.remove(&id);
        listener.queue.push_back(Waiting::Remote(id));
        listener.changed.wake();
    }

    fn linger(&mut self, id: u64) {
        if let Some(connection) = self.connections.get(&id) {
            self.time_wait.insert(connection.flow, self.link.now());
        }
        self.remove(id);
    }

    /// The local address of a listener's connections, for getsockname(2): unspecified where it takes all.
    pub(super) fn listener_address(&self, id: u64) -> Option<(Option<IpAddr>, u16)> {
        self.listeners.get(&id).map(|listener| (listener.scope().address, listener.binding.port))
    }
}
