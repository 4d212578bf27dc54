//! The machine that the kernel runs on: x86_64, booted by PVH, with virtio devices.
//!
//! All `unsafe` of the project lives in this crate. It has two implementations behind one interface: with the feature
//! `bare` the real one, and without it a fake in safe code, so that everything above this crate is tested on the host.
//!
//! The interface in one look:
//! - [`memory`]: address spaces of the program, and how much memory is in use
//! - [`cpus`]: the processors, and the kernel's lock that goes with them
//! - [`user`]: run the program in ring 3 until it traps
//! - [`time`]: the clock
//! - [`report`]: bytes to the host
//! - [`nic`]: frames in and out
//! - `boot`, `idle`, `entropy`, `exit` (bare only): what only the start of the kernel and its idle loop need
#![cfg_attr(feature = "bare", no_std)]
#![deny(unsafe_op_in_unsafe_fn)]

extern crate alloc;

pub mod cpus;
pub mod memory;
pub mod nic;
pub mod report;
pub mod time;
pub mod user;

#[cfg(not(feature = "bare"))]
#[path = "fake/mod.rs"]
mod hardware;
#[cfg(feature = "bare")]
#[path = "bare/mod.rs"]
mod hardware;

#[cfg(feature = "bare")]
pub use hardware::{boot, entropy, exit, idle};
