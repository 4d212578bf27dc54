//! Calls a handler of the program for a signal, and comes back from it: the frame on its stack as Linux lays it out
//! (sigreturn(2), sigaction(2); `struct rt_sigframe` of x86-64).
use super::process::End;
use super::signal::{self, Action, Info, SIGCHLD, SIGSEGV, Signal, UNSTOPPABLE};
use super::thread::Thread;
use crate::errno::Errno;
use crate::syscall::trace;
use alloc::format;
use linux_raw_sys::general as linux;
use machine::memory::USER_END;
use machine::user::Registers;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The bytes under the stack pointer that a function may use (psABI x86-64, 3.2.2).
const RED_ZONE: u64 = 128;
/// The bits of the flags that a program may change: CF PF AF ZF SF DF OF and ID.
const USER_FLAGS: u64 = 0x0020_0cd5;
/// The interrupt flag and the bit that is always set.
const FIXED_FLAGS: u64 = 0x202;
/// The flags that a handler starts without: direction, and trap, which would stop it at every instruction.
const HANDLER_CLEARS: u64 = 0x500;
/// The bits of MXCSR that exist; loading another faults.
const MXCSR: u32 = 0xffff;

#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Context {
    flags: u64,
    link: u64,
    stack: Stack,
    general: [u64; 16],
    rip: u64,
    rflags: u64,
    segments: [u16; 4],
    error: u64,
    trap: u64,
    old_mask: u64,
    cr2: u64,
    fpu: u64,
    reserved: [u64; 8],
    mask: u64,
}

/// `stack_t` (sigaltstack(2)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Stack {
    /// Its first byte.
    pub start: u64,
    /// SS_ flags.
    pub flags: u32,
    /// Nothing.
    pub padding: u32,
    /// Its length in bytes.
    pub length: u64,
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct SignalInfo {
    signal: i32,
    errno: i32,
    code: i32,
    padding: u32,
    /// `si_addr`, or `si_pid` and `si_uid`.
    value: u64,
    status: i32,
    rest: [u32; 25],
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Frame {
    return_to: u64,
    context: Context,
    info: SignalInfo,
}

/// A call that a signal interrupted: how it is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupted {
    /// The call's number.
    pub number: u64,
    /// Whether it is started again after a handler with SA_RESTART.
    pub restarts: bool,
}

impl Interrupted {
    /// Lets the program make the call again: the instruction has two bytes.
    fn restart(self, registers: &mut Registers) {
        registers.rax = self.number;
        registers.rip = registers.rip.wrapping_sub(2);
    }
}

/// Handles the signals that wait for this thread: it ends, or its handler is what it runs next, or all goes on.
pub fn deliver(thread: &Thread, registers: &mut Registers, interrupted: Option<Interrupted>) {
    loop {
        let blocked = thread.blocked();
        let Some((signal, info)) = thread.take_signal(!blocked) else { break };
        trace::signal(thread, signal, &info);
        let action = thread.process.actions.lock().get(signal);
        if thread.process.actions.lock().ignores(signal) {
            continue;
        }
        if action.handler == 0 {
            let what = info.what.unwrap_or_else(|| signal::describe(signal));
            return thread.process.finish(End::Killed { signal, what });
        }
        if let Some(call) = interrupted
            && call.restarts
            && action.flags & u64::from(linux::SA_RESTART) != 0
        {
            call.restart(registers);
        }
        if enter_handler(thread, registers, signal, &info, &action).is_err() {
            let what = info.what.unwrap_or_else(|| signal::describe(signal));
            let what = format!("segmentation fault: no stack for the handler of: {what}");
            thread.process.finish(End::Killed { signal: SIGSEGV, what });
        }
        return;
    }
    let mut signals = thread.signals.lock();
    if let Some(mask) = signals.restore.take() {
        signals.blocked = mask;
    }
    if let Some(call) = interrupted {
        call.restart(registers);
    }
}

