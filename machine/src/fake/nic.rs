//! A network card whose wire is two queues.
use crate::nic::MAX_FRAME;
use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A received frame, in the card's buffer until it is given back.
pub struct Frame(Vec<u8>);

impl Deref for Frame {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

#[derive(Default)]
struct Queues {
    open: bool,
    received: VecDeque<Vec<u8>>,
    sent: VecDeque<Vec<u8>>,
}

/// Whether frames to send wait: this card sends at once.
pub fn waiting() -> bool {
    false
}

/// The card.
pub struct Nic {
    mac: [u8; 6],
    queues: Arc<Mutex<Queues>>,
}

/// The other end of the fake card's wire.
#[derive(Clone)]
pub struct Wire(Arc<Mutex<Queues>>);

impl Wire {
    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a frame on the wire for the card; a card that is not open loses it.
    pub fn push(&self, frame: &[u8]) {
        let mut queues = self.queues();
        if queues.open {
            queues.received.push_back(frame.to_vec());
        }
    }

    /// Takes the next frame that the card sent.
    pub fn pop(&self) -> Option<Vec<u8>> {
        self.queues().sent.pop_front()
    }
}

impl Nic {
    /// A card with this address, and the wire it is on.
    pub fn fake(mac: [u8; 6]) -> (Self, Wire) {
        let queues = Arc::new(Mutex::new(Queues::default()));
        (Nic { mac, queues: queues.clone() }, Wire(queues))
    }

    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The card's hardware address.
    pub fn mac(&self) -> [u8; 6] {
        self.mac
    }

    /// Gives the card its receive buffers: the first frame can arrive from now on, and none before.
    pub fn open(&mut self) {
        self.queues().open = true;
    }

    /// The next received frame, in place; it must be given back with [`recycle`](Self::recycle).
    pub fn receive(&mut self) -> Option<Frame> {
        self.queues().received.pop_front().map(Frame)
    }

    /// Whether no frame waits.
    pub fn listen(&mut self) -> bool {
        self.queues().received.is_empty()
    }

    /// Nothing to do: frames are sent at once.
    pub fn flush(&mut self) {}

    /// Gives the frame's buffer back to the card.
    pub fn recycle(&mut self, _frame: Frame) {}

    /// Whether a frame can be sent now.
    pub fn can_send(&mut self) -> bool {
        true
    }

    /// Sends a frame of `length` bytes, at most [`MAX_FRAME`], that `fill` writes into the card's buffer.
    /// A card with no free buffer, or a longer frame, sends nothing; `fill` runs all the same.
    pub fn send<R>(&mut self, length: usize, fill: impl FnOnce(&mut [u8]) -> R) -> R {
        let mut frame = vec![0; length];
        let result = fill(&mut frame);
        if length <= MAX_FRAME {
            self.queues().sent.push_back(frame);
        }
        result
    }
}
