//! Linux programs to run in a machine: those of `tests/programs`, built by the host's C compiler, and the host's own.
use crate::launch::target_folder;
use crate::{Result, ensure};
use std::collections::HashMap;
use std::ffi::OsStr;
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

/// A program of `tests/programs` that needs a loader and goes to a fixed address.
pub fn fixed(name: &str) -> Result<PathBuf> {
    compiled(name, &format!("{name}-fixed"), &["-no-pie"])
}

/// A program in this folder that needs a library which is not on this host any more.
pub fn lacking_library(folder: &Path) -> Result<PathBuf> {
    let (library, program) = (folder.join("libgone.so.1"), folder.join("program"));
    let compile = |source: &str, arguments: &[&OsStr]| -> Result {
        let file = folder.join("source.c");
        std::fs::write(&file, source)?;
        let result = Command::new("gcc").arg(&file).args(arguments).output()?;
        ensure!(result.status.success(), "{}", String::from_utf8_lossy(&result.stderr));
        Ok(())
    };
    let flags = ["-shared", "-Wl,-soname,libgone.so.1", "-o"].map(OsStr::new);
    compile("int gone(void) { return 0; }", &[&flags[..], &[library.as_os_str()]].concat())?;
    let arguments = [library.as_os_str(), OsStr::new("-o"), program.as_os_str()];
    compile("int gone(void); int main(void) { return gone(); }", &arguments)?;
    std::fs::remove_file(&library)?;
    Ok(program)
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
