//! The clock.
use core::time::Duration;

/// Time since the boot; never goes back.
pub fn now() -> Duration {
    crate::hardware::time::now()
}

/// Time since 1970-01-01 00:00 UTC.
pub fn wall() -> Duration {
    crate::hardware::time::wall()
}
