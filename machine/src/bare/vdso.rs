//! What the program reads the clock with: an image that `build.rs` made of `vdso/`.
pub static IMAGE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/vdso.so"));
