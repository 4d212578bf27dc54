//! A machine while it runs: what it sends, how it ends, and how it is stopped.
use crate::backlog;
use crate::frames::{self, Frame};
use crate::say::{say, say_plain};
use image::report::{Cause, Counter, Report};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long QEMU may take to end after the machine's last word.
const GRACE: Duration = Duration::from_secs(1);

/// How long the kernel may keep new counters to itself: 200 ms, and some time to send them.
const COUNTING: Duration = Duration::from_millis(250);

/// As much of the text of QEMU and of the early boot as is kept, in bytes.
const KEPT: usize = 64 << 10;

/// How a machine ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The program ended with this code.
    Exited(u8),
    /// This signal ended the program: what it did.
    Killed(u8, String),
    /// The boot stopped, or the kernel or QEMU failed: why.
    Failed(String),
    /// This signal came to us.
    Interrupted(i32),
    /// Nobody reads our standard output any more.
    Unread,
}

/// What a machine leaves behind.
#[derive(Debug)]
pub struct Remains {
    /// How it ended.
    pub outcome: Outcome,
    /// The last counters it sent.
    pub counters: Option<BTreeMap<Cause, Counter>>,
    /// What it said of its memory: total, in use.
    pub memory: Option<(u64, u64)>,
    /// What QEMU and the early boot printed.
    pub text: String,
}

/// Who is told of what the machine sends.
pub struct Listener<'a> {
    /// When the machine was started.
    pub started: Instant,
    /// Show the log and the text of the early boot too.
    pub verbose: bool,
    /// Where each report goes as JSON.
    pub report: Option<File>,
    /// Called with each report.
    pub on_report: &'a mut dyn FnMut(&Report),
}

/// A machine that runs.
struct Session<'a> {
    listener: Listener<'a>,
    remains: Remains,
    /// QEMU's process.
    process: u32,
    /// Whether the last piece of the trace has not ended its line.
    mid_line: bool,
}

enum Event {
    Frame(Frame),
    Signal(i32),
    /// The reports' end.
    Ended(io::Result<()>),
}

/// Runs the machine to its end.
pub fn run(command: &mut Command, listener: Listener<'_>) -> io::Result<Remains> {
    let (sender, events) = mpsc::channel();
    watch_signals(sender.clone())?;
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    read_reports(child.stdout.take(), sender);
    let text = keep_text(child.stderr.take(), listener.verbose);
    let remains = Remains { outcome: Outcome::Exited(0), counters: None, memory: None, text: String::new() };
    let mut session = Session { listener, remains, process: child.id(), mid_line: false };
    let outcome = session.follow(&events);
    session.end_line();
    let last_word = matches!(outcome, Some(Outcome::Exited(_) | Outcome::Killed(..) | Outcome::Failed(_)));
    let status = stop(&mut child, &events, last_word)?;
    let text = text.join().unwrap_or_default();
    let outcome = outcome.unwrap_or_else(|| Outcome::Failed(format!("QEMU ended, and the machine with it ({status})")));
    Ok(Remains { outcome, text, ..session.remains })
}

