//! Options that every internet socket has (socket(7), ip(7), ipv6(7)).
use super::buffers::Wish;
use super::ports::Sharing;
use crate::errno::Errno;
use alloc::vec::Vec;
use linux_raw_sys::net as linux;
use zerocopy::IntoBytes;

/// The levels of setsockopt(2) that are protocols.
pub const IP: u32 = 0;
/// TCP's.
pub const TCP: u32 = 6;
/// UDP's.
pub const UDP: u32 = 17;
/// IPv6's.
pub const IPV6: u32 = 41;

/// The least and the most of SO_SNDBUF and SO_RCVBUF as they are told: twice what was asked for (socket(7)).
const LEAST_SENT: usize = 4608;
const LEAST_RECEIVED: usize = 2304;
const MOST: usize = 212_992;

/// The options of one socket.
#[derive(Clone, Copy, Debug, Default)]
pub struct Generic {
    /// `::` does not take IPv4.
    pub only_v6: bool,
    /// It may send to broadcast addresses.
    pub broadcast: bool,
    /// It shares its port.
    pub sharing: Sharing,
    /// How large its buffers are to be.
    pub wish: Wish,
    /// Received messages tell where they were sent to (IP_PKTINFO, IPV6_RECVPKTINFO).
    pub tells_destination: bool,
    /// SO_LINGER: how many seconds.
    pub linger: Option<u32>,
}

impl Generic {
    /// Sets one. Those that only tune are taken and change nothing.
    pub fn set(&mut self, level: u32, name: u32, value: i32) -> Result<(), Errno> {
        let bytes = usize::try_from(value).unwrap_or(MOST).min(MOST);
        match (level, name) {
            (linux::SOL_SOCKET, linux::SO_REUSEADDR) => self.sharing.address = value != 0,
            (linux::SOL_SOCKET, linux::SO_REUSEPORT) => self.sharing.port = value != 0,
            (linux::SOL_SOCKET, linux::SO_BROADCAST) => self.broadcast = value != 0,
            (linux::SOL_SOCKET, linux::SO_SNDBUF | linux::SO_SNDBUFFORCE) => self.wish.send = Some(bytes),
            (linux::SOL_SOCKET, linux::SO_RCVBUF | linux::SO_RCVBUFFORCE) => self.wish.receive = Some(bytes),
            // -1 stands for a linger structure that is off.
            (linux::SOL_SOCKET, linux::SO_LINGER) => self.linger = u32::try_from(value).ok(),
            (IPV6, linux::IPV6_V6ONLY) => self.only_v6 = value != 0,
            (IP, linux::IP_PKTINFO) | (IPV6, linux::IPV6_RECVPKTINFO) => self.tells_destination = value != 0,
            (linux::SOL_SOCKET, linux::SO_PRIORITY | linux::SO_KEEPALIVE | linux::SO_RCVLOWAT) => {}
            (linux::SOL_SOCKET, linux::SO_DONTROUTE | linux::SO_OOBINLINE | linux::SO_INCOMING_CPU) => {}
            (linux::SOL_SOCKET, linux::SO_BUSY_POLL | linux::SO_NO_CHECK | linux::SO_MARK) => {}
            (IP, linux::IP_TOS | linux::IP_TTL | linux::IP_MTU_DISCOVER | linux::IP_RECVERR) => {}
            (IP, linux::IP_BIND_ADDRESS_NO_PORT | linux::IP_FREEBIND | linux::IP_RECVTOS) => {}
            (IP, linux::IP_MULTICAST_TTL | linux::IP_MULTICAST_LOOP) => {}
            (IPV6, linux::IPV6_UNICAST_HOPS | linux::IPV6_TCLASS | linux::IPV6_RECVERR) => {}
            (IPV6, linux::IPV6_MTU_DISCOVER | linux::IPV6_RECVTCLASS) => {}
            _ => return Err(Errno::ENOPROTOOPT),
        }
        Ok(())
    }

    /// `struct linger`.
    pub fn linger_bytes(&self) -> Vec<u8> {
        [i32::from(self.linger.is_some()), self.linger.unwrap_or(0) as i32].as_bytes().to_vec()
    }

    /// Gets one.
    pub fn get(&self, level: u32, name: u32) -> Result<i32, Errno> {
        let told = |asked: Option<usize>, least: usize| asked.map_or(MOST, |bytes| (2 * bytes).max(least)) as i32;
        Ok(match (level, name) {
            (linux::SOL_SOCKET, linux::SO_REUSEADDR) => self.sharing.address.into(),
            (linux::SOL_SOCKET, linux::SO_REUSEPORT) => self.sharing.port.into(),
            (linux::SOL_SOCKET, linux::SO_BROADCAST) => self.broadcast.into(),
            (linux::SOL_SOCKET, linux::SO_SNDBUF) => told(self.wish.send, LEAST_SENT),
            (linux::SOL_SOCKET, linux::SO_RCVBUF) => told(self.wish.receive, LEAST_RECEIVED),
            (linux::SOL_SOCKET, linux::SO_RCVLOWAT | linux::SO_SNDLOWAT) => 1,
            (linux::SOL_SOCKET, linux::SO_ERROR | linux::SO_ACCEPTCONN | linux::SO_KEEPALIVE) => 0,
            (linux::SOL_SOCKET, linux::SO_PRIORITY | linux::SO_OOBINLINE | linux::SO_INCOMING_CPU) => 0,
            (IPV6, linux::IPV6_V6ONLY) => self.only_v6.into(),
            (IP, linux::IP_PKTINFO) | (IPV6, linux::IPV6_RECVPKTINFO) => self.tells_destination.into(),
            (IP, linux::IP_TTL) | (IPV6, linux::IPV6_UNICAST_HOPS) => 64,
            (IP, linux::IP_TOS) | (IPV6, linux::IPV6_TCLASS) => 0,
            (IP, linux::IP_MTU_DISCOVER) => linux::IP_PMTUDISC_WANT as i32,
            _ => return Err(Errno::ENOPROTOOPT),
        })
    }
}
