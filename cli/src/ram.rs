//! Files without a name, for QEMU: the machine's memory with the image in it, so that it is nowhere twice and what the
//! program never reads of it is never copied; or the image alone, for machines whose firmware works in memory that it
//! calls free (SeaBIOS does), which must have the image loaded after it.
use crate::args::Machine;
use crate::bundle::{Bundle, PackError};
use crate::memory;
use rustix::fs::{MemfdFlags, memfd_create};
use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom};
use std::os::fd::AsRawFd;
use std::path::PathBuf;

/// Where the image begins, in bytes: behind the kernel, which is linked at 1 MiB.
const IMAGE: u64 = 8 << 20;
/// QEMU's machines have their first memory up to here at least, if they have so much.
const FIRST: u64 = 2 << 30;
/// What is left free behind the image: QEMU puts tables of its own at the end of the first memory.
const TABLES: u64 = 2 << 20;
/// The smallest step of a machine's memory.
const STEP: u64 = 1 << 20;

/// Memory and an image. It is gone when this and QEMU are, however they end.
#[derive(Debug)]
pub struct Ram {
    file: File,
    /// Where in the file the image begins.
    start: Option<u64>,
    /// The memory's size in bytes.
    pub size: u64,
    /// The length of the image in bytes.
    pub length: u64,
}

/// Where QEMU and the kernel find the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the memory, whose file this is: the address of its first byte, and its length in bytes.
    Memory(PathBuf, u64, u64),
    /// In this file, which the firmware loads.
    File(PathBuf),
}

/// Why there is no memory with the image.
#[derive(Debug)]
pub enum RamError {
    /// The host gives no memory.
    Host(io::Error),
    /// The image cannot be made.
    Pack(PackError),
    /// The image, of this length, leaves nothing of a memory of this size.
    TooSmall { length: u64, size: u64 },
}

impl fmt::Display for RamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RamError::Host(error) => write!(f, "the machine's memory cannot be had: {error}"),
            RamError::Pack(error) => error.fmt(f),
            RamError::TooSmall { length, size } => {
                let (image, size) = (memory::show(*length), memory::show(*size));
                write!(f, "the image ({image}) does not fit into {size} of memory with the kernel; ")?;
                match least(*length) {
                    least if least <= FIRST => write!(f, "`-m` gives more: {}M is the least", least >> 20),
                    _ => write!(f, "more than {} cannot be booted", memory::show(FIRST - IMAGE - TABLES)),
                }
            }
        }
    }
}

impl std::error::Error for RamError {}

/// The least memory that an image of this length leaves room in, for the kernel before it and the tables behind it.
fn least(length: u64) -> u64 {
    (IMAGE + length + TABLES).next_multiple_of(STEP)
}

impl Ram {
    /// Memory of `size` bytes, rounded up to MiB, for a machine of this kind, with the image of `bundle`.
    pub fn with_image(bundle: &Bundle, size: u64, machine: Machine) -> Result<Self, RamError> {
        let size = size.next_multiple_of(STEP);
        let mut file = File::from(
            memfd_create("portcullis", MemfdFlags::CLOEXEC).map_err(io::Error::from).map_err(RamError::Host)?,
        );
        let start = (machine == Machine::Microvm).then_some(IMAGE);
        file.seek(SeekFrom::Start(start.unwrap_or(0))).map_err(RamError::Host)?;
        let mut out = BufWriter::new(file);
        let length = bundle.pack(&mut out).map_err(RamError::Pack)? as u64;
        let file = out.into_inner().map_err(|error| RamError::Host(error.into_error()))?;
        if least(length) > size.min(FIRST) {
            return Err(RamError::TooSmall { length, size });
        }
        if start.is_some() {
            file.set_len(size).map_err(RamError::Host)?;
        }
        Ok(Ram { file, start, size, length })
    }

    /// Where it is, as long as this is there.
    pub fn place(&self) -> Place {
        let path = format!("/proc/{}/fd/{}", std::process::id(), self.file.as_raw_fd()).into();
        match self.start {
            Some(start) => Place::Memory(path, start, self.length),
            None => Place::File(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use policy::config;
    use std::os::unix::fs::FileExt;
    use std::path::Path;

    fn bundle() -> Bundle {
        let (config, _) = config::parse("{}").unwrap();
        Bundle::gather(&config, &[], Path::new("/proc/self/exe"), Path::new("/")).unwrap()
    }

    #[test]
    fn the_image_stands_in_the_memory_where_its_place_says() {
        let bundle = bundle();
        let mut image = Vec::new();
        bundle.pack(&mut image).unwrap();
        let size = least(image.len() as u64) + 1;
        let ram = Ram::with_image(&bundle, size, Machine::Microvm).unwrap();
        assert_eq!((ram.size, ram.length), (size - 1 + STEP, image.len() as u64));
        assert_eq!(ram.file.metadata().unwrap().len(), ram.size);
        let Place::Memory(path, start, length) = ram.place() else { panic!("it is not in the memory") };
        assert_eq!(length, ram.length);
        let mut there = vec![0; image.len()];
        File::open(&path).unwrap().read_exact_at(&mut there, start).unwrap();
        assert!(there == image);
        let Place::File(path) = Ram::with_image(&bundle, size, Machine::Q35).unwrap().place() else { panic!("it is") };
        assert!(path.starts_with("/proc"));
    }

    #[test]
    fn a_memory_too_small_is_refused_with_the_least_that_would_do() {
        let bundle = bundle();
        let Err(error) = Ram::with_image(&bundle, 9 << 20, Machine::Microvm) else { panic!("it fits") };
        let text = error.to_string();
        assert!(text.contains("9 MiB of memory") && text.contains("`-m` gives more: "), "{text}");
        let least = text.split("more: ").nth(1).and_then(|rest| rest.split('M').next()).unwrap();
        assert!(Ram::with_image(&bundle, least.parse::<u64>().unwrap() << 20, Machine::Microvm).is_ok());
    }
}
