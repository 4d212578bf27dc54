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

struct Claim {
    id: u64,
    scope: Scope,
    /// Who takes what arrives: a listener or a UDP endpoint.
    receiver: Option<u64>,
}

/// A port that is taken; give it back with [`Ports::release`].
#[derive(Debug)]
pub struct Binding {
    protocol: Protocol,
    /// The port.
    pub port: u16,
    /// What it is bound to.
    pub scope: Scope,
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
        port: u16,
        random: &mut Random,
    ) -> Result<Binding, Errno> {
        if port != 0 {
            return self.claim_exactly(protocol, scope, port);
        }
        let (first, count) = (*EPHEMERAL.start(), EPHEMERAL.end() - EPHEMERAL.start() + 1);
        let start = random.below(u32::from(count)) as u16;
        let ports = (0..count).map(|step| first + (u32::from(start) + u32::from(step)).rem_euclid(count.into()) as u16);
        ports.into_iter().find_map(|port| self.claim_exactly(protocol, scope, port).ok()).ok_or(Errno::EADDRINUSE)
    }

    fn claim_exactly(&mut self, protocol: Protocol, scope: Scope, port: u16) -> Result<Binding, Errno> {
        let claims = self.claims.entry((protocol, port)).or_default();
        if claims.iter().any(|claim| claim.scope.conflicts(&scope)) {
            return Err(Errno::EADDRINUSE);
        }
        self.next += 1;
        claims.push(Claim { id: self.next, scope, receiver: None });
        Ok(Binding { protocol, port, scope, id: self.next })
    }

    /// Says who takes what arrives at a port.
    pub fn set_receiver(&mut self, binding: &Binding, receiver: Option<u64>) {
        let claims = self.claims.get_mut(&(binding.protocol, binding.port));
        if let Some(claim) = claims.into_iter().flatten().find(|claim| claim.id == binding.id) {
            claim.receiver = receiver;
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

    /// Who takes what is sent to this address and port: one that is bound to the address before one that takes all.
    pub fn receiver(&self, protocol: Protocol, destination: IpAddr, port: u16) -> Option<u64> {
        let claims = self.claims.get(&(protocol, port))?.iter();
        let covering = claims.filter(|claim| claim.receiver.is_some() && claim.scope.covers(destination));
        covering.max_by_key(|claim| claim.scope.address.is_some())?.receiver
    }
}
