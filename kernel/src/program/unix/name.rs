//! Names of sockets: a path in the tree, or a name that only sockets have (unix(7), abstract sockets).
use super::{Kind, Socket};
use crate::errno::Errno;
use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry;
use alloc::format;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};
use spin::Mutex;

/// How many names autobind tries, as Linux has them: five hexadecimal digits.
const AUTOMATIC: u32 = 1 << 20;

/// What a socket is called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Name {
    /// Nothing.
    #[default]
    None,
    /// A path, as it was given.
    Path(Vec<u8>),
    /// A name outside of the tree.
    Abstract(Vec<u8>),
}

/// By what a socket is found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Address {
    /// The node in the tree: it can be moved, and have more than one name.
    Node(u64),
    /// A name outside of the tree; each kind of sockets has its own.
    Abstract(Kind, Vec<u8>),
}

/// Every socket that can be found.
#[derive(Default)]
pub struct Names {
    sockets: Mutex<BTreeMap<Address, Weak<Socket>>>,
    next: AtomicU32,
}

impl Names {
    /// The socket at this address, if it is open.
    pub fn find(&self, address: &Address) -> Result<Arc<Socket>, Errno> {
        self.sockets.lock().get(address).and_then(Weak::upgrade).ok_or(Errno::ECONNREFUSED)
    }

    pub(super) fn add(&self, address: Address, socket: &Arc<Socket>) -> Result<(), Errno> {
        match self.sockets.lock().entry(address) {
            Entry::Occupied(_) => Err(Errno::EADDRINUSE),
            Entry::Vacant(place) => {
                place.insert(Arc::downgrade(socket));
                Ok(())
            }
        }
    }

    pub(super) fn remove(&self, address: &Address) {
        self.sockets.lock().remove(address);
    }

    /// A name that nobody has, for a socket that needs one.
    pub fn free_name(&self, kind: Kind) -> Result<Vec<u8>, Errno> {
        for _ in 0..AUTOMATIC {
            let number = self.next.fetch_add(1, Ordering::Relaxed) % AUTOMATIC;
            let name = format!("{number:05x}").into_bytes();
            if !self.sockets.lock().contains_key(&Address::Abstract(kind, name.clone())) {
                return Ok(name);
            }
        }
        Err(Errno::ENOSPC)
    }
}
