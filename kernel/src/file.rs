//! What a file descriptor stands for.
use crate::errno::Errno;
use crate::wait::WaitQueue;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bitflags::bitflags;
use core::net::{IpAddr, SocketAddr};
use linux_raw_sys::general as linux;
use machine::memory::Frame;

bitflags! {
    /// What a file is ready for; the bits of poll(2).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Events: u32 {
        /// It can be read.
        const IN = linux::POLLIN;
        /// It can be written.
        const OUT = linux::POLLOUT;
        /// It failed.
        const ERR = linux::POLLERR;
        /// The other side is gone.
        const HUP = linux::POLLHUP;
        /// The other side sends no more.
        const RDHUP = linux::POLLRDHUP;
    }
}

impl Events {
    /// What is told without being asked for.
    pub const ALWAYS: Events = Events::ERR.union(Events::HUP);

    /// What of these events is told to who asks for the bits `wanted`, which may name them as System V did (POLLRDNORM).
    pub fn told(self, wanted: u32) -> u32 {
        let mut bits = self.bits();
        if self.contains(Events::IN) {
            bits |= linux::POLLRDNORM;
        }
        if self.contains(Events::OUT) {
            bits |= linux::POLLWRNORM;
        }
        bits & (wanted | Events::ALWAYS.bits())
    }

    /// Which events matter to who asks for these bits.
    pub fn asked(wanted: u32) -> Events {
        let mut events = Events::from_bits_truncate(wanted) | Events::ALWAYS;
        events.set(Events::IN, wanted & (linux::POLLIN | linux::POLLRDNORM) != 0);
        events.set(Events::OUT, wanted & (linux::POLLOUT | linux::POLLWRNORM) != 0);
        events
    }
}

/// Something behind a file descriptor. No call waits: where it would, it fails with `EAGAIN`, and the caller waits on
/// [`changed`](Self::changed) and tries again.
pub trait File: Send + Sync {
    /// Reads into `buffer`, from `offset` where the file has positions. 0 is the end.
    fn read(&self, _buffer: &mut [u8], _offset: u64) -> Result<usize, Errno> {
        Err(Errno::EINVAL)
    }
    /// Writes `bytes`, at `offset` where the file has positions; tells how many were taken.
    fn write(&self, _bytes: &[u8], _offset: u64) -> Result<usize, Errno> {
        Err(Errno::EINVAL)
    }
    /// What it is ready for now.
    fn ready(&self) -> Events {
        Events::IN | Events::OUT
    }
    /// Who is woken when [`ready`](Self::ready) may have changed. `None`: it never changes.
    fn changed(&self) -> Option<&WaitQueue> {
        None
    }
    /// What stat(2) tells.
    fn status(&self) -> Status;
    /// Whether it has positions (lseek(2) works).
    fn seekable(&self) -> bool {
        false
    }
    /// Its bytes from `offset` on, as many as are in memory there in one piece and stay as they are for good.
    fn lasting(&self, _offset: u64) -> Option<&'static [u8]> {
        None
    }
    /// The page that `offset` is in, as memory that the program may map: what is written there is in the file. `ENODEV`
    /// where the file has no such memory, `ENXIO` behind its end.
    fn frame(&self, _offset: u64) -> Result<Arc<Frame>, Errno> {
        Err(Errno::ENODEV)
    }
    /// Makes it this long.
    fn truncate(&self, _length: u64) -> Result<(), Errno> {
        Err(Errno::EINVAL)
    }
    /// It as a socket, if it is one.
    fn socket(&self) -> Option<&dyn Socket> {
        None
    }
    /// It as whatever it is, for the calls of its own family.
    fn any(&self) -> &dyn core::any::Any;
}

/// What stat(2) tells of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Status {
    /// Type and permissions (inode(7)).
    pub mode: u32,
    /// Length in bytes.
    pub size: u64,
    /// Number of the inode.
    pub inode: u64,
    /// Number of the device it is on.
    pub device: u64,
    /// Number of the device it is, for device files.
    pub special: u64,
    /// Names it has.
    pub links: u64,
    /// Seconds since 1970 of its last change.
    pub modified: u64,
}

/// A socket: the calls that only sockets have. As with [`File`], nothing waits here.
pub trait Socket: Send + Sync {
    /// bind(2).
    fn bind(&self, address: SocketAddr) -> Result<(), Errno>;
    /// listen(2).
    fn listen(&self, backlog: u32) -> Result<(), Errno>;
    /// accept(2): the connection and its peer; `EAGAIN` if none waits.
    fn accept(&self) -> Result<(Arc<dyn File>, SocketAddr), Errno>;
    /// connect(2): the first call starts it and gives `EINPROGRESS`; then `EALREADY` while it goes on, `Ok` once, `EISCONN` after.
    fn connect(&self, address: SocketAddr) -> Result<(), Errno>;
    /// sendto(2).
    fn send(&self, bytes: &[u8], to: Option<SocketAddr>) -> Result<usize, Errno>;
    /// sendto(2) with MSG_MORE: more follows at once.
    fn send_some(&self, bytes: &[u8]) -> Result<usize, Errno> {
        self.send(bytes, None)
    }
    /// connect(2) to AF_UNSPEC: it has no peer any more.
    fn disconnect(&self) -> Result<(), Errno> {
        Err(Errno::EAFNOSUPPORT)
    }
    /// recvfrom(2).
    fn receive(&self, buffer: &mut [u8], peek: bool) -> Result<Received, Errno>;
    /// shutdown(2).
    fn shutdown(&self, read: bool, write: bool) -> Result<(), Errno>;
    /// getsockname(2).
    fn local(&self) -> SocketAddr;
    /// getpeername(2).
    fn peer(&self) -> Result<SocketAddr, Errno>;
    /// setsockopt(2), the options that change something; the value is an `int`'s.
    fn set_option(&self, level: u32, name: u32, value: i32) -> Result<(), Errno>;
    /// getsockopt(2) for options whose value is an `int`.
    fn option(&self, level: u32, name: u32) -> Result<i32, Errno>;
    /// getsockopt(2) for all.
    fn option_bytes(&self, level: u32, name: u32) -> Result<Vec<u8>, Errno> {
        Ok(self.option(level, name)?.to_ne_bytes().to_vec())
    }
    /// Bytes that can be read at once (FIONREAD).
    fn unread(&self) -> usize {
        0
    }
    /// Bytes that were written and that the peer does not have yet (SIOCOUTQ).
    fn unsent(&self) -> usize {
        0
    }
}

/// What was received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// Its length; of a datagram the whole length, also when it did not fit.
    pub length: usize,
    /// Who sent it, where the socket tells.
    pub from: Option<SocketAddr>,
    /// Where it was sent to, if the program asked to be told.
    pub to: Option<IpAddr>,
}

/// Opens sockets: the network as the system calls see it.
pub trait Sockets: Send + Sync {
    /// socket(2), for the internet families.
    fn open(&self, version: Version, kind: SocketKind) -> Result<Arc<dyn File>, Errno>;
    /// Who answers questions about names, as the network told.
    fn name_servers(&self) -> Vec<IpAddr> {
        Vec::new()
    }

    /// Has the card send what the sockets gave it (see `machine::nic::waiting`).
    fn flush(&self) {}
}

/// AF_INET or AF_INET6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// IPv4.
    V4,
    /// IPv6; a socket bound to `::` takes IPv4 too, its peers as `::ffff:a.b.c.d`, unless IPV6_V6ONLY is set.
    V6,
}

/// SOCK_STREAM or SOCK_DGRAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketKind {
    /// TCP.
    Stream,
    /// UDP.
    Datagram,
}
