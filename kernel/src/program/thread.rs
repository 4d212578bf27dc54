//! Threads: each is a task that runs the program and serves its traps.
use super::descriptors::Descriptors;
use super::frame;
use super::memory::Memory;
use super::process::{End, Process};
use super::signal::{self, Info, Pending, Set, Signal};
use super::space::{Fault, Protection};
use crate::executor::{self, Allowed};
use crate::syscall;
use crate::tree::Place;
use crate::wait::WaitQueue;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use core::future::{Future, poll_fn};
use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use core::time::Duration;
use machine::memory::USER_END;
use machine::user::{Registers, Trap};
use spin::Mutex;

/// `si_code` of a signal that the kernel sends (SI_KERNEL).
pub const KERNEL: i32 = 0x80;
/// How long a thread runs before others have their turn, and the network, whose card is quiet meanwhile.
const SLICE: Duration = Duration::from_millis(1);
/// For how many system calls frames to send may wait for more.
const FRAMES_WAIT: u32 = 8;

/// A thread.
pub struct Thread {
    /// Its number.
    pub id: u32,
    /// What it is part of.
    pub process: Arc<Process>,
    /// Its memory.
    pub memory: Arc<Memory>,
    /// Its file descriptors.
    pub files: Arc<Mutex<Descriptors>>,
    /// Where its relative paths begin.
    pub place: Arc<Mutex<Place>>,
    /// Its own state of signals.
    pub signals: Mutex<ThreadSignals>,
    /// Where a zero is written when it ends (set_tid_address(2)), 0 for nowhere.
    pub clear_tid: AtomicU64,
    /// Its robust futexes (set_robust_list(2)), 0 for none.
    pub robust_list: AtomicU64,
    /// Its name (prctl(2), PR_SET_NAME).
    pub name: Mutex<[u8; 16]>,
    /// Woken when a signal has come for it or it is to end.
    pub interrupt: WaitQueue,
    /// It lets others run in the midst of a call that is not over: a signal does not end the call there.
    pub gives_way: AtomicBool,
    exited: AtomicBool,
    code: AtomicU8,
    /// What it used of the processors, in nanoseconds, and since when it runs; 0 while it does not.
    used: AtomicU64,
    since: AtomicU64,
    /// The processor that runs it in ring 3, counted from 1; 0 for none.
    runs_on: AtomicUsize,
    /// Those that may (sched_setaffinity(2)).
    pub allowed: Allowed,
}

/// What a thread has of signals for itself.
#[derive(Default)]
pub struct ThreadSignals {
    /// Those that wait until they are unblocked.
    pub blocked: Set,
    /// What is blocked again once the call that changed it for itself (sigsuspend, ppoll, ...) is over.
    pub restore: Option<Set>,
    /// Those sent to this thread alone.
    pub pending: Pending,
    /// The stack for handlers: start and length; length 0 for none.
    pub alternate: (u64, u64),
    /// It is given up while a handler runs on it (SS_AUTODISARM).
    pub disarms: bool,
    /// The thread's last fault: trap number, error code, address.
    pub fault: [u64; 3],
}

impl Thread {
    /// A thread of this process that shares these; it does not run yet.
    pub fn new(
        process: &Arc<Process>,
        id: u32,
        memory: Arc<Memory>,
        files: Arc<Mutex<Descriptors>>,
        place: Arc<Mutex<Place>>,
    ) -> Arc<Self> {
        let thread = Arc::new(Thread {
            id,
            process: process.clone(),
            memory,
            files,
            place,
            signals: Mutex::default(),
            clear_tid: AtomicU64::new(0),
            robust_list: AtomicU64::new(0),
            name: Mutex::default(),
            interrupt: WaitQueue::new(),
            gives_way: AtomicBool::new(false),
            exited: AtomicBool::new(false),
            code: AtomicU8::new(0),
            used: AtomicU64::new(0),
            since: AtomicU64::new(0),
            runs_on: AtomicUsize::new(0),
            allowed: executor::anywhere(),
        });
        process.add_thread(thread.clone());
        thread
    }

    /// Names it; a longer name is cut.
    pub fn set_name(&self, name: &[u8]) {
        let mut bytes = [0; 16];
        bytes.iter_mut().take(15).zip(name).for_each(|(to, from)| *to = *from);
        *self.name.lock() = bytes;
    }

