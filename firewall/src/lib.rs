//! Parses frames, and decides about packets by a compiled policy: the same code on the host and in the kernel.
//!
//! A frame goes through the modules in this order:
//! - [`frame`]: bytes to [`Packet`], the facts that a rule may ask, or [`Malformed`], the reason why there are none
//! - [`table`]: the compiled policy, decoded once with every bound checked
//! - [`classify`]: a packet and a table to the rule that decides
//! - [`patch`]: few changes to a table, without compiling all of it again
//! - [`verdict`]: a frame and a table to accept or drop, with its cause, and one counter per cause
//!
//! Nothing here allocates, panics or loops without a bound, whatever the bytes are.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)
)]

pub mod classify;
mod crc;
pub mod forest;
pub mod frame;
mod ipv4;
mod ipv6;
pub mod linear;
pub mod lists;
mod malformed;
mod packet;
pub mod patch;
mod plain;
mod ranges;
pub mod shape;
pub mod table;
mod transport;
pub mod verdict;

pub use classify::{Action, Decision, Matched};
pub use frame::{Inspected, inspect};
pub use ipv6::MAX_EXTENSIONS;
pub use malformed::Malformed;
pub use packet::{Fragment, Icmp, Packet, Ports, protocol};
pub use patch::{PatchError, Patched};
pub use shape::Shape;
pub use table::{DecodeError, Table};
pub use verdict::{Cause, Counter, Counters, InForce, Verdict, judge};
