//! The program's side of the machine: its registers, and running it in ring 3.
use crate::hardware::fpu::{LEGACY, Legacy};
use crate::memory::Tables;
use core::time::Duration;

/// The state of a thread of the program that the kernel keeps while it is not running.
/// `rax` holds the number of a system call, and takes its result; the arguments are in
/// `rdi rsi rdx r10 r8 r9` (psABI x86-64, A.2.1).
#[derive(Clone, Debug)]
#[repr(C, align(16))]
#[allow(missing_docs)] // The names are the processor's.
pub struct Registers {
    /// xmm0 to xmm15.
    pub(crate) sse: [u8; 256],
    pub rax: u64,
    pub rbx: u64,
    pub rcx: u64,
    pub rdx: u64,
    pub rsi: u64,
    pub rdi: u64,
    pub rbp: u64,
    pub rsp: u64,
    pub r8: u64,
    pub r9: u64,
    pub r10: u64,
    pub r11: u64,
    pub r12: u64,
    pub r13: u64,
    pub r14: u64,
    pub r15: u64,
    pub rip: u64,
    pub rflags: u64,
    pub fs_base: u64,
    pub gs_base: u64,
    /// The x87 registers and MXCSR.
    pub(crate) legacy: Legacy,
}

impl Registers {
    /// The registers a thread starts with: all zero but these two, the FPU and SSE in their ABI state
    /// (psABI x86-64, 3.4.1: FCW 0x37f, MXCSR 0x1f80).
    pub fn new(rip: u64, rsp: u64) -> Self {
        Registers {
            sse: [0; 256],
            rax: 0,
            rbx: 0,
            rcx: 0,
            rdx: 0,
            rsi: 0,
            rdi: 0,
            rbp: 0,
            rsp,
            r8: 0,
            r9: 0,
            r10: 0,
            r11: 0,
            r12: 0,
            r13: 0,
            r14: 0,
            r15: 0,
            rip,
            rflags: 0x202,
            fs_base: 0,
            gs_base: 0,
            legacy: Legacy::new(first_legacy()),
        }
    }

    /// The x87, MXCSR and SSE registers as FXSAVE lays them out (Intel SDM volume 1, 10.5.1).
    pub fn fpu(&self) -> [u8; 512] {
        let mut image = [0; 512];
        image[..LEGACY].copy_from_slice(&self.legacy.bytes());
        image[LEGACY..LEGACY + 256].copy_from_slice(&self.sse);
        image
    }

    /// Sets what [`fpu`](Self::fpu) gives; bits of MXCSR that do not exist are left out.
    pub fn set_fpu(&mut self, image: &[u8; 512]) {
        let mut legacy = [0; LEGACY];
        legacy.copy_from_slice(&image[..LEGACY]);
        // The upper half of MXCSR is reserved (Intel SDM volume 1, 10.2.3): loading it would fault in ring 0.
        legacy[26..28].fill(0);
        self.legacy = Legacy::new(legacy);
        self.sse.copy_from_slice(&image[LEGACY..LEGACY + 256]);
    }

    /// Sets them to what a thread starts with.
    pub fn reset_fpu(&mut self) {
        self.legacy = Legacy::new(first_legacy());
        self.sse.fill(0);
    }

    /// The six arguments of a system call.
    pub fn arguments(&self) -> [u64; 6] {
        [self.rdi, self.rsi, self.rdx, self.r10, self.r8, self.r9]
    }
}

fn first_legacy() -> [u8; LEGACY] {
    let mut legacy = [0; LEGACY];
    legacy[0..2].copy_from_slice(&0x37f_u16.to_le_bytes());
    legacy[24..28].copy_from_slice(&0x1f80_u32.to_le_bytes());
    legacy
}

/// Why the program stopped running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trap {
    /// It made a system call.
    Syscall,
    /// It touched a page that is not mapped, or not for this access.
    PageFault {
        /// The address touched.
        address: u64,
        /// It was a write.
        write: bool,
        /// It was an instruction fetch.
        execute: bool,
    },
    /// It caused another exception (Intel SDM volume 3, 7.15: 0 divide error, 6 invalid opcode, 13 general protection ...).
    Exception {
        /// The vector of the exception.
        vector: u8,
        /// Its error code, 0 where it has none.
        code: u64,
    },
    /// Its time is over, or a device wants the kernel.
    Interrupt,
}

/// Runs the program with these registers in the address space of these tables until it traps, or until `due` at most. Other
/// processors may have the kernel meanwhile.
pub fn run(registers: &mut Registers, tables: &Tables, due: Duration) -> Trap {
    crate::hardware::user::run(registers, tables, due)
}

/// Ends the turn of the thread that this processor ran last: from now on another processor may run it.
pub fn park() {
    crate::hardware::fpu::park();
}