    /// Starts it.
    pub fn spawn(self: Arc<Self>, registers: Box<Registers>) {
        executor::spawn_on(self.allowed.clone(), async move {
            let mut work = core::pin::pin!(run(self.clone(), registers));
            poll_fn(|context| {
                self.since.store(machine::time::now().as_nanos() as u64, Ordering::Relaxed);
                let state = work.as_mut().poll(context);
                self.count_time();
                state
            })
            .await;
        });
    }

    /// Adds the time it just ran to what it has used.
    fn count_time(&self) {
        let since = self.since.swap(0, Ordering::Relaxed);
        let ran = (machine::time::now().as_nanos() as u64).saturating_sub(since);
        self.used.fetch_add(ran, Ordering::Relaxed);
        self.process.timers.look();
    }

    /// What it used of the processors: as long as it ran, in the program and in the kernel.
    pub fn processor_time(&self) -> Duration {
        let running = match self.since.load(Ordering::Relaxed) {
            0 => 0,
            since => (machine::time::now().as_nanos() as u64).saturating_sub(since),
        };
        Duration::from_nanos(self.used.load(Ordering::Relaxed).saturating_add(running))
    }

    /// Which signals it blocks.
    pub fn blocked(&self) -> Set {
        self.signals.lock().blocked
    }

    /// Ends this thread alone (exit(2)).
    pub fn exit(&self, code: u8) {
        self.code.store(code, Ordering::Relaxed);
        self.exited.store(true, Ordering::Relaxed);
    }

    /// Whether it must not run any more.
    pub fn is_over(&self) -> bool {
        self.exited.load(Ordering::Relaxed) || self.process.end().is_some()
    }

    /// Sends a signal to this thread alone; `false` if too many wait already.
    pub fn post(&self, signal: Signal, info: Info) -> bool {
        if signal == signal::SIGKILL {
            return self.process.post(signal, info);
        }
        let blocked = self.blocked() & signal::only(signal) != 0;
        if self.process.stops_or_goes_on(signal, blocked) {
            return true;
        }
        if blocked || !self.process.actions.lock().ignores(signal) {
            let added = self.signals.lock().pending.add(signal, info);
            self.wake();
            self.process.signalled.wake();
            return added;
        }
        true
    }

    /// Has it look for what is to be handled, wherever it is: it waits, or runs on another processor.
    pub fn wake(&self) {
        self.interrupt.wake();
        if let Some(number) = self.runs_on.load(Ordering::Relaxed).checked_sub(1) {
            machine::cpus::interrupt(number);
        }
    }

    /// Which signals wait for it, blocked or not.
    pub fn pending(&self) -> Set {
        self.signals.lock().pending.set() | self.process.pending()
    }

    /// Whether it is to end, or a signal is to be handled.
    pub fn is_interrupted(&self) -> bool {
        self.is_over() || self.pending() & !self.blocked() & !self.process.actions.lock().ignored() != 0
    }

    /// Takes one of these signals.
    pub fn take_signal(&self, wanted: Set) -> Option<(Signal, Info)> {
        let own = self.signals.lock().pending.take(wanted);
        own.or_else(|| self.process.take_signal(wanted))
    }
}

/// Runs a thread until it ends.
async fn run(thread: Arc<Thread>, mut registers: Box<Registers>) {
    let mut interrupted = None;
    let mut waited = 0;
    loop {
        let goes_on = || (thread.is_over() || !thread.process.stop.is_stopped()).then_some(());
        thread.interrupt.until(goes_on).await;
        frame::deliver(&thread, &mut registers, interrupted.take());
        if thread.is_over() {
            break;
        }
        if thread.process.stop.is_stopped() {
            continue;
        }
        match enter(&thread, &mut registers) {
            Trap::Syscall => interrupted = syscall::serve(&thread, &mut registers).await,
            Trap::PageFault { address, write, execute } => page_fault(&thread, &registers, address, write, execute),
            Trap::Exception { vector, code } => exception(&thread, &registers, vector, code),
            // The clock is not looked at: the end of the slice interrupts.
            Trap::Interrupt => executor::give_way().await,
        }
        if machine::nic::waiting() {
            waited += 1;
            if waited > FRAMES_WAIT {
                waited = 0;
                thread.process.world.sockets.flush();
            }
        }
    }
    syscall::thread_ends(&thread);
    let code = thread.code.load(Ordering::Relaxed);
    syscall::trace::thread_ends(&thread, code);
    thread.process.remove_thread(thread.id, code);
}

