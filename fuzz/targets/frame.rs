//! Any bytes as a frame: it is parsed or refused, and what was found holds together.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| policy::generate::properties::parse_frame(bytes));
