//! CRC-32 (ISO-HDLC: reflected polynomial 0xedb88320), against damage to a compiled policy.

const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < table.len() {
        let mut remainder = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            remainder = if remainder & 1 == 1 { remainder >> 1 ^ 0xedb8_8320 } else { remainder >> 1 };
            bit += 1;
        }
        #[expect(clippy::indexing_slicing, reason = "evaluated when the crate is compiled, and `byte` is in bounds")]
        {
            table[byte] = remainder;
        }
        byte += 1;
    }
    table
}

/// The checksum of `bytes`.
pub(crate) fn checksum(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, &byte| {
        let [low, ..] = (sum ^ u32::from(byte)).to_le_bytes();
        sum >> 8 ^ TABLE.get(usize::from(low)).copied().unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_check_value_of_the_algorithm_comes_out() {
        assert_eq!(super::checksum(b"123456789"), 0xcbf4_3926);
    }
}
