//! Devices, and files that exist only while they are open.
use crate::entropy;
use crate::errno::Errno;
use crate::file::{File, Status};
use alloc::sync::Arc;
use alloc::vec::Vec;
use linux_raw_sys::general as linux;

/// A device (null(4), full(4), random(4)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Device {
    Null,
    Zero,
    Full,
    Random,
    Terminal,
}

impl Device {
    /// Its number: major and minor.
    pub fn number(self) -> u64 {
        if self == Device::Terminal {
            return 5 << 8;
        }
        let minor = match self {
            Device::Null => 3,
            Device::Zero => 5,
            Device::Full => 7,
            Device::Random | Device::Terminal => 9,
        };
        1 << 8 | minor
    }

    pub(super) fn read(self, buffer: &mut [u8]) -> Result<usize, Errno> {
        match self {
            Device::Null => return Ok(0),
            Device::Zero | Device::Full => buffer.fill(0),
            Device::Random => entropy::fill(buffer),
            Device::Terminal => return Err(Errno::ENXIO),
        }
        Ok(buffer.len())
    }

    pub(super) fn write(self, bytes: &[u8]) -> Result<usize, Errno> {
        if self == Device::Full { Err(Errno::ENOSPC) } else { Ok(bytes.len()) }
    }
}

/// A file that sends what is written to the host, under this kind (see `image::report::kind`).
pub fn output(kind: u8) -> Arc<dyn File> {
    Arc::new(Output(kind))
}

struct Output(u8);

impl File for Output {
    fn write(&self, bytes: &[u8], _offset: u64) -> Result<usize, Errno> {
        machine::report::send(self.0, bytes);
        Ok(bytes.len())
    }

    fn status(&self) -> Status {
        // A pipe: programs that look do not take it for a terminal.
        Status { mode: linux::S_IFIFO | 0o600, inode: u64::from(self.0), links: 1, ..Status::default() }
    }

    fn any(&self) -> &dyn core::any::Any {
        self
    }
}

/// A text that was made when it was opened.
pub struct Snapshot(pub Vec<u8>);

impl File for Snapshot {
    fn read(&self, buffer: &mut [u8], offset: u64) -> Result<usize, Errno> {
        let rest = usize::try_from(offset).ok().and_then(|start| self.0.get(start..)).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..length), rest.get(..length)) {
            to.copy_from_slice(from);
        }
        Ok(length)
    }

    fn status(&self) -> Status {
        Status { mode: linux::S_IFREG | 0o444, size: self.0.len() as u64, links: 1, ..Status::default() }
    }

    fn seekable(&self) -> bool {
        true
    }

    fn any(&self) -> &dyn core::any::Any {
        self
    }
}
