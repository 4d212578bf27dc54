//! System calls of Linux on x86-64: [`table`] has all of them, each family has a file.
//!
//! A handler takes a [`Call`] and gives the result or an error number. One that may wait is `async`: when a signal
//! arrives it is dropped where it waits, and what it had done by then, in [`Call::done`], is its result.
pub mod numbers;
pub mod table;
pub mod trace;

mod advice;
mod child;
mod control;
mod descriptor;
mod event;
mod futex;
mod identity;
mod io;
mod lock;
mod memory;
mod path;
mod poll;
mod processor;
mod scheduling;
mod signal;
mod signalfd;
mod socket;
mod splice;
mod status;
mod storage;
mod system;
mod thread;
mod time;
mod timer;
mod timerfd;
mod unix;
mod wait;

pub use thread::thread_ends;

use crate::errno::Errno;
use crate::program::descriptors::Open;
use crate::program::frame::Interrupted;
use crate::program::memory::Memory;
use crate::program::process::{End, World};
use crate::program::signal::SIGKILL;
use crate::program::thread::Thread;
use alloc::format;
use alloc::sync::Arc;
use core::future::{Future, poll_fn};
use core::pin::pin;
use core::sync::atomic::Ordering;
use core::task::Poll;
use machine::user::Registers;
use trace::{Outcome, Traced};

/// What a call gives: the value of `rax`, or an error.
pub type Answer = Result<u64, Errno>;

/// A system call on its way.
pub struct Call<'a> {
    /// Who makes it.
    pub thread: &'a Arc<Thread>,
    /// The caller's registers.
    pub registers: &'a mut Registers,
    /// The six arguments.
    pub args: [u64; 6],
    /// What it gives if a signal ends it now, if that is not 0.
    pub done: u64,
}

impl Call<'_> {
    /// The argument of this index.
    pub fn arg<const INDEX: usize>(&self) -> u64 {
        const { assert!(INDEX < 6) };
        self.args[INDEX]
    }

    /// An argument of 32 bits: an `int`, flags.
    pub fn int<const INDEX: usize>(&self) -> u32 {
        self.arg::<INDEX>() as u32
    }

    /// The caller's memory.
    pub fn memory(&self) -> &Memory {
        &self.thread.memory
    }

    /// What all processes share.
    pub fn world(&self) -> &Arc<World> {
        &self.thread.process.world
    }

    /// The open file whose descriptor this argument is.
    pub fn open<const INDEX: usize>(&self) -> Result<Arc<Open>, Errno> {
        self.open_number(u64::from(self.int::<INDEX>()))
    }

    /// The open file of this descriptor.
    pub fn open_number(&self, number: u64) -> Result<Arc<Open>, Errno> {
        self.thread.files.lock().get(number)
    }

    /// The path that this argument points at.
    pub fn path<const INDEX: usize>(&self) -> Result<alloc::string::String, Errno> {
        self.memory().path(self.arg::<INDEX>())
    }
}

/// Serves the call that the thread stopped for; tells if a signal ended it.
pub async fn serve(thread: &Arc<Thread>, registers: &mut Registers) -> Option<Interrupted> {
    let (number, args) = (registers.rax, registers.arguments());
    let mut traced = Traced::begin(thread, number, args, registers.rsp);
    let mut call = Call { thread, registers, args, done: 0 };
    let answer = unless_interrupted(thread, &mut traced, table::dispatch(number, &mut call)).await;
    let answer = match answer {
        Some(answer) => Some(answer),
        None => (call.done > 0).then_some(Ok(call.done)),
    };
    if answer == Some(Err(Errno::EXHAUSTED)) {
        let name = numbers::name(number).unwrap_or_default();
        let what = format!("out of memory: in a call of {name}; give the machine more");
        thread.process.finish(End::Killed { signal: SIGKILL, what });
    }
    let interrupted = Interrupted { number, restarts: table::restarts(number) };
    registers.rax = encode(answer.unwrap_or(Err(Errno::EINTR)));
    if let Some(traced) = traced {
        traced.end(match answer {
            _ if thread.is_over() => Outcome::Never,
            Some(_) => Outcome::Returned(registers.rax),
            None => Outcome::Interrupted(interrupted.restarts),
        });
    }
    answer.is_none().then_some(interrupted)
}

fn encode(answer: Answer) -> u64 {
    // Nobody sees what is told to a program that has ended; it is an error all the same.
    let told = |errno| if errno == Errno::EXHAUSTED { Errno::EFAULT } else { errno };
    answer.unwrap_or_else(|errno| i64::from(-told(errno).0) as u64)
}

/// Does `work`; gives up, with `None`, where it waits and something is to be handled first.
async fn unless_interrupted<T>(
    thread: &Thread,
    traced: &mut Option<Traced<'_>>,
    work: impl Future<Output = T>,
) -> Option<T> {
    let mut work = pin!(work);
    poll_fn(|context| {
        if thread.process.stop.is_stopped() && !thread.is_over() {
            // The call goes on when the process does.
            thread.interrupt.register(context.waker());
            return Poll::Pending;
        }
        if let Poll::Ready(done) = work.as_mut().poll(context) {
            return Poll::Ready(Some(done));
        }
        if let Some(traced) = traced {
            traced.waits();
        }
        thread.interrupt.register(context.waker());
        let gives_way = thread.gives_way.swap(false, Ordering::Relaxed);
        if thread.is_over() || thread.is_interrupted() && !gives_way { Poll::Ready(None) } else { Poll::Pending }
    })
    .await
}

#[cfg(test)]
mod tests;
