//! A console to write to (virtio 1.2, 5.3): many bytes go to the host in one step.
use super::{Dma, Transport, dma, find};
use crate::memory::PAGE;
use virtio_drivers::device::common::Feature;
use virtio_drivers::queue::VirtQueue;
use virtio_drivers::transport::{DeviceType, Transport as _};

/// The queue of the first port to the host. That from it is left alone: nothing is read.
const TO_HOST: u16 = 1;
const QUEUE: usize = 2;

/// The first port of a console.
pub struct Console {
    transport: Transport,
    queue: VirtQueue<Dma, QUEUE>,
    /// Where the device can see what is sent.
    buffer: &'static mut [u8],
}

impl Console {
    /// The machine's first console, if it has one.
    pub fn find() -> Option<Self> {
        let mut transport = find(DeviceType::Console, None)?;
        transport.begin_init(Feature::VERSION_1);
        let queue = VirtQueue::new(&mut transport, TO_HOST, false, false).ok()?;
        transport.finish_init();
        Some(Console { transport, queue, buffer: dma::buffers(1, PAGE as usize).pop()? })
    }

    /// Sends the parts, one after the other; waits until the host has taken them. `false` if the device failed.
    pub fn send(&mut self, parts: &[&[u8]]) -> bool {
        let mut filled = 0;
        for part in parts {
            let mut rest = *part;
            while !rest.is_empty() {
                let (now, later) = rest.split_at(rest.len().min(self.buffer.len() - filled));
                self.buffer[filled..filled + now.len()].copy_from_slice(now);
                filled += now.len();
                rest = later;
                if filled == self.buffer.len() && !self.flush(core::mem::take(&mut filled)) {
                    return false;
                }
            }
        }
        filled == 0 || self.flush(filled)
    }

    fn flush(&mut self, filled: usize) -> bool {
        self.queue.add_notify_wait_pop(&[&self.buffer[..filled]], &mut [], &mut self.transport).is_ok()
    }
}
