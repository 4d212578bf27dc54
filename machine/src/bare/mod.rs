//! The real machine.
//!
//! What the start relies on, in order: `boot` enters with the loader's state and hands a stack and early page tables to
//! `boot::start`, which copies what the loader left, gives the free memory to `memory`, builds the final page tables,
//! sets up `trap`, `apic` and `time`, and only then calls the kernel's main function. From there on interrupts are
//! off in the kernel and come only while the program runs or in `idle::wait`. Other processors join by `cpus::start`.
mod apic;
pub mod boot;
mod cpu;
pub mod cpus;
pub mod entropy;
mod exit;
pub mod fpu;
mod freestanding;
pub mod idle;
mod lock;
pub mod memory;
pub mod nic;
mod processor;
pub mod report;
mod shootdown;
pub mod time;
mod trap;
pub mod user;
mod vdso;
mod virtio;

pub use exit::exit;
