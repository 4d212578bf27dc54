use super::*;
use crate::executor;
use crate::program::End;
use crate::program::signal::{SIGCHLD, SIGKILL};
use linux_raw_sys::general as linux;
use std::sync::Weak;

/// Lets tasks run until this holds. Other tests' tasks may be among them.
fn run_until(mut done: impl FnMut() -> bool) {
    while !done() {
        if !executor::run_one() {
            std::thread::yield_now();
        }
    }
}

/// Begins a thread of the program whose every system call is this one.
fn start_with(program: &Program, number: u64, argument: u64) {
    let mut registers = Box::new(Registers::new(0x1000, MEMORY + 0x8000));
    (registers.rax, registers.rdi) = (number, argument);
    program.thread.clone().spawn(registers);
}

#[test]
fn a_program_that_exits_has_ended_and_its_memory_is_free() {
    let program = Program::new();
    let process = program.thread.process.clone();
    let (memory, files): (Weak<_>, Weak<_>) =
        (Arc::downgrade(&program.thread.memory), Arc::downgrade(&program.thread.files));
    start_with(&program, 231, 7);
    drop(program);
    run_until(|| process.is_dead());
    assert_eq!(process.end(), Some(End::Exited(7)));
    run_until(|| memory.strong_count() == 0 && files.strong_count() == 0);
    assert!(process.world.process(process.id).is_none());
}

#[test]
fn the_last_threads_exit_is_the_programs() {
    let program = Program::new();
    let (first, last) = (program.thread(), program.thread());
    let process = program.thread.process.clone();
    process.remove_thread(program.thread.id, 0);
    start_with(&first, 60, 1);
    run_until(|| process.thread_count() == 1);
    assert_eq!(process.end(), None);
    start_with(&last, 60, 2);
    run_until(|| process.is_dead());
    assert_eq!(process.end(), Some(End::Exited(2)));
}

#[test]
fn an_end_stops_threads_that_wait() {
    let program = Program::new();
    let mut pause = program.begin("pause", []);
    assert_eq!(pause.look(), None);
    program.thread.process.finish(End::Exited(3));
    assert!(pause.was_woken());
    assert!(matches!(pause.finish(), Some((_, Some(_)))));
}

/// A child that a fork made.
fn forked(program: &Program) -> Arc<Process> {
    let mut fork = program.begin("fork", []);
    let id = fork.look().unwrap().unwrap();
    program.thread.process.world.process(id as u32).unwrap()
}

#[test]
fn a_child_is_a_copy_and_its_parent_learns_how_it_ended() {
    let program = Program::new();
    program.put(0, &42_u64);
    assert_eq!(program.call("wait4", [u64::MAX, 0, 0, 0]), Err(Errno::ECHILD));
    let child = forked(&program);
    assert_ne!(child.id, program.thread.process.id);
    assert_eq!(child.parent(), program.thread.process.id);
    assert_eq!(program.call("wait4", [u64::MAX, 0, u64::from(linux::WNOHANG), 0]), Ok(0));
    let mut wait = program.begin("wait4", [u64::MAX, MEMORY + 8, 0, 0]);
    assert_eq!(wait.look(), None);
    child.finish(End::Exited(9));
    run_until(|| child.is_dead());
    assert!(wait.was_woken());
    // SIGCHLD does nothing here, and the wait goes on to its end.
    assert_eq!(wait.look(), Some(Ok(u64::from(child.id))));
    assert_eq!(program.get::<u32>(8), 9 << 8);
    assert!(program.thread.process.world.process(child.id).is_none());
}

#[test]
fn children_of_a_process_that_ignores_their_end_are_forgotten() {
    let program = Program::new();
    let action = [1_u64, 0, 0, 0];
    let at = program.put(0, &action);
    program.call("rt_sigaction", [u64::from(SIGCHLD), at, 0, 8]).unwrap();
    let child = forked(&program);
    child.finish(End::Exited(0));
    run_until(|| child.is_dead());
    assert!(program.thread.process.world.process(child.id).is_none());
    assert_eq!(program.call("wait4", [u64::MAX, 0, 0, 0]), Err(Errno::ECHILD));
}

#[test]
fn a_killed_child_tells_its_signal() {
    let program = Program::new();
    let child = forked(&program);
    program.call("kill", [u64::from(child.id), u64::from(SIGKILL)]).unwrap();
    run_until(|| child.is_dead());
    assert_eq!(program.call("wait4", [u64::from(child.id), MEMORY, 0, 0]), Ok(u64::from(child.id)));
    assert_eq!(program.get::<u32>(0), u32::from(SIGKILL));
}

#[test]
fn running_another_program_is_refused_and_said() {
    let program = Program::new();
    let at = program.text(0, "/bin/sh");
    assert_eq!(program.call("execve", [at, 0, 0]), Err(Errno::EPERM));
}

#[test]
fn the_alarm_is_told_and_taken_back() {
    let program = Program::new();
    assert_eq!(program.call("alarm", [100]), Ok(0));
    assert_eq!(program.call("alarm", [0]), Ok(100));
    assert_eq!(program.call("alarm", [0]), Ok(0));
}

#[test]
fn a_child_whose_number_cannot_be_told_is_there_all_the_same() {
    let program = Program::new();
    let flags = u64::from(linux::CLONE_PARENT_SETTID | linux::CLONE_CHILD_SETTID | linux::SIGCHLD);
    let child = program.call("clone", [flags, 0, u64::MAX, u64::MAX, 0]).unwrap();
    let world = &program.thread.process.world;
    world.process(child as u32).unwrap().finish(End::Exited(3));
    run_until(|| world.process(child as u32).is_some_and(|child| child.is_dead()));
    assert_eq!(program.call("wait4", [child, MEMORY, 0, 0]), Ok(child));
    assert_eq!(program.get::<u32>(0), 3 << 8);
}
