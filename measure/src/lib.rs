//! What the measurements share.
pub mod host;
pub mod random;
