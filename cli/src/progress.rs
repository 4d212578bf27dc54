//! A bar for work that takes more than a second, where standard error is a terminal.
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use policy::progress::{Observer, Phase};
use std::io::IsTerminal;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What takes no longer than this is not worth a bar.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often the bar moves while nothing is told.
const TICK: Duration = Duration::from_millis(100);
const STYLE: &str = "portcullis: {msg} [{bar:30}] {percent} %";

/// The bar; it goes when it is dropped, and leaves no trace.
pub struct Progress {
    bar: ProgressBar,
    /// What shows the bar when it is time, until the sender is dropped.
    waiting: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// Begins to wait.
    pub fn start() -> Self {
        let bar = ProgressBar::hidden();
        bar.set_style(ProgressStyle::with_template(STYLE).unwrap_or_else(|_| ProgressStyle::default_bar()));
        let waiting = std::io::stderr().is_terminal().then(|| show_late(bar.clone()));
        Self { bar, waiting }
    }

    /// So much of all that there is to do is done.
    pub fn show(&self, what: &'static str, done: u64, total: u64) {
        self.bar.set_message(what);
        self.bar.set_length(total);
        self.bar.set_position(done);
    }
}

/// Shows the bar after a while. The work itself may tell nothing for long.
fn show_late(bar: ProgressBar) -> (Sender<()>, JoinHandle<()>) {
    let (ended, end) = mpsc::channel();
    let waits = thread::spawn(move || {
        if end.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            bar.set_draw_target(ProgressDrawTarget::stderr());
            bar.enable_steady_tick(TICK);
        }
    });
    (ended, waits)
}

impl Observer for Progress {
    fn done(&mut self, phase: Phase, done: usize, total: usize) {
        self.show(name(phase), done as u64, total as u64);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((ended, waits)) = self.waiting.take() {
            drop(ended);
            // It cannot panic; if it did, there would be no bar to take away.
            let _ = waits.join();
        }
        self.bar.finish_and_clear();
    }
}

fn name(phase: Phase) -> &'static str {
    match phase {
        Phase::ReadingRules => "reading rules",
        Phase::ReadingLists => "reading lists",
        Phase::CompilingRules => "compiling rules and lists",
        Phase::GrowingTrees => "growing decision trees",
        Phase::Testing => "testing the policy",
        Phase::Analysing => "looking at what each rule does",
    }
}