impl Session<'_> {
    /// Follows the machine until it is over; `None` if it went silently.
    fn follow(&mut self, events: &Receiver<Event>) -> Option<Outcome> {
        loop {
            let outcome = match events.recv().ok()? {
                Event::Frame(frame) => self.frame(frame),
                Event::Signal(signal) => {
                    self.last_counters(events);
                    Some(Outcome::Interrupted(signal))
                }
                Event::Ended(Ok(())) => return None,
                Event::Ended(Err(error)) => Some(Outcome::Failed(format!("its reports cannot be read: {error}"))),
            };
            if outcome.is_some() {
                return outcome;
            }
        }
    }

    /// Waits for counters that are on their way, unless a second signal is impatient.
    fn last_counters(&mut self, events: &Receiver<Event>) {
        let deadline = Instant::now() + COUNTING;
        while let Ok(Event::Frame(frame)) = events.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            let counters = matches!(frame, Frame::Report(Report::Counted(_)));
            if self.frame(frame).is_some() || counters {
                return;
            }
        }
    }

    /// Ends the line of the trace, if something else is to follow.
    fn end_line(&mut self) {
        if core::mem::take(&mut self.mid_line) {
            say_plain("\n");
        }
    }

    /// Passes on what the machine sent; the outcome if it is the last.
    fn frame(&mut self, frame: Frame) -> Option<Outcome> {
        // Counters are not said.
        if !matches!(frame, Frame::Trace(_) | Frame::Stdout(_) | Frame::Report(Report::Counted(_))) {
            self.end_line();
        }
        match frame {
            Frame::Trace(bytes) => {
                drop(pass_on(&mut io::stderr().lock(), &bytes));
                self.mid_line = bytes.last().is_some_and(|last| *last != b'\n');
            }
            Frame::Stdout(bytes) => {
                return pass_on(&mut io::stdout().lock(), &bytes).err().map(|error| match error.kind() {
                    io::ErrorKind::BrokenPipe => Outcome::Unread,
                    _ => Outcome::Failed(format!("standard output cannot be written: {error}")),
                });
            }
            // A standard error that nobody reads loses its bytes, as it does with any program that goes on.
            Frame::Stderr(bytes) => drop(pass_on(&mut io::stderr().lock(), &bytes)),
            Frame::Log(line) if self.listener.verbose => {
                say(format_args!("{:>5} ms  {line}", self.listener.started.elapsed().as_millis()));
            }
            Frame::Log(_) => {}
            Frame::Unknown(what) => say(format_args!("{what}; the kernel is of another version")),
            Frame::Report(report) => return self.report(report),
        }
        None
    }

    /// Takes note of a report; the outcome if it is the last.
    fn report(&mut self, report: Report) -> Option<Outcome> {
        if let Some(file) = &mut self.listener.report
            && let Err(error) = write_json(file, &report)
        {
            say(format_args!("the report cannot be written: {error}"));
            self.listener.report = None;
        }
        (self.listener.on_report)(&report);
        // QEMU listens by now, and nobody can be answered yet.
        if matches!(report, Report::PolicyInForce(_))
            && let Err(error) = backlog::widen(self.process)
            && self.listener.verbose
        {
            say(format_args!("connections that arrive together will wait for each other: {error}"));
        }
        match report {
            Report::Exited(code) => return Some(Outcome::Exited(code)),
            Report::Killed(signal, what) => return Some(Outcome::Killed(signal, what)),
            Report::BootFailed(why) => return Some(Outcome::Failed(why)),
            Report::Panicked(why) => return Some(Outcome::Failed(format!("the kernel failed: {why}"))),
            Report::Counted(counters) => {
                let known = self.remains.counters.get_or_insert_default();
                known.extend(counters.into_iter().map(|counter| (counter.cause.clone(), counter)));
            }
            Report::Memory(total, used) => self.remains.memory = Some((total, used)),
            Report::PolicyInForce(_) | Report::Address(..) | Report::Started | Report::Notice(_) => {}
        }
        None
    }
}

fn write_json(file: &mut File, report: &Report) -> io::Result<()> {
    let mut line = serde_json::to_vec(report)?;
    line.push(b'\n');
    file.write_all(&line)
}

fn pass_on(to: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    to.write_all(bytes)?;
    to.flush()
}

/// Ends QEMU: at once, or if the machine said its last word after a moment to end by itself.
fn stop(child: &mut Child, events: &Receiver<Event>, last_word: bool) -> io::Result<ExitStatus> {
    if last_word {
        await_end(events);
    }
    child.kill()?;
    child.wait()
}

/// Waits until the reports end, a signal comes, or the time is over.
fn await_end(events: &Receiver<Event>) {
    let deadline = Instant::now() + GRACE;
    while let Ok(Event::Frame(_)) = events.recv_timeout(deadline.saturating_duration_since(Instant::now())) {}
}

fn watch_signals(sender: Sender<Event>) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    thread::spawn(move || signals.forever().try_for_each(|signal| sender.send(Event::Signal(signal))));
    Ok(())
}

