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
        match (self.contains(Self::WRITE), self.contains(Self::EXECUTE)) {
            (true, true) => Some(Access::WriteExecute),
            (true, false) => Some(Access::Write),
            (false, true) => Some(Access::Execute),
            (false, false) => self.contains(Self::READ).then_some(Access::Read),
        }
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
    /// Bytes of a file, the region's first byte at `offset`; from `end` on zeroes, and no page that is wholly behind it or
    /// behind the end of the file. What the program writes is its own.
    File {
        /// The file.
        file: Arc<dyn File>,
        /// Where in the file the region begins.
        offset: u64,
        /// Where in the file its bytes end.
        end: u64,
    },
    /// The file's own pages, the region's first byte at `offset`: what is written to them is in the file.
    Shared {
        /// The file.
        file: Arc<dyn File>,
        /// Where in the file the region begins.
        offset: u64,
    },
}

impl Backing {
    pub(super) fn skip(&mut self, bytes: u64) {
        if let Backing::File { offset, .. } | Backing::Shared { offset, .. } = self {
            *offset = offset.saturating_add(bytes);
        }
    }

    /// The file and the offset in it where the region begins.
    pub fn file(&self) -> Option<(&Arc<dyn File>, u64)> {
        match self {
            Backing::Zero => None,
            Backing::File { file, offset, .. } | Backing::Shared { file, offset } => Some((file, *offset)),
        }
    }

    /// Whether what is written to it is seen by others.
    pub fn is_shared(&self) -> bool {
        matches!(self, Backing::Shared { .. })
    }
}

/// A part of the program's memory.
#[derive(Clone)]
pub struct Region {
    /// Where it ends.
    pub end: u64,
    /// What the program may do with it.
    pub protection: Protection,
    /// What mprotect(2) may let it do: the file of a shared one may be open for reading alone.
    pub(super) allowed: Protection,
    /// What its pages hold at first.
    pub backing: Backing,
}
