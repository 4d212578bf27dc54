//! The program's file tree, gathered from the host as `ops` does it.
//!
//! `Files` and `Dirs` keep their paths: relative ones are read from the working directory and stand at the same path
//! below the root. `MapDirs` maps `directory/pattern`: each file below the directory whose name fits the pattern goes to
//! the same place below the mapped directory.
use crate::failure::Failure;
use crate::say::say;
use bytes::Bytes;
use image::archive::Entry;
use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path};

const DIRECTORY: u32 = 0o040755;

/// A file tree: by absolute path, a directory before what is in it.
#[derive(Debug)]
pub struct Tree(BTreeMap<String, Node>);

#[derive(Debug)]
struct Node {
    mode: u32,
    modified: u32,
    data: Bytes,
}

impl Tree {
    /// A tree of a root and nothing in it.
    pub fn new() -> Self {
        Tree(BTreeMap::from([(String::new(), Node { mode: DIRECTORY, modified: 0, data: Bytes::new() })]))
    }

    /// The files of an image, which share its memory: `whole` is what the entries point into.
    pub fn from_entries<'a>(whole: &'a Bytes, entries: impl Iterator<Item = Entry<'a>>) -> Self {
        let data = |entry: &Entry<'_>| if entry.data.is_empty() { Bytes::new() } else { whole.slice_ref(entry.data) };
        let node = |entry: &Entry<'_>| Node { mode: entry.mode, modified: entry.modified, data: data(entry) };
        Tree(entries.map(|entry| (entry.path.to_string(), node(&entry))).collect())
    }

    /// The files, for an image.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.0.iter().map(|(path, node)| Entry { path, mode: node.mode, modified: node.modified, data: &node.data })
    }

    /// What the file of this path holds; links are followed.
    pub fn data(&self, path: &str) -> Option<&[u8]> {
        /// As many links in a row as path_resolution(7) follows.
        const LINKS: usize = 40;
        let mut path = path.to_string();
        for _ in 0..LINKS {
            let node = self.0.get(&path)?;
            match node.mode & 0o170000 {
                0o100000 => return Some(&node.data),
                0o120000 => {
                    let target = Path::new(std::str::from_utf8(&node.data).ok()?);
                    path = guest_path(&Path::new(&path).parent()?.join(target)).ok()?;
                }
                _ => return None,
            }
        }
        None
    }

    /// Adds a program that was read already; returns its path in the tree.
    pub fn add_program(&mut self, guest: &Path, bytes: Vec<u8>) -> Result<String, Failure> {
        let path = guest_path(guest)?;
        self.insert(path.clone(), Node { mode: 0o100755, modified: 0, data: bytes.into() })?;
        Ok(path)
    }

    /// Adds a file (`Files`): links are followed.
    pub fn add_file(&mut self, host: &Path, guest: &Path) -> Result<(), Failure> {
        let metadata = fs::metadata(host).map_err(|error| failed(host, error))?;
        if metadata.is_dir() {
            return Err(Failure::Usage(format!("{}: is a directory: name it in `Dirs`", host.display())));
        }
        // Reading a device or a pipe may never end.
        if !metadata.is_file() {
            return Err(Failure::Usage(format!("{}: is no regular file", host.display())));
        }
        let data = fs::read(host).map_err(|error| failed(host, error))?;
        self.insert(guest_path(guest)?, node(&metadata, data))
    }

    /// Adds a directory and everything below it (`Dirs`); links stay links, and sockets and devices are left out.
    pub fn add_directory(&mut self, host: &Path, guest: &Path) -> Result<(), Failure> {
        let metadata = fs::metadata(host).map_err(|error| failed(host, error))?;
        self.insert(guest_path(guest)?, node(&metadata, Vec::new()))?;
        for (path, metadata) in children(host)? {
            let name = path.file_name().unwrap_or_default();
            self.add_any(&path, &metadata, &guest.join(name))?;
        }
        Ok(())
    }

    fn add_any(&mut self, host: &Path, metadata: &Metadata, guest: &Path) -> Result<(), Failure> {
        if metadata.is_dir() {
            self.add_directory(host, guest)
        } else if metadata.is_file() {
            self.add_file(host, guest)
        } else if metadata.is_symlink() {
            let target = fs::read_link(host).map_err(|error| failed(host, error))?;
            self.insert(guest_path(guest)?, node(metadata, target.into_os_string().into_vec()))
        } else {
            Ok(())
        }
    }

    /// Adds the files below a directory whose names fit the pattern (`MapDirs`): `static/*` to `/www`.
    pub fn add_mapped(&mut self, pattern: &str, guest: &Path) -> Result<(), Failure> {
        let (directory, name) = pattern.rsplit_once('/').unwrap_or((".", pattern));
        let directory = if directory.is_empty() { "/" } else { directory };
        let name = glob::Pattern::new(name).map_err(|error| Failure::Usage(format!("`{pattern}`: {error}")))?;
        if self.add_matching(Path::new(directory), &name, guest)? == 0 {
            say(format_args!("`MapDirs`: no file fits `{pattern}`; `folder/*` means all files of a folder"));
        }
        Ok(())
    }

    /// Returns how many files there were.
    fn add_matching(&mut self, host: &Path, name: &glob::Pattern, guest: &Path) -> Result<usize, Failure> {
        let mut added = 0;
        for (path, metadata) in children(host)? {
            let file_name = path.file_name().unwrap_or_default();
            let inside = guest.join(file_name);
            if metadata.is_dir() {
                added += self.add_matching(&path, name, &inside)?;
            } else if name.matches(&file_name.to_string_lossy()) {
                self.add_any(&path, &metadata, &inside)?;
                added += 1;
            }
        }
        Ok(added)
    }

    /// Puts a file into the tree, and the directories above it. What was there before gives way.
    fn insert(&mut self, path: String, node: Node) -> Result<(), Failure> {
        let parents = path.char_indices().filter(|(at, c)| *c == '/' && *at > 0).map(|(at, _)| &path[..at]);
        for parent in parents {
            let entry = self.0.entry(parent.to_string());
            let node = entry.or_insert(Node { mode: DIRECTORY, modified: node.modified, data: Bytes::new() });
            if node.mode & 0o170000 != DIRECTORY & 0o170000 {
                return Err(Failure::Usage(format!("{path}: {parent} is no directory in the image")));
            }
        }
        self.0.insert(path, node);
        Ok(())
    }
}

