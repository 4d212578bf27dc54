//! The IPv4 address by DHCP (RFC 2131): asking for it, keeping it, and putting it into force.
use super::link::{Link, Sockets};
use super::timers::{Timer, Timers};
use alloc::vec::Vec;
use core::net::Ipv4Addr;
use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::socket::dhcpv4::{Event, RetryConfig, Socket};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::Ipv4Cidr;

/// Where a client is reached, and from where (RFC 2131, 4.1).
pub const PORTS: firewall::Ports = firewall::Ports { source: 67, destination: 68 };
/// The server may answer later than that only on a slow network: asking again does no harm.
const DISCOVER: Duration = Duration::from_secs(2);
const REQUEST: Duration = Duration::from_secs(1);

/// The address that the interface has by DHCP or as configured, with its network and router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// The address and the length of its network's prefix.
    pub cidr: Ipv4Cidr,
    /// The router.
    pub router: Option<Ipv4Addr>,
}

/// The DHCP client.
pub struct Lease {
    set: Sockets,
    handle: SocketHandle,
    due: Option<Instant>,
}

/// What became of the address.
pub enum Change {
    /// There is one, with servers for names.
    Gained(Address, Vec<Ipv4Addr>),
    /// It is gone.
    Lost,
}

impl Default for Lease {
    /// A client that asks at its first turn.
    fn default() -> Self {
        let mut socket = Socket::new();
        let mut retry = RetryConfig::default();
        retry.discover_timeout = DISCOVER;
        retry.initial_request_timeout = REQUEST;
        socket.set_retry_config(retry);
        let mut set = SocketSet::new(alloc::vec::Vec::with_capacity(1));
        let handle = set.add(socket);
        Lease { set, handle, due: None }
    }
}

impl Lease {
    /// The set with its socket.
    pub fn set(&mut self) -> &mut Sockets {
        &mut self.set
    }

    /// Sends what is due; tells what changed.
    pub fn turn(&mut self, link: &mut Link, timers: &mut Timers) -> Option<Change> {
        let due = link.flush(&mut self.set);
        timers.set(Timer::Lease, &mut self.due, due);
        match self.set.get_mut::<Socket>(self.handle).poll()? {
            Event::Configured(config) => {
                let address = Address { cidr: config.address, router: config.router };
                Some(Change::Gained(address, config.dns_servers.iter().copied().collect()))
            }
            Event::Deconfigured => Some(Change::Lost),
        }
    }
}
