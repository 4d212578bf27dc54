//! One bound UDP socket: what came and was not read, and what is on its way out.
use super::link::{Link, Sockets};
use super::ports::Binding;
use super::reception::Datagram;
use crate::errno::Errno;
use crate::file::Events;
use crate::program::memory::would_be_scarce;
use crate::wait::WaitQueue;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::socket::udp::{PacketBuffer, PacketMetadata, Socket, UdpMetadata};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::IpListenEndpoint;

/// Bytes of datagrams received and not read if the program does not say how many; and what each counts besides its bytes.
const RECEIVE_BUFFER: usize = 208 << 10;
const BESIDES: usize = 256;
/// Datagrams that wait for the card or a neighbour's hardware address; the oldest gives way.
const WAITING: usize = 16;
/// How long one waits.
const PATIENCE: Duration = Duration::from_secs(3);
/// The longest IPv4 datagram that is sent, with its headers: what fragments are cut from (smoltcp's
/// fragmentation-buffer-size).
const FRAGMENTED: usize = 8192;
/// The longest IPv6 packet: nothing cuts those.
const MTU: usize = 1500;
/// The longest datagram without its headers (udp(7)).
pub const LONGEST: usize = 65507;

/// A datagram on its way out, in a socket of its own: one whose neighbour does not answer holds up no other.
struct Leaving {
    set: Sockets,
    handle: SocketHandle,
    until: Instant,
}

/// A bound socket.
pub struct Endpoint {
    received: VecDeque<Datagram>,
    /// Bytes of `received`, with what each counts besides; and the most of them.
    held: usize,
    /// The most of them.
    pub most: Option<usize>,
    leaving: VecDeque<Leaving>,
    /// Its port.
    pub binding: Binding,
    /// The one peer whose datagrams it takes, if it is connected.
    pub peer: Option<(IpAddr, u16)>,
    /// Who waits for it.
    pub changed: Arc<WaitQueue>,
    /// Its entry in the list of timers.
    pub due: Option<Instant>,
    fault: Option<Errno>,
}

impl Endpoint {
    /// A socket on this port.
    pub fn new(binding: Binding, changed: Arc<WaitQueue>) -> Self {
        Endpoint {
            received: VecDeque::new(),
            held: 0,
            most: None,
            leaving: VecDeque::new(),
            binding,
            peer: None,
            changed,
            due: None,
            fault: None,
        }
    }

    /// Keeps a datagram until it is read; one for which there is no room is lost.
    pub fn take(&mut self, datagram: Datagram) {
        let bytes = datagram.bytes.len() + BESIDES;
        if self.held + bytes > self.most.unwrap_or(RECEIVE_BUFFER) || would_be_scarce(bytes as u64) {
            return;
        }
        self.held += bytes;
        self.received.push_back(datagram);
        self.changed.wake();
    }

    /// Takes a datagram to send from this address of the interface; [`flush`](Self::flush) sends it.
    pub fn send(&mut self, bytes: &[u8], to: (IpAddr, u16), source: IpAddr, now: Instant) -> Result<usize, Errno> {
        let headers = if to.0.is_ipv4() { 20 + 8 } else { 40 + 8 };
        let most = if to.0.is_ipv4() { FRAGMENTED } else { MTU } - headers;
        if bytes.len() > most {
            return Err(Errno::EMSGSIZE);
        }
        let mut meta = UdpMetadata::from(SocketAddr::from(to));
        meta.local_address = Some(source.into());
        let (mut set, handle) = socket(self.binding.port, bytes.len())?;
        set.get_mut::<Socket>(handle).send_slice(bytes, meta).map_err(|_| Errno::ENOBUFS)?;
        if self.leaving.len() >= WAITING {
            self.leaving.pop_front();
        }
        self.leaving.push_back(Leaving { set, handle, until: now + PATIENCE });
        Ok(bytes.len())
    }

    /// Sends what can be sent, forgets what waited too long, and tells when there is more to do.
    pub fn flush(&mut self, link: &mut Link) -> Option<Instant> {
        let mut next: Option<Instant> = None;
        self.leaving.retain_mut(|datagram| {
            let due = link.flush(&mut datagram.set);
            let waits = datagram.until > link.now() && !datagram.set.get::<Socket>(datagram.handle).can_send();
            if waits {
                next = next.into_iter().chain(due).chain([datagram.until]).min();
            }
            waits
        });
        next
    }

    /// Hands the datagram that came first to `read`; it stays there with `peek`.
    pub fn receive<R>(&mut self, peek: bool, read: impl FnOnce(&Datagram) -> R) -> Result<R, Errno> {
        self.take_fault().map_or(Ok(()), Err)?;
        let result = read(self.received.front().ok_or(Errno::EAGAIN)?);
        if !peek && let Some(datagram) = self.received.pop_front() {
            self.held -= datagram.bytes.len() + BESIDES;
        }
        Ok(result)
    }

    /// The length of the datagram that came first.
    pub fn first_length(&self) -> usize {
        self.received.front().map_or(0, |datagram| datagram.bytes.len())
    }

    /// Its peer does not take datagrams: the next call tells.
    pub fn refused(&mut self, fault: Errno) {
        self.fault = Some(fault);
        self.changed.wake();
    }

    /// What went wrong; once.
    pub fn take_fault(&mut self) -> Option<Errno> {
        self.fault.take()
    }

    /// What it is ready for.
    pub fn ready(&self) -> Events {
        let mut events = Events::OUT;
        events.set(Events::IN, !self.received.is_empty() || self.fault.is_some());
        events.set(Events::ERR, self.fault.is_some());
        events
    }
}

/// A socket on this port, in a set of its own, that sends one datagram.
fn socket(port: u16, bytes: usize) -> Result<(Sockets, SocketHandle), Errno> {
    let buffer = |count, bytes| PacketBuffer::new(vec![PacketMetadata::EMPTY; count], vec![0; bytes]);
    let mut socket = Socket::new(buffer(0, 0), buffer(1, bytes));
    socket.bind(IpListenEndpoint { addr: None, port }).map_err(|_| Errno::EINVAL)?;
    let mut set = SocketSet::new(Vec::with_capacity(1));
    let handle = set.add(socket);
    Ok((set, handle))
}
