//! Taking datagrams out of frames: one socket of the stack does it, for whichever endpoint they are.
use super::link::{Link, Sockets};
use alloc::vec;
use alloc::vec::Vec;
use core::net::IpAddr;
use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::socket::udp::{PacketBuffer, PacketMetadata, Socket};
use smoltcp::wire::IpListenEndpoint;

/// The longest datagram, put together.
const LONGEST: usize = 64 << 10;

/// A datagram that came in.
pub struct Datagram {
    /// What it carries.
    pub bytes: Vec<u8>,
    /// Who sent it.
    pub from: (IpAddr, u16),
    /// Which address it was sent to.
    pub to: Option<IpAddr>,
}

/// The socket.
pub struct Reception {
    set: Sockets,
    handle: SocketHandle,
}

impl Default for Reception {
    fn default() -> Self {
        let buffer = |count, bytes| PacketBuffer::new(vec![PacketMetadata::EMPTY; count], vec![0; bytes]);
        let mut set = SocketSet::new(Vec::with_capacity(1));
        let handle = set.add(Socket::new(buffer(1, LONGEST), buffer(0, 0)));
        Reception { set, handle }
    }
}

impl Reception {
    /// Has the stack process a frame for this port; gives the datagram that it completed.
    pub fn take(&mut self, frame: &[u8], port: u16, link: &mut Link) -> Option<Datagram> {
        let socket = self.set.get_mut::<Socket>(self.handle);
        socket.close();
        // It takes every address of the interface: whether a packet is for the endpoint was decided before.
        socket.bind(IpListenEndpoint { addr: None, port }).ok()?;
        link.feed(frame, &mut self.set);
        let (bytes, meta) = self.set.get_mut::<Socket>(self.handle).recv().ok()?;
        let from = (meta.endpoint.addr.into(), meta.endpoint.port);
        Some(Datagram { bytes: bytes.to_vec(), from, to: meta.local_address.map(IpAddr::from) })
    }
}
