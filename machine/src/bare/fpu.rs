//! What ring 3 has of state besides the general and the SSE registers: the x87 registers and MXCSR. The kernel uses
//! neither, so they stay in the processor from trap to trap, and are stored only when another thread is to have it, or
//! wants to see them (Intel SDM volume 1, 10.5).
use super::processor;
use alloc::sync::Arc;
use core::arch::asm;
use core::cell::UnsafeCell;
use core::fmt;

/// The bytes of the image of FXSAVE before the SSE registers.
pub const LEGACY: usize = 160;

/// An image of FXSAVE, of which the first [`LEGACY`] bytes count.
#[repr(C, align(16))]
pub struct Area(UnsafeCell<[u8; 512]>);

// SAFETY: every access is made by the processor that has the kernel (see lock.rs): one at a time.
unsafe impl Sync for Area {}

/// The state of one thread: here, or in the processor that runs it.
pub struct Legacy(Arc<Area>);

impl Legacy {
    /// With this state.
    pub fn new(bytes: [u8; LEGACY]) -> Self {
        let mut image = [0; 512];
        image[..LEGACY].copy_from_slice(&bytes);
        Legacy(Arc::new(Area(UnsafeCell::new(image))))
    }

    /// The state. It is up to date on the processor that ran the thread, and on others after [`park`] on that one.
    pub fn bytes(&self) -> [u8; LEGACY] {
        let mut held = processor::current().legacy.lock();
        if held.as_ref().is_some_and(|held| Arc::ptr_eq(held, &self.0))
            && let Some(area) = held.take()
        {
            store(&area);
        }
        // SAFETY: this processor has the kernel, so nobody writes meanwhile; the array has more than LEGACY bytes.
        unsafe { self.0.0.get().cast::<[u8; LEGACY]>().read() }
    }
}

impl Clone for Legacy {
    fn clone(&self) -> Self {
        Legacy::new(self.bytes())
    }
}

impl fmt::Debug for Legacy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Legacy").field(&self.bytes()).finish()
    }
}

/// Makes it the state of this processor.
pub fn load(legacy: &Legacy) {
    let mut held = processor::current().legacy.lock();
    if held.as_ref().is_some_and(|held| Arc::ptr_eq(held, &legacy.0)) {
        return;
    }
    if let Some(before) = held.replace(legacy.0.clone()) {
        store(&before);
    }
    // SAFETY: 1. The area is an aligned image, and this processor has the kernel: nobody writes it. 2. Reserved bits of MXCSR,
    // which would fault, are in no image: `Registers::set_fpu` clears them. 3. The SSE registers are told to be changed.
    unsafe { asm!("fxrstor64 [{}]", in(reg) legacy.0.0.get(), clobber_abi("C"), options(nostack)) };
}

/// Stores the state that this processor has, for a thread that may go on elsewhere.
pub fn park() {
    if let Some(area) = processor::current().legacy.lock().take() {
        store(&area);
    }
}

fn store(area: &Area) {
    // SAFETY: the area is 512 aligned bytes, and this processor has the kernel: nobody else uses it.
    unsafe { asm!("fxsave64 [{}]", in(reg) area.0.get(), options(nostack, preserves_flags)) };
}
