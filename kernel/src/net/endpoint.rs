//! One bound UDP socket, in a set of its own.
use super::link::Sockets;
use super::ports::Binding;
use crate::errno::Errno;
use crate::file::Events;
use crate::wait::WaitQueue;
use alloc::sync::Arc;
use alloc::vec;
use core::net::{IpAddr, SocketAddr};
use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::socket::udp::{PacketBuffer, PacketMetadata, Socket};
use smoltcp::time::Instant;
use smoltcp::wire::IpListenEndpoint;

/// Bytes of datagrams received and not read, and how many of them.
pub const RECEIVE_BUFFER: (usize, usize) = (32 << 10, 64);
/// Bytes of datagrams that wait for the card or a neighbour's address, and how many of them.
pub const SEND_BUFFER: (usize, usize) = (16 << 10, 16);
/// The longest IPv4 datagram that is sent, with its headers: what fragments are cut from (smoltcp's
/// fragmentation-buffer-size).
const FRAGMENTED: usize = 8192;
/// The longest IPv6 packet: nothing cuts those.
const MTU: usize = 1500;

/// A bound socket.
pub struct Endpoint {
    set: Sockets,
    handle: SocketHandle,
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
        let buffer = |(bytes, count)| PacketBuffer::new(vec![PacketMetadata::EMPTY; count], vec![0; bytes]);
        let mut socket = Socket::new(buffer(RECEIVE_BUFFER), buffer(SEND_BUFFER));
        // The address is looked at before a datagram gets here: the stack would refuse broadcasts to a mapped one.
        let local = IpListenEndpoint { addr: None, port: binding.port };
        socket.bind(local).map_err(|_| Errno::EINVAL)?;
        let mut set = SocketSet::new(alloc::vec::Vec::with_capacity(1));
        let handle = set.add(socket);
        Ok(Endpoint { set, handle, binding, peer: None, changed, due: None })
    }

    /// The set with its socket.
    pub fn set(&mut self) -> &mut Sockets {
        &mut self.set
    }

    fn socket_mut(&mut self) -> &mut Socket<'static> {
        self.set.get_mut(self.handle)
    }

    /// Takes a datagram to send from this address of the interface. The socket must be flushed after it.
    pub fn send(&mut self, bytes: &[u8], to: (IpAddr, u16), source: IpAddr) -> Result<usize, Errno> {
        let headers = if to.0.is_ipv4() { 20 + 8 } else { 40 + 8 };
        let most = if to.0.is_ipv4() { FRAGMENTED } else { MTU } - headers;
        if bytes.len() > most {
            return Err(Errno::EMSGSIZE);
        }
        if to.1 == 0 {
            return Err(Errno::EINVAL);
        }
        let mut meta = smoltcp::socket::udp::UdpMetadata::from(SocketAddr::from(to));
        meta.local_address = Some(self.binding.scope.address.unwrap_or(source).into());
        self.socket_mut().send_slice(bytes, meta).map_err(|_| Errno::EAGAIN)?;
        Ok(bytes.len())
    }

    /// Takes the datagram that came first, as much of it as fits: its length and its sender.
    pub fn receive(&mut self, buffer: &mut [u8], peek: bool) -> Result<(usize, (IpAddr, u16)), Errno> {
        let socket = self.socket_mut();
        let (bytes, sender) = if peek {
            socket.peek().map(|(bytes, meta)| (bytes, meta.endpoint)).map_err(|_| Errno::EAGAIN)?
        } else {
            socket.recv().map(|(bytes, meta)| (bytes, meta.endpoint)).map_err(|_| Errno::EAGAIN)?
        };
        for (to, from) in buffer.iter_mut().zip(bytes) {
            *to = *from;
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
        events.set(Events::OUT, socket.can_send());
        events
    }
}
