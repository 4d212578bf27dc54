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

/// What the program reads the clock with, by itself.
#[derive(Clone, Copy, Debug)]
pub struct Vdso {
    /// What stands at the beginning of the page before the image.
    pub words: [u64; 3],
    /// A shared object that is mapped as it is.
    pub image: &'static [u8],
}

/// It, if the machine has one.
pub fn vdso() -> Option<Vdso> {
    crate::hardware::time::vdso()
}
