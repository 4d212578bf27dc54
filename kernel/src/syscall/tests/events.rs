use super::*;
use linux_raw_sys::general as linux;

const IN: u32 = linux::POLLIN;
const OUT: u32 = linux::POLLOUT;

impl Program {
    fn pipe(&self) -> (u64, u64) {
        self.call("pipe2", [MEMORY + 0xf00, 0]).unwrap();
        let [reader, writer]: [u32; 2] = self.get(0xf00);
        (u64::from(reader), u64::from(writer))
    }

    fn control(&self, set: u64, operation: u32, number: u64, events: u32, data: u32) -> Answer {
        let at = self.put(0xe00, &[events, data, 0]);
        self.call("epoll_ctl", [set, u64::from(operation), number, at])
    }

    /// Waits without time: the events and their data.
    fn epoll_now(&self, set: u64) -> Vec<(u32, u32)> {
        let count = self.call("epoll_wait", [set, MEMORY + 0x2000, 16, 0]).unwrap();
        (0..count)
            .map(|index| self.get::<[u32; 3]>(0x2000 + index * 12))
            .map(|[events, data, _]| (events, data))
            .collect()
    }
}

#[test]
fn a_reader_waits_until_something_is_written_and_sees_the_end() {
    let program = Program::new();
    let (reader, writer) = program.pipe();
    let mut read = program.begin("read", [reader, MEMORY, 10]);
    assert_eq!(read.look(), None);
    program.put(0x100, b"hello");
    program.call("write", [writer, MEMORY + 0x100, 5]).unwrap();
    assert!(read.was_woken());
    assert_eq!(read.look(), Some(Ok(5)));
    assert_eq!(program.get::<[u8; 5]>(0), *b"hello");
    program.call("close", [writer]).unwrap();
    assert_eq!(program.call("read", [reader, MEMORY, 10]), Ok(0));
}

#[test]
fn a_writer_waits_for_room_and_writes_all() {
    let program = Program::new();
    let (reader, writer) = program.pipe();
    let mut write = program.begin("write", [writer, MEMORY, 100_000]);
    assert_eq!(write.look(), None);
    let mut total = 0;
    let mut done = None;
    while total < 100_000 {
        total += program.call("read", [reader, MEMORY + 0x8_0000, 30_000]).unwrap();
        if write.was_woken() && done.is_none() {
            done = write.look();
        }
    }
    assert_eq!((total, done), (100_000, Some(Ok(100_000))));
}

#[test]
fn writing_to_a_closed_pipe_is_an_error_and_a_signal() {
    let program = Program::new();
    let (reader, writer) = program.pipe();
    program.call("close", [reader]).unwrap();
    assert_eq!(program.call("write", [writer, MEMORY, 1]), Err(Errno::EPIPE));
    assert_eq!(program.thread.pending(), crate::program::signal::only(crate::program::signal::SIGPIPE));
}

#[test]
fn poll_waits_for_the_first_of_several() {
    let program = Program::new();
    let (first, _keep) = program.pipe();
    let (second, writer) = program.pipe();
    let file = |number: u64| number | u64::from(IN) << 32;
    program.put(0, &[file(first), file(second), file(60), u64::from(u32::MAX)]);
    assert_eq!(program.call("poll", [MEMORY, 2, 0]), Ok(0));
    let mut poll = program.begin("poll", [MEMORY, 2, u64::MAX]);
    assert_eq!(poll.look(), None);
    program.call("write", [writer, MEMORY, 1]).unwrap();
    assert!(poll.was_woken());
    assert_eq!(poll.look(), Some(Ok(1)));
    assert_eq!(program.get::<[u16; 8]>(0)[3], 0);
    assert_eq!(u32::from(program.get::<[u16; 8]>(0)[7]), IN);
    assert_eq!(program.call("poll", [MEMORY, 4, 0]), Ok(2));
    assert_eq!(u32::from(program.get::<u16>(22)), linux::POLLNVAL);
}

