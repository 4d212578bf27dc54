//! The stack's lower half: the guard, the interface with its addresses, and moving frames between them and sockets.
use super::connection::Flow;
use super::guard::{Accepted, Gate, Guard};
use crate::errno::Errno;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::time::Duration;
use firewall::Packet;
use smoltcp::iface::{Config, Interface, SocketSet};
use smoltcp::phy::{ChecksumCapabilities, Device, TxToken};
use smoltcp::time::{Duration as Span, Instant};
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol, HardwareAddress, Icmpv6Packet,
    Icmpv6Repr, IpCidr, IpProtocol, IpRepr, Ipv4Cidr, Ipv6Cidr, Ipv6Packet, Ipv6Repr, NdiscRepr, TcpPacket, TcpRepr,
};

/// A set that holds one socket, or none.
pub type Sockets = SocketSet<'static>;

/// Frames that one set may send in a row: most of the send buffers hold no more.
const BURST: u32 = 64;
/// When a set that could not send what it has is tried again.
const RETRY: Span = Span::from_millis(1);
/// How long the fragments of a datagram are kept for the rest of it.
const REASSEMBLY: Span = Span::from_secs(30);

/// The guard and the interface.
pub struct Link {
    guard: Guard,
    interface: Interface,
    now: Instant,
    router: Option<Ipv4Addr>,
    /// For what no socket takes: the stack answers with RST, echo reply, or ICMP error.
    nobody: Sockets,
}

/// The link-local address of a card (RFC 4291, appendix A).
pub fn link_local(mac: [u8; 6]) -> Ipv6Addr {
    let [a, b, c, d, e, f] = mac;
    Ipv6Addr::from([0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f])
}

impl Link {
    /// An interface with no address but its link-local one.
    pub fn new(mut guard: Guard, seed: u64) -> Self {
        let mac = guard.mac();
        let mut config = Config::new(HardwareAddress::Ethernet(EthernetAddress(mac)));
        config.random_seed = seed;
        let now = Instant::ZERO;
        let mut interface = Interface::new(config, &mut Gate::sending(&mut guard), now);
        interface.set_reassembly_timeout(REASSEMBLY);
        interface.update_ip_addrs(|addresses| {
            // There is room: it is the first.
            let _ = addresses.push(IpCidr::Ipv6(Ipv6Cidr::new(link_local(mac), 64)));
        });
        Link { guard, interface, now, router: None, nobody: SocketSet::new(alloc::vec![]) }
    }

    /// The guard.
    pub fn guard(&mut self) -> &mut Guard {
        &mut self.guard
    }

    /// The interface.
    pub fn interface(&mut self) -> &mut Interface {
        &mut self.interface
    }

    /// The time of the turn that goes on.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Begins a turn.
    pub fn set_now(&mut self, now: Duration) {
        let micros = i64::try_from(now.as_micros()).unwrap_or(i64::MAX);
        self.now = self.now.max(Instant::from_micros(micros));
    }

    /// Hands a frame to the socket of a set.
    pub fn feed(&mut self, frame: &[u8], set: &mut Sockets) {
        let mut gate = Gate::receiving(&mut self.guard, frame);
        self.interface.poll_ingress_single(self.now, &mut gate, set);
        self.drain();
    }

    /// Hands a frame to the stack without a socket.
    pub fn feed_nobody(&mut self, frame: &[u8]) {
        let mut gate = Gate::receiving(&mut self.guard, frame);
        self.interface.poll_ingress_single(self.now, &mut gate, &mut self.nobody);
        self.drain();
    }

    /// Sends what a set has to send now, and tells when it wants another turn.
    pub fn flush(&mut self, set: &mut Sockets) -> Option<Instant> {
        for _ in 0..BURST {
            match self.interface.poll_at(self.now, set) {
                Some(due) if due <= self.now => {}
                later => return later,
            }
            let before = self.guard.sent();
            self.interface.poll_egress(self.now, &mut Gate::sending(&mut self.guard), set);
            // The rest of a fragmented datagram, before the next one takes its place.
            self.drain();
            if self.guard.sent() == before {
                break;
            }
        }
        // Not before a moment: the card is full, and must get time to send.
        self.interface.poll_at(self.now, set).map(|due| due.max(self.now + RETRY))
    }

