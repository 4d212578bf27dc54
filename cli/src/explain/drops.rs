//! A copy of a capture file with some of its packets.
use crate::failure::Failure;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The copy, in the format of the file and with all that it says of a packet, byte for byte.
pub struct Drops {
    path: PathBuf,
    file: BufWriter<File>,
}

impl Drops {
    /// Begins the copy, which must not be the file itself.
    pub fn create(path: &Path, source: &Path) -> Result<Self, Failure> {
        let identity = |path: &Path| std::fs::metadata(path).map(|file| (file.dev(), file.ino())).ok();
        if identity(path).is_some_and(|copy| identity(source) == Some(copy)) {
            let path = path.display();
            return Err(Failure::Usage(format!("{path}: this is the file that is read; name another for `--drops`")));
        }
        let file = File::create(path).map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))?;
        Ok(Self { path: path.into(), file: BufWriter::new(file) })
    }

    /// Adds what stands in the file.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.file.write_all(bytes).map_err(|error| Failure::Usage(format!("{}: {error}", self.path.display())))
    }

    /// Ends the copy.
    pub fn finish(mut self) -> Result<(), Failure> {
        self.file.flush().map_err(|error| Failure::Usage(format!("{}: {error}", self.path.display())))
    }
}
