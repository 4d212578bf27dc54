//! What `check` finds beside errors: policies that are valid, and probably not what was meant.
//!
//! Everything is said of all packets, by [exact sets](crate::space) of them.
mod examine;
mod finding;
mod forwards;
mod host_bits;
mod needed;
mod open;
mod setting;
mod subject;
mod unused;

pub use examine::{Findings, examine};
pub use finding::Finding;
pub use setting::{Forward, Setting, UserNetwork};

/// A lint: something that a policy can be told about, by a name that `allow` silences it by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lint {
    /// A rule that never decides: earlier ones take every packet that it matches.
    Shadowed,
    /// A rule that no packet can match.
    Empty,
    /// A rule whose removal changes no verdict.
    Redundant,
    /// Rules that together accept every packet.
    OpensEverything,
    /// The answers of a DHCP server are dropped.
    DropsDhcp,
    /// Neighbour solicitations and advertisements of IPv6 are dropped.
    DropsNeighbourDiscovery,
    /// Router advertisements of IPv6 are dropped.
    DropsRouterAdvertisements,
    /// ICMP messages that say how large packets may be are dropped.
    DropsPathMtu,
    /// The answers of DNS servers are dropped.
    DropsDnsReplies,
    /// The answers to connections that the instance opens are dropped.
    DropsReplies,
    /// What no rule matches is accepted.
    NoFinalDrop,
    /// An address with bits that its mask takes away.
    HostBits,
    /// A port is forwarded to the instance, and the policy drops what comes there.
    ForwardedPortDropped,
    /// A port is accepted from everywhere, and not forwarded to the instance.
    OpenPortNotForwarded,
}

impl Lint {
    /// All of them, in the order of the documentation.
    pub const ALL: [Lint; 14] = [
        Lint::Shadowed,
        Lint::Empty,
        Lint::Redundant,
        Lint::OpensEverything,
        Lint::DropsDhcp,
        Lint::DropsNeighbourDiscovery,
        Lint::DropsRouterAdvertisements,
        Lint::DropsPathMtu,
        Lint::DropsDnsReplies,
        Lint::DropsReplies,
        Lint::NoFinalDrop,
        Lint::HostBits,
        Lint::ForwardedPortDropped,
        Lint::OpenPortNotForwarded,
    ];

    /// What it is called in a configuration and in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Lint::Shadowed => "shadowed",
            Lint::Empty => "empty",
            Lint::Redundant => "redundant",
            Lint::OpensEverything => "opens-everything",
            Lint::DropsDhcp => "drops-dhcp",
            Lint::DropsNeighbourDiscovery => "drops-neighbour-discovery",
            Lint::DropsRouterAdvertisements => "drops-router-advertisements",
            Lint::DropsPathMtu => "drops-path-mtu",
            Lint::DropsDnsReplies => "drops-dns-replies",
            Lint::DropsReplies => "drops-replies",
            Lint::NoFinalDrop => "no-final-drop",
            Lint::HostBits => "host-bits",
            Lint::ForwardedPortDropped => "forwarded-port-dropped",
            Lint::OpenPortNotForwarded => "open-port-not-forwarded",
        }
    }

    /// What it is about, in a sentence.
    pub const fn about(self) -> &'static str {
        match self {
            Lint::Shadowed => "Earlier rules take every packet that this one matches.",
            Lint::Empty => "No packet can match this rule.",
            Lint::Redundant => "Without this rule every packet gets the same verdict.",
            Lint::OpensEverything => "The rules accept every packet.",
            Lint::DropsDhcp => "The replies of DHCP servers are dropped, and the instance has no static address.",
            Lint::DropsNeighbourDiscovery => {
                "IPv6 is let in, but not the neighbour solicitations and advertisements that it works by."
            }
            Lint::DropsRouterAdvertisements => "IPv6 is let in, but not the advertisements of routers.",
            Lint::DropsPathMtu => "The ICMP messages are dropped that say how large packets may be.",
            Lint::DropsDnsReplies => "The replies of name servers are dropped.",
            Lint::DropsReplies => "The replies to TCP connections that the instance opens are dropped.",
            Lint::NoFinalDrop => "What no rule matches is accepted, and nothing says that this is meant.",
            Lint::HostBits => "An address has bits that its mask takes away.",
            Lint::ForwardedPortDropped => "A port is forwarded to the instance, and the policy drops what comes there.",
            Lint::OpenPortNotForwarded => "The policy lets packets in to a port that is not among those forwarded.",
        }
    }

    /// The one with this name.
    pub fn named(name: &str) -> Option<Lint> {
        Lint::ALL.into_iter().find(|lint| lint.name() == name)
    }
}

impl core::fmt::Display for Lint {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}
