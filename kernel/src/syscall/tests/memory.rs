use super::*;
use crate::file::Status;
use crate::program::End;
use linux_raw_sys::general as linux;
use machine::memory::Frame;

const ANONYMOUS: u64 = (linux::MAP_PRIVATE | linux::MAP_ANONYMOUS) as u64;
const WRITABLE: u64 = (linux::PROT_READ | linux::PROT_WRITE) as u64;
/// More than can be made ready in one turn.
const MUCH: u64 = 64 << 20;
const NONE: u64 = u64::MAX;

impl Program {
    fn map(&self, length: u64, protection: u64, flags: u64) -> Answer {
        self.call("mmap", [0, length, protection, flags, NONE, 0])
    }

    /// Whether this call lets others run before it is done, and then is done.
    fn gives_way(&self, name: &str, args: [u64; 6]) -> bool {
        let mut begun = self.begin(name, args);
        let gave_way = begun.look().is_none() && begun.was_woken();
        while gave_way && begun.look().is_none() {
            assert!(begun.was_woken(), "{name} waits");
        }
        gave_way
    }
}

#[test]
fn a_range_that_takes_long_gives_way() {
    let program = Program::new();
    let populate = ANONYMOUS | u64::from(linux::MAP_POPULATE);
    assert!(program.gives_way("mmap", [0, MUCH, WRITABLE, populate, NONE, 0]));
    let start = program.map(MUCH, WRITABLE, ANONYMOUS).unwrap();
    assert!(program.gives_way("mlock", [start, MUCH, 0, 0, 0, 0]));
    let start = program.map(MUCH, WRITABLE, ANONYMOUS).unwrap();
    let advice = u64::from(linux::MADV_POPULATE_WRITE);
    assert!(program.gives_way("madvise", [start, MUCH, advice, 0, 0, 0]));
    let start = program.map(1 << 46, 0, ANONYMOUS).unwrap();
    let mut asked = program.begin("mincore", [start, 1 << 46, start]);
    assert_eq!(asked.look(), Some(Err(Errno::EFAULT)));
    let vector = program.map(1 << 20, WRITABLE, ANONYMOUS).unwrap();
    assert!(program.gives_way("mincore", [start, 4 << 30, vector, 0, 0, 0]));
}

#[test]
fn a_file_that_is_made_large_gives_way() {
    let program = Program::new();
    let at = program.text(0, "/tmp/large");
    let flags = u64::from(linux::O_CREAT | linux::O_RDWR);
    let file = program.call("open", [at, flags, 0o600]).unwrap();
    assert!(program.gives_way("fallocate", [file, 0, 0, MUCH, 0, 0]));
    let status = program.call("fstat", [file, MEMORY + 0x100]);
    assert_eq!((status, program.get::<u64>(0x100 + 48)), (Ok(0), MUCH));
}

#[test]
fn a_mapping_obviously_larger_than_memory_is_refused() {
    let program = Program::new();
    let total = machine::memory::usage().total;
    assert_eq!(program.map(2 * total, WRITABLE, ANONYMOUS), Err(Errno::ENOMEM));
    let end = program.call("brk", [0]).unwrap();
    assert_eq!(program.call("brk", [end + 2 * total]), Ok(end));
    // What is only reserved is not counted, but it is once it may be written.
    assert!(program.map(2 * total, WRITABLE, ANONYMOUS | u64::from(linux::MAP_NORESERVE)).is_ok());
    let reserved = program.map(2 * total, 0, ANONYMOUS).unwrap();
    assert_eq!(program.call("mprotect", [reserved, 2 * total, WRITABLE]), Err(Errno::ENOMEM));
    assert_eq!(program.call("mprotect", [reserved, total / 2, WRITABLE]), Ok(0));
    let part = program.map(total / 2, WRITABLE, ANONYMOUS).unwrap();
    let may_move = u64::from(linux::MREMAP_MAYMOVE);
    assert_eq!(program.call("mremap", [part, total / 2, 2 * total, may_move]), Err(Errno::ENOMEM));
    // Each alone could be had.
    assert!((0..8).all(|_| program.map(total / 2, WRITABLE, ANONYMOUS).is_ok()));
}

#[test]
fn barriers_are_there_for_who_registered() {
    let program = Program::new();
    let kinds = program.call("membarrier", [0, 0, 0]).unwrap();
    assert_eq!(kinds, 1 | 8 | 16);
    assert_eq!(program.call("membarrier", [1, 0, 0]), Ok(0));
    assert_eq!(program.call("membarrier", [8, 0, 0]), Err(Errno::EPERM));
    assert_eq!(program.call("membarrier", [16, 0, 0]), Ok(0));
    assert_eq!(program.thread().call("membarrier", [8, 0, 0]), Ok(0));
    assert_eq!(program.call("membarrier", [8, 1, 0]), Err(Errno::EINVAL));
    assert_eq!(program.call("membarrier", [2, 0, 0]), Err(Errno::EINVAL));
}

/// A file that the machine has no memory for.
struct NoRoom;

impl File for NoRoom {
    fn status(&self) -> Status {
        Status::default()
    }

    fn frame(&self, _offset: u64) -> Result<Arc<Frame>, Errno> {
        Err(Errno::ENOSPC)
    }

    fn any(&self) -> &dyn core::any::Any {
        self
    }
}

#[test]
fn a_bad_address_after_a_copy_without_memory_is_no_lack_of_memory() {
    let program = Program::new();
    let at = MEMORY + 2 * MEMORY_SIZE;
    let backing = Backing::Shared { file: Arc::new(NoRoom), offset: 0 };
    program.thread.memory.space.lock().map(at..at + 0x1000, Protection::READ, backing).unwrap();
    // As where the kernel copies outside of a call, or where a part was copied already.
    assert!(program.thread.memory.get::<u64>(at).is_err());
    assert_eq!(program.call("uname", [1 << 46]), Err(Errno::EFAULT));
    assert_eq!(program.thread.process.end(), None);
    // A call that cannot have its memory ends the program.
    assert_eq!(program.call("open", [at, 0, 0]), Err(Errno::EFAULT));
    let end = program.thread.process.end();
    assert!(matches!(&end, Some(End::Killed { what, .. }) if what.contains("out of memory")), "{end:?}");
}
