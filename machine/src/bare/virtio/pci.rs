//! Devices on the first PCI bus, with message-signalled interrupts (virtio 1.2, 4.1; PCI 3.0, 6.8.2).
use super::{Dma, Transport};
use crate::hardware::memory;
use spin::Mutex;
use virtio_drivers::transport::DeviceType;
use virtio_drivers::transport::pci::bus::{
    BarInfo, Command, ConfigurationAccess, DeviceFunction, DeviceFunctionInfo, PciRoot,
};
use virtio_drivers::transport::pci::{PciTransport, VIRTIO_PCI_CAP_COMMON_CFG, virtio_device_type};
use x86_64::instructions::port::Port;

const CAPABILITY_VENDOR: u8 = 0x09;
const CAPABILITY_MSIX: u8 = 0x11;
const MSIX_ENABLE: u32 = 1 << 31;
/// Where a message goes to interrupt processor 0 (Intel SDM volume 3, 12.11).
const MESSAGE_ADDRESS: u32 = 0xfee0_0000;
/// Of `virtio_pci_common_cfg`: which queue is meant, and its entry in the table of messages.
const QUEUE_SELECT: usize = 22;
const QUEUE_VECTOR: usize = 26;

/// Configuration mechanism 1: an address port and a data port (PCI 3.0, 3.2.2.3.2).
struct Ports;

/// The two ports are used together.
static PORTS: Mutex<()> = Mutex::new(());

fn select(function: DeviceFunction, register: u8) -> Port<u32> {
    let address = 1 << 31
        | u32::from(function.bus) << 16
        | u32::from(function.device) << 11
        | u32::from(function.function) << 8
        | u32::from(register & 0xfc);
    // SAFETY: writing the address port only selects a register.
    unsafe { Port::new(0xcf8).write(address) };
    Port::new(0xcfc)
}

impl ConfigurationAccess for Ports {
    fn read_word(&self, function: DeviceFunction, register: u8) -> u32 {
        let _both = PORTS.lock();
        // SAFETY: reading a configuration register changes nothing; without a bus it gives all ones.
        unsafe { select(function, register).read() }
    }

    fn write_word(&mut self, function: DeviceFunction, register: u8, data: u32) {
        let _both = PORTS.lock();
        // SAFETY: only the drivers and `enable_messages` write, as the specification has it.
        unsafe { select(function, register).write(data) }
    }

    unsafe fn unsafe_clone(&self) -> Self {
        Ports
    }
}

/// The first device of this type, its queues' messages sent to `vector`.
pub fn find(wanted: DeviceType, vector: Option<u8>) -> Option<Transport> {
    let mut root = PciRoot::new(Ports);
    let is_wanted = |info: &DeviceFunctionInfo| virtio_device_type(info) == Some(wanted);
    let (function, _) = root.enumerate_bus(0).find(|(_, info)| is_wanted(info))?;
    root.set_command(function, Command::MEMORY_SPACE | Command::BUS_MASTER);
    let transport = PciTransport::new::<Dma, _>(&mut root, function).ok()?;
    let common = match vector {
        Some(vector) => Some(enable_messages(&mut root, function, vector)?),
        None => None,
    };
    Some(Transport::Pci { transport, common })
}

/// Has the device send entry 0 of its table of messages to `vector`; tells where its common configuration is.
fn enable_messages(root: &mut PciRoot<Ports>, function: DeviceFunction, vector: u8) -> Option<Common> {
    let mut ports = Ports;
    let (mut table, mut common) = (None, None);
    for capability in root.capabilities(function) {
        let word = |offset: u8| Ports.read_word(function, capability.offset + offset);
        match capability.id {
            CAPABILITY_MSIX => {
                let place = word(4);
                table = Some((capability.offset, (place & 7) as u8, place & !7));
            }
            CAPABILITY_VENDOR if (word(0) >> 24) as u8 == VIRTIO_PCI_CAP_COMMON_CFG && common.is_none() => {
                common = Some((word(4) as u8, word(8)));
            }
            _ => {}
        }
    }
    let (capability, bar, offset) = table?;
    let entry = memory::map_device(bar_address(root, function, bar)? + u64::from(offset), 16).cast::<u32>();
    // SAFETY: the entry of the table that the device says is there; written while its messages are off.
    unsafe {
        entry.write_volatile(MESSAGE_ADDRESS);
        entry.add(1).write_volatile(0);
        entry.add(2).write_volatile(vector.into());
        entry.add(3).write_volatile(0);
    }
    let control = ports.read_word(function, capability);
    ports.write_word(function, capability, control | MSIX_ENABLE);
    let (bar, offset) = common?;
    Some(Common(memory::map_device(bar_address(root, function, bar)? + u64::from(offset), 64)))
}

fn bar_address(root: &mut PciRoot<Ports>, function: DeviceFunction, bar: u8) -> Option<u64> {
    match root.bar_info(function, bar).ok()?? {
        BarInfo::Memory { address, .. } => Some(address),
        BarInfo::IO { .. } => None,
    }
}

/// The common configuration of a device.
pub struct Common(*mut u8);

// SAFETY: device registers, which any processor may use.
unsafe impl Send for Common {}

impl Common {
    /// Has this queue use entry 0 of the table of messages.
    pub fn use_messages(&mut self, queue: u16) {
        // SAFETY: two registers of the structure, which `enable_messages` mapped; written between `queue_set` and DRIVER_OK,
        // as virtio 1.2, 4.1.5.1.2 has it.
        unsafe {
            self.0.add(QUEUE_SELECT).cast::<u16>().write_volatile(queue);
            self.0.add(QUEUE_VECTOR).cast::<u16>().write_volatile(0);
        }
    }
}
