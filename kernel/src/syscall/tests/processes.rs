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
    drop(machine::report::take());
    // As execvp(3) tries the directories of a search path.
    for path in ["/usr/bin/other-program", "/bin/other-program", "/bin/second-program"] {
        let at = program.text(0, path);
        assert_eq!(program.call("execve", [at, 0, 0]), Err(Errno::EPERM));
    }
    let told = machine::report::take();
    let told: String = told.iter().map(|(_, report)| String::from_utf8_lossy(report)).collect();
    assert_eq!(told.matches("other-program").count(), 1, "{told}");
    assert_eq!(told.matches("second-program").count(), 1, "{told}");
}

#[test]
fn a_child_that_is_stopped_stands_still_until_it_is_continued() {
    let program = Program::new();
    let child = forked(&program);
    let of_child = child.thread(child.id).unwrap();
    let of_child = Program { thread: of_child };
    // Two of its calls, one that waits and one that would be done at once.
    let mut pause = of_child.begin("pause", []);
    assert_eq!(pause.look(), None);
    program.put(0, &[0xff_u8; 128]);
    let (stopped, continued) = (u64::from(linux::WUNTRACED), u64::from(linux::WCONTINUED));
    let mut wait = program.begin("wait4", [u64::from(child.id), MEMORY, stopped, 0]);
    assert_eq!(wait.look(), None);
    program.call("kill", [u64::from(child.id), u64::from(linux::SIGSTOP)]).unwrap();
    assert!(wait.was_woken());
    assert_eq!(wait.look(), Some(Ok(u64::from(child.id))));
    assert_eq!(program.get::<u32>(0), linux::SIGSTOP << 8 | 0x7f);
    // It is told once.
    let no_hang = u64::from(linux::WNOHANG);
    assert_eq!(program.call("wait4", [u64::MAX, 0, no_hang | stopped, 0]), Ok(0));
    assert!(of_child.begin("getpid", []).look().is_none());
    program.call("kill", [u64::from(child.id), u64::from(linux::SIGCONT)]).unwrap();
    assert!(of_child.begin("getpid", []).look().is_some());
    assert_eq!(pause.look(), None);
    let info = [0, u64::from(child.id), MEMORY, u64::from(linux::WNOWAIT) | continued, 0];
    for (kind, flags) in [(1, info[3]), (0, continued)] {
        assert_eq!(program.call("waitid", [kind, info[1], info[2], flags, 0]), Ok(0));
        let told: [u32; 7] = program.get(0);
        assert_eq!(told, [linux::SIGCHLD, 0, linux::CLD_CONTINUED, 0, child.id, 0, linux::SIGCONT]);
    }
    assert_eq!(program.call("waitid", [0, 0, MEMORY, no_hang | continued, 0]), Ok(0));
    assert_eq!(program.get::<[u32; 7]>(0), [0; 7]);
    // SIGKILL ends it where it stands.
    program.call("kill", [u64::from(child.id), u64::from(linux::SIGSTOP)]).unwrap();
    program.call("kill", [u64::from(child.id), u64::from(SIGKILL)]).unwrap();
    assert!(matches!(pause.finish(), Some((_, Some(_)))));
    run_until(|| child.is_dead());
    assert_eq!(program.call("waitid", [0, 0, MEMORY, u64::from(linux::WEXITED), 0]), Ok(0));
    assert_eq!(program.get::<[u32; 7]>(0)[2..], [linux::CLD_KILLED, 0, child.id, 0, u32::from(SIGKILL)]);
    assert_eq!(program.call("waitid", [0, 0, MEMORY, u64::from(linux::WEXITED), 0]), Err(Errno::ECHILD));
    assert_eq!(program.call("waitid", [0, 0, MEMORY, no_hang, 0]), Err(Errno::EINVAL));
}

