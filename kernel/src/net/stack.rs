//! The whole of the network: who gets which frame, and whose turn it is.
//!
//! Every socket stands in a set of its own. A frame is handed to the one set that it is for, so that its cost does not
//! grow with the number of connections: the guard has parsed it, and a map leads from its addresses and ports to the set.
use super::buffers::Budget;
use super::connection::{Cause, Connection, Flow};
use super::endpoint::Endpoint;
use super::fragments::Fragments;
use super::guard::{Accepted, Guard};
use super::lease::{self, Address, Change, Lease};
use super::link::Link;
use super::listener::Listener;
use super::neighbours::Neighbours;
use super::ports::{Ports, Protocol};
use super::random::Random;
use super::reception::Reception;
use super::time_wait::{self, TimeWait};
use super::timers::{Timer, Timers};
use crate::host;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;
use firewall::{Fragment, Packet, protocol};
use hashbrown::HashMap;
use image::manifest::Network;
use image::report::Report;
use smoltcp::time::{Duration as Span, Instant};
use smoltcp::wire::{ArpPacket, ArpRepr, Ipv4Cidr};

/// Frames that one turn looks at, dropped ones too.
const FRAMES: u32 = 64;
/// Timers that one turn serves.
const TIMERS: usize = 256;
/// For how long the stack holds back a socket whose neighbour's hardware address it asked for.
const NEIGHBOUR: Span = Span::from_secs(1);

/// TCP flags (RFC 9293, 3.1).
mod flags {
    pub const FIN: u8 = 1;
    pub const SYN: u8 = 2;
    pub const RST: u8 = 4;
    pub const ACK: u8 = 16;
}

/// Who gets a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receiver {
    /// A connection.
    Connection(u64),
    /// A listener, with the SYN of a new connection.
    Listener(u64, Flow),
    /// A UDP endpoint.
    Endpoint(u64),
    /// The DHCP client.
    Lease,
    /// A connection in TIME-WAIT.
    Over(Flow),
    /// No socket: the stack answers by itself.
    Nobody,
}

/// The network.
pub struct Stack {
    pub(super) link: Link,
    lease: Option<Lease>,
    address: Option<Address>,
    pub(super) name_servers: Vec<Ipv4Addr>,
    pub(super) timers: Timers,
    pub(super) ports: Ports,
    pub(super) random: Random,
    /// There is one once a datagram has come.
    reception: Option<Reception>,
    fragments: Fragments,
    pub(super) neighbours: Neighbours,
    pub(super) connections: HashMap<u64, Connection>,
    pub(super) flows: HashMap<Flow, u64>,
    pub(super) listeners: HashMap<u64, Listener>,
    pub(super) endpoints: HashMap<u64, Endpoint>,
    /// Connections that the program closed, the oldest first.
    pub(super) orphans: BTreeSet<u64>,
    pub(super) time_wait: TimeWait,
    pub(super) budget: Budget,
    last: u64,
}

impl Stack {
    /// The network behind this guard.
    pub fn new(guard: Guard, network: Network, seed: u64, budget: Budget) -> Self {
        let mut random = Random::new(seed);
        let secret = u64::from(random.below(u32::MAX)) << 32 | u64::from(random.below(u32::MAX));
        let mut stack = Stack {
            link: Link::new(guard, secret),
            lease: None,
            address: None,
            name_servers: Vec::new(),
            timers: Timers::default(),
            ports: Ports::default(),
            random,
            reception: None,
            fragments: Fragments::default(),
            neighbours: Neighbours::default(),
            connections: HashMap::new(),
            flows: HashMap::new(),
            listeners: HashMap::new(),
            endpoints: HashMap::new(),
            orphans: BTreeSet::new(),
            time_wait: TimeWait::default(),
            budget,
            last: 0,
        };
        match network {
            Network::Dhcp => stack.lease = Some(Lease::default()),
            Network::Static { address, prefix, gateway } => {
                let cidr = Ipv4Cidr::new(address, prefix.min(32));
                stack.set_address(Some(Address { cidr, router: gateway }));
            }
        }
        stack.lease_turn();
        stack.link.report_groups();
        stack
    }

