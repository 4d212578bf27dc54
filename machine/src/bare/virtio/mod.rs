//! Virtio devices, on memory-mapped registers (microvm, Firecracker) or PCI (q35, Cloud Hypervisor).
mod dma;
mod mmio;
mod pci;
mod transport;

use super::memory;
use crate::hardware::boot::command_line;
use crate::memory::PAGE;
use virtio_drivers::device::rng::VirtIORng;
use virtio_drivers::transport::DeviceType;

pub use dma::{Dma, buffers};
pub use transport::Transport;

/// The first device of this type; its interrupts come at `vector`, if one is given.
pub fn find(wanted: DeviceType, vector: Option<u8>) -> Option<Transport> {
    mmio::find(command_line(), wanted, vector).or_else(|| pci::find(wanted, vector))
}

/// Fills `seed` from the entropy device, if there is one.
pub fn random(seed: &mut [u8; 32]) -> bool {
    let Some(transport) = find(DeviceType::EntropySource, None) else { return false };
    let Ok(mut device) = VirtIORng::<Dma, _>::new(transport) else { return false };
    let Some(buffer) = dma::buffers(1, PAGE as usize).pop() else { return false };
    let mut filled = 0;
    while filled < seed.len() {
        match device.request_entropy(&mut buffer[..seed.len()]) {
            Ok(got @ 1..) => {
                let part = got.min(seed.len() - filled);
                seed[filled..filled + part].copy_from_slice(&buffer[..part]);
                filled += part;
            }
            _ => return false,
        }
    }
    true
}