fn enter(thread: &Thread, registers: &mut Registers) -> Trap {
    // What the processor does not take in these registers is a fault of the program, before it could be one of the kernel.
    if registers.rip >= USER_END {
        return Trap::PageFault { address: registers.rip, write: false, execute: true };
    }
    // Others have the kernel meanwhile: nothing may be locked.
    executor::share();
    thread.runs_on.store(machine::cpus::current() + 1, Ordering::Relaxed);
    let turn_began = Duration::from_nanos(thread.since.load(Ordering::Relaxed));
    let trap = machine::user::run(registers, thread.memory.tables(), turn_began + SLICE);
    thread.runs_on.store(0, Ordering::Relaxed);
    trap
}

fn page_fault(thread: &Thread, registers: &Registers, address: u64, write: bool, execute: bool) {
    let need = match (write, execute) {
        (true, _) => Protection::WRITE,
        (_, true) => Protection::EXECUTE,
        _ => Protection::READ,
    };
    let fault = if address < USER_END {
        thread.memory.space.lock().resolve(address, need).err()
    } else {
        Some(Fault::Unmapped)
    };
    let Some(fault) = fault else { return };
    let verb = match (write, execute) {
        (true, _) => "write",
        (_, true) => "execution",
        _ => "read",
    };
    let place = format!("{verb} at {address:#x}, instruction at {:#x}", registers.rip);
    let (signal, code, what) = match fault {
        Fault::OutOfMemory => {
            let what = format!("out of memory: {place}; give the machine more");
            return thread.process.finish(End::Killed { signal: signal::SIGKILL, what });
        }
        Fault::PastEnd => (signal::SIGBUS, 2, format!("bus error: the mapped file has ended: {place}")),
        Fault::Unmapped => (signal::SIGSEGV, 1, format!("segmentation fault: {place}")),
        Fault::Forbidden => (signal::SIGSEGV, 2, format!("segmentation fault: {place} (memory protection)")),
    };
    let error = u64::from(code == 2) | u64::from(write) << 1 | 1 << 2 | u64::from(execute) << 4;
    thread.signals.lock().fault = [14, error, address];
    force(thread, signal, code, address, what);
}

fn exception(thread: &Thread, registers: &Registers, vector: u8, error: u64) {
    let (signal, code, name) = match vector {
        0 => (signal::SIGFPE, 1, "division by zero or overflow"),
        1 => (signal::SIGTRAP, 2, "single step"),
        3 => (signal::SIGTRAP, KERNEL, "breakpoint"),
        6 => (signal::SIGILL, 2, "illegal instruction"),
        16 | 19 => (signal::SIGFPE, float_code(registers), "floating-point exception"),
        17 => (signal::SIGBUS, 1, "misaligned access"),
        13 => (signal::SIGSEGV, KERNEL, "general protection fault"),
        _ => (signal::SIGSEGV, KERNEL, "exception"),
    };
    let mut what = format!("{name}, instruction at {:#x}", registers.rip);
    if error != 0 {
        what.push_str(&format!(", error code {error:#x}"));
    }
    let mut signals = thread.signals.lock();
    signals.fault = [u64::from(vector), error, signals.fault[2]];
    drop(signals);
    // Where the code says that the kernel sends it, nothing is known of an address.
    force(thread, signal, code, if code == KERNEL { 0 } else { registers.rip }, what);
}

/// `si_code` of a floating-point exception: the first that is not masked, by MXCSR (FPE_FLTINV ...; sigaction(2)).
fn float_code(registers: &Registers) -> i32 {
    let image = registers.fpu();
    let word = |at: usize| image.get(at..at + 2).map_or(0, |bytes| u16::from_le_bytes([bytes[0], bytes[1]]));
    // Those of SSE, and those of the x87 unit.
    let raised = word(24) & !(word(24) >> 7) & 0x3f | word(2) & !word(0) & 0x3f;
    match raised {
        bits if bits & 1 != 0 => 7,
        bits if bits & 4 != 0 => 3,
        bits if bits & 8 != 0 => 4,
        bits if bits & 0x12 != 0 => 5,
        _ => 6,
    }
}

/// Sends a signal for what the thread just did: it cannot go on without it being handled.
pub fn force(thread: &Thread, signal: Signal, code: i32, address: u64, what: String) {
    let action = thread.process.actions.lock().get(signal);
    if action.handler <= 1 || thread.blocked() & signal::only(signal) != 0 {
        syscall::trace::signal(thread, signal, &Info { code, value: address, ..Info::default() });
        return thread.process.finish(End::Killed { signal, what });
    }
    thread.post(signal, Info { code, value: address, what: Some(what), ..Info::default() });
}
