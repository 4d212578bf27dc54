//! The policy language: what is written, what it means, and what is made of it.
#![forbid(unsafe_code)]

pub mod change;
pub mod compile;
pub mod config;
pub mod diagnostic;
pub mod diff;
pub mod export;
#[cfg(feature = "generate")]
pub mod generate;
pub mod lint;
pub mod packet;
pub mod policy;
pub mod progress;
pub mod reference;
pub mod simplify;
pub mod space;
pub mod test;
pub mod trace;
mod words;
pub mod write;