    /// Sends what waits in the interface itself: the fragments of a datagram, multicast reports.
    pub fn drain(&mut self) {
        for _ in 0..BURST {
            let before = self.guard.sent();
            if self.interface.poll_at(self.now, &self.nobody).is_none() {
                return;
            }
            self.interface.poll_egress(self.now, &mut Gate::sending(&mut self.guard), &mut self.nobody);
            if self.guard.sent() == before {
                return;
            }
        }
    }

    /// Lets the interface send its own reports, where some are due.
    pub fn report_groups(&mut self) {
        self.interface.poll_egress(self.now, &mut Gate::sending(&mut self.guard), &mut self.nobody);
    }

    /// Sets or takes away the IPv4 address. A router that is no unicast address is none: the stack could not ask for it.
    pub fn set_ipv4(&mut self, address: Option<Ipv4Cidr>, router: Option<Ipv4Addr>) {
        self.router = router.filter(|router| is_unicast(IpAddr::V4(*router)));
        self.interface.update_ip_addrs(|addresses| {
            addresses.retain(|cidr| matches!(cidr, IpCidr::Ipv6(_)));
            if let Some(address) = address.filter(|cidr| is_unicast(IpAddr::V4(cidr.address()))) {
                // There is room: of four, one is taken.
                let _ = addresses.push(IpCidr::Ipv4(address));
            }
        });
        match self.router {
            // There is room for it: it takes the place of the one before.
            Some(router) => drop(self.interface.routes_mut().add_default_ipv4_route(router)),
            None => drop(self.interface.routes_mut().remove_default_ipv4_route()),
        }
    }

    /// Whether this is one of the interface's addresses.
    pub fn is_own(&self, address: IpAddr) -> bool {
        self.interface.ip_addrs().iter().any(|cidr| IpAddr::from(cidr.address()) == address)
    }

    /// Whether this is the broadcast address, or the network's.
    pub fn is_broadcast(&self, address: IpAddr) -> bool {
        let IpAddr::V4(address) = address else { return false };
        let of_network = |cidr: &IpCidr| matches!(cidr, IpCidr::Ipv4(cidr) if cidr.broadcast() == Some(address));
        address.is_broadcast() || self.interface.ip_addrs().iter().any(of_network)
    }

    /// The address that packets to `remote` leave from; `ENETUNREACH` where there is no way.
    pub fn source_for(&self, remote: IpAddr) -> Result<IpAddr, Errno> {
        let on_link = self.interface.ip_addrs().iter().any(|cidr| cidr.contains_addr(&remote.into()));
        let routed = matches!(remote, IpAddr::V4(_)) && self.router.is_some();
        if !(on_link || routed || remote.is_multicast() || self.is_broadcast(remote)) {
            return Err(Errno::ENETUNREACH);
        }
        self.interface.get_source_address(&remote.into()).map(IpAddr::from).ok_or(Errno::ENETUNREACH)
    }

    /// The neighbour that packets to `remote` go to; `None` where there is no way.
    pub fn next_hop(&self, remote: IpAddr) -> Option<IpAddr> {
        let on_link = self.interface.ip_addrs().iter().any(|cidr| cidr.contains_addr(&remote.into()));
        if on_link { Some(remote) } else { self.router.filter(|_| remote.is_ipv4()).map(IpAddr::V4) }
    }

