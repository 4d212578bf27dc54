//! What the measurements share.
pub mod host;
