//! What routers and hosts say of the program's own packets: that they did not arrive (RFC 1122, 3.2.2.1; RFC 4443, 3.1).
use super::connection::Flow;
use super::ports::Protocol;
use super::stack::Stack;
use crate::errno::Errno;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use firewall::{Fragment, Packet, protocol};
use smoltcp::socket::tcp::State;
use smoltcp::wire::{Icmpv4Message, Icmpv4Packet, Icmpv6Message, Icmpv6Packet};

/// A packet of ours that did not arrive.
struct Lost {
    protocol: Protocol,
    flow: Flow,
    why: Errno,
}

impl Stack {
    /// Tells the socket whose packet it was: a connection that is being made fails, a connected endpoint has an error.
    pub(super) fn hear_of_lost(&mut self, frame: &[u8], packet: &Packet) {
        let Some(lost) = lost(frame, packet) else { return };
        // What goes on within the instance never was on the network: nobody there can say that it did not arrive.
        if !self.link.is_own(lost.flow.local.0) || self.is_local(lost.flow.remote.0) {
            return;
        }
        match lost.protocol {
            Protocol::Tcp => {
                let Some(&id) = self.flows.get(&lost.flow) else { return };
                // One that is established goes on trying (RFC 5461).
                if self.connections.get(&id).is_some_and(|connection| connection.state() == State::SynSent) {
                    self.fail(id, lost.why);
                }
            }
            Protocol::Udp => {
                let endpoint = self.ports.receiver(Protocol::Udp, lost.flow.local, lost.flow.remote);
                if let Some(endpoint) = endpoint.and_then(|id| self.endpoints.get_mut(&id))
                    && endpoint.peer == Some(lost.flow.remote)
                {
                    endpoint.refused(lost.why);
                }
            }
        }
    }
}

fn lost(frame: &[u8], packet: &Packet) -> Option<Lost> {
    if packet.fragment != Fragment::Whole {
        return None;
    }
    let message = packet.payload(frame);
    match (packet.source, packet.destination) {
        (IpAddr::V4(_), IpAddr::V4(_)) if packet.protocol == protocol::ICMP => {
            let icmp = Icmpv4Packet::new_checked(message).ok()?;
            let why = match icmp.msg_code() {
                0 => Errno::ENETUNREACH,
                3 => Errno::ECONNREFUSED,
                _ => Errno::EHOSTUNREACH,
            };
            let told = icmp.msg_type() == Icmpv4Message::DstUnreachable && icmp.verify_checksum();
            if told { of_v4(message.get(8..)?, why) } else { None }
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) if packet.protocol == protocol::ICMPV6 => {
            let icmp = Icmpv6Packet::new_checked(message).ok()?;
            let why = match icmp.msg_code() {
                0 => Errno::ENETUNREACH,
                1 => Errno::EACCES,
                4 => Errno::ECONNREFUSED,
                _ => Errno::EHOSTUNREACH,
            };
            let told = icmp.msg_type() == Icmpv6Message::DstUnreachable;
            let told = told && icmp.verify_checksum(&source, &destination);
            if told { of_v6(message.get(8..)?, why) } else { None }
        }
        _ => None,
    }
}

/// The beginning of our packet, an IPv4 header and at least the ports.
fn of_v4(packet: &[u8], why: Errno) -> Option<Lost> {
    let header = usize::from(packet.first()? & 15) * 4;
    let address = |at: usize| packet.get(at..)?.first_chunk::<4>().map(|bytes| Ipv4Addr::from(*bytes).into());
    of_transport(*packet.get(9)?, (address(12)?, address(16)?), packet.get(header..)?, why)
}

/// The same with an IPv6 header; ours have no extensions.
fn of_v6(packet: &[u8], why: Errno) -> Option<Lost> {
    let address = |at: usize| packet.get(at..)?.first_chunk::<16>().map(|bytes| Ipv6Addr::from(*bytes).into());
    of_transport(*packet.get(6)?, (address(8)?, address(24)?), packet.get(40..)?, why)
}

fn of_transport(number: u8, (from, to): (IpAddr, IpAddr), payload: &[u8], why: Errno) -> Option<Lost> {
    let protocol = match number {
        protocol::TCP => Protocol::Tcp,
        protocol::UDP => Protocol::Udp,
        _ => return None,
    };
    let [a, b, c, d] = *payload.first_chunk()?;
    let (source, destination) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    Some(Lost { protocol, flow: Flow { local: (from, source), remote: (to, destination) }, why })
}
