//! Randomness at the boot.
use super::{cpu, time, virtio};

/// Fills `seed` from the virtio entropy device and the processor's own source, whichever there are; tells whether there
/// was one at all. The time stamp counter is mixed in, which alone is no source.
pub fn seed(seed: &mut [u8; 32]) -> bool {
    let device = virtio::random(seed);
    let mut processor = false;
    for part in seed.chunks_exact_mut(8) {
        let random = cpu::random();
        processor |= random.is_some();
        let mixed = random.unwrap_or(0) ^ time::counter().rotate_left(17);
        part.iter_mut().zip(mixed.to_le_bytes()).for_each(|(byte, other)| *byte ^= other);
    }
    device || processor
}
