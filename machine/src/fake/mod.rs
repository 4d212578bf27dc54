//! The machine's interface without the machine, in safe code, for tests on the host.
pub mod memory;
pub mod nic;

/// One processor, which is never interrupted.
pub mod cpus {
    pub fn count() -> usize {
        1
    }

    pub fn current() -> usize {
        0
    }

    pub fn interrupt(_number: usize) {}

    pub fn wake(_allowed: u64) {}

    pub fn barrier() {}

    pub fn let_others() {}
}

pub mod fpu {
    pub const LEGACY: usize = 160;

    /// The x87 registers and MXCSR of a thread.
    #[derive(Clone, Debug)]
    pub struct Legacy([u8; LEGACY]);

    impl Legacy {
        pub fn new(bytes: [u8; LEGACY]) -> Self {
            Legacy(bytes)
        }

        pub fn bytes(&self) -> [u8; LEGACY] {
            self.0
        }
    }

    pub fn park() {}
}

pub mod report {
    use std::cell::RefCell;

    thread_local! {
        static SENT: RefCell<Vec<(u8, Vec<u8>)>> = const { RefCell::new(Vec::new()) };
    }

    pub fn send(kind: u8, bytes: &[u8]) {
        SENT.with_borrow_mut(|sent| sent.push((kind, bytes.to_vec())));
    }

    /// Takes what was sent by this thread of the tests.
    pub fn take() -> Vec<(u8, Vec<u8>)> {
        SENT.take()
    }
}

pub mod time {
    use std::sync::LazyLock;
    use std::time::{Duration, Instant, SystemTime};

    static START: LazyLock<Instant> = LazyLock::new(Instant::now);

    pub fn now() -> Duration {
        START.elapsed()
    }

    /// Nothing runs that could call it.
    pub fn vdso() -> Option<crate::time::Vdso> {
        None
    }

    pub fn wall() -> Duration {
        SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default()
    }
}

pub mod user {
    use crate::memory::Tables;
    use crate::user::{Registers, Trap};
    use core::time::Duration;

    /// The fake runs nothing: every program asks for a system call at once.
    pub fn run(_registers: &mut Registers, _tables: &Tables, _due: Duration) -> Trap {
        Trap::Syscall
    }
}
