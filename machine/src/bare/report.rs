//! The port to the host: QEMU's `isa-debugcon`. Where there is none, text goes to the serial port instead.
use spin::{Mutex, Once};
use x86_64::instructions::port::Port;

const PORT: u16 = 0xe9;
/// What a debug console answers when read.
const PRESENT: u8 = 0xe9;
const SERIAL: u16 = 0x3f8;

static FOUND: Once<bool> = Once::new();
/// Keeps frames whole.
static SENDING: Mutex<()> = Mutex::new(());

/// Sends a frame; `bytes` are at most 65,535.
pub fn send(kind: u8, bytes: &[u8]) {
    // SAFETY: reading the debug console's port changes nothing, whether there is one or not.
    let found = *FOUND.call_once(|| unsafe { Port::<u8>::new(PORT).read() } == PRESENT);
    let _whole = SENDING.lock();
    if found {
        let length = (bytes.len() as u16).to_le_bytes();
        write(PORT, &[kind, length[0], length[1]]);
        write(PORT, bytes);
    } else if kind != REPORT {
        serial(bytes);
        serial(b"\n");
    }
}

/// The kind of frame that is not text: of no use on a serial port (the crate `image`, `report::kind::REPORT`).
const REPORT: u8 = 4;

fn write(port: u16, bytes: &[u8]) {
    // SAFETY: the instruction reads `bytes.len()` bytes from `bytes`, and writes them to a port that only takes text.
    unsafe {
        core::arch::asm!(
            "rep outsb",
            in("dx") port, inout("rcx") bytes.len() => _, inout("rsi") bytes.as_ptr() => _,
            options(readonly, nostack, preserves_flags),
        );
    }
}

/// Writes to the serial port, as far as it takes bytes.
pub fn serial(bytes: &[u8]) {
    write(SERIAL, bytes);
}
