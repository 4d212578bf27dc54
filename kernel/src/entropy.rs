//! Random bytes: ChaCha20, seeded once at the boot.
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use spin::Mutex;

static GENERATOR: Mutex<Option<ChaCha20Rng>> = Mutex::new(None);

/// Seeds the generator. The seed is 32 bytes that nobody outside can know.
pub fn seed(seed: [u8; 32]) {
    *GENERATOR.lock() = Some(ChaCha20Rng::from_seed(seed));
}

/// Fills `bytes` with random ones.
///
/// # Panics
/// Before [`seed`]: going on with predictable bytes would be worse, and the boot seeds before anything asks.
pub fn fill(bytes: &mut [u8]) {
    let mut generator = GENERATOR.lock();
    if cfg!(test) && generator.is_none() {
        *generator = Some(ChaCha20Rng::from_seed([7; 32]));
    }
    match generator.as_mut() {
        Some(generator) => generator.fill_bytes(bytes),
        None => panic!("random bytes were asked for before entropy::seed"),
    }
}

/// A random number.
pub fn number() -> u64 {
    let mut bytes = [0; 8];
    fill(&mut bytes);
    u64::from_le_bytes(bytes)
}

#[cfg(test)]
mod tests {
    #[test]
    fn two_fills_differ() {
        assert_ne!(super::number(), super::number());
    }
}
