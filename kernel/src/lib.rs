//! The kernel, as a library: everything above the machine, so that the host can test it.
//!
//! The binary (`main.rs`) is the boot as a list; the parts it puts together are here.
#![cfg_attr(not(test), no_std)]
#![deny(unsafe_code)]

extern crate alloc;

pub mod boot_error;
pub mod counting;
pub mod entropy;
pub mod errno;
pub mod executor;
pub mod file;
pub mod host;
pub mod net;
pub mod program;
pub mod syscall;
pub mod tree;
pub mod wait;
