//! A TCP connection within the instance: two ends and the bytes between them. It has tcp(7)'s meaning, but no segments.
//!
//! The policy does not see it: it is about what comes in from the network.
use super::connection::Flow;
use crate::errno::Errno;
use crate::file::Events;
use crate::program::memory::is_scarce;
use crate::wait::WaitQueue;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use spin::Mutex;

/// Bytes on their way to one end.
const CAPACITY: usize = 208 << 10;
/// Memory that an end keeps although nothing is on its way.
const KEPT: usize = 64 << 10;

/// What one end knows.
#[derive(Default)]
struct Side {
    /// What it can read.
    incoming: VecDeque<u8>,
    /// It sends no more: the other end reads the end.
    sent_fin: bool,
    /// It reads no more.
    deaf: bool,
    /// It is closed.
    gone: bool,
    /// Nothing goes in either direction any more.
    dead: bool,
    fault: Option<Errno>,
}

#[derive(Default)]
struct State {
    sides: [Side; 2],
    /// It waits for a place at its listener.
    connecting: bool,
}

impl State {
    /// This side, and the other.
    fn sides(&mut self, side: usize) -> (&mut Side, &mut Side) {
        let [first, second] = &mut self.sides;
        if side == 0 { (first, second) } else { (second, first) }
    }
}

/// One end: 0 began the connection.
pub struct End {
    state: Arc<Mutex<State>>,
    changed: [Arc<WaitQueue>; 2],
    side: usize,
    /// The addresses as this end sees them.
    pub flow: Flow,
}

/// A connection that `changed` is woken for: the end that began it, and the one for the listener. Until
/// [`establish`](End::establish) it waits for a place there.
pub fn pair(flow: Flow, changed: Arc<WaitQueue>) -> (End, End) {
    let state = Arc::new(Mutex::new(State { connecting: true, ..State::default() }));
    let changed = [changed, Arc::new(WaitQueue::new())];
    let back = Flow { local: flow.remote, remote: flow.local };
    (End { state: state.clone(), changed: changed.clone(), side: 0, flow }, End { state, changed, side: 1, flow: back })
}

/// An end whose connection failed.
pub fn failed(flow: Flow, changed: Arc<WaitQueue>, fault: Errno) -> End {
    let (end, other) = pair(flow, changed);
    end.die(fault);
    drop(other);
    end
}

impl End {
    fn wake(&self) {
        self.changed.iter().for_each(|queue| queue.wake());
    }

    fn wake_other(&self) {
        let [first, second] = &self.changed;
        if self.side == 0 { second.wake() } else { first.wake() }
    }

    /// Woken when this end changed.
    pub fn changed(&self) -> &Arc<WaitQueue> {
        let [first, second] = &self.changed;
        if self.side == 0 { first } else { second }
    }

    /// It has a place at its listener.
    pub fn establish(&self) {
        self.state.lock().connecting = false;
        self.wake();
    }

    /// Whether it waits for a place at its listener.
    pub fn connecting(&self) -> bool {
        self.state.lock().connecting
    }

    /// Whether who began it has given up.
    pub fn is_abandoned(&self) -> bool {
        let mut state = self.state.lock();
        let connecting = state.connecting;
        connecting && state.sides(self.side).1.gone
    }

    /// Whether nothing goes in either direction any more.
    pub fn is_over(&self) -> bool {
        let mut state = self.state.lock();
        let (own, other) = state.sides(self.side);
        own.dead || own.sent_fin && other.sent_fin
    }

    fn die(&self, fault: Errno) {
        let mut state = self.state.lock();
        state.connecting = false;
        let (own, _) = state.sides(self.side);
        own.fault = Some(fault);
        own.dead = true;
    }

    /// The error that ended it; once.
    pub fn take_fault(&self) -> Option<Errno> {
        self.state.lock().sides(self.side).0.fault.take()
    }

    /// How many bytes can be read.
    pub fn unread(&self) -> usize {
        self.state.lock().sides(self.side).0.incoming.len()
    }

