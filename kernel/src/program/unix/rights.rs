//! Open files on their way from one socket to another (SCM_RIGHTS).
//!
//! A socket can be on its way into itself: nobody would ever take it out. So how many are on their way is bounded.
use crate::errno::Errno;
use crate::program::descriptors::Open;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use spin::Mutex;

/// The most that one message carries (Linux: SCM_MAX_FD).
pub const MOST: usize = 253;
/// The most that are on their way, and how many of them may be sockets of this family.
const MOST_ALL: usize = 4096;
const MOST_SOCKETS: usize = 256;

static ALL: AtomicUsize = AtomicUsize::new(0);
static SOCKETS: AtomicUsize = AtomicUsize::new(0);

/// Open files that one message carries.
#[derive(Default)]
pub struct Rights(Vec<Arc<Open>>);

fn count_sockets(files: &[Arc<Open>]) -> usize {
    files.iter().filter(|open| super::of(&*open.file).is_some()).count()
}

impl Rights {
    /// Sends these; `ETOOMANYREFS` if too many are on their way.
    pub fn new(files: Vec<Arc<Open>>) -> Result<Self, Errno> {
        let rights = Rights(files);
        let sockets = count_sockets(&rights.0);
        let all = ALL.fetch_add(rights.0.len(), Ordering::Relaxed) + rights.0.len();
        let sockets = SOCKETS.fetch_add(sockets, Ordering::Relaxed) + sockets;
        if !rights.is_empty() && (all > MOST_ALL || sockets > MOST_SOCKETS) {
            return Err(Errno::ETOOMANYREFS);
        }
        Ok(rights)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// They have arrived.
    pub fn take(mut self) -> Vec<Arc<Open>> {
        self.arrive()
    }

    /// Others that mean the same (MSG_PEEK).
    pub fn copy(&self) -> Result<Self, Errno> {
        Rights::new(self.0.clone())
    }

    fn arrive(&mut self) -> Vec<Arc<Open>> {
        ALL.fetch_sub(self.0.len(), Ordering::Relaxed);
        SOCKETS.fetch_sub(count_sockets(&self.0), Ordering::Relaxed);
        core::mem::take(&mut self.0)
    }
}

impl Drop for Rights {
    fn drop(&mut self) {
        let files = self.arrive();
        if !files.is_empty() {
            close(files);
        }
    }
}

/// Closes files, of which each may hold others: one after the other, not one in the other.
fn close(files: Vec<Arc<Open>>) {
    static TO_CLOSE: Mutex<Vec<Arc<Open>>> = Mutex::new(Vec::new());
    static CLOSING: AtomicBool = AtomicBool::new(false);
    TO_CLOSE.lock().extend(files);
    if CLOSING.swap(true, Ordering::Acquire) {
        return;
    }
    loop {
        let next = TO_CLOSE.lock().pop();
        let Some(open) = next else { break };
        drop(open);
    }
    CLOSING.store(false, Ordering::Release);
}
