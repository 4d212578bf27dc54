//! What a process writes, collected while it writes it.
use std::io::Read;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// All bytes of one stream so far. Waiting is for a byte to come or the stream to end, never for time to pass.
#[derive(Clone)]
pub struct Output(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    bytes: Vec<u8>,
    ended: bool,
}

impl Output {
    /// Collects a stream until its end, in a thread of its own.
    pub fn collect(mut stream: impl Read + Send + 'static) -> Output {
        let output = Output(Arc::new(Shared { state: Mutex::default(), changed: Condvar::new() }));
        let writer = output.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = stream.read(&mut buffer) {
                writer.lock().bytes.extend_from_slice(&buffer[..length]);
                writer.0.changed.notify_all();
            }
            writer.lock().ended = true;
            writer.0.changed.notify_all();
        });
        output
    }

    /// What came so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.lock().bytes).into_owned()
    }

    /// Waits until `pick` finds something in the text so far; `None` when the stream ends or `within` is over first.
    pub fn wait_for<T>(&self, within: Duration, mut pick: impl FnMut(&str) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + within;
        let mut state = self.lock();
        loop {
            if let Some(found) = pick(&String::from_utf8_lossy(&state.bytes)) {
                return Some(found);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if state.ended || left.is_zero() {
                return None;
            }
            state = self.0.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits for the end of the stream; whether it came.
    pub fn wait_end(&self, within: Duration) -> bool {
        self.wait_for(within, |_| None::<()>);
        self.lock().ended
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
