//! Local ports: which are taken, by whom, and choosing a free one.
use super::random::Random;
use crate::errno::Errno;
use crate::file::Version;
use alloc::vec::Vec;
use core::net::IpAddr;
use hashbrown::HashMap;

/// Ports that are chosen when the program names none (Linux's net.ipv4.ip_local_port_range).
const EPHEMERAL: core::ops::RangeInclusive<u16> = 32768..=60999;

/// TCP and UDP ports are apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// What a socket is bound to, apart from the port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// One address, or `None` for all of the versions below.
    pub address: Option<IpAddr>,
    /// It takes IPv4.
    pub v4: bool,
    /// It takes IPv6.
    pub v6: bool,
}

impl Scope {
    /// The scope of a socket of this version that is bound to this address, a mapped one in its IPv4 form.
    pub fn new(version: Version, only_v6: bool, address: IpAddr) -> Self {
        let any = address.is_unspecified();
        let v4 = if any { version == Version::V4 || !only_v6 } else { address.is_ipv4() };
        let v6 = if any { version == Version::V6 } else { address.is_ipv6() };
        // `::ffff:0.0.0.0` is IPv4 alone.
        let v6 = v6 && !(any && address.is_ipv4());
        Scope { address: (!any).then_some(address), v4, v6 }
    }

    /// Whether packets to this address are for it.
    pub fn covers(&self, destination: IpAddr) -> bool {
        let version = if destination.is_ipv4() { self.v4 } else { self.v6 };
        version && self.address.is_none_or(|address| address == destination)
    }

    fn conflicts(&self, other: &Scope) -> bool {
        let versions = (self.v4 && other.v4) || (self.v6 && other.v6);
        let addresses = match (self.address, other.address) {
            (Some(one), Some(another)) => one == another,
            _ => true,
        };
        versions && addresses
    }
}

/// What a socket lets others do with its port (socket(7), SO_REUSEADDR and SO_REUSEPORT).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sharing {
    /// With those that say so too; of TCP sockets one may listen.
    pub address: bool,
    /// With those that say so too: what arrives is spread over them.
    pub port: bool,
}

struct Claim {
    id: u64,
    scope: Scope,
    sharing: Sharing,
    /// Who takes what arrives: a listener or a UDP endpoint.
    receiver: Option<u64>,
    /// The one peer it takes from.
    peer: Option<(IpAddr, u16)>,
}

impl Claim {
    fn excludes(&self, protocol: Protocol, scope: &Scope, sharing: Sharing) -> bool {
        let listens = protocol == Protocol::Tcp && self.receiver.is_some();
        let shares = (self.sharing.port && sharing.port) || (self.sharing.address && sharing.address && !listens);
        self.scope.conflicts(scope) && !shares
    }
}

/// A port that is taken; give it back with [`Ports::release`].
#[derive(Debug)]
pub struct Binding {
    protocol: Protocol,
    /// The port.
    pub port: u16,
    /// What it is bound to.
    pub scope: Scope,
    sharing: Sharing,
    id: u64,
}

/// The ports that are taken.
#[derive(Default)]
pub struct Ports {
    claims: HashMap<(Protocol, u16), Vec<Claim>>,
    next: u64,
}

impl Ports {
    /// Takes a port, a free one for 0. `EADDRINUSE` if it is taken, or all are.
    pub fn claim(
        &mut self,
        protocol: Protocol,
        scope: Scope,
        sharing: Sharing,
        port: u16,
        random: &mut Random,
    ) -> Result<Binding, Errno> {
        if port != 0 {
            return self.claim_exactly(protocol, scope, sharing, port);
        }
        let (first, count) = (*EPHEMERAL.start(), EPHEMERAL.end() - EPHEMERAL.start() + 1);
        let start = random.below(u32::from(count)) as u16;
        let ports = (0..count).map(|step| first + (u32::from(start) + u32::from(step)).rem_euclid(count.into()) as u16);
        // One that nobody has yet: sharing is for those that name it.
        let mut free = ports.filter(|port| !self.claims.contains_key(&(protocol, *port)));
        let port = free.next().ok_or(Errno::EADDRINUSE)?;
        self.claim_exactly(protocol, scope, sharing, port)
    }

