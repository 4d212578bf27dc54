//! A network, a peer on its wire, and a clock that only the test moves.
use super::super::Net;
use crate::file::{File, Socket, SocketKind, Sockets, Version};
use alloc::sync::Arc;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::time::Duration;
use image::manifest::Network;
use image::report::Cause;
use machine::nic::{MAX_FRAME, Nic, Wire};
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::socket::{tcp, udp};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpAddress, IpCidr};

pub const MAC: [u8; 6] = [0x52, 0x54, 0, 0x12, 0x34, 0x56];
pub const PEER_MAC: [u8; 6] = [0x52, 0x55, 10, 0, 2, 2];
pub const OURS: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 15);
pub const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);
pub const OURS_V6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0x5054, 0xff, 0xfe12, 0x3456);
pub const PEER_V6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 2);
pub const STATIC: Network = Network::Static { address: OURS, prefix: 24, gateway: Some(PEER) };

/// A policy with this text as its rules, compiled.
pub fn table(rules: &str) -> firewall::Table<'static> {
    table_of(&format!(r#"{{"ManifestPassthrough": {{"firewall": {{"rules": {rules}}}}}}}"#))
}

/// The policy of a configuration, compiled.
pub fn table_of(configuration: &str) -> firewall::Table<'static> {
    let (config, _) = policy::config::parse(configuration).expect("the test's configuration is right");
    let policy = config.policy.expect("it has a policy");
    let blob = policy::compile::compile(&policy).expect("the test's policy compiles");
    firewall::Table::decode(blob.leak()).expect("the compiled policy decodes")
}

pub struct World {
    pub net: Arc<Net>,
    pub wire: Wire,
    pub peer: Peer,
    pub now: Duration,
}

impl World {
    /// A network with a static address that lets everything in.
    pub fn open() -> Self {
        Self::with(table("[]"), STATIC)
    }

    pub fn with(table: firewall::Table<'static>, network: Network) -> Self {
        let (nic, wire) = Nic::fake(MAC);
        let net = Net::new(nic, table, network, 1);
        World { net, peer: Peer::new(wire.clone()), wire, now: Duration::ZERO }
    }

    /// A millisecond on both sides.
    pub fn step(&mut self) {
        self.net.poll(self.now);
        self.peer.poll(self.now);
        self.now += Duration::from_millis(1);
    }

    /// Time passes until it is so.
    pub fn until(&mut self, mut so: impl FnMut(&mut World) -> bool) {
        for _ in 0..120_000 {
            if so(self) {
                return;
            }
            self.step();
        }
        panic!("two minutes passed and it did not happen");
    }

    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        self.until(|world| world.now >= end);
    }

    pub fn socket(&self, version: Version, kind: SocketKind) -> Arc<dyn File> {
        self.net.open(version, kind).expect("a socket opens")
    }

    pub fn listener(&self, port: u16, backlog: u32) -> Arc<dyn File> {
        let file = self.socket(Version::V4, SocketKind::Stream);
        bind(&file, SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)));
        of(&file).listen(backlog).expect("it listens");
        file
    }

    /// A connection from the peer: its end, and the accepted one.
    pub fn connection(&mut self) -> (SocketHandle, Arc<dyn File>) {
        let listener = self.listener(80, 8);
        let handle = self.peer.connect(OURS.into(), 80);
        let mut accepted = None;
        self.until(|_| {
            accepted = of(&listener).accept().ok();
            accepted.is_some()
        });
        (handle, accepted.expect("it was accepted").0)
    }

    /// How many frames had this verdict.
    pub fn counted(&self, cause: Cause) -> u64 {
        let counters = self.net.counters();
        counters.iter().find(|counter| counter.cause == cause).expect("there is such a counter").packets
    }

    /// Reads until the end or until nothing is there.
    pub fn read(&self, file: &Arc<dyn File>) -> Vec<u8> {
        let mut read = Vec::new();
        let mut buffer = [0; 4096];
        while let Ok(length) = file.read(&mut buffer, 0) {
            if length == 0 {
                break;
            }
            read.extend_from_slice(&buffer[..length]);
        }
        read
    }

    /// Sends a frame by hand; what the network sent is answered by nobody and given back.
    pub fn exchange(&mut self, frame: &[u8]) -> Vec<Vec<u8>> {
        self.wire.push(frame);
        self.net.poll(self.now);
        self.sent()
    }

    /// What the network sent and the peer has not seen.
    pub fn sent(&self) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| self.wire.pop()).collect()
    }
}

