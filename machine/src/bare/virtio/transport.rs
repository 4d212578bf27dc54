//! One type for both transports.
use super::pci::Common;
use virtio_drivers::transport::mmio::MmioTransport;
use virtio_drivers::transport::pci::PciTransport;
use virtio_drivers::transport::{self, DeviceStatus, DeviceType, InterruptStatus};
use virtio_drivers::{PhysAddr, Result};
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// How the driver reaches its device.
pub enum Transport {
    /// By memory-mapped registers.
    Mmio(MmioTransport<'static>),
    /// By PCI; with the common configuration where the queues interrupt by messages.
    Pci { transport: PciTransport, common: Option<Common> },
}

macro_rules! either {
    ($self:ident, $transport:ident => $call:expr) => {
        match $self {
            Transport::Mmio($transport) => $call,
            Transport::Pci { transport: $transport, .. } => $call,
        }
    };
}

impl transport::Transport for Transport {
    fn device_type(&self) -> DeviceType {
        either!(self, t => t.device_type())
    }

    fn read_device_features(&mut self) -> u64 {
        either!(self, t => t.read_device_features())
    }

    fn write_driver_features(&mut self, features: u64) {
        either!(self, t => t.write_driver_features(features))
    }

    fn max_queue_size(&mut self, queue: u16) -> u32 {
        either!(self, t => t.max_queue_size(queue))
    }

    fn notify(&mut self, queue: u16) {
        either!(self, t => t.notify(queue))
    }

    fn get_status(&self) -> DeviceStatus {
        either!(self, t => t.get_status())
    }

    fn set_status(&mut self, status: DeviceStatus) {
        either!(self, t => t.set_status(status))
    }

    fn set_guest_page_size(&mut self, size: u32) {
        either!(self, t => t.set_guest_page_size(size))
    }

    fn requires_legacy_layout(&self) -> bool {
        either!(self, t => t.requires_legacy_layout())
    }

    fn queue_set(&mut self, queue: u16, size: u32, descriptors: PhysAddr, driver: PhysAddr, device: PhysAddr) {
        if let Transport::Pci { common: Some(common), .. } = self {
            // Before the queue is enabled, which `queue_set` does last.
            common.use_messages(queue);
        }
        either!(self, t => t.queue_set(queue, size, descriptors, driver, device))
    }

    fn queue_unset(&mut self, queue: u16) {
        either!(self, t => t.queue_unset(queue))
    }

    fn queue_used(&mut self, queue: u16) -> bool {
        either!(self, t => t.queue_used(queue))
    }

    fn ack_interrupt(&mut self) -> InterruptStatus {
        match self {
            // A message needs no answer.
            Transport::Pci { common: Some(_), .. } => InterruptStatus::empty(),
            _ => either!(self, t => t.ack_interrupt()),
        }
    }

    fn read_config_generation(&self) -> u32 {
        either!(self, t => t.read_config_generation())
    }

    fn read_config_space<T: FromBytes + IntoBytes>(&self, offset: usize) -> Result<T> {
        either!(self, t => t.read_config_space(offset))
    }

    fn write_config_space<T: IntoBytes + Immutable>(&mut self, offset: usize, value: T) -> Result<()> {
        either!(self, t => t.write_config_space(offset, value))
    }
}