    fn claim_exactly(
        &mut self,
        protocol: Protocol,
        scope: Scope,
        sharing: Sharing,
        port: u16,
    ) -> Result<Binding, Errno> {
        let claims = self.claims.entry((protocol, port)).or_default();
        if claims.iter().any(|claim| claim.excludes(protocol, &scope, sharing)) {
            return Err(Errno::EADDRINUSE);
        }
        self.next += 1;
        claims.push(Claim { id: self.next, scope, sharing, receiver: None, peer: None });
        Ok(Binding { protocol, port, scope, sharing, id: self.next })
    }

    fn of(&mut self, binding: &Binding) -> Option<&mut Claim> {
        let claims = self.claims.get_mut(&(binding.protocol, binding.port));
        claims.into_iter().flatten().find(|claim| claim.id == binding.id)
    }

    /// Says who takes what arrives at a port. `EADDRINUSE` where another does that does not share it.
    pub fn set_receiver(&mut self, binding: &Binding, receiver: u64) -> Result<(), Errno> {
        let claims = self.claims.get(&(binding.protocol, binding.port));
        let mut others = claims.into_iter().flatten().filter(|claim| claim.id != binding.id);
        if others.any(|claim| claim.excludes(binding.protocol, &binding.scope, binding.sharing)) {
            return Err(Errno::EADDRINUSE);
        }
        if let Some(claim) = self.of(binding) {
            claim.receiver = Some(receiver);
        }
        Ok(())
    }

    /// Says which one peer a port takes from, or that it takes from all.
    pub fn set_peer(&mut self, binding: &Binding, peer: Option<(IpAddr, u16)>) {
        if let Some(claim) = self.of(binding) {
            claim.peer = peer;
        }
    }

    /// Gives a port back.
    pub fn release(&mut self, binding: Binding) {
        let key = (binding.protocol, binding.port);
        if let Some(claims) = self.claims.get_mut(&key) {
            claims.retain(|claim| claim.id != binding.id);
            if claims.is_empty() {
                self.claims.remove(&key);
            }
        }
    }

    /// Who takes what `remote` sends to this address and port: one that takes from that peer alone before others, one that is
    /// bound to the address before one that takes all. Of those that share the port the remote address decides.
    pub fn receiver(&self, protocol: Protocol, local: (IpAddr, u16), remote: (IpAddr, u16)) -> Option<u64> {
        let claims = self.claims.get(&(protocol, local.1))?;
        let fit = |claim: &Claim| {
            let takes = claim.receiver.is_some() && claim.scope.covers(local.0);
            let takes = takes && claim.peer.is_none_or(|peer| peer == remote);
            takes.then_some((claim.peer.is_some(), claim.scope.address.is_some()))
        };
        let best = claims.iter().filter_map(fit).max()?;
        let fitting = || claims.iter().filter(|claim| fit(claim) == Some(best));
        let last = fitting().next_back()?;
        if !last.sharing.port {
            // The one that came last has its way.
            return last.receiver;
        }
        let count = fitting().count();
        let index = usize::try_from(spread(remote)).unwrap_or(0) % count.max(1);
        fitting().nth(index)?.receiver
    }
}

/// A number that differs for most peers.
fn spread((address, port): (IpAddr, u16)) -> u32 {
    let bits = match address {
        IpAddr::V4(address) => address.to_bits(),
        IpAddr::V6(address) => address
            .octets()
            .chunks(4)
            .fold(0, |bits, part| part.iter().fold(bits, |bits: u32, byte| bits.rotate_left(8) ^ u32::from(*byte))),
    };
    let mut random = Random::new(u64::from(bits) << 16 | u64::from(port));
    random.below(u32::MAX)
}
