//! What the tests of the whole are made of: virtual machines started by the real command, and wires of raw frames.
//!
//! - [`launch`]: a run of the command as a test writes it; [`machine`]: the virtual machine, from its start to its end
//! - [`wire`]: the other end of the machine's network card
//! - [`frame`]: the frames that go onto a wire; [`seen`]: what the frames of the machine say
//! - [`tcp`], [`http`]: requests, over a wire or a socket
//! - [`program`], [`server`]: Linux programs to run in it
//! - [`answer`], [`load`], [`memcached`]: the first answer of those that are servers, and load on them
//! - [`output`]: what a process writes, while it writes it
#![forbid(unsafe_code)]

pub mod answer;
pub mod frame;
pub mod http;
pub mod launch;
pub mod load;
pub mod machine;
pub mod memcached;
pub mod output;
pub mod program;
pub mod seen;
pub mod server;
pub mod tcp;
pub mod wire;

use std::time::Duration;

/// Any failure, as the text that a person reads.
pub type Error = Box<dyn std::error::Error + Send + Sync>;
/// What the functions here give.
pub type Result<T = ()> = std::result::Result<T, Error>;

/// How long to wait for what must come. An emulated machine on a busy host is slow; nothing here measures time.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Fails with a text unless the condition holds.
#[macro_export]
macro_rules! ensure {
    ($condition:expr, $($text:tt)+) => {
        if !$condition {
            return Err(format!($($text)+).into());
        }
    };
}
