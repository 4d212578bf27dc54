//! Puts the shared libraries into the tree that a program and the other files there need, found as the dynamic linker
//! will look for them (ld.so(8)): RPATH, `LD_LIBRARY_PATH`, RUNPATH, the linker's cache, the usual directories.
//!
//! A library stands in the tree where it was found on the host. What is in the tree already comes first.
use crate::failure::Failure;
use crate::linker_cache;
use crate::object::Object;
use crate::tree::{Tree, guest_path};
use std::collections::{HashMap, HashSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};

/// Where glibc looks at last, Debian's first.
const GLIBC: [&str; 6] =
    ["/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib"];
/// Where musl looks, unless its own file says otherwise.
const MUSL: [&str; 3] = ["/lib", "/usr/local/lib", "/usr/lib"];
const MUSL_PATHS: &str = "/etc/ld-musl-x86_64.path";
/// What glibc opens by itself when a thread is cancelled or ends.
const UNWINDER: &str = "libgcc_s.so.1";

/// What was put into the tree, and what was not found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Libraries {
    /// Paths in the tree, in the order in which they were found; the dynamic linker first.
    pub added: Vec<String>,
    /// What no directory has that a file of the tree other than the program names: the library and the file.
    pub missing: Vec<(String, String)>,
}

/// A program or library whose needs are looked for.
struct Needing {
    object: Object,
    /// Its path in the tree, and its directory on the host and in the tree: `$ORIGIN`.
    path: String,
    origin: (PathBuf, PathBuf),
    /// It is the program, or one that the program needs: without its libraries it does not start.
    required: bool,
}

struct Search<'a> {
    tree: &'a mut Tree,
    /// The program's RPATH, which goes for all; and `LD_LIBRARY_PATH`.
    program_rpath: Vec<(PathBuf, PathBuf)>,
    library_path: Vec<PathBuf>,
    usual: Vec<PathBuf>,
    cache: HashMap<String, String>,
    cache_used: bool,
    found: HashSet<String>,
    libraries: Libraries,
}

/// Adds what the program at `host`, which stands at `guest` in the tree, needs, and what the other files of the tree need.
/// An error names everything without which the program cannot start.
pub fn add(tree: &mut Tree, host: &Path, guest: &str, env: &[String]) -> Result<Libraries, Failure> {
    let program = tree.data(guest).and_then(Object::parse).unwrap_or_default();
    let others = objects_of(tree, guest);
    let linker = program.linker.clone().or_else(|| others.iter().find_map(|other| other.object.linker.clone()));
    let Some(linker) = linker else { return Ok(Libraries::default()) };
    let origin = (parent(host), parent(Path::new(guest)));
    let mut search = Search::new(tree, &linker, env, expand(&program.rpath, &origin));
    search.add_linker(&linker, guest)?;
    // The program's own first: what it cannot start without is not taken for another's need.
    search.follow(vec![Needing { object: program, path: guest.to_string(), origin, required: true }])?;
    search.follow(others)?;
    search.add_unwinder();
    search.add_cache();
    Ok(search.libraries)
}

impl<'a> Search<'a> {
    fn new(tree: &'a mut Tree, linker: &str, env: &[String], program_rpath: Vec<(PathBuf, PathBuf)>) -> Self {
        let musl = linker.rsplit('/').next().is_some_and(|name| name.starts_with("ld-musl-"));
        let library_path = env.iter().rev().find_map(|variable| variable.strip_prefix("LD_LIBRARY_PATH="));
        let library_path = library_path.unwrap_or_default().split([':', ';']);
        let usual = match fs::read_to_string(MUSL_PATHS) {
            Ok(paths) if musl => paths.split([':', '\n']).map(PathBuf::from).collect(),
            _ if musl => MUSL.iter().map(PathBuf::from).collect(),
            _ => GLIBC.iter().map(PathBuf::from).collect(),
        };
        let cache = if musl { Vec::new() } else { fs::read(linker_cache::PATH).unwrap_or_default() };
        Search {
            tree,
            program_rpath,
            library_path: library_path.filter(|path| !path.is_empty()).map(PathBuf::from).collect(),
            usual,
            cache: linker_cache::parse(&cache),
            cache_used: false,
            found: HashSet::new(),
            libraries: Libraries::default(),
        }
    }

    fn add_linker(&mut self, linker: &str, program: &str) -> Result<(), Failure> {
        if self.tree.data(linker).is_none() {
            let add = self.tree.add_file(Path::new(linker), Path::new(linker));
            add.map_err(|error| {
                Failure::NotExecutable(format!("{program}: its dynamic linker is missing on this host: {error}"))
            })?;
            self.libraries.added.push(linker.to_string());
        }
        // Libraries name it, too.
        self.found.extend(linker.rsplit('/').next().map(str::to_string));
        Ok(())
    }

