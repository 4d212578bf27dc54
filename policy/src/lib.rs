//! The policy language: what is written, what it means, and what is made of it.
#![forbid(unsafe_code)]

pub mod compile;
pub mod config;
pub mod diagnostic;
pub mod policy;
pub mod reference;
