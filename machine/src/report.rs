//! Bytes to the host: the program's output, log lines and reports, each under a kind (see the crate `image`, `report`).

/// Sends `bytes` to the host as frames of this kind: `[kind: u8][length: u16 LE][bytes]`, split where they are longer.
pub fn send(kind: u8, bytes: &[u8]) {
    for part in bytes.chunks(u16::MAX as usize) {
        crate::hardware::report::send(kind, part);
    }
}

#[cfg(not(feature = "bare"))]
pub use crate::hardware::report::take;
