//! What was sent to a socket and not yet taken.
use super::Kind;
use super::name::Name;
use super::rights::Rights;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// What an inbox takes at most, in bytes (Linux: `net.core.wmem_default`).
pub const CAPACITY: usize = 212_992;
/// What a message counts for beyond its bytes.
const OVERHEAD: usize = 256;
/// Bytes of a stream are put together up to this many.
const PIECE: usize = 16 << 10;

/// A message, or a piece of a stream.
#[derive(Default)]
pub struct Message {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// How many of them were taken.
    pub taken: usize,
    /// The open files that it carries.
    pub rights: Rights,
    /// The process that sent it, if the receiver or the sender wanted that told.
    pub sender: Option<u32>,
    /// The name of the socket that it was sent from.
    pub from: Name,
}

impl Message {
    /// What is left of it.
    pub fn rest(&self) -> &[u8] {
        self.bytes.get(self.taken..).unwrap_or_default()
    }
}

/// Messages in the order they were sent.
#[derive(Default)]
pub struct Inbox {
    messages: VecDeque<Message>,
    /// Bytes that count against the capacity.
    held: usize,
}

impl Inbox {
    /// Whether nothing is there.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// How many bytes more it takes.
    pub fn room(&self) -> usize {
        CAPACITY.saturating_sub(self.held + OVERHEAD)
    }

    /// Whether there is so much room that it is worth telling, as Linux decides it.
    pub fn is_writable(&self) -> bool {
        self.held * 4 <= CAPACITY
    }

    /// What one read could take now.
    pub fn available(&self, kind: Kind) -> usize {
        match kind {
            Kind::Stream | Kind::Packets => self.messages.iter().map(|message| message.rest().len()).sum(),
            Kind::Datagram => self.messages.front().map_or(0, |message| message.bytes.len()),
        }
    }

    /// The message at the front.
    pub fn front(&mut self) -> Option<&mut Message> {
        self.messages.front_mut()
    }

    /// All of them, from the front.
    pub fn iter(&self) -> impl Iterator<Item = &Message> {
        self.messages.iter()
    }

    /// Takes the message at the front away.
    pub fn pop(&mut self) -> Option<Message> {
        let message = self.messages.pop_front()?;
        self.held = self.held.saturating_sub(message.bytes.len() + OVERHEAD);
        Some(message)
    }

    /// Adds one; bytes of a stream may be added to the last.
    pub fn push(&mut self, kind: Kind, mut message: Message) {
        self.held += message.bytes.len();
        if let Some(last) = self.messages.back_mut().filter(|_| kind == Kind::Stream)
            && message.rights.is_empty()
            && last.rights.is_empty()
            && last.sender == message.sender
            && last.bytes.len() + message.bytes.len() <= PIECE
        {
            last.bytes.append(&mut message.bytes);
            return;
        }
        self.held += OVERHEAD;
        self.messages.push_back(message);
    }
}
