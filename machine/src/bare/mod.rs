//! The real machine.
//!
//! What the start relies on, in order: `boot` enters with the loader's state and hands a stack and early page tables to
//! `boot::start`, which copies what the loader left, gives the free memory to `memory`, builds the final page tables,
//! sets up `trap`, `apic` and `time`, and only then calls the kernel's main function. From there on interrupts are
//! off in the kernel and come only while the program runs or in `idle::wait`.
mod apic;
pub mod boot;
mod cpu;
pub mod entropy;
mod exit;
mod freestanding;
pub mod idle;
pub mod memory;
pub mod nic;
pub mod report;
pub mod time;
mod trap;
pub mod user;
mod virtio;

pub use exit::exit;
