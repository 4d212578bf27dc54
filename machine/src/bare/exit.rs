//! The end of the machine.
use x86_64::instructions::{hlt, port::Port};

const DEBUG_EXIT: u16 = 0xf4;
const KEYBOARD_CONTROLLER: u16 = 0x64;
const RESET: u8 = 0xfe;

/// Ends the machine: by QEMU's `isa-debug-exit` where there is one (its process exits with `code * 2 + 1`), else by a
/// reset, which a monitor started without reboot takes as the end.
pub fn exit(code: u8) -> ! {
    // SAFETY: the first ends the machine or does nothing, the second resets it.
    unsafe {
        Port::<u32>::new(DEBUG_EXIT).write(code.into());
        Port::<u8>::new(KEYBOARD_CONTROLLER).write(RESET);
    }
    loop {
        hlt();
    }
}
