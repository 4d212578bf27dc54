//! System calls as a program makes them, on the fake machine.
mod events;
mod files;
mod memory;
mod processes;
mod signals;
mod threads;

use super::*;
use crate::file::{File, SocketKind, Sockets, Version};
use crate::program::descriptors::Descriptors;
use crate::program::process::{Process, World};
use crate::program::signal::Actions;
use crate::program::space::{Backing, Protection, Space};
use crate::tree::{Place, Tree};
use alloc::task::Wake;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Waker};
use spin::Mutex;
use std::boxed::Box;
use std::pin::Pin;
use std::string::String;
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// Where the program of the tests has memory.
const MEMORY: u64 = 0x10_0000;
const MEMORY_SIZE: u64 = 0x10_0000;

struct NoNetwork;

impl Sockets for NoNetwork {
    fn open(&self, _version: Version, _kind: SocketKind) -> Result<Arc<dyn File>, Errno> {
        Err(Errno::ENETDOWN)
    }
}

/// A program with one thread that the test makes calls for.
struct Program {
    thread: Arc<Thread>,
}

impl Program {
    fn new() -> Self {
        let tree = Tree::new();
        let place = Place::at(&tree);
        let process = Process::new(&World::new(tree, Arc::new(NoNetwork)), 1, Actions::default());
        let mut space = Space::new(0x7000_0000_0000).unwrap();
        let protection = Protection::READ | Protection::WRITE;
        space.map(MEMORY..MEMORY + MEMORY_SIZE, protection, Backing::Zero).unwrap();
        let files = Arc::new(Mutex::new(Descriptors::new(64)));
        let (id, memory) = (process.id, Arc::new(Memory::new(space)));
        Program { thread: Thread::new(&process, id, memory, files, Arc::new(Mutex::new(place))) }
    }

    /// Another thread of the same process.
    fn thread(&self) -> Self {
        let parent = &self.thread;
        let id = parent.process.world.new_id();
        let (memory, files, place) = (parent.memory.clone(), parent.files.clone(), parent.place.clone());
        Program { thread: Thread::new(&parent.process, id, memory, files, place) }
    }

    /// Begins a call; it goes on when it is looked at.
    fn begin<const COUNT: usize>(&self, name: &str, args: [u64; COUNT]) -> Begun {
        let number = table::ALL.iter().find(|entry| entry.name == name).expect("a call of the table").number;
        let mut all = [0; 6];
        all[..COUNT].copy_from_slice(&args);
        let mut registers = Registers::new(0x1002, MEMORY + MEMORY_SIZE);
        registers.rax = number;
        [registers.rdi, registers.rsi, registers.rdx, registers.r10, registers.r8, registers.r9] = all;
        let thread = self.thread.clone();
        let work = Box::pin(async move {
            let interrupted = serve(&thread, &mut registers).await;
            (registers, interrupted)
        });
        Begun { work, woken: Arc::default() }
    }

    /// Makes a call that does not wait.
    fn call<const COUNT: usize>(&self, name: &str, args: [u64; COUNT]) -> Answer {
        let mut begun = self.begin(name, args);
        loop {
            if let Some(answer) = begun.look() {
                return answer;
            }
            // It may have given way to others for a moment.
            assert!(begun.was_woken(), "{name} waits");
        }
    }

    fn put<T: IntoBytes + Immutable + ?Sized>(&self, at: u64, value: &T) -> u64 {
        self.thread.memory.put(MEMORY + at, value).unwrap();
        MEMORY + at
    }

    fn text(&self, at: u64, text: &str) -> u64 {
        self.put(at, [text.as_bytes(), &[0]].concat().as_slice())
    }

    fn get<T: FromBytes + IntoBytes>(&self, at: u64) -> T {
        self.thread.memory.get(MEMORY + at).unwrap()
    }
}

#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

type Work = Pin<Box<dyn Future<Output = (Registers, Option<Interrupted>)>>>;

/// A call on its way.
struct Begun {
    work: Work,
    woken: Arc<Flag>,
}

impl Begun {
    /// Goes on with it; what it gives, if it is done.
    fn look(&mut self) -> Option<Answer> {
        self.finish().map(|(registers, _)| decode(registers.rax))
    }

    fn finish(&mut self) -> Option<(Registers, Option<Interrupted>)> {
        let waker = Waker::from(self.woken.clone());
        match self.work.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(done) => Some(done),
            Poll::Pending => None,
        }
    }

    /// Whether it was woken since the last time that this was asked.
    fn was_woken(&self) -> bool {
        self.woken.0.swap(false, Ordering::Relaxed)
    }
}

fn decode(rax: u64) -> Answer {
    match rax as i64 {
        errno @ -4095..=-1 => Err(Errno(-errno as i32)),
        _ => Ok(rax),
    }
}

#[test]
fn every_number_and_every_name_stands_once() {
    for (index, entry) in table::ALL.iter().enumerate() {
        let others = &table::ALL[index + 1..];
        assert!(others.iter().all(|other| other.number != entry.number && other.name != entry.name), "{}", entry.name);
    }
}

#[test]
fn every_call_has_the_number_that_linux_gives_it() {
    assert!(numbers::NAMES.is_sorted());
    for entry in table::ALL {
        assert_eq!(numbers::name(entry.number), Some(entry.name));
    }
}

#[test]
fn a_number_that_is_not_there_is_no_error_of_ours() {
    let program = Program::new();
    let mut registers = Registers::new(0, 0);
    for number in [500, 1 << 40, u64::MAX] {
        registers.rax = number;
        let mut served = Box::pin(serve(&program.thread, &mut registers));
        assert!(served.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
        drop(served);
        assert_eq!(decode(registers.rax), Err(Errno::ENOSYS));
    }
}

#[test]
fn what_is_not_there_is_told_once_by_the_programs_name_whichever_thread_asks() {
    let program = Program::new();
    program.thread.process.world.tree.set_program("/opt/server");
    program.thread.set_name(b"worker");
    drop(machine::report::take());
    for thread in [&program, &program.thread(), &program] {
        let mut registers = Registers::new(0, 0);
        registers.rax = 447;
        let mut served = Box::pin(serve(&thread.thread, &mut registers));
        assert!(served.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
    }
    let told = machine::report::take();
    let [(image::report::kind::REPORT, notice)] = &told[..] else { panic!("{told:?}") };
    let notice = String::from_utf8_lossy(notice);
    assert!(notice.contains("server: system call 447 (memfd_secret)") && notice.contains("--trace"), "{notice}");
}

#[test]
fn no_argument_of_any_call_panics() {
    let interesting =
        [0, 1, 2, 7, 0xfff, 0x1000, MEMORY, MEMORY + MEMORY_SIZE - 1, 1 << 31, 1 << 47, i64::MAX as u64, u64::MAX];
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        interesting[(state >> 33) as usize % interesting.len()]
    };
    for entry in table::ALL {
        for _ in 0..40 {
            let program = Program::new();
            program.text(0, "/tmp/some");
            program.call("pipe2", [MEMORY + 0x100, 0]).unwrap();
            let args = [next(), next(), next(), next(), next(), next()];
            let _ = program.begin(entry.name, args).look();
            // What it started is a task that other tests run.
            let process = &program.thread.process;
            process.children().iter().chain([process]).for_each(|process| process.finish(End::Exited(0)));
        }
    }
}
