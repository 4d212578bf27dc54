//! Sorted numbers of 16 bits as lines, with a line before them that says which block a number is in.
use firewall::lists::LINE;

/// Numbers in a block.
const BLOCK: usize = LINE / 2;
/// The most numbers: as many blocks as one line tells apart.
pub(super) const MOST: usize = BLOCK * BLOCK;

/// How many blocks so many numbers take.
pub(super) fn blocks_of(count: usize) -> usize {
    count.div_ceil(BLOCK)
}

/// The blocks, the last of them filled up; and before them, if they are several, the line that leads to each.
pub(super) fn blocks(numbers: &[u16], padding: u16) -> Vec<u8> {
    let mut all = Vec::with_capacity((blocks_of(numbers.len()) + 1) * BLOCK);
    if numbers.len() > BLOCK {
        all.push(u16::MAX);
        all.extend(numbers.chunks(BLOCK).skip(1).filter_map(<[u16]>::first).map(|first| first.saturating_sub(1)));
        all.resize(BLOCK, u16::MAX);
    }
    all.extend(numbers);
    all.resize(all.len().next_multiple_of(BLOCK), padding);
    all.iter().flat_map(|number| number.to_le_bytes()).collect()
}
