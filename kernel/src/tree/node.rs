//! Nodes of the tree: files, directories, symbolic links.
use super::Generated;
use super::device::Device;
use crate::errno::Errno;
use crate::file::{Events, File, Status};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use linux_raw_sys::general as linux;
use spin::Mutex;

static NEXT_INODE: AtomicU64 = AtomicU64::new(2);
/// Memory that files leave to others, in bytes.
const RESERVE: u64 = 1 << 20;

/// What a directory holds, by name.
pub type Entries = BTreeMap<String, Arc<Node>>;

/// What a node is.
pub enum Kind {
    /// A directory.
    Directory(Mutex<Entries>),
    /// A file.
    File(Mutex<Content>),
    /// A symbolic link to this path.
    Link(String),
    /// A device.
    Device(Device),
    /// A file whose text is made when it is opened.
    Generated(Generated),
}

impl Kind {
    /// An empty directory.
    pub fn directory() -> Self {
        Kind::Directory(Mutex::default())
    }

    /// A file of the image.
    pub fn borrowed(bytes: &'static [u8]) -> Self {
        Kind::File(Mutex::new(Content::Borrowed(bytes)))
    }

    /// An empty file.
    pub fn file() -> Self {
        Kind::borrowed(&[])
    }
}

/// What a file holds.
pub enum Content {
    /// The image's bytes, as they are.
    Borrowed(&'static [u8]),
    /// The program has written to it.
    Own(Vec<u8>),
}

impl Content {
    fn bytes(&self) -> &[u8] {
        match self {
            Content::Borrowed(bytes) => bytes,
            Content::Own(bytes) => bytes,
        }
    }

    /// Its bytes to change, at least `length` of them.
    fn own(&mut self, length: usize) -> Result<&mut Vec<u8>, Errno> {
        let had = self.bytes().len();
        let grows = length.saturating_sub(had) + if matches!(self, Content::Borrowed(_)) { had } else { 0 };
        if grows > 0 && machine::memory::usage().free < (grows as u64).saturating_add(RESERVE) {
            return Err(Errno::ENOSPC);
        }
        if let Content::Borrowed(bytes) = self {
            let mut copy = Vec::new();
            copy.try_reserve(bytes.len().max(length)).map_err(|_| Errno::ENOSPC)?;
            copy.extend_from_slice(bytes);
            *self = Content::Own(copy);
        }
        let Content::Own(bytes) = self else { return Err(Errno::EIO) };
        if length > bytes.len() {
            bytes.try_reserve(length - bytes.len()).map_err(|_| Errno::ENOSPC)?;
            bytes.resize(length, 0);
        }
        Ok(bytes)
    }
}

/// A node.
pub struct Node {
    /// What it is.
    pub kind: Kind,
    inode: u64,
    mode: AtomicU32,
    modified: AtomicU64,
    links: AtomicU32,
}

impl Node {
    /// A node of this type and these permissions, changed now.
    pub fn new(kind: Kind, mode: u32) -> Arc<Self> {
        Self::with_time(kind, mode, machine::time::wall().as_secs())
    }

    /// A node that was changed this many seconds after 1970.
    pub fn with_time(kind: Kind, mode: u32, modified: u64) -> Arc<Self> {
        let inode = NEXT_INODE.fetch_add(1, Ordering::Relaxed);
        let (mode, modified) = (AtomicU32::new(mode), AtomicU64::new(modified));
        Arc::new(Node { kind, inode, mode, modified, links: AtomicU32::new(1) })
    }

    /// Its type and permissions.
    pub fn mode(&self) -> u32 {
        self.mode.load(Ordering::Relaxed)
    }

    /// Changes its permissions.
    pub fn set_permissions(&self, permissions: u32) {
        self.mode.store(self.mode() & linux::S_IFMT | permissions & 0o7777, Ordering::Relaxed);
    }

    /// Changes when it was changed, in seconds since 1970.
    pub fn set_modified(&self, seconds: u64) {
        self.modified.store(seconds, Ordering::Relaxed);
    }

    /// Counts a name more or less.
    pub fn add_links(&self, more: i32) {
        self.links.fetch_add(more as u32, Ordering::Relaxed);
    }

    /// Its number.
    pub fn inode(&self) -> u64 {
        self.inode
    }

    /// Its entries, if it is a directory.
    pub fn entries(&self) -> Result<&Mutex<Entries>, Errno> {
        match &self.kind {
            Kind::Directory(entries) => Ok(entries),
            _ => Err(Errno::ENOTDIR),
        }
    }

    fn touch(&self) {
        self.set_modified(machine::time::wall().as_secs());
    }
}

impl File for Node {
    fn read(&self, buffer: &mut [u8], offset: u64) -> Result<usize, Errno> {
        match &self.kind {
            Kind::File(content) => {
                let content = content.lock();
                let start = usize::try_from(offset).unwrap_or(usize::MAX);
                let rest = content.bytes().get(start..).unwrap_or_default();
                let length = rest.len().min(buffer.len());
                if let (Some(to), Some(from)) = (buffer.get_mut(..length), rest.get(..length)) {
                    to.copy_from_slice(from);
                }
                Ok(length)
            }
            Kind::Device(device) => device.read(buffer),
            Kind::Directory(_) => Err(Errno::EISDIR),
            _ => Err(Errno::EINVAL),
        }
    }

    fn write(&self, bytes: &[u8], offset: u64) -> Result<usize, Errno> {
        match &self.kind {
            Kind::File(content) => {
                let start = usize::try_from(offset).map_err(|_| Errno::EFBIG)?;
                let end = start.checked_add(bytes.len()).ok_or(Errno::EFBIG)?;
                let mut content = content.lock();
                let had = content.bytes().len();
                content.own(end.max(had))?.get_mut(start..end).ok_or(Errno::EFBIG)?.copy_from_slice(bytes);
                self.touch();
                Ok(bytes.len())
            }
            Kind::Device(device) => device.write(bytes),
            Kind::Directory(_) => Err(Errno::EISDIR),
            _ => Err(Errno::EINVAL),
        }
    }

    fn lasting_page(&self, offset: u64) -> Option<&'static [u8]> {
        let Kind::File(content) = &self.kind else { return None };
        match *content.lock() {
            Content::Borrowed(bytes) => {
                bytes.get(usize::try_from(offset).ok()?..)?.get(..machine::memory::PAGE as usize)
            }
            Content::Own(_) => None,
        }
    }

    fn ready(&self) -> Events {
        Events::IN | Events::OUT
    }

    fn status(&self) -> Status {
        let size = match &self.kind {
            Kind::File(content) => content.lock().bytes().len() as u64,
            Kind::Link(target) => target.len() as u64,
            _ => 0,
        };
        let special = if let Kind::Device(device) = &self.kind { device.number() } else { 0 };
        Status {
            mode: self.mode(),
            size,
            inode: self.inode,
            device: 1,
            special,
            links: u64::from(self.links.load(Ordering::Relaxed)),
            modified: self.modified.load(Ordering::Relaxed),
        }
    }

    fn seekable(&self) -> bool {
        matches!(self.kind, Kind::File(_) | Kind::Directory(_))
    }

    fn truncate(&self, length: u64) -> Result<(), Errno> {
        let Kind::File(content) = &self.kind else { return Err(Errno::EINVAL) };
        let length = usize::try_from(length).map_err(|_| Errno::EFBIG)?;
        let mut content = content.lock();
        if length == 0 {
            *content = Content::Own(Vec::new());
        } else {
            content.own(length)?.truncate(length);
        }
        self.touch();
        Ok(())
    }

    fn any(&self) -> &dyn core::any::Any {
        self
    }
}
