//! The policy language: what is written, what it means, and what is made of it.
#![forbid(unsafe_code)]

pub mod policy;