    fn follow(&mut self, objects: Vec<Needing>) -> Result<(), Failure> {
        let mut queue = VecDeque::from(objects);
        let mut lacking = Vec::new();
        while let Some(needing) = queue.pop_front() {
            for name in &needing.object.needed {
                if self.found.contains(name) {
                    continue;
                }
                match self.find(name, &needing) {
                    Some(library) => queue.push_back(library),
                    None if needing.required => lacking.push(format!("{name}, which {} needs", needing.path)),
                    None => {
                        self.libraries.missing.push((name.clone(), needing.path.clone()));
                        continue;
                    }
                }
                self.found.insert(name.clone());
            }
        }
        if lacking.is_empty() {
            return Ok(());
        }
        Err(Failure::NotExecutable(format!(
            "shared libraries are missing on this host:\n  {}\n\
             Install them, name them in `Files`, or their directory in `LD_LIBRARY_PATH` of `Env`.",
            lacking.join("\n  ")
        )))
    }

    /// Finds a library, puts it into the tree, and gives it with its own needs.
    fn find(&mut self, name: &str, needing: &Needing) -> Option<Needing> {
        if name.contains('/') {
            let path = Path::new(name);
            return self.take(path, path, needing);
        }
        let mut first = expand(&needing.object.rpath, &needing.origin);
        first.extend(self.program_rpath.iter().cloned());
        first.extend(self.library_path.iter().map(|path| (path.clone(), path.clone())));
        first.extend(expand(&needing.object.runpath, &needing.origin));
        let found = first.iter().find_map(|(host, guest)| self.take(&host.join(name), &guest.join(name), needing));
        if found.is_some() {
            return found;
        }
        if let Some(path) = self.cache.get(name).map(PathBuf::from)
            && let Some(found) = self.take(&path, &path, needing)
        {
            self.cache_used = true;
            return Some(found);
        }
        let usual: Vec<PathBuf> = self.usual.iter().map(|directory| directory.join(name)).collect();
        usual.iter().find_map(|path| self.take(path, path, needing))
    }

    /// The library of this path, from the tree or else from the host; `None` if it is none for this machine.
    fn take(&mut self, host: &Path, guest: &Path, needing: &Needing) -> Option<Needing> {
        let path = guest_path(guest).ok()?;
        let object = match self.tree.data(&path) {
            Some(data) => Object::parse(data)?,
            None => {
                let object = Object::parse(&fs::read(host).ok()?)?;
                self.tree.add_file(host, guest).ok()?;
                self.libraries.added.push(path.clone());
                object
            }
        };
        let origin = (parent(host), parent(guest));
        Some(Needing { object, path, origin, required: needing.required })
    }

    /// The C library opens it only when it needs it, and ends the program if it is not there.
    fn add_unwinder(&mut self) {
        if self.found.contains("libc.so.6") && !self.found.contains(UNWINDER) {
            let nobody =
                Needing { object: Object::default(), path: String::new(), origin: Default::default(), required: false };
            // Without it most programs run all the same.
            let _ = self.find(UNWINDER, &nobody);
        }
    }

    /// The linker finds there what the cache of the host told.
    fn add_cache(&mut self) {
        if self.cache_used && self.tree.data(linker_cache::PATH).is_none() {
            let path = Path::new(linker_cache::PATH);
            // It was read a moment ago; without it the linker looks in the usual directories.
            let _ = self.tree.add_file(path, path);
        }
    }
}

/// The programs and libraries of the tree, but for the program itself.
fn objects_of(tree: &Tree, program: &str) -> Vec<Needing> {
    let entries = tree.entries().filter(|entry| entry.path != program);
    let needing = entries.filter_map(|entry| {
        let object = Object::parse(entry.data).filter(|object| !object.needed.is_empty())?;
        let directory = parent(Path::new(entry.path));
        Some(Needing { object, path: entry.path.to_string(), origin: (directory.clone(), directory), required: false })
    });
    needing.collect()
}

/// Directories of a RPATH or RUNPATH, on the host and in the tree.
fn expand(paths: &[String], origin: &(PathBuf, PathBuf)) -> Vec<(PathBuf, PathBuf)> {
    let with = |path: &str, origin: &Path| {
        let mut path = path.to_string();
        let words = [("ORIGIN", &*origin.to_string_lossy()), ("LIB", "lib/x86_64-linux-gnu"), ("PLATFORM", "x86_64")];
        for (word, value) in words {
            path = path.replace(&format!("${{{word}}}"), value).replace(&format!("${word}"), value);
        }
        PathBuf::from(path)
    };
    paths.iter().map(|path| (with(path, &origin.0), with(path, &origin.1))).collect()
}

/// The directory that a path is in.
fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

#[cfg(test)]
mod tests;
