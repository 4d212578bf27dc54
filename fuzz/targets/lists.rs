//! Any bytes as sets of addresses: they are decoded or refused, and looking an address up does not panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| policy::generate::properties::look_up(bytes));
