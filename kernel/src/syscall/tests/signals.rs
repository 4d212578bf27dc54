use super::*;
use crate::program::frame::deliver;
use crate::program::signal::{Action, Info, SIGALRM, SIGCHLD, SIGSEGV, only};
use crate::program::{End, frame};
use linux_raw_sys::general as linux;

const HANDLER: u64 = 0x40_0000;
const RESTORER: u64 = 0x40_0100;
const SIGUSR1: u8 = 10;

impl Program {
    fn handle(&self, signal: u8, handler: u64, flags: u32) {
        let action = Action { handler, flags: u64::from(flags), restorer: RESTORER, mask: only(SIGALRM) };
        let at = self.put(0x700, &action);
        self.call("rt_sigaction", [u64::from(signal), at, 0, 8]).unwrap();
    }
}

#[test]
fn a_handler_gets_the_signal_and_its_return_restores_everything() {
    let program = Program::new();
    program.handle(SIGUSR1, HANDLER, linux::SA_SIGINFO);
    let mut registers = Registers::new(0x1234, MEMORY + 0x8000);
    registers.rbx = 77;
    let mut image = registers.fpu();
    image[160..168].copy_from_slice(&1.5_f64.to_le_bytes());
    image[32..42].copy_from_slice(&[7; 10]);
    registers.set_fpu(&image);
    let before = registers.clone();
    program.thread.post(SIGUSR1, Info::default());
    deliver(&program.thread, &mut registers, None);
    assert_eq!((registers.rip, registers.rdi), (HANDLER, u64::from(SIGUSR1)));
    assert_eq!(registers.rsp % 16, 8, "as behind a call");
    assert!(registers.rsp < before.rsp - 128, "the red zone is left alone");
    assert_eq!(program.thread.memory.get::<u64>(registers.rsp), Ok(RESTORER));
    assert_eq!(program.thread.memory.get::<u32>(registers.rsi), Ok(u32::from(SIGUSR1)));
    assert_eq!(program.thread.blocked(), only(SIGUSR1) | only(SIGALRM));
    // What the handler does, and its return.
    registers.rbx = 0;
    registers.rsp += 8;
    registers.rax = frame::leave_handler(&program.thread, &mut registers).unwrap();
    assert_eq!(format!("{registers:?}"), format!("{before:?}"));
    assert_eq!(program.thread.blocked(), 0);
}

#[test]
fn a_handler_returns_only_to_what_the_processor_takes() {
    let program = Program::new();
    program.handle(SIGUSR1, HANDLER, 0);
    let mut registers = Registers::new(0x1234, MEMORY + 0x8000);
    program.thread.post(SIGUSR1, Info::default());
    deliver(&program.thread, &mut registers, None);
    registers.rsp += 8;
    let (flags_at, rip_at) = (registers.rsp + 40 + 136, registers.rsp + 40 + 128);
    assert_eq!(program.thread.memory.get::<u64>(rip_at), Ok(0x1234));
    program.thread.memory.put(flags_at, &u64::MAX).unwrap();
    let fpu_at: u64 = program.thread.memory.get(registers.rsp + 40 + 184).unwrap();
    program.thread.memory.put(fpu_at + 24, &u32::MAX).unwrap();
    let mut sane = registers.clone();
    frame::leave_handler(&program.thread, &mut sane).unwrap();
    assert_eq!(sane.rflags & 0x7_7300, 0x200, "no IOPL, TF, NT, VM; interrupts on");
    assert_eq!(sane.fpu()[24..28], 0xffff_u32.to_le_bytes());
    program.thread.memory.put(rip_at, &0x8000_0000_0000_u64).unwrap();
    assert_eq!(frame::leave_handler(&program.thread, &mut registers), Err(Errno::EFAULT));
}

