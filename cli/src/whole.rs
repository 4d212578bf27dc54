//! Files that appear whole or not at all.
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Writes a file that appears whole or not at all.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // A rename would put a file in the place of a device or a pipe.
    if path.metadata().is_ok_and(|there| !there.is_file() && !there.is_dir()) {
        return Err(io::Error::other("is no regular file; name one, or a path where nothing is"));
    }
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Readable for all, as any file that is made, less what the umask takes.
    let mode = std::fs::Permissions::from_mode(0o666);
    let file = tempfile::Builder::new().permissions(mode).tempfile_in(directory);
    // Its own message names a file that nobody asked for.
    let mut file = file.map_err(|error| io::Error::other(format!("{}: {}", directory.display(), error.kind())))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_whole_and_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("image");
        write(&path, b"old").unwrap();
        write(&path, b"new").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_no_file_is_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("image");
        let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        assert!(write(&path, b"new").unwrap_err().to_string().contains("no regular file"));
        assert!(!path.metadata().unwrap().is_file());
    }

    #[test]
    fn a_file_that_cannot_appear_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("image");
        std::fs::create_dir(&path).unwrap();
        assert!(write(&path, b"new").is_err());
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
        let error = write(&directory.path().join("nowhere/image"), b"new").unwrap_err().to_string();
        assert!(error.ends_with("/nowhere: entity not found"), "{error}");
    }
}
