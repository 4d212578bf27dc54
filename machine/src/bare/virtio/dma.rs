//! Memory that devices see: frames of the direct map, whose physical addresses are known.
use super::memory;
use crate::hardware::memory::layout;
use crate::memory::PAGE;
use alloc::vec::Vec;
use core::ptr::NonNull;
use core::slice;
use virtio_drivers::{BufferDirection, Hal, PhysAddr};

/// The implementation that the drivers use.
pub struct Dma;

/// So many buffers of `size` bytes each, which divides a page; fewer when memory is short. They live for good. What is in
/// them is undefined: a buffer that is not used costs the host no memory.
pub fn buffers(count: usize, size: usize) -> Vec<&'static mut [u8]> {
    let mut all = Vec::new();
    while all.len() < count {
        let Ok(frame) = memory::allocate_contiguous(1) else { break };
        // SAFETY: the frame is new and never given back; it is cut into parts, each handed out once. It is memory of the
        // machine, so all its bytes have a value, whichever.
        let page = unsafe { slice::from_raw_parts_mut(layout::direct(frame), PAGE as usize) };
        all.extend(page.chunks_exact_mut(size));
    }
    all
}

// SAFETY: 1. `dma_alloc` gives frames that are new, zeroed, contiguous and nobody else's. 2. `mmio_phys_to_virt` maps the
// registers where nothing else is mapped. 3. `share` gives the address of memory of the direct map, where the device
// finds the same bytes; other memory is refused.
unsafe impl Hal for Dma {
    fn dma_alloc(pages: usize, _direction: BufferDirection) -> (PhysAddr, NonNull<u8>) {
        let memory = memory::allocate_contiguous_zeroed(pages as u64);
        match memory.map(|frame| (frame, NonNull::new(layout::direct(frame)))) {
            Ok((frame, Some(address))) => (frame, address),
            _ => (0, NonNull::dangling()),
        }
    }

    unsafe fn dma_dealloc(_paddr: PhysAddr, _vaddr: NonNull<u8>, _pages: usize) -> i32 {
        // Devices are set up once, in the boot: what is given back by one that failed is not worth a list.
        0
    }

    unsafe fn mmio_phys_to_virt(paddr: PhysAddr, size: usize) -> NonNull<u8> {
        NonNull::new(memory::map_device(paddr, size)).unwrap_or(NonNull::dangling())
    }

    unsafe fn share(buffer: NonNull<[u8]>, _direction: BufferDirection) -> PhysAddr {
        let address = buffer.cast::<u8>().as_ptr() as u64;
        assert!((layout::DIRECT..layout::DEVICES).contains(&address), "a buffer for a device outside the direct map");
        address - layout::DIRECT
    }

    unsafe fn unshare(_paddr: PhysAddr, _buffer: NonNull<[u8]>, _direction: BufferDirection) {}
}
