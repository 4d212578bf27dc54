//! Sets in sets: no rings, and no towers (epoll_ctl(2), ELOOP).
use super::Epoll;
use crate::errno::Errno;
use crate::program::descriptors::Open;
use alloc::collections::BTreeMap;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;

/// How many sets may stand in each other (Linux: EP_MAX_NESTS and the set itself).
const MOST_NESTED: usize = 5;
/// How many sets one may have in it, and be in: each look at it looks at all of them.
const MOST_SETS: usize = 16;

/// Whether `inner`, a set, may be put into the set `outer`.
pub fn check(outer: &Arc<Open>, inner: &Arc<Open>) -> Result<(), Errno> {
    if sets_in(outer).len() >= MOST_SETS || inner.watchers.lock().len() >= MOST_SETS {
        return Err(Errno::EINVAL);
    }
    let depth = depth(inner, outer, MOST_NESTED, &mut BTreeMap::new())?;
    if depth + height(outer, MOST_NESTED)? > MOST_NESTED {
        return Err(Errno::ELOOP);
    }
    Ok(())
}

fn sets_in(open: &Arc<Open>) -> Vec<Arc<Open>> {
    let set: Option<&Epoll> = open.file.any().downcast_ref();
    let members = set.map(Epoll::members).unwrap_or_default();
    members.into_iter().filter(|member| member.file.any().is::<Epoll>()).collect()
}

/// How many sets stand in each other from `open` on; `ELOOP` if `target` is among them. `known` has those looked at.
fn depth(
    open: &Arc<Open>,
    target: &Arc<Open>,
    most: usize,
    known: &mut BTreeMap<usize, usize>,
) -> Result<usize, Errno> {
    if Arc::ptr_eq(open, target) || most == 0 {
        return Err(Errno::ELOOP);
    }
    if let Some(depth) = known.get(&Arc::as_ptr(open).addr()) {
        return Ok(*depth);
    }
    let mut deepest = 0;
    for inner in sets_in(open) {
        deepest = deepest.max(depth(&inner, target, most - 1, known)?);
    }
    known.insert(Arc::as_ptr(open).addr(), deepest + 1);
    Ok(deepest + 1)
}

/// How many sets `open` stands in, one in the other, itself included.
fn height(open: &Arc<Open>, most: usize) -> Result<usize, Errno> {
    if most == 0 {
        return Err(Errno::ELOOP);
    }
    let mut highest = 0;
    let parents: Vec<_> = open.watchers.lock().iter().filter_map(Weak::upgrade).collect();
    for parent in parents {
        let Some(shared) = parent.shared.upgrade() else { continue };
        let own = shared.own.lock().upgrade();
        if let Some(own) = own {
            highest = highest.max(height(&own, most - 1)?);
        }
    }
    Ok(highest + 1)
}
