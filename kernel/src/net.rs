//! The network: the firewall around the card, the stack behind it, and its sockets for the program.
//!
//! A frame goes through these modules in this order:
//! - [`guard`]: judged in the card's buffer; what the policy drops ends here
//! - [`stack`]: given to the one socket that it is for, found by addresses and ports; what comes to no socket is answered
//!   by smoltcp itself (RST, echo reply, ICMP error), through [`link`]
//! - [`connection`], [`endpoint`]: one TCP connection, one bound UDP socket; [`listener`]: how connections begin and end
//! - [`tcp`], [`udp`]: these as the program's file descriptors
//! - `loopback`: what stays within the instance passes none of the others
//! - [`lease`]: the address by DHCP
//!
//! # Bounds
//! - Connections: a quarter of the memory divided by 10 KiB, that is about 800 with 32 MiB and 13,000 with 512 MiB, at most
//!   65,536; none more while less than 1 MiB is free. Beyond it a SYN is lost, and the peer sends it again. Of these an
//!   eighth, at least 128, may be closed by the program while the peer has not taken everything; the oldest gives way.
//! - Their buffers (`buffers`): 32 KiB to receive and 64 KiB to send while few are open, down to 4 KiB each when there are
//!   thousands; a quarter of the memory for the least of all, and an eighth for what goes beyond it.
//! - TIME-WAIT: 512 pairs of addresses, each for 10 seconds; the oldest gives way.
//! - Waiting at a listener: its backlog, at most 4,096, and those whose handshake was going on when it filled up: 64 or
//!   the backlog, at most half of all connections. A handshake may take 20 seconds; after the first it gives way to
//!   another that would be one too many.
//! - Reassembly: 8 datagrams at a time, each for 30 seconds, of 64 KiB at most (512 KiB together, kept once used).
//! - A UDP socket: 208 KiB to be read, or what SO_RCVBUF says; 16 datagrams that wait for a neighbour's address, for 3 seconds.
//! - A connection within the instance: 208 KiB in each direction. Those beyond a listener's backlog wait for a place.
//! - Frames that wait for the hardware address of the neighbour they are to be answered to: 16, for 3 seconds.
//! - A turn: 64 frames.
//!
//! # Limits
//! What stays within the instance is not filtered. A SYN in fragments finds no listener; other segments in fragments reach their connection. IPv6
//! fragments are not reassembled.
pub mod address;
mod buffers;
pub mod connection;
pub mod endpoint;
mod fragments;
pub mod guard;
pub mod lease;
pub mod link;
pub mod listener;
mod local;
mod loopback;
mod neighbours;
mod options;
pub mod ports;
mod random;
mod reception;
pub mod stack;
pub mod tcp;
#[cfg(test)]
mod tests;
mod time_wait;
mod timers;
pub mod udp;
mod unreachable;

use crate::errno::Errno;
use crate::file::{File, SocketKind, Sockets, Version};
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::net::IpAddr;
use core::time::Duration;
use image::manifest::Network;
use image::report::Counter;
use lease::Address;
use machine::nic::Nic;
use spin::{Mutex, MutexGuard};
use stack::Stack;

/// The network.
pub struct Net {
    stack: Mutex<Stack>,
    /// Sockets hold the network that they are on.
    this: Weak<Net>,
}

impl Net {
    /// Puts the policy in force, opens the card, and begins to get an address. `seed` is random: it makes sequence
    /// numbers and ports hard to guess.
    pub fn new(nic: Nic, table: firewall::Table<'static>, network: Network, seed: u64) -> Arc<Net> {
        let budget = buffers::Budget::new(machine::memory::usage().total);
        let stack = Stack::new(guard::Guard::new(nic, table), network, seed, budget);
        Arc::new_cyclic(|this| Net { stack: Mutex::new(stack), this: this.clone() })
    }

    /// Takes in a bounded number of frames, sends what is due, and tells when it wants to be called again: `Some(now)`
    /// if more frames may wait, `None` if only a frame or a system call can change anything. Call it before idling, and
    /// whenever a system call used a socket: what sockets wait for is timed from the last call.
    pub fn poll(&self, now: Duration) -> Option<Duration> {
        self.stack().turn(now)
    }

    /// Has the card interrupt when a frame arrives, for a processor that is about to halt; `false` if one is there already.
    pub fn listen(&self) -> bool {
        self.stack().link.guard().listen()
    }

    /// What the firewall counted so far for the causes that count more than when this was asked last.
    pub fn take_changed_counters(&self) -> Vec<Counter> {
        self.stack().link.guard().take_changed()
    }

    /// What the firewall counted so far, one entry per cause.
    #[cfg(test)]
    pub fn counters(&self) -> Vec<Counter> {
        self.stack().link.guard().counters()
    }

    /// The IPv4 address, once there is one.
    pub fn address(&self) -> Option<Address> {
        self.stack().address()
    }

    /// Whether it is still being asked for an address.
    pub fn is_configuring(&self) -> bool {
        self.stack().is_configuring()
    }

    fn stack(&self) -> MutexGuard<'_, Stack> {
        self.stack.lock()
    }
}

impl Sockets for Net {
    fn name_servers(&self) -> Vec<IpAddr> {
        self.stack().name_servers.iter().copied().map(IpAddr::V4).collect()
    }

    fn open(&self, version: Version, kind: SocketKind) -> Result<Arc<dyn File>, Errno> {
        let this = self.this.upgrade().ok_or(Errno::ENETDOWN)?;
        Ok(match kind {
            SocketKind::Stream => Arc::new(tcp::TcpSocket::new(this, version)),
            SocketKind::Datagram => Arc::new(udp::UdpSocket::new(this, version)),
        })
    }

    fn flush(&self) {
        self.stack().link.guard().flush();
    }
}