fn read_reports(from: Option<impl Read + Send + 'static>, sender: Sender<Event>) {
    let Some(from) = from else { return };
    thread::spawn(move || {
        let mut from = BufReader::with_capacity(64 << 10, from);
        loop {
            let event = match frames::read(&mut from) {
                Ok(Some(frame)) => Event::Frame(frame),
                Ok(None) => Event::Ended(Ok(())),
                Err(error) => Event::Ended(Err(error)),
            };
            let last = matches!(event, Event::Ended(_));
            if sender.send(event).is_err() || last {
                return;
            }
        }
    });
}

/// Keeps the end of what comes, and shows it at once if asked to.
fn keep_text(from: Option<impl Read + Send + 'static>, show: bool) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut kept = Vec::new();
        let Some(mut from) = from else { return String::new() };
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let new = buffer.get(..length).unwrap_or_default();
            kept.extend_from_slice(new);
            kept.drain(..kept.len().saturating_sub(KEPT));
            if show {
                drop(pass_on(&mut io::stderr().lock(), new));
            }
        }
        String::from_utf8_lossy(&kept).into_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a shell script in the machine's place; returns what remains and the reports as they came.
    fn run_script(script: &str) -> (Remains, Vec<Report>) {
        let mut reports = Vec::new();
        let mut on_report = |report: &Report| reports.push(report.clone());
        let listener = Listener { started: Instant::now(), verbose: false, report: None, on_report: &mut on_report };
        let remains = run(Command::new("sh").args(["-c", script]), listener).unwrap();
        (remains, reports)
    }

    /// A command of the shell that sends a report.
    fn send(report: &Report) -> String {
        let bytes = postcard::to_allocvec(report).unwrap();
        let frame = [&[image::report::kind::REPORT], &(bytes.len() as u16).to_le_bytes()[..], &bytes].concat();
        let escaped: String = frame.iter().map(|byte| format!("\\{byte:03o}")).collect();
        format!("printf '{escaped}';")
    }

    #[test]
    fn the_programs_end_is_the_outcome() {
        let counter = |cause, packets| Counter { cause, accepted: true, packets, bytes: packets * 60 };
        let first = vec![counter(Cause::Rule(0), 1), counter(Cause::Rule(1), 0)];
        let counters = vec![counter(Cause::Rule(0), 3), counter(Cause::Arp, 1)];
        let script = [
            Report::Started,
            Report::Counted(first),
            Report::Counted(counters),
            Report::Memory(2, 1),
            Report::Exited(7),
        ]
        .map(|r| send(&r));
        let (remains, reports) = run_script(&script.concat());
        assert_eq!(remains.outcome, Outcome::Exited(7));
        let counted: Vec<_> = remains.counters.unwrap().into_values().map(|it| (it.cause, it.packets)).collect();
        assert_eq!(counted, [(Cause::Rule(0), 3), (Cause::Rule(1), 0), (Cause::Arp, 1)]);
        assert_eq!(remains.memory, Some((2, 1)));
        assert_eq!(reports.len(), 5);
        let (remains, _) = run_script(&send(&Report::Killed(11, "read 0x0".into())));
        assert_eq!(remains.outcome, Outcome::Killed(11, "read 0x0".into()));
    }

    #[test]
    fn a_machine_that_hangs_after_its_last_word_is_ended() {
        let (remains, _) = run_script(&format!("{} exec sleep 1000", send(&Report::Exited(0))));
        assert_eq!(remains.outcome, Outcome::Exited(0));
    }

    #[test]
    fn a_machine_that_ends_without_a_word_has_failed_and_its_text_is_kept() {
        let (remains, reports) = run_script("echo no such machine >&2; exit 1");
        assert!(matches!(&remains.outcome, Outcome::Failed(why) if why.contains("QEMU ended")), "{remains:?}");
        assert_eq!((remains.text.as_str(), reports.len()), ("no such machine\n", 0));
    }

    #[test]
    fn a_frame_that_is_cut_short_is_no_word() {
        let (remains, reports) = run_script("printf '\\004\\377\\000abc'");
        assert!(matches!(remains.outcome, Outcome::Failed(_)), "{remains:?}");
        assert!(reports.is_empty());
    }

    #[test]
    fn a_boot_that_stops_says_why() {
        let (remains, _) = run_script(&send(&Report::BootFailed("the policy does not decode".into())));
        assert_eq!(remains.outcome, Outcome::Failed("the policy does not decode".into()));
    }
}
