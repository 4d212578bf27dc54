//! What the kernel tells the host while it runs: frames `[kind: u8][length: u16 LE][bytes]` on one port.
use alloc::string::String;
use alloc::vec::Vec;
use core::net::Ipv4Addr;
use serde::{Deserialize, Serialize};

/// The kinds of frames.
pub mod kind {
    /// Bytes the program wrote to its standard output.
    pub const STDOUT: u8 = 1;
    /// Bytes the program wrote to its standard error.
    pub const STDERR: u8 = 2;
    /// A line of the kernel's log, UTF-8, without its end.
    pub const LOG: u8 = 3;
    /// A [`Report`](super::Report), encoded with postcard.
    pub const REPORT: u8 = 4;
    /// Text of the trace of system calls, UTF-8: a line may come in pieces.
    pub const TRACE: u8 = 5;
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Report {
    /// The boot stopped: nothing runs. The machine ends after this.
    BootFailed(String),
    /// The policy is in force, with this many rules; the network starts now.
    PolicyInForce(u32),
    /// The interface has an address: address, prefix length, router.
    Address(Ipv4Addr, u8, Option<Ipv4Addr>),
    /// The program's first instruction comes next.
    Started,
    /// The program asked for this: one line for the user (an unknown system call, a fork refused ...).
    Notice(String),
    /// The program ended by itself with this exit code. The machine ends after this.
    Exited(u8),
    /// The program was ended by a signal (signal(7)); what it did, in words. The machine ends after this.
    Killed(u8, String),
    /// The kernel itself failed. The machine ends after this.
    Panicked(String),
    /// What the firewall counted so far, for causes that count more than when they were told last; sent now and then, and
    /// before the end. Causes that were never told have counted nothing.
    Counted(Vec<Counter>),
    /// Memory in bytes, sent before the end: total, in use now.
    Memory(u64, u64),
}

/// How often a verdict was given for one cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counter {
    /// Why.
    pub cause: Cause,
    /// Whether such packets were accepted.
    pub accepted: bool,
    /// Packets.
    pub packets: u64,
    /// Bytes of their frames.
    pub bytes: u64,
}

/// Why a verdict was given.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Cause {
    /// The rule of this number decided, counted from 0.
    Rule(u32),
    /// No rule matched.
    Default,
    /// It is neither IP nor ARP.
    NotIp,
    /// It is ARP, which is not IP: rules do not see it.
    Arp,
    /// It was malformed: the name of the reason.
    Malformed(String),
}
