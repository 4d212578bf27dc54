//! Linux programs to run in a machine: those of `tests/programs`, built by the host's C compiler, and the host's own.
use crate::launch::target_folder;
use crate::{Result, ensure};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// Where Debian's package `busybox-static` installs it.
pub const BUSYBOX: &str = "/bin/busybox";

/// A program of `tests/programs`, linked statically.
pub fn built(name: &str) -> Result<PathBuf> {
    compiled(name, name, &["-static"])
}

/// A program of `tests/programs`, linked as this host links by default: it needs a loader.
pub fn dynamic(name: &str) -> Result<PathBuf> {
    compiled(name, &format!("{name}-dynamic"), &[])
}

fn compiled(source: &str, name: &str, flags: &[&str]) -> Result<PathBuf> {
    static BUILT: Mutex<Option<HashMap<String, PathBuf>>> = Mutex::new(None);
    // Held over the compiler's run: each program is built once.
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let built = built.get_or_insert_default();
    if let Some(path) = built.get(name) {
        return Ok(path.clone());
    }
    let folder = target_folder()?.join("programs");
    std::fs::create_dir_all(&folder)?;
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs").join(source).with_extension("c");
    let output = folder.join(name);
    let mut compiler = Command::new("gcc");
    compiler.args(["-std=gnu17", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread"]).args(flags);
    compiler.arg(&source).arg("-o").arg(&output);
    let result = compiler.output().map_err(|error| format!("gcc (Debian: gcc and libc6-dev): {error}"))?;
    ensure!(result.status.success(), "{compiler:?}: {}", String::from_utf8_lossy(&result.stderr));
    built.insert(name.to_owned(), output.clone());
    Ok(output)
}
