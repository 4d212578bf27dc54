//! Where the kernel and the examples are: beside this executable, as `./portcullis` builds them.
use crate::failure::Failure;
use std::path::PathBuf;

/// The kernel's file; the variable `PORTCULLIS_KERNEL` names another.
pub fn kernel() -> Result<PathBuf, Failure> {
    let kernel = match std::env::var_os("PORTCULLIS_KERNEL") {
        Some(path) => PathBuf::from(path),
        None => build_directory()?.join("kernel").join("portcullis-kernel"),
    };
    if kernel.is_file() {
        return Ok(kernel);
    }
    Err(Failure::CannotBoot(format!("the kernel is missing: {} (./portcullis builds it)", kernel.display())))
}

/// The directory of the bundled examples.
pub fn examples() -> Result<PathBuf, Failure> {
    Ok(build_directory()?.join("static").join("release"))
}

/// Cargo's target directory: two levels above `release/portcullis`.
fn build_directory() -> Result<PathBuf, Failure> {
    let lost = |why: String| Failure::CannotBoot(format!("where this program is cannot be told: {why}"));
    let executable = std::env::current_exe().map_err(|error| lost(error.to_string()))?;
    let directory = executable.parent().and_then(|directory| directory.parent());
    Ok(directory.ok_or_else(|| lost(executable.display().to_string()))?.to_path_buf())
}
