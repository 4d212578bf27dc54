use super::*;
use linux_raw_sys::general as linux;

const WORD: u64 = MEMORY + 0x40;

impl Program {
    fn wait_at(&self, address: u64, expected: u64) -> Begun {
        self.begin("futex", [address, u64::from(linux::FUTEX_WAIT | linux::FUTEX_PRIVATE_FLAG), expected, 0])
    }

    fn wake(&self, address: u64, count: u64) -> u64 {
        self.call("futex", [address, u64::from(linux::FUTEX_WAKE), count]).unwrap()
    }
}

#[test]
fn who_waits_for_a_word_is_woken_in_order_and_only_then() {
    let program = Program::new();
    let (one, two) = (program.thread(), program.thread());
    assert_eq!(one.wait_at(WORD, 1).look(), Some(Err(Errno::EAGAIN)));
    let (mut first, mut second) = (one.wait_at(WORD, 0), two.wait_at(WORD, 0));
    assert_eq!((first.look(), second.look()), (None, None));
    assert_eq!(program.wake(WORD + 4, 1), 0);
    assert_eq!(program.wake(WORD, 1), 1);
    assert!(first.was_woken() && !second.was_woken());
    assert_eq!((first.look(), second.look()), (Some(Ok(0)), None));
    assert_eq!(program.wake(WORD, 9), 1);
    assert_eq!(second.look(), Some(Ok(0)));
}

#[test]
fn a_wait_that_is_given_up_takes_no_wake_from_others() {
    let program = Program::new();
    let (one, two) = (program.thread(), program.thread());
    let (mut first, mut second) = (one.wait_at(WORD, 0), two.wait_at(WORD, 0));
    assert_eq!((first.look(), second.look()), (None, None));
    drop(first);
    assert_eq!(program.wake(WORD, 1), 1);
    assert_eq!(second.look(), Some(Ok(0)));
}

#[test]
fn waiters_are_moved_to_another_word() {
    let program = Program::new();
    let threads: Vec<Program> = (0..3).map(|_| program.thread()).collect();
    let mut waits: Vec<Begun> = threads.iter().map(|thread| thread.wait_at(WORD, 0)).collect();
    assert!(waits.iter_mut().all(|wait| wait.look().is_none()));
    let moved = program.call("futex", [WORD, u64::from(linux::FUTEX_CMP_REQUEUE), 1, 9, WORD + 8, 0]);
    assert_eq!(moved, Ok(3));
    assert_eq!(waits[0].look(), Some(Ok(0)));
    assert_eq!(program.wake(WORD, 9), 0);
    assert_eq!(program.wake(WORD + 8, 9), 2);
    let wrong = program.call("futex", [WORD, u64::from(linux::FUTEX_CMP_REQUEUE), 1, 9, WORD + 8, 5]);
    assert_eq!(wrong, Err(Errno::EAGAIN));
}

#[test]
fn a_wait_ends_at_its_time() {
    let program = Program::new();
    // Absolute and past.
    program.put(0x80, &[0_u64, 1]);
    let args = [WORD, u64::from(linux::FUTEX_WAIT_BITSET), 0, MEMORY + 0x80, 0, u64::from(u32::MAX)];
    assert_eq!(program.call("futex", args), Err(Errno::ETIMEDOUT));
}

#[test]
fn wake_op_changes_the_second_word_and_compares_the_old_one() {
    let program = Program::new();
    let other = program.thread();
    program.put(0x48, &5_u32);
    let mut wait = other.wait_at(WORD + 8, 5);
    assert_eq!(wait.look(), None);
    // *second += 2; wake there too if it was 5.
    let code = 1 << 28 | 2 << 12 | 5;
    let args = [WORD, u64::from(linux::FUTEX_WAKE_OP), 1, 1, WORD + 8, code];
    assert_eq!(program.call("futex", args), Ok(1));
    assert_eq!(program.get::<u32>(0x48), 7);
    assert_eq!(wait.look(), Some(Ok(0)));
}

#[test]
fn the_end_of_a_thread_clears_its_word_and_releases_its_locks() {
    let program = Program::new();
    let other = program.thread();
    other.call("set_tid_address", [WORD]).unwrap();
    program.put(0x40, &other.thread.id);
    // A robust list of one lock, whose word is 16 bytes behind its entry.
    let (head, entry) = (MEMORY + 0x100, MEMORY + 0x200);
    program.put(0x100, &[entry, 16, 0]);
    program.put(0x200, &head);
    program.put(0x210, &other.thread.id);
    other.call("set_robust_list", [head, 24]).unwrap();
    let mut joined = program.wait_at(WORD, u64::from(other.thread.id));
    assert_eq!(joined.look(), None);
    thread_ends(&other.thread);
    assert_eq!(joined.look(), Some(Ok(0)));
    assert_eq!(program.get::<u32>(0x40), 0);
    assert_eq!(program.get::<u32>(0x210), linux::FUTEX_OWNER_DIED);
}

#[test]
fn a_robust_list_that_is_a_ring_of_its_own_ends() {
    let program = Program::new();
    program.put(0x100, &[MEMORY + 0x200, 16, 0]);
    program.put(0x200, &(MEMORY + 0x200));
    program.call("set_robust_list", [MEMORY + 0x100, 24]).unwrap();
    thread_ends(&program.thread);
}