#[test]
fn a_stop_that_is_blocked_or_handled_does_not_stop() {
    let program = Program::new();
    let process = &program.thread.process;
    let kill = |signal: u32| program.call("kill", [u64::from(process.id), u64::from(signal)]);
    program.put(0, &(1_u64 << (linux::SIGTSTP - 1)));
    program.call("rt_sigprocmask", [u64::from(linux::SIG_BLOCK), MEMORY, 0, 8]).unwrap();
    kill(linux::SIGTSTP).unwrap();
    assert!(!process.stop.is_stopped() && process.pending() != 0);
    // SIGCONT takes it back, even where it is ignored.
    kill(linux::SIGCONT).unwrap();
    assert_eq!(process.pending(), 0);
    program.call("rt_sigprocmask", [u64::from(linux::SIG_UNBLOCK), MEMORY, 0, 8]).unwrap();
    // Unblocked it would stop a process that another one could let go on.
    let child = forked(&program);
    let of_child = Program { thread: child.thread(child.id).unwrap() };
    of_child.call("setpgid", [0, 0]).unwrap();
    program.call("kill", [u64::from(child.id), u64::from(linux::SIGTTIN)]).unwrap();
    assert!(child.stop.is_stopped());
    child.finish(End::Exited(0));
}

#[test]
fn who_nobody_could_let_go_on_does_not_stop() {
    let program = Program::new();
    let process = &program.thread.process;
    drop(machine::report::take());
    for signal in [linux::SIGTSTP, linux::SIGTTIN, linux::SIGTTOU, linux::SIGSTOP, linux::SIGSTOP] {
        program.call("kill", [u64::from(process.id), u64::from(signal)]).unwrap();
        program.call("tkill", [u64::from(program.thread.id), u64::from(signal)]).unwrap();
        assert!(!process.stop.is_stopped(), "signal {signal}");
    }
    let told: String = machine::report::take().iter().map(|(_, report)| String::from_utf8_lossy(report)).collect();
    assert_eq!(told.matches("does not stop the only process").count(), 1, "{told}");
    // Its child could send SIGCONT; the group that both are in is an orphan as ever.
    let child = forked(&program);
    program.call("kill", [u64::from(child.id), u64::from(linux::SIGTSTP)]).unwrap();
    assert!(!child.stop.is_stopped());
    program.call("kill", [u64::from(process.id), u64::from(linux::SIGSTOP)]).unwrap();
    assert!(process.stop.is_stopped());
    child.finish(End::Exited(0));
}

#[test]
fn a_group_is_waited_for_by_its_number() {
    let program = Program::new();
    let (mine, other) = (forked(&program), forked(&program));
    let negative = |id: u32| (-i64::from(id)) as u64;
    let no_hang = u64::from(linux::WNOHANG);
    assert_eq!(program.call("getpgid", [u64::from(mine.id)]), Ok(u64::from(program.thread.process.id)));
    assert_eq!(program.call("wait4", [negative(other.id), 0, no_hang, 0]), Err(Errno::ECHILD));
    program.call("setpgid", [u64::from(other.id), 0]).unwrap();
    assert_eq!(program.call("wait4", [negative(other.id), 0, no_hang, 0]), Ok(0));
    program.call("kill", [negative(other.id), u64::from(SIGKILL)]).unwrap();
    mine.finish(End::Exited(0));
    run_until(|| other.is_dead() && mine.is_dead());
    assert_eq!(program.call("wait4", [0, 0, no_hang, 0]), Ok(u64::from(mine.id)));
    assert_eq!(program.call("wait4", [0, 0, no_hang, 0]), Err(Errno::ECHILD));
    assert_eq!(program.call("wait4", [negative(other.id), 0, 0, 0]), Ok(u64::from(other.id)));
    assert_eq!(program.call("waitid", [2, u64::from(other.id), 0, 4, 0]), Err(Errno::ECHILD));
    assert_eq!(program.call("kill", [negative(other.id), 0]), Err(Errno::ESRCH));
}

#[test]
fn the_time_that_is_told_is_the_processors() {
    let program = Program::new();
    std::thread::sleep(core::time::Duration::from_millis(20));
    let at = program.put(0, &[0xff_u8; 144]);
    for who in [0, 1, u64::from(u32::MAX)] {
        assert_eq!(program.call("getrusage", [who, at]), Ok(0));
        // Nothing of it has run as a task.
        assert_eq!(program.get::<[u64; 2]>(0), [0, 0]);
    }
    assert_eq!(program.call("getrusage", [7, at]), Err(Errno::EINVAL));
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
