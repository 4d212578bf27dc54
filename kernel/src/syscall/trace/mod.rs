//! Tells every system call of the program on its way, as strace(1) does.
//!
//! - [`signatures`]: what the arguments of each call are
//! - [`printer`], [`values`], [`structures`], [`network`], [`special`]: the arguments as text
//! - [`names`], [`known`], [`errors`]: numbers that have names
//! - [`outcome`], [`events`]: what a call gives; signals and ends
//! - [`lines`]: calls of several threads in one stream
mod errors;
mod events;
mod known;
mod lines;
mod names;
mod network;
mod outcome;
mod printer;
mod signatures;
mod special;
mod structures;
#[cfg(test)]
mod tests;
mod text;
mod values;

pub use outcome::Outcome;

use super::numbers;
use crate::program::process::{End, Process};
use crate::program::signal::{Info, Signal};
use crate::program::thread::Thread;
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};
use image::report::kind;
use lines::Lines;
use printer::{Kind, Printer};
use spin::Mutex;

/// What a call without a signature is shown with.
const NUMBERS: &[Kind] = &[Kind::Now(values::hexadecimal); 6];

/// The trace of all threads.
#[derive(Default)]
pub struct Trace {
    on: AtomicBool,
    lines: Mutex<Lines>,
}

impl Trace {
    /// Tells all from now on.
    pub fn switch_on(&self) {
        self.on.store(true, Ordering::Relaxed);
    }

    /// Whether anything is to be told.
    pub fn is_on(&self) -> bool {
        self.on.load(Ordering::Relaxed)
    }

    fn tell(&self, text: impl FnOnce(&mut Lines) -> String) {
        let mut lines = self.lines.lock();
        let text = text(&mut lines);
        // Still locked: the pieces of a line leave in their order.
        machine::report::send(kind::TRACE, text.as_bytes());
    }

    fn line(&self, thread: u32, text: &str) {
        self.tell(|lines| lines.whole(thread, text));
    }
}

/// A call that is told.
pub struct Traced<'a> {
    thread: &'a Arc<Thread>,
    name: Cow<'static, str>,
    kinds: &'static [Kind],
    args: [u64; 6],
    /// The length that a call changes, as it was.
    before: u32,
    /// The call as far as it was known when it was made.
    beginning: String,
    /// The first argument that is not in it.
    next: usize,
    waited: bool,
}

impl<'a> Traced<'a> {
    /// Takes note of a call, if calls are told.
    pub fn begin(thread: &'a Arc<Thread>, number: u64, args: [u64; 6], stack: u64) -> Option<Self> {
        if !thread.process.world.trace.is_on() {
            return None;
        }
        let name = match numbers::name(number) {
            Some(name) => Cow::Borrowed(name),
            None => Cow::Owned(format!("syscall_{number:#x}")),
        };
        let kinds = signatures::of_call(&name).unwrap_or(NUMBERS);
        let mut args = args;
        if name == "rt_sigreturn" {
            args[3] = stack;
        }
        let mut call =
            Traced { thread, name, kinds, args, before: 0, beginning: String::new(), next: 0, waited: false };
        let mut printer = call.printer(None);
        printer.put(format_args!("{}(", call.name));
        let next = printer.arguments(kinds, 0);
        call.beginning = printer.text;
        call.next = next;
        call.before = call.length_before();
        Some(call)
    }

    /// What the call's length argument points at: that of an address or of an option.
    fn length_before(&self) -> u32 {
        let index = match &*self.name {
            "accept" | "accept4" | "getsockname" | "getpeername" => 2,
            "recvfrom" => 5,
            "getsockopt" => 4,
            _ => return 0,
        };
        self.printer(None).value(self.args[index]).unwrap_or(0)
    }

    fn printer(&self, result: Option<u64>) -> Printer<'a> {
        let memory = &self.thread.memory;
        Printer { memory, args: self.args, result, before: self.before, text: String::new() }
    }

    /// The call waits: what is known of it is told now.
    pub fn waits(&mut self) {
        if !core::mem::replace(&mut self.waited, true) {
            let thread = self.thread;
            thread.process.world.trace.tell(|lines| lines.begin(thread.id, &self.beginning));
        }
    }

    /// The call is over.
    pub fn end(self, outcome: Outcome) {
        let rax = match outcome {
            Outcome::Returned(rax) => rax,
            // What the kernel fills in is not there.
            Outcome::Interrupted(_) | Outcome::Never => u64::from(linux_raw_sys::errno::EINTR).wrapping_neg(),
        };
        let mut printer = self.printer(Some(rax));
        printer.arguments(self.kinds, self.next);
        printer.push(")");
        outcome::put(&mut printer, &self.name, outcome);
        let (thread, rest) = (self.thread, printer.text);
        thread.process.world.trace.tell(|lines| match self.waited {
            true => lines.finish(thread.id, &self.name, &rest),
            false => lines.whole(thread.id, &format!("{}{rest}", self.beginning)),
        });
    }
}

/// A signal arrives at a thread.
pub fn signal(thread: &Thread, signal: Signal, info: &Info) {
    let trace = &thread.process.world.trace;
    if trace.is_on() {
        trace.line(thread.id, &events::signal(signal, info));
    }
}

/// A thread has ended; `code` is for one that ended alone.
pub fn thread_ends(thread: &Thread, code: u8) {
    let trace = &thread.process.world.trace;
    if trace.is_on() {
        let end = thread.process.end().unwrap_or(End::Exited(code));
        trace.line(thread.id, &events::end(&end));
    }
}

/// The machine ends with the program: its threads that are left do.
pub fn finish(process: &Process, end: &End) {
    let trace = &process.world.trace;
    if trace.is_on() {
        for thread in process.thread_ids().into_iter().rev() {
            trace.line(thread, &events::end(end));
        }
    }
}
