//! A region of the program's memory: what may be done with it, and what its pages hold at first.
use crate::file::File;
use alloc::sync::Arc;
use bitflags::bitflags;
use machine::memory::Access;

bitflags! {
    /// What the program may do with a region; the bits of mmap(2).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Protection: u8 {
        /// Read.
        const READ = 1;
        /// Write.
        const WRITE = 2;
        /// Execute.
        const EXECUTE = 4;
    }
}

impl Protection {
    /// How a page under this protection is mapped; `None`: not at all.
    pub(super) fn access(self) -> Option<Access> {
        if self.contains(Self::WRITE) {
            Some(Access::Write)
        } else if self.contains(Self::EXECUTE) {
            Some(Access::Execute)
        } else {
            self.contains(Self::READ).then_some(Access::Read)
        }
    }

    /// Whether a page is writable or executable, not both.
    pub fn is_exclusive(self) -> bool {
        !self.contains(Self::WRITE | Self::EXECUTE)
    }

    pub(super) fn allows(self, need: Self) -> bool {
        // A page that is mapped can always be read.
        !self.is_empty() && (self | Self::READ).contains(need)
    }
}

/// What a page holds before the program writes to it.
#[derive(Clone)]
pub enum Backing {
    /// Zeroes.
    Zero,
    /// Bytes of a file, the region's first byte at `offset`; from `end` on zeroes, and no page that is wholly behind it.
    File {
        /// The file.
        file: Arc<dyn File>,
        /// Where in the file the region begins.
        offset: u64,
        /// Where in the file its bytes end.
        end: u64,
    },
}

impl Backing {
    pub(super) fn skip(&mut self, bytes: u64) {
        if let Backing::File { offset, .. } = self {
            *offset = offset.saturating_add(bytes);
        }
    }
}

#[derive(Clone)]
pub(super) struct Region {
    pub(super) end: u64,
    pub(super) protection: Protection,
    pub(super) backing: Backing,
    /// It is or was writable: its pages may differ from what backs them.
    pub(super) dirty: bool,
}