    /// Asks for a neighbour's hardware address (RFC 826; RFC 4861, 4.3).
    pub fn ask(&mut self, neighbour: IpAddr) {
        let mac = EthernetAddress(self.guard.mac());
        match (neighbour, self.interface.get_source_address(&neighbour.into()).map(IpAddr::from)) {
            (IpAddr::V4(target_protocol_addr), Some(IpAddr::V4(source_protocol_addr))) => {
                let request = ArpRepr::EthernetIpv4 {
                    operation: ArpOperation::Request,
                    source_hardware_addr: mac,
                    source_protocol_addr,
                    target_hardware_addr: EthernetAddress::BROADCAST,
                    target_protocol_addr,
                };
                self.send(EthernetAddress::BROADCAST, EthernetProtocol::Arp, request.buffer_len(), |payload| {
                    request.emit(&mut ArpPacket::new_unchecked(payload));
                });
            }
            (IpAddr::V6(target_addr), Some(IpAddr::V6(src_addr))) => {
                let lladdr = Some(HardwareAddress::Ethernet(mac).into());
                let solicit = Icmpv6Repr::Ndisc(NdiscRepr::NeighborSolicit { target_addr, lladdr });
                let [.., b, c, d] = target_addr.octets();
                let dst_addr = Ipv6Addr::from([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, b, c, d]);
                let payload_len = solicit.buffer_len();
                let header =
                    Ipv6Repr { src_addr, dst_addr, next_header: IpProtocol::Icmpv6, payload_len, hop_limit: 255 };
                let length = header.buffer_len() + payload_len;
                let group = EthernetAddress([0x33, 0x33, 0xff, b, c, d]);
                self.send(group, EthernetProtocol::Ipv6, length, |payload| {
                    header.emit(&mut Ipv6Packet::new_unchecked(&mut *payload));
                    let Some(message) = payload.get_mut(header.buffer_len()..) else { return };
                    let mut message = Icmpv6Packet::new_unchecked(message);
                    solicit.emit(&src_addr, &dst_addr, &mut message, &ChecksumCapabilities::default());
                });
            }
            _ => {}
        }
    }

    /// Sends a frame of the kernel's own, if the card can take it.
    fn send(
        &mut self,
        destination: EthernetAddress,
        ethertype: EthernetProtocol,
        length: usize,
        fill: impl FnOnce(&mut [u8]),
    ) {
        let source = EthernetAddress(self.guard.mac());
        let mut gate = Gate::sending(&mut self.guard);
        let Some(token) = gate.transmit(self.now) else { return };
        token.consume(EthernetFrame::<&[u8]>::buffer_len(length), |bytes| {
            let mut frame = EthernetFrame::new_unchecked(bytes);
            frame.set_dst_addr(destination);
            frame.set_src_addr(source);
            frame.set_ethertype(ethertype);
            fill(frame.payload_mut());
        });
    }

    /// Sends a segment that belongs to no socket back to where `frame` came from.
    pub fn answer_segment(&mut self, frame: &[u8], flow: Flow, segment: &TcpRepr<'_>) {
        let Some(neighbour) = frame.get(6..).and_then(|bytes| bytes.first_chunk()) else { return };
        let (local, remote) = (flow.local.0.into(), flow.remote.0.into());
        let header = IpRepr::new(local, remote, IpProtocol::Tcp, segment.buffer_len(), 64);
        let ethertype = if flow.local.0.is_ipv4() { EthernetProtocol::Ipv4 } else { EthernetProtocol::Ipv6 };
        self.send(EthernetAddress(*neighbour), ethertype, header.buffer_len(), |bytes| {
            let checksums = ChecksumCapabilities::default();
            header.emit(&mut *bytes, &checksums);
            let Some(bytes) = bytes.get_mut(header.header_len()..) else { return };
            segment.emit(&mut TcpPacket::new_unchecked(bytes), &local, &remote, &checksums);
        });
    }

    /// Whether the stack may see this packet. It says what hosts must refuse whatever the policy: a source that cannot be
    /// (RFC 1122, 3.2.1.3), somebody else's address, and TCP that was not sent to this host alone.
    pub fn concerns_us(&self, accepted: &Accepted, packet: &Packet) -> bool {
        let source = packet.source;
        // IPv4 in IPv6's clothes would pass for another sender.
        let mapped = |address: core::net::IpAddr| address.to_canonical() != address;
        if mapped(source) || mapped(packet.destination) {
            return false;
        }
        if !is_unicast(source) || source.is_loopback() || packet.destination.is_loopback() || self.is_own(source) {
            return false;
        }
        let own = self.is_own(packet.destination);
        if packet.protocol == firewall::protocol::TCP {
            return own && accepted.frame.first_chunk() == Some(&self.guard.mac());
        }
        // Of IPv4 a DHCP server's offer goes to an address that the interface does not have yet.
        own || packet.destination.is_ipv4() || packet.destination.is_multicast()
    }
}

fn is_unicast(address: IpAddr) -> bool {
    let broadcast = matches!(address, IpAddr::V4(address) if address.is_broadcast());
    !(broadcast || address.is_multicast() || address.is_unspecified())
}