fn enter_handler(
    thread: &Thread,
    registers: &mut Registers,
    signal: Signal,
    info: &Info,
    action: &Action,
) -> Result<(), Errno> {
    let flag = |bit: u32| action.flags & u64::from(bit) != 0;
    let mut signals = thread.signals.lock();
    let (start, length) = signals.alternate;
    let on_it = length > 0 && registers.rsp.wrapping_sub(start) < length;
    let top = match flag(linux::SA_ONSTACK) && length > 0 && !on_it {
        true => start.checked_add(length).ok_or(Errno::EFAULT)?,
        false => registers.rsp.checked_sub(RED_ZONE).ok_or(Errno::EFAULT)?,
    };
    let fpu_at = top.checked_sub(512).ok_or(Errno::EFAULT)? & !63;
    let size = size_of::<Frame>() as u64;
    // The handler's stack is aligned as behind a call instruction.
    let frame_at = (fpu_at.checked_sub(size + 16).ok_or(Errno::EFAULT)? & !15) + 8;
    let mask = signals.restore.take().unwrap_or(signals.blocked);
    let alternate = Stack { start, flags: if length > 0 { 0 } else { linux::SS_DISABLE }, padding: 0, length };
    let frame = Frame {
        return_to: action.restorer,
        context: save(registers, alternate, mask, fpu_at),
        info: SignalInfo {
            signal: i32::from(signal),
            errno: 0,
            code: info.code,
            padding: 0,
            value: info.value,
            status: if signal == SIGCHLD { info.status } else { 0 },
            rest: [0; 25],
        },
    };
    thread.memory.put(fpu_at, &registers.fpu)?;
    thread.memory.put(frame_at, &frame)?;
    signals.blocked |= action.mask & !UNSTOPPABLE;
    if !flag(linux::SA_NODEFER) {
        signals.blocked |= signal::only(signal);
    }
    drop(signals);
    if flag(linux::SA_RESETHAND) {
        thread.process.actions.lock().set(signal, Action::default());
    }
    let context_at = frame_at + 8;
    registers.fpu = Registers::new(0, 0).fpu;
    registers.rsp = frame_at;
    registers.rip = action.handler;
    registers.rax = 0;
    registers.rdi = u64::from(signal);
    registers.rsi = context_at + size_of::<Context>() as u64;
    registers.rdx = context_at;
    registers.rflags &= !HANDLER_CLEARS;
    Ok(())
}

/// rt_sigreturn(2): all registers are again what the handler's frame says. Gives `rax`.
pub fn leave_handler(thread: &Thread, registers: &mut Registers) -> Result<u64, Errno> {
    // The handler's return took the address off the stack: the context is next.
    let context: Context = thread.memory.get(registers.rsp)?;
    let fpu: [u8; 512] = match context.fpu {
        0 => Registers::new(0, 0).fpu,
        at => thread.memory.get(at)?,
    };
    if context.rip >= USER_END {
        return Err(Errno::EFAULT);
    }
    restore(registers, &context);
    registers.fpu = fpu;
    if let Some(bytes) = registers.fpu.first_chunk_mut::<28>() {
        let mxcsr = u32::from_le_bytes([bytes[24], bytes[25], bytes[26], bytes[27]]) & MXCSR;
        bytes[24..].copy_from_slice(&mxcsr.to_le_bytes());
    }
    let mut signals = thread.signals.lock();
    signals.blocked = context.mask & !UNSTOPPABLE;
    Ok(registers.rax)
}

fn save(r: &Registers, stack: Stack, mask: u64, fpu: u64) -> Context {
    Context {
        flags: u64::from(0x2_u32 | 0x4), // UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS
        link: 0,
        stack,
        general: [
            r.r8, r.r9, r.r10, r.r11, r.r12, r.r13, r.r14, r.r15, r.rdi, r.rsi, r.rbp, r.rbx, r.rdx, r.rax, r.rcx,
            r.rsp,
        ],
        rip: r.rip,
        rflags: r.rflags,
        segments: [0x33, 0, 0, 0x2b],
        error: 0,
        trap: 0,
        old_mask: mask,
        cr2: 0,
        fpu,
        reserved: [0; 8],
        mask,
    }
}

fn restore(r: &mut Registers, context: &Context) {
    [r.r8, r.r9, r.r10, r.r11, r.r12, r.r13, r.r14, r.r15, r.rdi, r.rsi, r.rbp, r.rbx, r.rdx, r.rax, r.rcx, r.rsp] =
        context.general;
    r.rip = context.rip;
    r.rflags = context.rflags & USER_FLAGS | FIXED_FLAGS;
}
