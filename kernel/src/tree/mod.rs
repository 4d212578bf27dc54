//! The file tree: the image's files, borrowed, and over them what the program changes, in memory.
//!
//! - [`node`]: files, directories, symbolic links
//! - [`content`]: what a file holds
//! - [`device`]: `/dev`, and where standard output goes
//! - [`walk`]: from a path to a node
//! - [`change`]: create, remove, rename
mod change;
mod content;
mod device;
mod node;
mod walk;

pub use device::{Device, Snapshot, output};
pub use node::{Kind, Node};
pub use walk::Found;

use crate::errno::Errno;
use crate::file::File;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use image::archive::Image;
use linux_raw_sys::general as linux;

/// A file whose text depends on who asks: the program makes it when it is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // The names are proc(5)'s.
pub enum Generated {
    Cpuinfo,
    Meminfo,
    Maps,
    Status,
    Stat,
    Uptime,
    ResolvConf,
}

/// Where a process stands in the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its working directory, absolute.
    pub path: String,
    /// The permissions that new files do not get (umask(2)).
    pub umask: u32,
}

impl Place {
    /// The root of this tree, and the usual mask.
    pub fn at(_tree: &Tree) -> Self {
        Place { path: "/".to_string(), umask: 0o022 }
    }
}

/// Files that runtimes read, with what they find here.
const FIXED: [(&str, &str); 11] = [
    ("/etc/hosts", "127.0.0.1\tlocalhost portcullis\n::1\tlocalhost\n"),
    ("/etc/nsswitch.conf", "hosts: files dns\n"),
    ("/proc/sys/kernel/osrelease", "6.1.0-portcullis\n"),
    ("/proc/sys/kernel/ostype", "Linux\n"),
    ("/proc/sys/kernel/hostname", "portcullis\n"),
    ("/proc/sys/kernel/pid_max", "4194304\n"),
    ("/proc/sys/kernel/random/boot_id", "00000000-0000-4000-8000-000000000000\n"),
    ("/proc/sys/vm/overcommit_memory", "1\n"),
    ("/proc/sys/vm/max_map_count", "65530\n"),
    ("/proc/sys/net/core/somaxconn", "4096\n"),
    ("/sys/devices/system/cpu/online", "0\n"),
];

const GENERATED: [(&str, Generated); 7] = [
    ("/etc/resolv.conf", Generated::ResolvConf),
    ("/proc/cpuinfo", Generated::Cpuinfo),
    ("/proc/meminfo", Generated::Meminfo),
    ("/proc/uptime", Generated::Uptime),
    ("/proc/self/maps", Generated::Maps),
    ("/proc/self/status", Generated::Status),
    ("/proc/self/stat", Generated::Stat),
];

const DEVICES: [(&str, Device); 5] = [
    ("/dev/null", Device::Null),
    ("/dev/zero", Device::Zero),
    ("/dev/full", Device::Full),
    ("/dev/random", Device::Random),
    ("/dev/urandom", Device::Random),
];

/// The tree.
pub struct Tree {
    root: Arc<Node>,
}

impl Default for Tree {
    fn default() -> Self {
        Self::new()
    }
}

impl Tree {
    /// A tree with only what the kernel itself puts there: `/dev`, `/proc`, `/sys`, `/tmp`.
    pub fn new() -> Self {
        let tree = Tree { root: Node::new(Kind::directory(), linux::S_IFDIR | 0o755) };
        for (path, device) in DEVICES {
            tree.place(path, Node::new(Kind::Device(device), linux::S_IFCHR | 0o666));
        }
        for (path, text) in FIXED {
            tree.place(path, Node::new(Kind::borrowed(text.as_bytes()), linux::S_IFREG | 0o444));
        }
        for (path, what) in GENERATED {
            tree.place(path, Node::new(Kind::Generated(what), linux::S_IFREG | 0o444));
        }
        for path in ["/tmp", "/dev/shm"] {
            tree.place(path, Node::new(Kind::directory(), linux::S_IFDIR | 0o1777));
        }
        tree
    }

    /// The tree of an image. An entry that the kernel has something of its own for, such as `/dev/null`, replaces it.
    pub fn from_image(image: &Image<'static>) -> Self {
        let tree = Tree::new();
        for entry in image.entries() {
            let permissions = entry.mode & 0o7777;
            let (kind, mode) = match entry.mode & linux::S_IFMT {
                linux::S_IFDIR => {
                    tree.make_directories(entry.path);
                    continue;
                }
                linux::S_IFLNK => {
                    (Kind::Link(String::from_utf8_lossy(entry.data).into_owned()), linux::S_IFLNK | 0o777)
                }
                _ => (Kind::borrowed(entry.data), linux::S_IFREG | permissions),
            };
            tree.place(entry.path, Node::with_time(kind, mode, u64::from(entry.modified)));
        }
        tree
    }

    /// Puts a node at an absolute path; directories on the way are made.
    pub fn place(&self, path: &str, node: Arc<Node>) {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        if let Some(parent) = self.make_directories(parent)
            && let Kind::Directory(entries) = &parent.kind
            && !name.is_empty()
        {
            entries.lock().insert(name.to_string(), node);
        }
    }

    /// The directory at this absolute path, made if it is missing; `None` if something else is in the way.
    fn make_directories(&self, path: &str) -> Option<Arc<Node>> {
        let mut at = self.root.clone();
        for name in path.split('/').filter(|name| !name.is_empty()) {
            let Kind::Directory(entries) = &at.kind else { return None };
            let make = || Node::new(Kind::directory(), linux::S_IFDIR | 0o755);
            let next = entries.lock().entry(name.to_string()).or_insert_with(make).clone();
            at = next;
        }
        Some(at)
    }

    /// The program's file.
    pub fn open_program(&self, path: &str) -> Option<Arc<dyn File>> {
        let node = self.find("/", path, true).and_then(Found::existing).ok()?;
        matches!(node.kind, Kind::File(_)).then_some(node as Arc<dyn File>)
    }

    /// Says which program runs: where `/proc/self/exe` leads.
    pub fn set_program(&self, path: &str) {
        self.place("/proc/self/exe", Node::new(Kind::Link(path.to_string()), linux::S_IFLNK | 0o777));
    }

    /// The name of the program that runs, without its path; empty if none was set.
    pub fn program(&self) -> String {
        match self.find("/", "/proc/self/exe", false).and_then(Found::existing) {
            Ok(node) => match &node.kind {
                Kind::Link(path) => path.rsplit('/').next().unwrap_or_default().to_string(),
                _ => String::new(),
            },
            Err(_) => String::new(),
        }
    }

    /// A file that is empty and takes everything.
    pub fn null(&self) -> Arc<dyn File> {
        Node::new(Kind::Device(Device::Null), linux::S_IFCHR | 0o666)
    }

    /// The root.
    pub fn root(&self) -> &Arc<Node> {
        &self.root
    }

    /// Where a path leads from the directory `base`, which is absolute.
    pub fn find(&self, base: &str, path: &str, follow: bool) -> Result<Found, Errno> {
        walk::walk(&self.root, base, path, follow)
    }
}
