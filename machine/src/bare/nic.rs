//! The network card: virtio-net (virtio 1.2, 5.1), with one queue in each direction.
//!
//! Both sides are spared: the card interrupts only while the kernel [listens](Nic::listen), that is before it halts, and is
//! told of frames to send once for many ([`Nic::flush`]).
use super::apic;
use super::virtio::{self, Dma, Transport};
use crate::memory::PAGE;
use crate::nic::MAX_FRAME;
use alloc::vec::Vec;
use bitflags::bitflags;
use core::ops::Deref;
use core::sync::atomic::{AtomicBool, Ordering, fence};
use virtio_drivers::queue::VirtQueue;
use virtio_drivers::transport::{DeviceType, Transport as _};

/// How many descriptors each queue has.
const QUEUE: usize = 256;
/// How many received frames may wait. The card goes round through all of their buffers, whatever the load is: with as many as the
/// queue has descriptors their 128 pages alone made QEMU's translation cache (256 pages at first) too small, and a policy,
/// for the one page that it is in, cost up to a tenth of all requests. More frames wait with the host.
const POSTED: usize = 64;
/// A buffer: the header of virtio-net and a frame.
const BUFFER: usize = PAGE as usize / 2;
/// `struct virtio_net_hdr` (virtio 1.2, 5.1.6): all zero for a frame that is whole and has its checksums.
const HEADER: usize = 12;
const RECEIVING: u16 = 0;
const SENDING: u16 = 1;
/// So many frames to send are not left waiting.
const MANY: usize = 32;

bitflags! {
    /// Feature bits (virtio 1.2, 5.1.3 and 6). Without VIRTIO_F_EVENT_IDX a flag of each queue says whether its other side
    /// wants to be told.
    #[derive(Clone, Copy, Debug)]
    struct Features: u64 {
        const MAC = 1 << 5;
        const VERSION_1 = 1 << 32;
    }
}

type Buffer = &'static mut [u8];
type Queue = VirtQueue<Dma, QUEUE>;

/// An interrupt came since the card was last looked at.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);
/// Frames wait that the card was not told of.
static WAITING: AtomicBool = AtomicBool::new(false);

/// The card interrupted.
pub fn interrupted() {
    INTERRUPTED.store(true, Ordering::Relaxed);
}

/// Whether frames to send wait for [`Nic::flush`].
pub fn waiting() -> bool {
    WAITING.load(Ordering::Relaxed)
}

/// A received frame, in the card's buffer until it is given back.
pub struct Frame {
    buffer: Buffer,
    end: usize,
}

impl Deref for Frame {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        self.buffer.get(HEADER..self.end).unwrap_or(&[])
    }
}

/// The card.
pub struct Nic {
    transport: Transport,
    incoming: Queue,
    outgoing: Queue,
    mac: [u8; 6],
    open: bool,
    /// Buffers that the card has, by the token of the request, to receive and to send.
    receiving: Vec<Option<Buffer>>,
    sending: Vec<Option<Buffer>>,
    /// Buffers to send with that nobody has.
    free: Vec<Buffer>,
    /// How many frames the card was not told of.
    untold: usize,
    /// Where a frame goes that cannot be sent.
    lost: Vec<u8>,
}

impl Nic {
    /// The machine's first card, without receive buffers: no frame can arrive before [`open`](Self::open).
    pub fn find() -> Option<Self> {
        let mut transport = virtio::find(DeviceType::Network, Some(apic::NIC_VECTOR))?;
        transport.begin_init(Features::all());
        let mac = transport.read_config_space(0).ok()?;
        let mut incoming = Queue::new(&mut transport, RECEIVING, false, false).ok()?;
        let mut outgoing = Queue::new(&mut transport, SENDING, false, false).ok()?;
        incoming.set_dev_notify(false);
        // What was sent is taken back when buffers run out.
        outgoing.set_dev_notify(false);
        transport.finish_init();
        Some(Nic {
            transport,
            incoming,
            outgoing,
            mac,
            open: false,
            receiving: (0..QUEUE).map(|_| None).collect(),
            sending: (0..QUEUE).map(|_| None).collect(),
            free: virtio::buffers(QUEUE, BUFFER),
            untold: 0,
            lost: alloc::vec![0; BUFFER],
        })
    }

    /// The card's hardware address.
    pub fn mac(&self) -> [u8; 6] {
        self.mac
    }

    /// Gives the card its receive buffers: the first frame can arrive from now on, and none before.
    pub fn open(&mut self) {
        if !self.open {
            self.open = true;
            virtio::buffers(POSTED, BUFFER).into_iter().for_each(|buffer| self.give(buffer));
        }
    }