#[test]
fn a_signal_ends_a_wait_and_the_call_is_made_again_if_the_handler_says_so() {
    for (flags, expected_rip) in [(0, 0x1002), (linux::SA_RESTART, 0x1000)] {
        let program = Program::new();
        program.handle(SIGUSR1, HANDLER, flags);
        program.call("pipe2", [MEMORY, 0]).unwrap();
        let mut read = program.begin("read", [0, MEMORY, 1]);
        assert_eq!(read.look(), None);
        program
            .call("tgkill", [u64::from(program.thread.process.id), u64::from(program.thread.id), u64::from(SIGUSR1)])
            .unwrap();
        assert!(read.was_woken());
        let (mut registers, interrupted) = read.finish().unwrap();
        deliver(&program.thread, &mut registers, interrupted);
        registers.rsp += 8;
        let rax = frame::leave_handler(&program.thread, &mut registers).unwrap();
        assert_eq!(registers.rip, expected_rip);
        assert_eq!(decode(rax), if flags == 0 { Err(Errno::EINTR) } else { Ok(0) });
    }
}

#[test]
fn a_signal_that_is_blocked_waits_until_it_is_not() {
    let program = Program::new();
    program.handle(SIGUSR1, HANDLER, 0);
    let set = program.put(0, &only(SIGUSR1));
    program.call("rt_sigprocmask", [0, set, 0, 8]).unwrap();
    program.call("kill", [u64::from(program.thread.process.id), u64::from(SIGUSR1)]).unwrap();
    let mut registers = Registers::new(0x1234, MEMORY + 0x8000);
    deliver(&program.thread, &mut registers, None);
    assert_eq!(registers.rip, 0x1234);
    let mut suspended = program.begin("rt_sigsuspend", [program.put(8, &0_u64), 8]);
    let (mut registers, interrupted) = suspended.finish().unwrap();
    deliver(&program.thread, &mut registers, interrupted);
    assert_eq!(registers.rip, HANDLER);
    // What was blocked before the call is blocked again after the handler.
    registers.rsp += 8;
    frame::leave_handler(&program.thread, &mut registers).unwrap();
    assert_eq!(program.thread.blocked(), only(SIGUSR1));
}

#[test]
fn without_a_handler_a_signal_ends_the_process_and_some_do_nothing() {
    let program = Program::new();
    let mut registers = Registers::new(0x1234, MEMORY + 0x8000);
    program.thread.process.post(SIGCHLD, Info::default());
    deliver(&program.thread, &mut registers, None);
    assert_eq!(program.thread.process.end(), None);
    let info = Info { what: Some("segmentation fault: read at 0x10".into()), ..Info::default() };
    program.thread.post(SIGSEGV, info);
    deliver(&program.thread, &mut registers, None);
    let what = "segmentation fault: read at 0x10".into();
    assert_eq!(program.thread.process.end(), Some(End::Killed { signal: SIGSEGV, what }));
}

#[test]
fn a_handler_without_a_stack_ends_the_process() {
    let program = Program::new();
    program.handle(SIGUSR1, HANDLER, 0);
    let mut registers = Registers::new(0x1234, 64);
    program.thread.post(SIGUSR1, Info::default());
    deliver(&program.thread, &mut registers, None);
    assert!(matches!(program.thread.process.end(), Some(End::Killed { signal: SIGSEGV, .. })));
}

#[test]
fn the_alternate_stack_is_used_where_it_is_asked_for() {
    let program = Program::new();
    program.handle(SIGUSR1, HANDLER, linux::SA_ONSTACK);
    let start = MEMORY + 0x1_0000;
    let at = program.put(0, &[start, 0, 0x4000]);
    program.call("sigaltstack", [at, 0]).unwrap();
    let mut registers = Registers::new(0x1234, 64);
    program.thread.post(SIGUSR1, Info::default());
    deliver(&program.thread, &mut registers, None);
    assert!((start..start + 0x4000).contains(&registers.rsp));
}

#[test]
fn a_handler_starts_without_the_flags_that_the_program_was_stopped_with() {
    let program = Program::new();
    program.handle(SIGUSR1, HANDLER, 0);
    let mut registers = Registers::new(0x1234, MEMORY + 0x8000);
    registers.rflags |= 0x500; // direction, and trap: a handler that was stopped at every instruction would never end
    program.thread.post(SIGUSR1, Info::default());
    deliver(&program.thread, &mut registers, None);
    assert_eq!((registers.rip, registers.rflags & 0x500), (HANDLER, 0));
}