    /// A number that no other socket has.
    pub fn next_id(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// The IPv4 address.
    pub fn address(&self) -> Option<Address> {
        self.address
    }

    /// Whether it is still being asked for an address.
    pub fn is_configuring(&self) -> bool {
        self.lease.is_some() && self.address.is_none()
    }

    /// One turn: see [`Net::poll`](super::Net::poll).
    pub fn turn(&mut self, now: Duration) -> Option<Duration> {
        self.link.set_now(now);
        let mut budget = FRAMES;
        let mut neighbour_answered = false;
        while let Some(accepted) = self.link.guard().receive(&mut budget) {
            self.deliver(&accepted);
            neighbour_answered |= accepted.packet.is_none_or(|packet| packet.protocol == protocol::ICMPV6);
            self.link.guard().recycle(accepted);
        }
        if neighbour_answered {
            self.link.report_groups();
            self.go_on_with_neighbours();
        }
        let due = self.timers.until(self.link.now(), TIMERS);
        due.into_iter().for_each(|timer| self.fire(timer));
        self.link.guard().flush();
        if budget == 0 {
            return Some(now);
        }
        let next = self.timers.next()?;
        Some(Duration::from_micros(u64::try_from(next.total_micros()).unwrap_or(0)).max(now))
    }

    fn deliver(&mut self, accepted: &Accepted) {
        let frame = &accepted.frame;
        let Some(packet) = accepted.packet else {
            self.link.feed_nobody(frame);
            return self.neighbour_spoke(arp_sender(frame));
        };
        if !self.link.concerns_us(accepted, &packet) {
            return;
        }
        if matches!(packet.protocol, protocol::ICMP | protocol::ICMPV6) {
            self.hear_of_lost(frame, &packet);
        }
        let receiver = self.receiver(frame, &packet);
        let stranger = self.stranger(frame, &packet);
        let before = self.link.guard().sent();
        match receiver {
            Receiver::Connection(id) => self.deliver_segment(id, frame, &packet),
            Receiver::Listener(id, flow) => self.open_passively(id, flow, frame),
            Receiver::Endpoint(id) => self.deliver_datagram(id, frame),
            Receiver::Lease => self.deliver_lease(frame),
            Receiver::Over(flow) => {
                if let Some(answer) = time_wait::answer(packet.payload(frame), flow) {
                    self.link.answer_segment(frame, flow, &answer);
                }
            }
            // The answer would be lost.
            Receiver::Nobody if stranger.is_some() && packet.fragment == Fragment::Whole => {
                stranger.into_iter().for_each(|neighbour| self.neighbours.hold(neighbour, frame, self.link.now()));
            }
            Receiver::Nobody => self.link.feed_nobody(frame),
        }
        // What was sent to a stranger was the stack's own question.
        if let Some(neighbour) = stranger
            && self.neighbours.may_ask(neighbour, self.link.now())
            && self.link.guard().sent() == before
        {
            self.link.ask(neighbour);
        }
        if is_neighbour_discovery(frame, &packet) {
            self.neighbour_spoke(Some(packet.source));
        }
    }

    /// The neighbour that an answer to this packet goes to, if its hardware address has to be asked for first.
    fn stranger(&mut self, frame: &[u8], packet: &Packet) -> Option<IpAddr> {
        if !self.link.is_own(packet.destination) || is_neighbour_discovery(frame, packet) {
            return None;
        }
        let (neighbour, now) = (self.link.next_hop(packet.source)?, self.link.now());
        // As in the stack, what it sends itself keeps a neighbour known, and what it passes on does not.
        let known = self.neighbours.knows(neighbour, packet.source == neighbour, now);
        (!known).then_some(neighbour)
    }

    /// The stack learnt a neighbour's hardware address: what was held back for it goes on.
    fn neighbour_spoke(&mut self, neighbour: Option<IpAddr>) {
        let Some(neighbour) = neighbour.filter(|address| self.link.next_hop(*address) == Some(*address)) else {
            return;
        };
        let ready = self.neighbours.heard(neighbour, self.link.now());
        ready.into_iter().for_each(|frame| self.link.feed_nobody(&frame));
    }

    /// Finds who gets a packet. All fragments of a datagram go where its first one goes, as the last to come completes it.
    fn receiver(&mut self, frame: &[u8], packet: &Packet) -> Receiver {
        match packet.fragment {
            Fragment::Whole => self.receiver_by_ports(packet, true),
            Fragment::First => {
                let receiver = self.receiver_by_ports(packet, false);
                self.fragments.remember(frame, packet, receiver);
                receiver
            }
            Fragment::Later => self.fragments.receiver(frame, packet),
        }
    }

    fn receiver_by_ports(&mut self, packet: &Packet, whole: bool) -> Receiver {
        let Some(ports) = packet.ports else { return Receiver::Nobody };
        let flow = Flow::of(packet, ports);
        if packet.protocol == protocol::TCP {
            return self.receiver_of_segment(flow, packet.tcp_flags.unwrap_or(0), whole);
        }
        if self.lease.is_some() && ports == lease::PORTS && packet.source.is_ipv4() {
            return Receiver::Lease;
        }
        let endpoint = self.ports.receiver(Protocol::Udp, flow.local, flow.remote);
        endpoint.map_or(Receiver::Nobody, Receiver::Endpoint)
    }

    fn receiver_of_segment(&mut self, flow: Flow, tcp_flags: u8, whole: bool) -> Receiver {
        let opens = tcp_flags & (flags::SYN | flags::ACK | flags::RST | flags::FIN) == flags::SYN;
        if let Some(&id) = self.flows.get(&flow) {
            // One that is over, which the program still has, is no hindrance for the next of the same addresses and ports.
            let over = self.connections.get(&id).is_none_or(Connection::is_over);
            if !(opens && over) {
                return Receiver::Connection(id);
            }
            self.flows.remove(&flow);
        }
        if self.time_wait.contains(&flow, self.link.now()) {
            if !opens {
                return if whole { Receiver::Over(flow) } else { Receiver::Nobody };
            }
            // A new connection may take the place of one that is over (RFC 6191).
            self.time_wait.remove(&flow);
        }
        // A SYN in fragments finds no listener: nobody sends those.
        let listener = self.ports.receiver(Protocol::Tcp, flow.local, flow.remote).filter(|_| opens && whole);
        listener.map_or(Receiver::Nobody, |id| Receiver::Listener(id, flow))
    }

    fn deliver_segment(&mut self, id: u64, frame: &[u8], packet: &Packet) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        self.link.feed(frame, connection.set());
        let reset = packet.tcp_flags.is_some_and(|tcp_flags| tcp_flags & flags::RST != 0);
        self.settle(id, Cause::Segment { reset });
    }

