//! A process's file descriptors.
use super::epoll::Interest;
use super::locks::{self, Owner};
use crate::errno::Errno;
use crate::file::File;
use crate::program::memory::is_scarce;
use crate::tree::Node;
use alloc::string::String;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;
use linux_raw_sys::general as linux;
use spin::Mutex;

/// An open file description (open(2)): what descriptors that were duplicated share.
pub struct Open {
    /// The file.
    pub file: Arc<dyn File>,
    /// Where the next read or write is, for files with positions.
    pub offset: Mutex<u64>,
    /// The path it was opened by, for `/proc/self/fd` and directories.
    pub path: String,
    /// Its place in the tree, if it has one.
    pub node: Option<Arc<Node>>,
    /// SO_RCVTIMEO and SO_SNDTIMEO.
    pub timeouts: Mutex<[Option<Duration>; 2]>,
    /// The places it has in sets (epoll(7)): its end takes it out of them.
    pub watchers: Mutex<Vec<Weak<Interest>>>,
    flags: AtomicU32,
}

impl Open {
    /// A file with the flags of open(2).
    pub fn new(file: Arc<dyn File>, flags: u32) -> Self {
        Open {
            file,
            offset: Mutex::new(0),
            path: String::new(),
            node: None,
            timeouts: Mutex::default(),
            watchers: Mutex::default(),
            flags: AtomicU32::new(flags & !linux::O_CLOEXEC),
        }
    }

    /// The flags of open(2).
    pub fn flags(&self) -> u32 {
        self.flags.load(Ordering::Relaxed)
    }

    /// Changes O_NONBLOCK and O_APPEND; the others stay.
    pub fn set_flags(&self, flags: u32) {
        let may = linux::O_NONBLOCK | linux::O_APPEND;
        self.flags.store(self.flags() & !may | flags & may, Ordering::Relaxed);
    }

    /// Whether calls on it never wait.
    pub fn is_nonblocking(&self) -> bool {
        self.flags() & linux::O_NONBLOCK != 0
    }

    /// It, if it was opened for reading.
    pub fn readable(&self) -> Result<&dyn File, Errno> {
        if self.flags() & linux::O_ACCMODE == linux::O_WRONLY { Err(Errno::EBADF) } else { Ok(&*self.file) }
    }

    /// It, if it was opened for writing.
    pub fn writable(&self) -> Result<&dyn File, Errno> {
        if self.flags() & linux::O_ACCMODE == linux::O_RDONLY { Err(Errno::EBADF) } else { Ok(&*self.file) }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        for interest in core::mem::take(self.watchers.get_mut()).iter().filter_map(Weak::upgrade) {
            interest.leave(&*self.file);
        }
        if let Some(node) = &self.node {
            let address = core::ptr::from_ref(self).addr();
            locks::closes(node.inode(), Owner::Flock(address));
            locks::closes(node.inode(), Owner::Open(address));
        }
    }
}

#[derive(Clone)]
struct Descriptor {
    open: Arc<Open>,
    close_on_exec: bool,
}

/// The table from numbers to open files.
#[derive(Clone)]
pub struct Descriptors {
    slots: Vec<Option<Descriptor>>,
    limit: usize,
    /// Every number below it is taken.
    first_free: usize,
}

impl Descriptors {
    /// An empty table for at most `limit` descriptors.
    pub fn new(limit: usize) -> Self {
        Descriptors { slots: Vec::new(), limit, first_free: 0 }
    }

    /// The most it may hold (RLIMIT_NOFILE).
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Changes the most it may hold.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// More than the highest number in use.
    pub fn size(&self) -> usize {
        self.slots.len()
    }

    /// Every number in use.
    pub fn numbers(&self) -> impl Iterator<Item = u32> + '_ {
        (0..).zip(&self.slots).filter(|(_, slot)| slot.is_some()).map(|(number, _)| number)
    }

    /// The open file of this number.
    pub fn get(&self, number: u64) -> Result<Arc<Open>, Errno> {
        self.find(number).map(|found| found.open.clone())
    }

    /// Gives it the lowest free number that is at least `least`.
    pub fn add(&mut self, open: Arc<Open>, close_on_exec: bool, least: usize) -> Result<u64, Errno> {
        let from = least.max(self.first_free);
        let free = (from..self.slots.len()).find(|number| matches!(self.slots.get(*number), Some(None)));
        let number = free.unwrap_or(self.slots.len().max(from));
        if is_scarce() {
            return Err(Errno::ENFILE);
        }
        self.set(number, open, close_on_exec).map_err(|_| Errno::EMFILE)?;
        if least <= self.first_free {
            self.first_free = number + 1;
        }
        Ok(number as u64)
    }

    /// Gives it this number; what had it before is given back.
    pub fn set(&mut self, number: usize, open: Arc<Open>, close_on_exec: bool) -> Result<Option<Arc<Open>>, Errno> {
        if number >= self.limit {
            return Err(Errno::EBADF);
        }
        if let Some(more) = (number + 1).checked_sub(self.slots.len()) {
            self.slots.try_reserve(more).map_err(|_| Errno::EMFILE)?;
            self.slots.resize(self.slots.len() + more, None);
        }
        let slot = self.slots.get_mut(number).ok_or(Errno::EBADF)?;
        Ok(slot.replace(Descriptor { open, close_on_exec }).map(|old| old.open))
    }

    /// Frees this number.
    pub fn remove(&mut self, number: u64) -> Result<Arc<Open>, Errno> {
        let number = usize::try_from(number).map_err(|_| Errno::EBADF)?;
        let old = self.slots.get_mut(number).and_then(Option::take).ok_or(Errno::EBADF)?;
        self.first_free = self.first_free.min(number);
        Ok(old.open)
    }

    /// FD_CLOEXEC of this number.
    pub fn close_on_exec(&self, number: u64) -> Result<bool, Errno> {
        self.find(number).map(|found| found.close_on_exec)
    }

    /// Changes FD_CLOEXEC of this number.
    pub fn set_close_on_exec(&mut self, number: u64, value: bool) -> Result<(), Errno> {
        let slot = usize::try_from(number).ok().and_then(|number| self.slots.get_mut(number));
        slot.and_then(Option::as_mut).ok_or(Errno::EBADF)?.close_on_exec = value;
        Ok(())
    }

    fn find(&self, number: u64) -> Result<&Descriptor, Errno> {
        let slot = usize::try_from(number).ok().and_then(|number| self.slots.get(number));
        slot.and_then(Option::as_ref).ok_or(Errno::EBADF)
    }
}
