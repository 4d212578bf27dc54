//! Peers in Rust: crates that hold addresses or prefixes. Without the feature `peers` they are left out.
#[cfg(not(feature = "peers"))]
use crate::contender::Contender;
#[cfg(not(feature = "peers"))]
use crate::entries::{Keys, List};

#[cfg(feature = "peers")]
mod crates;

#[cfg(feature = "peers")]
pub use crates::{Address, add};

#[cfg(not(feature = "peers"))]
pub use crate::address::Address;

/// Says that there are none.
#[cfg(not(feature = "peers"))]
pub fn add<A: Address>(
    _list: &List<A>,
    _hosts: bool,
    _contenders: &mut Vec<Box<dyn Contender<Keys<A>> + '_>>,
    notes: &mut Vec<String>,
) {
    notes.push("hashbrown, prefix-trie, treebitmap: skipped: built without the feature peers".into());
}