/// The path in the tree: absolute, without `.` and `..`; `..` above the root is the root, as in a real one.
/// The root itself is the empty string.
pub fn guest_path(path: &Path) -> Result<String, Failure> {
    let mut parts = Vec::new();
    for component in path.components() {
        match component {
            Component::ParentDir => drop(parts.pop()),
            Component::Normal(part) => {
                let named = || Failure::Usage(format!("{}: the name is not UTF-8", path.display()));
                parts.push(part.to_str().ok_or_else(named)?);
            }
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    Ok(parts.iter().map(|part| format!("/{part}")).collect())
}

/// What is in a directory, by name, so that the same files make the same image.
fn children(directory: &Path) -> Result<Vec<(std::path::PathBuf, Metadata)>, Failure> {
    let read = || -> std::io::Result<Vec<_>> {
        fs::read_dir(directory)?.map(|entry| entry.and_then(|entry| Ok((entry.path(), entry.metadata()?)))).collect()
    };
    let mut children = read().map_err(|error| failed(directory, error))?;
    children.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(children)
}

fn node(metadata: &Metadata, data: Vec<u8>) -> Node {
    let modified = u32::try_from(metadata.mtime().max(0)).unwrap_or(u32::MAX);
    Node { mode: metadata.mode(), modified, data: data.into() }
}

fn failed(path: &Path, error: std::io::Error) -> Failure {
    Failure::Usage(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn paths(tree: &Tree) -> Vec<&str> {
        tree.entries().map(|entry| entry.path).collect()
    }

    /// `a/x.html`, `a/y.css`, `a/deep/z.html`, `a/link -> x.html`.
    fn sample() -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        let a = directory.path().join("a");
        fs::create_dir_all(a.join("deep")).unwrap();
        for file in ["x.html", "y.css", "deep/z.html"] {
            fs::write(a.join(file), file).unwrap();
        }
        symlink("x.html", a.join("link")).unwrap();
        directory
    }

    #[test]
    fn a_path_in_the_tree_cannot_leave_it() {
        for (path, guest) in
            [("a/b", "/a/b"), ("/a//b/", "/a/b"), ("./a", "/a"), ("../../a", "/a"), ("a/../b", "/b"), ("/", "")]
        {
            assert_eq!(guest_path(Path::new(path)).as_deref(), Ok(guest), "{path}");
        }
    }

    #[test]
    fn directories_are_taken_whole_and_links_stay_links() {
        let host = sample();
        let mut tree = Tree::new();
        tree.add_directory(&host.path().join("a"), Path::new("a")).unwrap();
        assert_eq!(paths(&tree), ["", "/a", "/a/deep", "/a/deep/z.html", "/a/link", "/a/x.html", "/a/y.css"]);
        let link = tree.entries().find(|entry| entry.path == "/a/link").unwrap();
        assert_eq!((link.mode & 0o170000, link.data), (0o120000, &b"x.html"[..]));
    }

    #[test]
    fn mapped_files_are_chosen_by_name_in_every_directory() {
        let host = sample();
        let pattern = |name: &str| format!("{}/a/{name}", host.path().display());
        let mut tree = Tree::new();
        tree.add_mapped(&pattern("*.html"), Path::new("/www")).unwrap();
        assert_eq!(paths(&tree), ["", "/www", "/www/deep", "/www/deep/z.html", "/www/x.html"]);
        let mut tree = Tree::new();
        tree.add_mapped(&pattern("*"), Path::new("/")).unwrap();
        assert_eq!(paths(&tree), ["", "/deep", "/deep/z.html", "/link", "/x.html", "/y.css"]);
    }

    #[test]
    fn a_file_brings_its_directories() {
        let host = sample();
        let mut tree = Tree::new();
        tree.add_file(&host.path().join("a/link"), Path::new("/etc/conf/x")).unwrap();
        let entries: Vec<_> = tree.entries().map(|entry| (entry.path, entry.mode & 0o170000)).collect();
        assert_eq!(entries, [("", 0o040000), ("/etc", 0o040000), ("/etc/conf", 0o040000), ("/etc/conf/x", 0o100000)]);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let mut tree = Tree::new();
        let error = tree.add_file(Path::new("/nowhere/x"), Path::new("x")).unwrap_err();
        assert!(error.to_string().starts_with("/nowhere/x: "), "{error}");
        let error = tree.add_file(Path::new("/"), Path::new("x")).unwrap_err();
        assert!(error.to_string().contains("`Dirs`"), "{error}");
        let error = tree.add_file(Path::new("/dev/zero"), Path::new("x")).unwrap_err();
        assert!(error.to_string().contains("no regular file"), "{error}");
    }

    #[test]
    fn a_file_cannot_be_a_directory_too() {
        let mut tree = Tree::new();
        tree.add_program(Path::new("g"), vec![]).unwrap();
        assert!(tree.add_program(Path::new("g/h"), vec![]).is_err());
    }
}
