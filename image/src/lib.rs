//! What the command and the kernel hand to each other.
//!
//! - [`archive`]: an image, one file: a `newc` archive (cpio(5)) of the manifest, the compiled policy and the file tree
//! - [`manifest`]: what to run and how
//! - [`report`]: what the kernel tells the host while it runs
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod archive;
pub mod manifest;
pub mod report;
