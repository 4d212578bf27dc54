//! What beside the policy decides whether it is what was meant: where the instance runs.
use crate::diagnostic::Span;
use core::net::Ipv4Addr;

/// Where the instance runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Setting {
    /// QEMU's user networking, unless the instance is on another network.
    pub user_network: Option<UserNetwork>,
    /// Whether its address is static, so that it asks no DHCP server.
    pub has_static_address: bool,
    /// Ports of the host that are forwarded to it.
    pub forwards: Vec<Forward>,
}

/// The addresses of a network that QEMU makes up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserNetwork {
    /// The instance.
    pub instance: Ipv4Addr,
    /// The host: what is forwarded comes from here, and so do the answers of DHCP.
    pub host: Ipv4Addr,
    /// The name server.
    pub names: Ipv4Addr,
}

impl Default for UserNetwork {
    /// What QEMU has unless told otherwise.
    fn default() -> Self {
        let [instance, host, names] = [15, 2, 3].map(|last| Ipv4Addr::new(10, 0, 2, last));
        Self { instance, host, names }
    }
}

/// Ports that are forwarded together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forward {
    /// As it is written.
    pub written: String,
    /// Where the configuration has it; `None` for the command line.
    pub span: Option<Span>,
    /// Whether it is UDP; otherwise TCP.
    pub is_udp: bool,
    /// The instance's ports.
    pub ports: Vec<u16>,
}

impl Forward {
    /// The protocol's name.
    pub(super) fn protocol(&self) -> &'static str {
        if self.is_udp { "udp" } else { "tcp" }
    }
}
