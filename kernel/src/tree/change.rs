//! Changes of the tree: create, remove, rename. All of them are in memory.
use super::Tree;
use super::node::{Kind, Node};
use super::walk::Found;
use crate::errno::Errno;
use crate::program::memory::is_scarce;
use alloc::string::ToString;
use alloc::sync::Arc;
use linux_raw_sys::general as linux;

impl Tree {
    /// Makes a node where `found` leads, which must be free.
    pub fn create(&self, found: &Found, kind: Kind, mode: u32) -> Result<Arc<Node>, Errno> {
        if found.node.is_some() {
            return Err(Errno::EEXIST);
        }
        if found.directory && !matches!(kind, Kind::Directory(_)) {
            return Err(Errno::EISDIR);
        }
        if is_scarce() {
            return Err(Errno::ENOSPC);
        }
        let node = Node::new(kind, mode);
        found.parent.entries()?.lock().insert(found.name.clone(), node.clone());
        Ok(node)
    }

    /// Makes one more name for a node (link(2)).
    pub fn link(&self, node: Arc<Node>, found: &Found) -> Result<(), Errno> {
        if found.node.is_some() {
            return Err(Errno::EEXIST);
        }
        if matches!(node.kind, Kind::Directory(_)) {
            return Err(Errno::EPERM);
        }
        if is_scarce() {
            return Err(Errno::ENOSPC);
        }
        node.add_links(1);
        found.parent.entries()?.lock().insert(found.name.clone(), node);
        Ok(())
    }

    /// Removes a name: of a directory, which must be empty (rmdir(2)), or of anything else (unlink(2)).
    pub fn remove(&self, base: &str, path: &str, directory: bool) -> Result<(), Errno> {
        let found = self.find(base, path, false)?;
        let node = found.node.ok_or(Errno::ENOENT)?;
        match (&node.kind, directory) {
            (Kind::Directory(_), false) => return Err(Errno::EISDIR),
            (Kind::Directory(entries), true) if !entries.lock().is_empty() => return Err(Errno::ENOTEMPTY),
            (Kind::Directory(_), true) if found.name.is_empty() => return Err(Errno::EBUSY),
            (Kind::Directory(_), true) => {}
            (_, true) => return Err(Errno::ENOTDIR),
            (_, false) if found.directory => return Err(Errno::ENOTDIR),
            (_, false) => node.add_links(-1),
        }
        found.parent.entries()?.lock().remove(&found.name);
        Ok(())
    }

    /// rename(2), with the flags of renameat2(2); only RENAME_NOREPLACE is known.
    pub fn rename(&self, from: (&str, &str), to: (&str, &str), flags: u32) -> Result<(), Errno> {
        if flags & !linux::RENAME_NOREPLACE != 0 {
            return Err(Errno::EINVAL);
        }
        let source = self.find(from.0, from.1, false)?;
        let target = self.find(to.0, to.1, false)?;
        let node = source.node.ok_or(Errno::ENOENT)?;
        let moves_directory = matches!(node.kind, Kind::Directory(_));
        if source.name.is_empty() || target.name.is_empty() {
            return Err(Errno::EBUSY);
        }
        if moves_directory && (target.path.clone() + "/").starts_with(&(source.path.clone() + "/")) {
            return if target.path == source.path { Ok(()) } else { Err(Errno::EINVAL) };
        }
        if let Some(there) = &target.node {
            if flags & linux::RENAME_NOREPLACE != 0 {
                return Err(Errno::EEXIST);
            }
            if Arc::ptr_eq(there, &node) {
                return Ok(());
            }
            match &there.kind {
                Kind::Directory(_) if !moves_directory => return Err(Errno::EISDIR),
                Kind::Directory(entries) if !entries.lock().is_empty() => return Err(Errno::ENOTEMPTY),
                Kind::Directory(_) => {}
                _ if moves_directory => return Err(Errno::ENOTDIR),
                _ => there.add_links(-1),
            }
        }
        source.parent.entries()?.lock().remove(&source.name);
        target.parent.entries()?.lock().insert(target.name.to_string(), node);
        Ok(())
    }
}
