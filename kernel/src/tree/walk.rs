//! From a path to a node (path_resolution(7)).
use super::node::{Kind, Node};
use crate::errno::Errno;
use alloc::collections::VecDeque;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// How many symbolic links one path may lead over.
const MAX_LINKS: usize = 40;
/// The longest name in bytes.
const MAX_NAME: usize = 255;

/// Where a path leads.
pub struct Found {
    /// The directory that the last name is in.
    pub parent: Arc<Node>,
    /// The last name; empty for the root.
    pub name: String,
    /// What has this name, if it exists.
    pub node: Option<Arc<Node>>,
    /// The absolute path, without links on the way.
    pub path: String,
    /// The path ended in a slash: only a directory is meant.
    pub directory: bool,
}

impl Found {
    /// The node, which must exist.
    pub fn existing(self) -> Result<Arc<Node>, Errno> {
        let node = self.node.ok_or(Errno::ENOENT)?;
        match node.kind {
            Kind::Directory(_) => Ok(node),
            _ if self.directory => Err(Errno::ENOTDIR),
            _ => Ok(node),
        }
    }
}

fn split(path: &str) -> impl DoubleEndedIterator<Item = String> + '_ {
    path.split('/').filter(|name| !matches!(*name, "" | ".")).map(ToString::to_string)
}

/// See [`Tree::find`](super::Tree::find).
pub(super) fn walk(root: &Arc<Node>, base: &str, path: &str, follow: bool) -> Result<Found, Errno> {
    if path.is_empty() {
        return Err(Errno::ENOENT);
    }
    let mut names: VecDeque<String> = VecDeque::new();
    if !path.starts_with('/') {
        names.extend(split(base));
    }
    names.extend(split(path));
    let directory = path.ends_with('/') || path.ends_with("/.") || path == ".";
    let mut above: Vec<(String, Arc<Node>)> = Vec::new();
    let mut links = 0;
    while let Some(name) = names.pop_front() {
        let here = above.last().map_or(root, |(_, node)| node).clone();
        let entries = here.entries()?;
        if name == ".." {
            above.pop();
            continue;
        }
        if name.len() > MAX_NAME {
            return Err(Errno::ENAMETOOLONG);
        }
        let node = entries.lock().get(&name).cloned();
        let last = names.is_empty();
        match node {
            Some(node) => match &node.kind {
                Kind::Link(target) if !last || follow || directory => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(Errno::ELOOP);
                    }
                    if target.starts_with('/') {
                        above.clear();
                    }
                    split(target).rev().for_each(|name| names.push_front(name));
                }
                _ => above.push((name, node)),
            },
            None if last => {
                let path = join(&above, Some(&name));
                return Ok(Found { parent: here, name, node: None, path, directory });
            }
            None => return Err(Errno::ENOENT),
        }
    }
    let path = join(&above, None);
    let (name, node) = above.pop().unwrap_or_else(|| (String::new(), root.clone()));
    let parent = above.pop().map_or_else(|| root.clone(), |(_, parent)| parent);
    Ok(Found { parent, name, node: Some(node), path, directory })
}

fn join(above: &[(String, Arc<Node>)], last: Option<&str>) -> String {
    let mut path = String::new();
    for name in above.iter().map(|(name, _)| name.as_str()).chain(last) {
        path.push('/');
        path.push_str(name);
    }
    if path.is_empty() { "/".to_string() } else { path }
}
