//! Any bytes as a policy and changes to it: the patched table decides as the changed rules read.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| policy::generate::properties::judge_changed(bytes));
