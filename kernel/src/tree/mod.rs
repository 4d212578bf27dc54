//! The file tree: the image's files, borrowed, and over them what the program changes, in memory.
//!
//! - [`node`]: files, directories, symbolic links
//! - [`builtin`]: what the kernel itself puts there
//! - [`content`]: what a file holds
//! - [`device`]: `/dev`, and where standard output goes
//! - [`walk`]: from a path to a node
//! - [`change`]: create, remove, rename
mod builtin;
mod change;
mod content;
mod device;
mod node;
mod walk;

pub use content::Content;
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
    Comm,
    Cpuinfo,
    CpuList,
    Loadavg,
    Maps,
    Meminfo,
    Processors,
    Smaps,
    Stat,
    Statm,
    Status,
    Uptime,
    ResolvConf,
    Uuid,
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
        for (path, device) in builtin::DEVICES {
            tree.place(path, Node::new(Kind::Device(*device), linux::S_IFCHR | 0o666));
        }
        for (path, text) in builtin::FIXED {
            tree.place(path, Node::new(Kind::borrowed(text.as_bytes()), linux::S_IFREG | 0o444));
        }
        for (path, what) in builtin::GENERATED {
            tree.place(path, Node::new(Kind::Generated(*what), linux::S_IFREG | 0o444));
        }
        for (path, target) in builtin::LINKS {
            tree.place(path, Node::new(Kind::Link(target.to_string()), linux::S_IFLNK | 0o777));
        }
        for path in builtin::OPEN_TO_ALL {
            tree.place(path, Node::new(Kind::directory(), linux::S_IFDIR | 0o1777));
        }
        for path in builtin::OF_THE_PROCESS {
            tree.place(path, Node::new(Kind::directory(), linux::S_IFDIR | 0o555));
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

    /// Says with which arguments and environment it runs: `/proc/self/cmdline` and `/proc/self/environ`.
    pub fn set_arguments(&self, args: &[String], env: &[String]) {
        for (path, texts) in [("/proc/self/cmdline", args), ("/proc/self/environ", env)] {
            let node = Node::new(Kind::file(), linux::S_IFREG | 0o444);
            let mut bytes = texts.join("\0").into_bytes();
            if !texts.is_empty() {
                bytes.push(0);
            }
            // Where there is no memory for it, the program will not run either.
            let _ = node.write(&bytes, 0);
            self.place(path, node);
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
