//! What to run and how: the first file of an image.
use alloc::string::String;
use alloc::vec::Vec;
use core::net::Ipv4Addr;
use serde::{Deserialize, Serialize};

/// The version of the image format; the kernel refuses another.
pub const VERSION: u32 = 2;

/// What to run, with what, on which network. Encoded with postcard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`VERSION`].
    pub version: u32,
    /// The program's path in the image's tree, absolute.
    pub program: String,
    /// Its arguments, the name it is called by first.
    pub args: Vec<String>,
    /// Its environment, `NAME=value`.
    pub env: Vec<String>,
    /// How the interface gets its IPv4 address.
    pub network: Network,
    /// One label per rule of the policy, in order, for messages: the rule as the configuration has it, on one line.
    pub rules: Vec<String>,
    /// Tell every system call of the program.
    pub trace: bool,
    /// What `run IMAGE` takes from the configuration that the image was built with.
    pub host: Host,
}

/// How the interface gets its IPv4 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Network {
    /// By DHCP (RFC 2131).
    Dhcp,
    /// As written.
    Static {
        /// The address.
        address: Ipv4Addr,
        /// The length of the network's prefix, 0 to 32.
        prefix: u8,
        /// The router, if there is one.
        gateway: Option<Ipv4Addr>,
    },
}

/// What the host's side takes from the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// TCP ports to forward, as written (`8080`, `9000:8080`, ...).
    pub ports: Vec<String>,
    /// UDP ports to forward, as written.
    pub udp_ports: Vec<String>,
    /// Memory in bytes.
    pub memory: Option<u64>,
    /// How many processors the machine has.
    pub cpus: Option<u32>,
    /// The TAP interface to use.
    pub tap: Option<String>,
    /// The accelerator, as written.
    pub accel: Option<String>,
    /// Say more.
    pub verbose: bool,
}
