//! Any bytes as a policy and frames: the compiled table decides as the rules read.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| policy::generate::properties::judge_frame(bytes));
