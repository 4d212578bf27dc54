//! Options that every internet socket has (socket(7), ip(7), ipv6(7)).
use crate::errno::Errno;
use linux_raw_sys::net as linux;

/// The levels of setsockopt(2) that are protocols.
pub const IP: u32 = 0;
/// TCP's.
pub const TCP: u32 = 6;
/// UDP's.
pub const UDP: u32 = 17;
/// IPv6's.
pub const IPV6: u32 = 41;

/// The options of one socket.
#[derive(Clone, Copy, Debug, Default)]
pub struct Generic {
    /// `::` does not take IPv4.
    pub only_v6: bool,
    /// It may send to broadcast addresses.
    pub broadcast: bool,
    reuse_address: bool,
    reuse_port: bool,
}

impl Generic {
    /// Sets one. Those that only tune are taken and change nothing: buffers have a fixed size, and a port is free again as
    /// soon as its socket is closed.
    pub fn set(&mut self, level: u32, name: u32, value: i32) -> Result<(), Errno> {
        match (level, name) {
            (linux::SOL_SOCKET, linux::SO_REUSEADDR) => self.reuse_address = value != 0,
            (linux::SOL_SOCKET, linux::SO_REUSEPORT) => self.reuse_port = value != 0,
            (linux::SOL_SOCKET, linux::SO_BROADCAST) => self.broadcast = value != 0,
            (IPV6, linux::IPV6_V6ONLY) => self.only_v6 = value != 0,
            (linux::SOL_SOCKET, linux::SO_SNDBUF | linux::SO_RCVBUF | linux::SO_PRIORITY | linux::SO_KEEPALIVE) => {}
            (linux::SOL_SOCKET, linux::SO_DONTROUTE | linux::SO_OOBINLINE) => {}
            (IP, linux::IP_TOS | linux::IP_TTL | linux::IP_MTU_DISCOVER | linux::IP_RECVERR) => {}
            (IPV6, linux::IPV6_UNICAST_HOPS | linux::IPV6_TCLASS | linux::IPV6_RECVERR) => {}
            (TCP, linux::TCP_KEEPINTVL | linux::TCP_KEEPCNT | linux::TCP_USER_TIMEOUT | linux::TCP_QUICKACK) => {}
            (TCP, linux::TCP_DEFER_ACCEPT | linux::TCP_CORK | linux::TCP_FASTOPEN | linux::TCP_SYNCNT) => {}
            _ => return Err(Errno::ENOPROTOOPT),
        }
        Ok(())
    }

    /// Gets one.
    pub fn get(&self, level: u32, name: u32) -> Result<i32, Errno> {
        Ok(match (level, name) {
            (linux::SOL_SOCKET, linux::SO_REUSEADDR) => self.reuse_address.into(),
            (linux::SOL_SOCKET, linux::SO_REUSEPORT) => self.reuse_port.into(),
            (linux::SOL_SOCKET, linux::SO_BROADCAST) => self.broadcast.into(),
            (linux::SOL_SOCKET, linux::SO_ERROR | linux::SO_ACCEPTCONN | linux::SO_KEEPALIVE) => 0,
            (IPV6, linux::IPV6_V6ONLY) => self.only_v6.into(),
            (IP, linux::IP_TTL) | (IPV6, linux::IPV6_UNICAST_HOPS) => 64,
            (IP, linux::IP_TOS) | (IPV6, linux::IPV6_TCLASS) => 0,
            _ => return Err(Errno::ENOPROTOOPT),
        })
    }
}
