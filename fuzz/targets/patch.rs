//! Any bytes as a patch to a compiled policy: it is decoded or refused, and deciding by it does not panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| policy::generate::properties::decode_patch(bytes));
