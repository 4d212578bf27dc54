//! What the threads of a process share of memory: its space and its futexes.
use super::futex::Futexes;
use super::space::Space;
use crate::errno::Errno;
use alloc::string::String;
use alloc::vec::Vec;
use core::sync::atomic::AtomicBool;
use machine::memory::Tables;
use spin::Mutex;
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// The longest path in bytes, its end included (PATH_MAX).
const MAX_PATH: usize = 4096;

/// Memory that what the program asks the kernel to keep for it leaves free, in bytes.
const RESERVE: u64 = 512 << 10;

/// Whether there is so little memory left that the program may not have the kernel keep more for it: threads, files,
/// descriptors, regions. The kernel itself cannot go on without memory.
pub fn is_scarce() -> bool {
    would_be_scarce(0)
}

/// The same, once this many bytes more are taken.
pub fn would_be_scarce(bytes: u64) -> bool {
    machine::memory::usage().free < RESERVE.saturating_add(bytes)
}

/// A process's memory. It is freed when the last thread that uses it has ended.
pub struct Memory {
    /// Regions and pages.
    pub space: Mutex<Space>,
    /// Who waits for a word of it.
    pub futexes: Futexes,
    /// It said that it is going to use membarrier(2).
    pub barriers: AtomicBool,
    tables: Tables,
}

impl Memory {
    /// Memory of this space.
    pub fn new(space: Space) -> Self {
        let tables = space.table().tables().clone();
        Memory { space: Mutex::new(space), futexes: Futexes::default(), barriers: AtomicBool::new(false), tables }
    }

    /// What the machine runs the program in; it is not locked for that.
    pub fn tables(&self) -> &Tables {
        &self.tables
    }

    /// Copies a value from the program.
    pub fn get<T: FromBytes + IntoBytes>(&self, address: u64) -> Result<T, Errno> {
        let mut value = T::new_zeroed();
        self.space.lock().read(address, value.as_mut_bytes())?;
        Ok(value)
    }

    /// Copies a value to the program.
    pub fn put<T: IntoBytes + Immutable + ?Sized>(&self, address: u64, value: &T) -> Result<(), Errno> {
        self.space.lock().write(address, value.as_bytes())
    }

    /// Changes a word of the program's, in one step for all its threads wherever they run; tells what it was.
    pub fn change(&self, address: u64, change: impl Fn(u32) -> u32) -> Result<u32, Errno> {
        if !address.is_multiple_of(4) {
            return Err(Errno::EINVAL);
        }
        let mut old = self.get::<u32>(address)?;
        loop {
            let found = self.space.lock().exchange(address, old, change(old))?;
            if found == old {
                return Ok(old);
            }
            old = found;
        }
    }

    /// Copies bytes from the program. The caller bounds the length.
    pub fn bytes(&self, address: u64, length: usize) -> Result<Vec<u8>, Errno> {
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(length).map_err(|_| Errno::ENOMEM)?;
        bytes.resize(length, 0);
        self.space.lock().read(address, &mut bytes)?;
        Ok(bytes)
    }

    /// Copies a path from the program: bytes up to a zero.
    pub fn path(&self, address: u64) -> Result<String, Errno> {
        let mut path = Vec::new();
        let mut space = self.space.lock();
        let mut at = address;
        while path.len() < MAX_PATH {
            // Up to the end of a 256-byte block: never into a page that the string does not reach.
            let mut part = [0; 256];
            let length = 256 - (at % 256) as usize;
            let part = part.get_mut(..length).unwrap_or_default();
            space.read(at, part)?;
            if let Some(end) = part.iter().position(|byte| *byte == 0) {
                path.extend_from_slice(part.get(..end).unwrap_or_default());
                return String::from_utf8(path).map_err(|_| Errno::ENOENT);
            }
            path.extend_from_slice(part);
            at += length as u64;
        }
        Err(Errno::ENAMETOOLONG)
    }
}
