//! Calls a handler of the program for a signal, and comes back from it: the frame on its stack as Linux lays it out
//! (sigreturn(2), sigaction(2); `struct rt_sigframe` of x86-64).
use super::process::End;
use super::signal::{self, Action, Info, SIGSEGV, Signal, UNSTOPPABLE};
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
/// The flag of a stack that is given up while a handler runs on it (sigaltstack(2), SS_AUTODISARM).
pub const AUTODISARM: u32 = 1 << 31;

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

/// `siginfo_t` (sigaction(2)).
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct SignalInfo {
    signal: i32,
    errno: i32,
    code: i32,
    padding: u32,
    /// `si_addr`, or `si_pid` and `si_uid`.
    value: u64,
    /// `si_status`, or `si_value`.
    word: u64,
    rest: [u32; 24],
}

impl SignalInfo {
    /// What the program is told of a signal.
    pub fn new(signal: Signal, info: &Info) -> Self {
        let word = if info.queued == 0 { u64::from(info.status as u32) } else { info.queued };
        let signal = i32::from(signal);
        SignalInfo { signal, errno: 0, code: info.code, padding: 0, value: info.value, word, rest: [0; 24] }
    }
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
        if action.handler == 0 && signal::stops(signal) {
            if thread.process.stop_by(signal) {
                // Others wait until it goes on.
                break;
            }
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
    let on_it = length > 0 && registers.rsp.wrapping_sub(start) < length && !signals.disarms;
    let top = match flag(linux::SA_ONSTACK) && length > 0 && !on_it {
        true => start.checked_add(length).ok_or(Errno::EFAULT)?,
        false => registers.rsp.checked_sub(RED_ZONE).ok_or(Errno::EFAULT)?,
    };
    let fpu_at = top.checked_sub(512).ok_or(Errno::EFAULT)? & !63;
    let size = size_of::<Frame>() as u64;
    // The handler's stack is aligned as behind a call instruction.
    let frame_at = (fpu_at.checked_sub(size + 16).ok_or(Errno::EFAULT)? & !15) + 8;
    if on_it && frame_at < start {
        // What is under the stack is not for the handler.
        return Err(Errno::EFAULT);
    }
    let mask = signals.restore.take().unwrap_or(signals.blocked);
    let stack_flags = match (length, signals.disarms) {
        (0, _) => linux::SS_DISABLE,
        (_, true) => AUTODISARM,
        _ => 0,
    };
    let alternate = Stack { start, flags: stack_flags, padding: 0, length };
    let frame = Frame {
        return_to: action.restorer,
        context: save(registers, alternate, mask, fpu_at, signals.fault),
        info: SignalInfo::new(signal, info),
    };
    thread.memory.put(fpu_at, &registers.fpu())?;
    thread.memory.put(frame_at, &frame)?;
    if signals.disarms {
        (signals.alternate, signals.disarms) = ((0, 0), false);
    }
    signals.blocked |= action.mask & !UNSTOPPABLE;
    if !flag(linux::SA_NODEFER) {
        signals.blocked |= signal::only(signal);
    }
    drop(signals);
    if flag(linux::SA_RESETHAND) {
        thread.process.actions.lock().set(signal, Action::default());
    }
    let context_at = frame_at + 8;
    registers.reset_fpu();
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
    let fpu: Option<[u8; 512]> = match context.fpu {
        0 => None,
        at => Some(thread.memory.get(at)?),
    };
    if context.rip >= USER_END {
        return Err(Errno::EFAULT);
    }
    restore(registers, &context);
    match fpu {
        Some(image) => registers.set_fpu(&image),
        None => registers.reset_fpu(),
    }
    let mut signals = thread.signals.lock();
    signals.blocked = context.mask & !UNSTOPPABLE;
    // The stack for handlers is again what it was: one that was given up is back.
    let stack = context.stack;
    if stack.flags & linux::SS_DISABLE == 0 && stack.length >= u64::from(linux::MINSIGSTKSZ) {
        (signals.alternate, signals.disarms) = ((stack.start, stack.length), stack.flags & AUTODISARM != 0);
    }
    Ok(registers.rax)
}

fn save(r: &Registers, stack: Stack, mask: u64, fpu: u64, [trap, error, cr2]: [u64; 3]) -> Context {
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
        error,
        trap,
        old_mask: mask,
        cr2,
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
