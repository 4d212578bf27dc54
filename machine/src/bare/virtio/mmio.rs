//! Devices named on the command line: `virtio_mmio.device=<size>@<address>:<line>` (virtio 1.2, 4.2; Linux's
//! kernel-parameters).
use super::Transport;
use crate::hardware::{apic, memory};
use core::ptr::NonNull;
use virtio_drivers::transport::mmio::MmioTransport;
use virtio_drivers::transport::{DeviceType, Transport as _};

const PREFIX: &str = "virtio_mmio.device=";

struct Place {
    address: u64,
    size: usize,
    line: u32,
}

/// The first device of this type, its line routed to `vector`.
pub fn find(command_line: &str, wanted: DeviceType, vector: Option<u8>) -> Option<Transport> {
    command_line.split_whitespace().filter_map(|word| parse(word.strip_prefix(PREFIX)?)).find_map(|place| {
        let registers = NonNull::new(memory::map_device(place.address, place.size))?;
        // SAFETY: the host says that the registers of a virtio device are there, of this size; they are mapped for good, and
        // only the first transport made for a device is used.
        let transport = unsafe { MmioTransport::new(registers.cast(), place.size) }.ok()?;
        if transport.device_type() != wanted {
            return None;
        }
        if let Some(vector) = vector {
            apic::route(place.line, vector);
        }
        Some(Transport::Mmio(transport))
    })
}

fn parse(text: &str) -> Option<Place> {
    let (size, rest) = text.split_once('@')?;
    let mut rest = rest.split(':');
    let (address, line) = (number(rest.next()?)?, rest.next()?.parse().ok()?);
    Some(Place { address, size: number(size)? as usize, line })
}

/// A number, hexadecimal after `0x`, with an optional `K` for 1,024.
fn number(text: &str) -> Option<u64> {
    let (text, unit) = text.strip_suffix(['K', 'k']).map_or((text, 1), |text| (text, 1024));
    let number = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok()?,
        None => text.parse().ok()?,
    };
    number.checked_mul(unit)
}