#[test]
fn poll_is_over_when_its_time_is() {
    let program = Program::new();
    let (reader, _writer) = program.pipe();
    program.put(0, &(reader | u64::from(IN) << 32));
    let mut poll = program.begin("poll", [MEMORY, 1, 5]);
    assert_eq!(poll.look(), None);
    while crate::executor::fire_timers(machine::time::now()).is_some() && !poll.was_woken() {
        std::thread::yield_now();
    }
    let done = loop {
        if let Some(done) = poll.look() {
            break done;
        }
        std::thread::yield_now();
    };
    assert_eq!(done, Ok(0));
}

#[test]
fn select_tells_which_sets_a_file_is_in() {
    let program = Program::new();
    let (reader, writer) = program.pipe();
    program.put(0, &(1_u64 << reader));
    program.put(8, &(1_u64 << writer));
    assert_eq!(program.call("select", [64, MEMORY, MEMORY + 8, 0, 0]), Ok(1));
    assert_eq!((program.get::<u64>(0), program.get::<u64>(8)), (0, 1 << writer));
    program.put(0, &(1_u64 << 40));
    assert_eq!(program.call("select", [64, MEMORY, 0, 0, 0]), Err(Errno::EBADF));
}

#[test]
fn a_counter_adds_up_and_is_taken_at_once() {
    let program = Program::new();
    let counter = program.call("eventfd2", [3, u64::from(linux::O_NONBLOCK)]).unwrap();
    program.put(0, &4_u64);
    program.call("write", [counter, MEMORY, 8]).unwrap();
    assert_eq!(program.call("read", [counter, MEMORY, 8]), Ok(8));
    assert_eq!(program.get::<u64>(0), 7);
    assert_eq!(program.call("read", [counter, MEMORY, 8]), Err(Errno::EAGAIN));
    assert_eq!(program.call("read", [counter, MEMORY, 7]), Err(Errno::EINVAL));
}

#[test]
fn a_level_is_told_again_and_an_edge_once() {
    let program = Program::new();
    let (level, level_writer) = program.pipe();
    let (edge, edge_writer) = program.pipe();
    let set = program.call("epoll_create1", [0]).unwrap();
    program.control(set, linux::EPOLL_CTL_ADD, level, IN, 1).unwrap();
    program.control(set, linux::EPOLL_CTL_ADD, edge, IN | linux::EPOLLET, 2).unwrap();
    assert_eq!(program.epoll_now(set), []);
    for writer in [level_writer, edge_writer] {
        program.call("write", [writer, MEMORY, 1]).unwrap();
    }
    assert_eq!(program.epoll_now(set), [(IN, 1), (IN, 2)]);
    assert_eq!(program.epoll_now(set), [(IN, 1)]);
    program.call("write", [edge_writer, MEMORY, 1]).unwrap();
    assert_eq!(program.epoll_now(set), [(IN, 1), (IN, 2)]);
    program.call("read", [level, MEMORY, 1]).unwrap();
    assert_eq!(program.epoll_now(set), []);
}

#[test]
fn one_shot_is_told_once_until_it_is_set_again() {
    let program = Program::new();
    let (reader, writer) = program.pipe();
    let set = program.call("epoll_create1", [0]).unwrap();
    program.control(set, linux::EPOLL_CTL_ADD, reader, IN | linux::EPOLLONESHOT, 1).unwrap();
    program.call("write", [writer, MEMORY, 1]).unwrap();
    assert_eq!(program.epoll_now(set), [(IN, 1)]);
    program.call("write", [writer, MEMORY, 1]).unwrap();
    assert_eq!(program.epoll_now(set), []);
    program.control(set, linux::EPOLL_CTL_MOD, reader, IN | linux::EPOLLONESHOT, 3).unwrap();
    assert_eq!(program.epoll_now(set), [(IN, 3)]);
}

