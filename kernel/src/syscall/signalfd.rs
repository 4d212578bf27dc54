//! Signals that are read from a file (signalfd(2)).
use super::{Answer, Call};
use crate::errno::Errno;
use crate::file::File;
use crate::program::descriptors::Open;
use crate::program::signal::{Set, UNSTOPPABLE};
use crate::program::signalfd::SignalFile;
use alloc::sync::Arc;
use linux_raw_sys::general as linux;

pub fn signalfd(call: &mut Call<'_>) -> Answer {
    make(call, 0)
}

pub fn signalfd4(call: &mut Call<'_>) -> Answer {
    make(call, call.int::<3>())
}

/// The file of signals that this is, if it is one.
pub fn of(file: &dyn File) -> Option<&SignalFile> {
    file.any().downcast_ref()
}

fn make(call: &Call<'_>, flags: u32) -> Answer {
    if flags & !(linux::O_NONBLOCK | linux::O_CLOEXEC) != 0 || call.arg::<2>() != 8 {
        return Err(Errno::EINVAL);
    }
    let set = call.memory().get::<Set>(call.arg::<1>())? & !UNSTOPPABLE;
    if call.int::<0>() != u32::MAX {
        let open = call.open::<0>()?;
        of(&*open.file).ok_or(Errno::EINVAL)?.set(set);
        return Ok(u64::from(call.int::<0>()));
    }
    let file = Arc::new(SignalFile::new(&call.thread.process, set));
    let open = Open::new(file, linux::O_RDWR | flags & linux::O_NONBLOCK);
    call.thread.files.lock().add(Arc::new(open), flags & linux::O_CLOEXEC != 0, 0)
}