    fn give(&mut self, buffer: Buffer) {
        // SAFETY: the buffer is kept untouched under its token until `receive` takes it back.
        if let Ok(token) = unsafe { self.incoming.add(&[], &mut [&mut *buffer]) }
            && let Some(slot) = self.receiving.get_mut(usize::from(token))
        {
            *slot = Some(buffer);
        }
        if self.incoming.should_notify() {
            self.transport.notify(RECEIVING);
        }
    }

    /// The next received frame, in place; it must be given back with [`recycle`](Self::recycle).
    pub fn receive(&mut self) -> Option<Frame> {
        self.take_interrupt();
        let token = self.incoming.peek_used()?;
        let buffer = self.receiving.get_mut(usize::from(token))?.take()?;
        // SAFETY: the buffer is the one that was given under this token.
        let length = unsafe { self.incoming.pop_used(token, &[], &mut [&mut *buffer]) };
        // A length that cannot be is an empty frame, which the guard refuses.
        let end = length.map_or(0, |length| (length as usize).min(buffer.len()));
        Some(Frame { buffer, end })
    }

    /// Answers an interrupt, after which the card is quiet.
    fn take_interrupt(&mut self) {
        if INTERRUPTED.swap(false, Ordering::Relaxed) {
            // Before the queue is looked at: a frame that comes later is seen there.
            self.incoming.set_dev_notify(false);
            self.transport.ack_interrupt();
        }
    }

    /// Has the card interrupt when the next frame arrives; `false` if one is there already. For a kernel that has nothing else
    /// to do: the interrupt wakes it.
    pub fn listen(&mut self) -> bool {
        self.take_interrupt();
        self.incoming.set_dev_notify(true);
        // The card looks at that after it has put a frame into the queue: one of both sees the other's (virtio 1.2, 2.7.7).
        fence(Ordering::SeqCst);
        !self.incoming.can_pop()
    }

    /// Gives the frame's buffer back to the card.
    pub fn recycle(&mut self, frame: Frame) {
        self.give(frame.buffer);
    }

    fn reclaim(&mut self) {
        while let Some(token) = self.outgoing.peek_used() {
            let Some(buffer) = self.sending.get_mut(usize::from(token)).and_then(Option::take) else { return };
            // SAFETY: the buffer is the one that was sent under this token. Its length does not count: it is only read.
            let _ = unsafe { self.outgoing.pop_used(token, &[&*buffer], &mut []) };
            self.free.push(buffer);
        }
    }

    /// Whether a frame can be sent now.
    pub fn can_send(&mut self) -> bool {
        if self.free.is_empty() {
            self.flush();
            self.reclaim();
        }
        !self.free.is_empty()
    }

    /// Puts a frame of `length` bytes, at most [`MAX_FRAME`], into the queue, which `fill` writes into the card's buffer; the
    /// card sends it at the latest after the next [`flush`](Self::flush).
    /// A card with no free buffer, or a longer frame, sends nothing; `fill` runs all the same.
    pub fn send<R>(&mut self, length: usize, fill: impl FnOnce(&mut [u8]) -> R) -> R {
        if length > MAX_FRAME || !self.can_send() {
            if self.lost.len() < length {
                self.lost.resize(length, 0);
            }
            return fill(&mut self.lost[..length]);
        }
        let Some(buffer) = self.free.pop() else { return fill(&mut self.lost[..length]) };
        buffer[..HEADER].fill(0);
        let result = fill(&mut buffer[HEADER..HEADER + length]);
        // SAFETY: the buffer is kept untouched under its token until `reclaim` takes it back.
        match unsafe { self.outgoing.add(&[&buffer[..HEADER + length]], &mut []) } {
            Ok(token) => {
                if let Some(slot) = self.sending.get_mut(usize::from(token)) {
                    *slot = Some(buffer);
                }
                self.untold += 1;
                WAITING.store(true, Ordering::Relaxed);
            }
            Err(_) => self.free.push(buffer),
        }
        if self.untold >= MANY {
            self.flush();
        }
        result
    }

    /// Tells the card of the frames to send, unless it is at work and will see them.
    pub fn flush(&mut self) {
        if core::mem::take(&mut self.untold) > 0 {
            WAITING.store(false, Ordering::Relaxed);
            fence(Ordering::SeqCst);
            if self.outgoing.should_notify() {
                self.transport.notify(SENDING);
            }
        }
    }
}
