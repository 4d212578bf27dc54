//! The network card: virtio-net.
use super::apic;
use super::virtio::{self, Dma, Transport};
use crate::memory::PAGE;
use crate::nic::MAX_FRAME;
use alloc::vec::Vec;
use core::ops::Deref;
use core::sync::atomic::{AtomicBool, Ordering};
use virtio_drivers::device::net::VirtIONetRaw;
use virtio_drivers::transport::DeviceType;

/// How many frames may wait in each direction.
const QUEUE: usize = 256;
/// A buffer: the header of virtio-net and a frame.
const BUFFER: usize = PAGE as usize / 2;

type Buffer = &'static mut [u8];
type Driver = VirtIONetRaw<Dma, Transport, QUEUE>;

/// An interrupt came since the card was last looked at.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// The card interrupted.
pub fn interrupted() {
    INTERRUPTED.store(true, Ordering::Relaxed);
}

/// A received frame, in the card's buffer until it is given back.
pub struct Frame {
    buffer: Buffer,
    start: usize,
    end: usize,
}

impl Deref for Frame {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or(&[])
    }
}

/// The card.
pub struct Nic {
    driver: Driver,
    open: bool,
    /// Buffers that the card has, by the token of the request, to receive and to send.
    receiving: Vec<Option<Buffer>>,
    sending: Vec<Option<Buffer>>,
    /// Buffers to send with that nobody has.
    free: Vec<Buffer>,
    /// Where a frame goes that cannot be sent.
    lost: Vec<u8>,
}

impl Nic {
    /// The machine's first card, without receive buffers: no frame can arrive before [`open`](Self::open).
    pub fn find() -> Option<Self> {
        let transport = virtio::find(DeviceType::Network, Some(apic::NIC_VECTOR))?;
        Some(Nic {
            driver: Driver::new(transport).ok()?,
            open: false,
            receiving: (0..QUEUE).map(|_| None).collect(),
            sending: (0..QUEUE).map(|_| None).collect(),
            free: virtio::buffers(QUEUE, BUFFER),
            lost: alloc::vec![0; BUFFER],
        })
    }

    /// The card's hardware address.
    pub fn mac(&self) -> [u8; 6] {
        self.driver.mac_address()
    }

    /// Gives the card its receive buffers: the first frame can arrive from now on, and none before.
    pub fn open(&mut self) {
        if !self.open {
            self.open = true;
            virtio::buffers(QUEUE, BUFFER).into_iter().for_each(|buffer| self.give(buffer));
        }
    }

    fn give(&mut self, buffer: Buffer) {
        // SAFETY: the buffer is kept untouched under its token until `receive` takes it back.
        if let Ok(token) = unsafe { self.driver.receive_begin(buffer) }
            && let Some(slot) = self.receiving.get_mut(usize::from(token))
        {
            *slot = Some(buffer);
        }
    }

    /// The next received frame, in place; it must be given back with [`recycle`](Self::recycle).
    pub fn receive(&mut self) -> Option<Frame> {
        if INTERRUPTED.swap(false, Ordering::Relaxed) {
            // Before the queue is looked at: a frame that comes later interrupts again.
            self.driver.ack_interrupt();
        }
        let token = self.driver.poll_receive()?;
        let buffer = self.receiving.get_mut(usize::from(token))?.take()?;
        // SAFETY: the buffer is the one that was given under this token.
        match unsafe { self.driver.receive_complete(token, buffer) } {
            Ok((header, length)) => {
                Some(Frame { start: header, end: header.saturating_add(length).min(buffer.len()), buffer })
            }
            // A length that cannot be: an empty frame, which the guard refuses.
            Err(_) => Some(Frame { buffer, start: 0, end: 0 }),
        }
    }

    /// Gives the frame's buffer back to the card.
    pub fn recycle(&mut self, frame: Frame) {
        self.give(frame.buffer);
    }

    fn reclaim(&mut self) {
        while let Some(token) = self.driver.poll_transmit() {
            let Some(buffer) = self.sending.get_mut(usize::from(token)).and_then(Option::take) else { return };
            // SAFETY: the buffer is the one that was sent under this token.
            let _ = unsafe { self.driver.transmit_complete(token, buffer) };
            self.free.push(buffer);
        }
    }

    /// Whether a frame can be sent now.
    pub fn can_send(&mut self) -> bool {
        if self.free.is_empty() {
            self.reclaim();
        }
        !self.free.is_empty()
    }

    /// Sends a frame of `length` bytes, at most [`MAX_FRAME`], that `fill` writes into the card's buffer.
    /// A card with no free buffer, or a longer frame, sends nothing; `fill` runs all the same.
    pub fn send<R>(&mut self, length: usize, fill: impl FnOnce(&mut [u8]) -> R) -> R {
        if length > MAX_FRAME || !self.can_send() {
            if self.lost.len() < length {
                self.lost.resize(length, 0);
            }
            return fill(&mut self.lost[..length]);
        }
        let Some(buffer) = self.free.pop() else { return fill(&mut self.lost[..length]) };
        let header = self.driver.fill_buffer_header(buffer).unwrap_or(0);
        let result = fill(&mut buffer[header..header + length]);
        // SAFETY: the buffer is kept untouched under its token until `reclaim` takes it back.
        match unsafe { self.driver.transmit_begin(&buffer[..header + length]) } {
            Ok(token) => {
                if let Some(slot) = self.sending.get_mut(usize::from(token)) {
                    *slot = Some(buffer);
                }
            }
            Err(_) => self.free.push(buffer),
        }
        result
    }
}
