//! One bound UDP socket, in a set of its own.
use super::link::{Link, Sockets};
use super::ports::Binding;
use crate::errno::Errno;
use crate::file::Events;
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

/// Bytes of datagrams received and not read, and how many of them.
pub const RECEIVE_BUFFER: (usize, usize) = (32 << 10, 64);
/// Datagrams that wait for the card or a neighbour's hardware address; the oldest gives way.
const WAITING: usize = 16;
/// How long one waits.
const PATIENCE: Duration = Duration::from_secs(3);
/// What SO_SNDBUF tells.
pub const SEND_BUFFER: usize = WAITING * FRAGMENTED;
/// The longest IPv4 datagram that is sent, with its headers: what fragments are cut from (smoltcp's
/// fragmentation-buffer-size).
const FRAGMENTED: usize = 8192;
/// The longest IPv6 packet: nothing cuts those.
const MTU: usize = 1500;

/// A datagram on its way out, in a socket of its own: one whose neighbour does not answer holds up no other.
struct Datagram {
    set: Sockets,
    handle: SocketHandle,
    until: Instant,
}

/// A bound socket.
pub struct Endpoint {
    set: Sockets,
    handle: SocketHandle,
    waiting: VecDeque<Datagram>,
    /// Its port.
    pub binding: Binding,
    /// The one peer whose datagrams it takes, if it is connected.
    pub peer: Option<(IpAddr, u16)>,
    /// Who waits for it.
    pub changed: Arc<WaitQueue>,
    /// Its entry in the list of timers.
    pub due: Option<Instant>,
}

impl Endpoint {
    /// A socket on this port.
    pub fn new(binding: Binding, changed: Arc<WaitQueue>) -> Result<Self, Errno> {
        let (bytes, count) = RECEIVE_BUFFER;
        let (set, handle) = socket(binding.port, buffer(bytes, count), buffer(0, 0))?;
        Ok(Endpoint { set, handle, waiting: VecDeque::new(), binding, peer: None, changed, due: None })
    }

    /// The set with its socket.
    pub fn set(&mut self) -> &mut Sockets {
        &mut self.set
    }

    fn socket_mut(&mut self) -> &mut Socket<'static> {
        self.set.get_mut(self.handle)
    }

    /// Takes a datagram to send from this address of the interface; [`flush`](Self::flush) sends it.
    pub fn send(&mut self, bytes: &[u8], to: (IpAddr, u16), source: IpAddr, now: Instant) -> Result<usize, Errno> {
        let headers = if to.0.is_ipv4() { 20 + 8 } else { 40 + 8 };
        let most = if to.0.is_ipv4() { FRAGMENTED } else { MTU } - headers;
        if bytes.len() > most {
            return Err(Errno::EMSGSIZE);
        }
        if to.1 == 0 {
            return Err(Errno::EINVAL);
        }
        let mut meta = UdpMetadata::from(SocketAddr::from(to));
        meta.local_address = Some(self.binding.scope.address.unwrap_or(source).into());
        let (mut set, handle) = socket(self.binding.port, buffer(0, 0), buffer(bytes.len(), 1))?;
        set.get_mut::<Socket>(handle).send_slice(bytes, meta).map_err(|_| Errno::ENOBUFS)?;
        if self.waiting.len() >= WAITING {
            self.waiting.pop_front();
        }
        self.waiting.push_back(Datagram { set, handle, until: now + PATIENCE });
        Ok(bytes.len())
    }

    /// Sends what can be sent, forgets what waited too long, and tells when there is more to do.
    pub fn flush(&mut self, link: &mut Link) -> Option<Instant> {
        let mut next: Option<Instant> = None;
        self.waiting.retain_mut(|datagram| {
            let due = link.flush(&mut datagram.set);
            let waits = datagram.until > link.now() && !datagram.set.get::<Socket>(datagram.handle).can_send();
            if waits {
                next = next.into_iter().chain(due).chain([datagram.until]).min();
            }
            waits
        });
        next
    }

    /// Takes the datagram that came first, as much of it as fits: its length and its sender.
    pub fn receive(&mut self, buffer: &mut [u8], peek: bool) -> Result<(usize, (IpAddr, u16)), Errno> {
        let socket = self.socket_mut();
        let (bytes, sender) = if peek {
            socket.peek().map(|(bytes, meta)| (bytes, meta.endpoint)).map_err(|_| Errno::EAGAIN)?
        } else {
            socket.recv().map(|(bytes, meta)| (bytes, meta.endpoint)).map_err(|_| Errno::EAGAIN)?
        };
        let fits = buffer.len().min(bytes.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..fits), bytes.get(..fits)) {
            to.copy_from_slice(from);
        }
        Ok((bytes.len(), (sender.addr.into(), sender.port)))
    }

    /// Whether it takes datagrams from there.
    pub fn takes_from(&self, sender: (IpAddr, u16)) -> bool {
        self.peer.is_none_or(|peer| peer == sender)
    }

    /// What it is ready for.
    pub fn ready(&self) -> Events {
        let socket: &Socket = self.set.get(self.handle);
        let mut events = Events::empty();
        events.set(Events::IN, socket.can_recv());
        events | Events::OUT
    }
}

fn buffer(bytes: usize, count: usize) -> PacketBuffer<'static> {
    PacketBuffer::new(vec![PacketMetadata::EMPTY; count], vec![0; bytes])
}

/// A socket on this port, in a set of its own. It takes every address of the interface: whether a packet is for it is
/// decided before.
fn socket(
    port: u16,
    received: PacketBuffer<'static>,
    sent: PacketBuffer<'static>,
) -> Result<(Sockets, SocketHandle), Errno> {
    let mut socket = Socket::new(received, sent);
    socket.bind(IpListenEndpoint { addr: None, port }).map_err(|_| Errno::EINVAL)?;
    let mut set = SocketSet::new(Vec::with_capacity(1));
    let handle = set.add(socket);
    Ok((set, handle))
}