#[test]
fn a_set_wakes_who_waits_and_forgets_what_is_closed() {
    let program = Program::new();
    let (reader, writer) = program.pipe();
    let set = program.call("epoll_create1", [0]).unwrap();
    program.control(set, linux::EPOLL_CTL_ADD, reader, IN, 1).unwrap();
    program.control(set, linux::EPOLL_CTL_ADD, writer, OUT | linux::EPOLLET, 2).unwrap();
    assert_eq!(program.control(set, linux::EPOLL_CTL_ADD, reader, IN, 1), Err(Errno::EEXIST));
    assert_eq!(program.epoll_now(set), [(OUT, 2)]);
    let mut wait = program.begin("epoll_wait", [set, MEMORY + 0x2000, 16, u64::MAX]);
    assert_eq!(wait.look(), None);
    program.call("write", [writer, MEMORY, 1]).unwrap();
    assert!(wait.was_woken());
    assert!(matches!(wait.look(), Some(Ok(1..))));
    program.call("close", [reader]).unwrap();
    program.epoll_now(set);
    assert_eq!(program.control(set, linux::EPOLL_CTL_MOD, reader, IN, 1), Err(Errno::EBADF));
    assert!(program.epoll_now(set).iter().all(|(_, data)| *data == 2));
}

#[test]
fn a_pair_carries_bytes_both_ways_and_tells_the_end() {
    let program = Program::new();
    program.call("socketpair", [1, 1, 0, MEMORY]).unwrap();
    let [one, other]: [u32; 2] = program.get(0);
    program.put(0x100, b"ping");
    program.call("sendto", [u64::from(one), MEMORY + 0x100, 4, 0, 0, 0]).unwrap();
    assert_eq!(program.call("recvfrom", [u64::from(other), MEMORY + 0x200, 9, 0, 0, 0]), Ok(4));
    assert_eq!(program.get::<[u8; 4]>(0x200), *b"ping");
    program.call("shutdown", [u64::from(one), 1]).unwrap();
    assert_eq!(program.call("read", [u64::from(other), MEMORY, 9]), Ok(0));
    assert_eq!(program.call("write", [u64::from(other), MEMORY, 1]), Ok(1));
}

#[test]
fn a_call_names_no_more_files_than_the_program_may_have() {
    let program = Program::new();
    let limit = program.thread.files.lock().limit() as u64;
    program.put(0, vec![u8::MAX; 8 * limit as usize].as_slice()); // descriptors of -1
    assert_eq!(program.call("poll", [MEMORY, limit, 0]), Ok(0));
    assert_eq!(program.call("poll", [MEMORY, limit + 1, 0]), Err(Errno::EINVAL));
}

#[test]
fn a_set_whose_files_are_changed_without_end_does_not_grow() {
    let program = Program::new();
    let (reader, _) = program.pipe();
    let set = program.call("epoll_create1", [0]).unwrap();
    program.control(set, linux::EPOLL_CTL_ADD, reader, IN, 0).unwrap();
    for data in 0..1000 {
        program.control(set, linux::EPOLL_CTL_MOD, reader, IN, data).unwrap();
    }
    let open = program.thread.files.lock().get(set).unwrap();
    let epoll: &crate::program::epoll::Epoll = open.file.any().downcast_ref().unwrap();
    assert!(epoll.listed() <= 4, "{}", epoll.listed());
}

#[test]
fn a_set_that_is_closed_leaves_nothing_with_its_files() {
    let program = Program::new();
    let (reader, _writer) = program.pipe();
    let open = program.thread.files.lock().get(reader).unwrap();
    let set = program.call("epoll_create1", [0]).unwrap();
    program.control(set, linux::EPOLL_CTL_ADD, reader, IN, 1).unwrap();
    assert!(program.epoll_now(set).is_empty());
    assert_eq!(open.watchers.lock().len(), 1);
    program.call("close", [set]).unwrap();
    assert_eq!(open.watchers.lock().len(), 0);
}
