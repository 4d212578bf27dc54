//! Nodes of the tree: files, directories, symbolic links.
use super::Generated;
use super::content::Content;
use super::device::Device;
use crate::errno::Errno;
use crate::file::{Events, File, Status};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use linux_raw_sys::general as linux;
use machine::memory::Frame;
use spin::Mutex;

static NEXT_INODE: AtomicU64 = AtomicU64::new(2);

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
    /// A name of a socket (unix(7)).
    Socket,
}

impl Kind {
    /// An empty directory.
    pub fn directory() -> Self {
        Kind::Directory(Mutex::default())
    }

    /// A file of the image.
    pub fn borrowed(bytes: &'static [u8]) -> Self {
        Kind::File(Mutex::new(Content::borrowed(bytes)))
    }

    /// An empty file.
    pub fn file() -> Self {
        Kind::borrowed(&[])
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

    /// What it holds, if it is a file.
    pub fn content(&self) -> Result<&Mutex<Content>, Errno> {
        match &self.kind {
            Kind::File(content) => Ok(content),
            _ => Err(Errno::ENODEV),
        }
    }

    /// Whether it is `/dev/zero`, which maps as memory.
    pub fn is_zero(&self) -> bool {
        matches!(self.kind, Kind::Device(Device::Zero))
    }

    fn touch(&self) {
        self.set_modified(machine::time::wall().as_secs());
    }
}

impl File for Node {
    fn read(&self, buffer: &mut [u8], offset: u64) -> Result<usize, Errno> {
        match &self.kind {
            Kind::File(content) => Ok(content.lock().read(buffer, offset)),
            Kind::Device(device) => device.read(buffer),
            Kind::Directory(_) => Err(Errno::EISDIR),
            _ => Err(Errno::EINVAL),
        }
    }

    fn write(&self, bytes: &[u8], offset: u64) -> Result<usize, Errno> {
        match &self.kind {
            Kind::File(content) => {
                let count = content.lock().write(bytes, offset)?;
                self.touch();
                Ok(count)
            }
            Kind::Device(device) => device.write(bytes),
            Kind::Directory(_) => Err(Errno::EISDIR),
            _ => Err(Errno::EINVAL),
        }
    }

    fn lasting(&self, offset: u64) -> Option<&'static [u8]> {
        let Kind::File(content) = &self.kind else { return None };
        content.lock().lasting(offset)
    }

    fn frame(&self, offset: u64) -> Result<Arc<Frame>, Errno> {
        match &self.kind {
            Kind::File(content) => content.lock().frame(offset),
            _ => Err(Errno::ENODEV),
        }
    }

    fn ready(&self) -> Events {
        Events::IN | Events::OUT
    }

    fn status(&self) -> Status {
        let size = match &self.kind {
            Kind::File(content) => content.lock().length(),
            Kind::Link(target) => target.len() as u64,
            _ => 0,
        };
        let links = match &self.kind {
            // Its name, its `.`, and the `..` of each directory in it.
            Kind::Directory(entries) => {
                2 + entries.lock().values().filter(|node| matches!(node.kind, Kind::Directory(_))).count() as u64
            }
            _ => u64::from(self.links.load(Ordering::Relaxed)),
        };
        let special = if let Kind::Device(device) = &self.kind { device.number() } else { 0 };
        Status {
            mode: self.mode(),
            size,
            inode: self.inode,
            device: 1,
            special,
            links,
            modified: self.modified.load(Ordering::Relaxed),
        }
    }

    fn seekable(&self) -> bool {
        matches!(self.kind, Kind::File(_) | Kind::Directory(_))
    }

    fn truncate(&self, length: u64) -> Result<(), Errno> {
        let Kind::File(content) = &self.kind else { return Err(Errno::EINVAL) };
        content.lock().truncate(length)?;
        self.touch();
        Ok(())
    }

    fn any(&self) -> &dyn core::any::Any {
        self
    }
}
