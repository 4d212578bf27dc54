//! Numbers that look random and are the same each time (SplitMix64, by Steele, Lea and Flood).

/// The number for a seed.
pub fn number(seed: u64) -> u64 {
    let word = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ word >> 31
}

/// So many bytes for a seed of 32 bits.
pub fn bytes(seed: u64, length: usize) -> Vec<u8> {
    let words = (0..).map(|index: u64| number(seed << 32 | index).to_le_bytes());
    words.flatten().take(length).collect()
}
