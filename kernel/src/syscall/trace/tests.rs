//! Calls as text, as strace(1) has them.
use super::*;
use crate::syscall::table;
use std::vec::Vec;

#[test]
fn every_call_that_is_served_has_a_signature() {
    let missing: Vec<_> = table::ALL.iter().filter(|entry| signatures::of_call(entry.name).is_none()).collect();
    assert!(missing.is_empty(), "kernel/src/syscall/trace/signatures.rs lacks {missing:?}");
}