    /// Reads what came: 0 is the end, `EAGAIN` if nothing is there yet.
    pub fn read(&self, buffer: &mut [u8], peek: bool) -> Result<usize, Errno> {
        let mut state = self.state.lock();
        if state.connecting {
            return Err(Errno::EAGAIN);
        }
        let (own, other) = state.sides(self.side);
        if own.incoming.is_empty() && !buffer.is_empty() {
            let ended = other.sent_fin || own.deaf || own.dead;
            return match own.fault.take() {
                Some(fault) => Err(fault),
                None if ended => Ok(0),
                None => Err(Errno::EAGAIN),
            };
        }
        let count = own.incoming.len().min(buffer.len());
        let (head, tail) = own.incoming.as_slices();
        let from_head = count.min(head.len());
        for (to, from) in [(0, head.get(..from_head)), (from_head, tail.get(..count - from_head))] {
            if let Some(from) = from
                && let Some(to) = buffer.get_mut(to..to + from.len())
            {
                to.copy_from_slice(from);
            }
        }
        if !peek {
            own.incoming.drain(..count);
            if own.incoming.is_empty() && own.incoming.capacity() > KEPT {
                own.incoming = VecDeque::new();
            }
            drop(state);
            self.wake_other();
        }
        Ok(count)
    }

    /// Takes bytes to send: how many, `EAGAIN` if there is no room.
    pub fn write(&self, bytes: &[u8]) -> Result<usize, Errno> {
        let mut state = self.state.lock();
        if state.connecting {
            return Err(Errno::EAGAIN);
        }
        let (own, other) = state.sides(self.side);
        if let Some(fault) = own.fault.take() {
            return Err(fault);
        }
        if own.sent_fin || own.dead {
            return Err(Errno::EPIPE);
        }
        if other.gone {
            // The answer to it is a reset: the next one fails.
            (own.dead, own.fault) = (true, Some(Errno::EPIPE));
            drop(state);
            self.wake();
            return Ok(bytes.len());
        }
        let count = bytes.len().min(CAPACITY.saturating_sub(other.incoming.len()));
        if count == 0 && !bytes.is_empty() {
            return Err(Errno::EAGAIN);
        }
        if other.incoming.capacity() < other.incoming.len() + count && is_scarce() {
            return Err(if other.incoming.is_empty() { Errno::ENOBUFS } else { Errno::EAGAIN });
        }
        // On Linux too what nobody will read is taken.
        other.incoming.extend(bytes.iter().take(count));
        drop(state);
        self.wake_other();
        Ok(count)
    }

    /// shutdown(2).
    pub fn shutdown(&self, read: bool, write: bool) -> Result<(), Errno> {
        if self.is_over() || self.connecting() {
            return Err(Errno::ENOTCONN);
        }
        let mut state = self.state.lock();
        let (own, _) = state.sides(self.side);
        own.deaf |= read;
        own.sent_fin |= write;
        drop(state);
        self.wake();
        Ok(())
    }

    /// Ends it as a reset does: the other end is told.
    pub fn reset(&self) {
        let mut state = self.state.lock();
        let refused = core::mem::take(&mut state.connecting);
        let (own, other) = state.sides(self.side);
        if !own.dead && !other.dead && !other.gone {
            other.dead = true;
            other.fault = Some(match (refused, own.sent_fin) {
                (true, _) => Errno::ECONNREFUSED,
                (false, true) => Errno::EPIPE,
                (false, false) => Errno::ECONNRESET,
            });
        }
        own.dead = true;
        drop(state);
        self.wake();
    }

    /// What it is ready for (tcp_poll of Linux).
    pub fn ready(&self) -> Events {
        let mut state = self.state.lock();
        if state.connecting {
            return Events::empty();
        }
        let (own, other) = state.sides(self.side);
        let mut events = Events::empty();
        events.set(Events::ERR, own.fault.is_some());
        let ended = other.sent_fin || own.deaf || own.dead;
        let sent = own.sent_fin || own.dead;
        events.set(Events::HUP, own.dead || (sent && (other.sent_fin || own.deaf)));
        events.set(Events::RDHUP, ended);
        events.set(Events::IN, ended || !own.incoming.is_empty());
        // A third must be free, so that who waits is not woken for every few bytes.
        events.set(Events::OUT, sent || other.gone || other.incoming.len() <= CAPACITY / 3 * 2);
        events
    }
}

impl Drop for End {
    /// close(2): a reset if something was left unread (RFC 2525, 2.17).
    fn drop(&mut self) {
        if self.unread() > 0 || self.state.lock().connecting && self.side == 1 {
            self.reset();
        }
        let mut state = self.state.lock();
        let (own, _) = state.sides(self.side);
        own.sent_fin = true;
        own.gone = true;
        own.incoming = VecDeque::new();
        drop(state);
        self.wake();
    }
}
