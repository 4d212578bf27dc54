//! What stays within the instance: connections and datagrams to 127.0.0.0/8, to ::1, and to its own addresses.
//!
//! They do not pass the gate, which is about the network, nor smoltcp: bytes go from socket to socket.
use super::connection::Flow;
use super::local::{self, End};
use super::ports::Protocol;
use super::reception::Datagram;
use super::stack::Stack;
use crate::errno::Errno;
use crate::wait::WaitQueue;
use alloc::sync::Arc;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The destination as it is meant: on Linux the unspecified address stands for this host.
pub fn named(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address => address,
    }
}

impl Stack {
    /// Whether what is sent there stays within the instance.
    pub(super) fn is_local(&self, address: IpAddr) -> bool {
        address.is_loopback() || self.link.is_own(address)
    }

    /// The address that packets to `remote` leave from; `ENETUNREACH` where there is no way.
    pub(super) fn source_for(&self, remote: IpAddr) -> Result<IpAddr, Errno> {
        match remote {
            IpAddr::V4(address) if address.is_loopback() => Ok(Ipv4Addr::LOCALHOST.into()),
            address if self.is_local(address) => Ok(address),
            address => self.link.source_for(address),
        }
    }

    /// Begins a connection to a listener of the instance.
    pub(super) fn connect_locally(&mut self, flow: Flow, changed: Arc<WaitQueue>) -> End {
        let listener = self.ports.receiver(Protocol::Tcp, flow.remote, flow.local);
        let Some(listener) = listener.and_then(|id| self.listeners.get_mut(&id)) else {
            return local::failed(flow, changed, Errno::ECONNREFUSED);
        };
        if !listener.may_take_local() {
            return local::failed(flow, changed, Errno::ECONNREFUSED);
        }
        let (end, accepted) = local::pair(flow, changed);
        listener.take_local(accepted);
        end
    }

    /// Hands a datagram to an endpoint of the instance; `ECONNREFUSED` if there is none.
    pub(super) fn deliver_locally(&mut self, bytes: &[u8], flow: Flow) -> Result<(), Errno> {
        let receiver = self.ports.receiver(Protocol::Udp, flow.remote, flow.local);
        let endpoint = receiver.and_then(|id| self.endpoints.get_mut(&id)).ok_or(Errno::ECONNREFUSED)?;
        endpoint.take(Datagram { bytes: bytes.to_vec(), from: flow.local, to: Some(flow.remote.0) });
        Ok(())
    }
}