pub fn of(file: &Arc<dyn File>) -> &dyn Socket {
    file.socket().expect("it is a socket")
}

pub fn bind(file: &Arc<dyn File>, address: SocketAddr) {
    of(file).bind(address).expect("the port is free");
}

/// Another host, with smoltcp's own stack.
pub struct Peer {
    pub interface: Interface,
    pub sockets: SocketSet<'static>,
    end: End,
    port: u16,
}

struct End(Wire);

impl Peer {
    fn new(wire: Wire) -> Self {
        let mut end = End(wire);
        let mut config = Config::new(HardwareAddress::Ethernet(EthernetAddress(PEER_MAC)));
        config.random_seed = 2;
        let mut interface = Interface::new(config, &mut end, Instant::ZERO);
        interface.update_ip_addrs(|addresses| {
            addresses.push(IpCidr::new(PEER.into(), 24)).unwrap();
            addresses.push(IpCidr::new(PEER_V6.into(), 64)).unwrap();
        });
        Peer { interface, sockets: SocketSet::new(vec![]), end, port: 40_000 }
    }

    fn poll(&mut self, now: Duration) {
        let now = Instant::from_micros(i64::try_from(now.as_micros()).unwrap());
        self.interface.poll(now, &mut self.end, &mut self.sockets);
    }

    fn add(&mut self) -> SocketHandle {
        let buffer = || tcp::SocketBuffer::new(vec![0; 16384]);
        self.sockets.add(tcp::Socket::new(buffer(), buffer()))
    }

    pub fn connect(&mut self, to: IpAddr, port: u16) -> SocketHandle {
        let handle = self.add();
        self.port += 1;
        let socket = self.sockets.get_mut::<tcp::Socket>(handle);
        socket.connect(self.interface.context(), (IpAddress::from(to), port), self.port).unwrap();
        handle
    }

    pub fn listen(&mut self, port: u16) -> SocketHandle {
        let handle = self.add();
        self.tcp(handle).listen(port).unwrap();
        handle
    }

    pub fn tcp(&mut self, handle: SocketHandle) -> &mut tcp::Socket<'static> {
        self.sockets.get_mut(handle)
    }

    pub fn bind(&mut self, port: u16) -> SocketHandle {
        let buffer = || udp::PacketBuffer::new(vec![udp::PacketMetadata::EMPTY; 16], vec![0; 16384]);
        let mut socket = udp::Socket::new(buffer(), buffer());
        socket.bind(port).unwrap();
        self.sockets.add(socket)
    }

    pub fn udp(&mut self, handle: SocketHandle) -> &mut udp::Socket<'static> {
        self.sockets.get_mut(handle)
    }

    pub fn read(&mut self, handle: SocketHandle) -> Vec<u8> {
        let mut read = vec![0; 16384];
        let length = self.tcp(handle).recv_slice(&mut read).unwrap_or(0);
        read.truncate(length);
        read
    }
}

impl Device for End {
    type RxToken<'a> = Frame;
    type TxToken<'a> = Sender;

    fn receive(&mut self, _now: Instant) -> Option<(Frame, Sender)> {
        Some((Frame(self.0.pop()?), Sender(self.0.clone())))
    }

    fn transmit(&mut self, _now: Instant) -> Option<Sender> {
        Some(Sender(self.0.clone()))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = MAX_FRAME;
        capabilities
    }
}

pub struct Frame(Vec<u8>);

impl RxToken for Frame {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(&self.0)
    }
}

pub struct Sender(Wire);

impl TxToken for Sender {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, fill: F) -> R {
        let mut frame = vec![0; length];
        let result = fill(&mut frame);
        self.0.push(&frame);
        result
    }
}
