//! What the measurements share.
pub mod answer;
pub mod host;
