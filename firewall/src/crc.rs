//! CRC-32 (ISO-HDLC: reflected polynomial 0xedb88320), against damage to a compiled policy.
//!
//! A table may be many megabytes, so that eight bytes are taken at a time ("slicing by 8"): each has a table of its own
//! for what it contributes to the remainder after the bytes behind it.

/// Bytes taken at a time.
const SLICES: usize = 8;

static TABLES: [[u32; 256]; SLICES] = tables();

#[expect(clippy::indexing_slicing, reason = "evaluated when the crate is compiled, and all are in bounds")]
const fn tables() -> [[u32; 256]; SLICES] {
    let mut tables = [[0; 256]; SLICES];
    let mut byte = 0;
    while byte < 256 {
        let mut remainder = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            remainder = if remainder & 1 == 1 { remainder >> 1 ^ 0xedb8_8320 } else { remainder >> 1 };
            bit += 1;
        }
        tables[0][byte] = remainder;
        byte += 1;
    }
    let mut slice = 1;
    while slice < SLICES {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[slice - 1][byte];
            tables[slice][byte] = before >> 8 ^ tables[0][(before & 0xff) as usize];
            byte += 1;
        }
        slice += 1;
    }
    tables
}

/// The checksum of `bytes`.
pub(crate) fn checksum(bytes: &[u8]) -> u32 {
    let (words, rest) = bytes.as_chunks::<SLICES>();
    let sum = words.iter().fold(u32::MAX, |sum, word| {
        let word = u64::from_le_bytes(*word) ^ u64::from(sum);
        let slices = TABLES.iter().rev().zip(word.to_le_bytes());
        slices.fold(0, |sum, (table, byte)| sum ^ entry(table, byte))
    });
    !rest.iter().fold(sum, |sum, &byte| {
        let [low, ..] = (sum ^ u32::from(byte)).to_le_bytes();
        let [table, ..] = &TABLES;
        sum >> 8 ^ entry(table, low)
    })
}

#[inline]
fn entry(table: &[u32; 256], byte: u8) -> u32 {
    table.get(usize::from(byte)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_the_algorithm_comes_out() {
        assert_eq!(checksum(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn eight_bytes_at_a_time_are_as_eight_times_one() {
        let bytes: [u8; 61] = core::array::from_fn(|index| (index as u8).wrapping_mul(151) ^ 0x5a);
        for start in 0..9 {
            for end in start..bytes.len() {
                let one_by_one = bytes[start..end].iter().fold(u32::MAX, |sum, &byte| {
                    (0..8).fold(sum ^ u32::from(byte), |sum, _| sum >> 1 ^ if sum & 1 == 1 { 0xedb8_8320 } else { 0 })
                });
                assert_eq!(checksum(&bytes[start..end]), !one_by_one, "{start}..{end}");
            }
        }
    }
}