    fn deliver_datagram(&mut self, id: u64, frame: &[u8]) {
        let Some(endpoint) = self.endpoints.get_mut(&id) else { return };
        let reception = self.reception.get_or_insert_default();
        if let Some(datagram) = reception.take(frame, endpoint.binding.port, &mut self.link) {
            endpoint.take(datagram);
        }
    }

    fn deliver_lease(&mut self, frame: &[u8]) {
        let Some(lease) = &mut self.lease else { return };
        self.link.feed(frame, lease.set());
        self.lease_turn();
    }

    fn fire(&mut self, timer: Timer) {
        match timer {
            Timer::Lease => self.lease_turn(),
            Timer::Connection(id) => self.settle(id, Cause::Time),
            Timer::Endpoint(id) => self.flush_endpoint(id),
        }
    }

    /// A neighbour's hardware address may have come: those that wait for one go on.
    fn go_on_with_neighbours(&mut self) {
        let waiting = self.timers.until(self.link.now() + NEIGHBOUR, TIMERS);
        waiting.into_iter().for_each(|timer| self.fire(timer));
    }

    /// Sends what an endpoint has to send.
    pub fn flush_endpoint(&mut self, id: u64) {
        let Some(endpoint) = self.endpoints.get_mut(&id) else { return };
        let due = endpoint.flush(&mut self.link);
        self.timers.set(Timer::Endpoint(id), &mut endpoint.due, due);
    }

    fn lease_turn(&mut self) {
        let Some(lease) = &mut self.lease else { return };
        match lease.turn(&mut self.link, &mut self.timers) {
            Some(Change::Gained(address, name_servers)) => {
                self.name_servers = name_servers;
                self.set_address(Some(address));
            }
            Some(Change::Lost) if self.address.is_some() => self.set_address(None),
            Some(Change::Lost) | None => {}
        }
    }

    fn set_address(&mut self, address: Option<Address>) {
        let before = core::mem::replace(&mut self.address, address);
        self.neighbours.clear();
        self.link.set_ipv4(address.map(|address| address.cidr), address.and_then(|address| address.router));
        match (before, address) {
            (Some(before), None) => host::log(format_args!("the address {} is lost: its lease is over", before.cidr)),
            (Some(before), Some(now)) if before.cidr != now.cidr => {
                host::log(format_args!("the address changed from {} to {}", before.cidr, now.cidr));
            }
            _ => {}
        }
        if let Some(Address { cidr, router }) = address {
            host::report(&Report::Address(cidr.address(), cidr.prefix_len(), router));
        }
        self.end_unbound();
    }

    /// Ends the connections whose address is no longer the interface's.
    fn end_unbound(&mut self) {
        let unbound = |(flow, id): (&Flow, &u64)| (!self.link.is_own(flow.local.0)).then_some(*id);
        let ids: alloc::vec::Vec<u64> = self.flows.iter().filter_map(unbound).collect();
        for id in ids {
            if let Some(connection) = self.connections.get_mut(&id) {
                connection.abort();
                self.settle(id, Cause::Unbound);
            }
        }
    }

    /// Sets when a connection wants its next turn.
    pub(super) fn schedule(&mut self, id: u64, due: Option<Instant>) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let due = match (due, connection.until) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        self.timers.set(Timer::Connection(id), &mut connection.due, due);
    }
}

/// Who speaks in an ARP frame.
fn arp_sender(frame: &[u8]) -> Option<IpAddr> {
    let packet = ArpPacket::new_checked(frame.get(14..)?).ok()?;
    let ArpRepr::EthernetIpv4 { source_protocol_addr, .. } = ArpRepr::parse(&packet).ok()? else { return None };
    Some(source_protocol_addr.into())
}

/// Whether it is a neighbour's solicitation or advertisement (RFC 4861, 4.3 and 4.4).
fn is_neighbour_discovery(frame: &[u8], packet: &Packet) -> bool {
    packet.protocol == protocol::ICMPV6 && matches!(packet.payload(frame).first(), Some(135 | 136))
}
