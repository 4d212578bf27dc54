//! Many IPv4 addresses to a set of which looking one up takes two or three memory accesses ([`firewall::lists::ipv4`]).
use super::blocks::{MOST, blocks, blocks_of};
use firewall::lists::LINE;
use firewall::lists::ipv4::{FINE_LINES, INDEX, entry};

/// The low 16 bits of addresses: first and last of a range.
type Low = (u16, u16);

/// Ranges of addresses, in order and apart from each other, as a set.
pub fn ipv4_set(ranges: &[(u32, u32)]) -> Vec<u8> {
    let mut set = Builder { bytes: vec![0; INDEX], half: None };
    let mut high = 0;
    let mut parts: Vec<Low> = Vec::new();
    for &(first, last) in ranges {
        if first >> 16 != high {
            set.add(high, &parts);
            parts.clear();
            high = first >> 16;
        }
        while high < last >> 16 {
            parts.push((if first >> 16 == high { first as u16 } else { 0 }, u16::MAX));
            set.add(high, &parts);
            parts.clear();
            high += 1;
        }
        parts.push((if first >> 16 == high { first as u16 } else { 0 }, last as u16));
    }
    set.add(high, &parts);
    set.bytes
}

struct Builder {
    bytes: Vec<u8>,
    /// A line whose second half is free.
    half: Option<u32>,
}

impl Builder {
    /// The addresses with these high bits: in order and apart from each other.
    fn add(&mut self, high: u32, parts: &[Low]) {
        let made = self.entry(parts);
        if let Some(bytes) = self.bytes.as_chunks_mut().0.get_mut(high as usize) {
            *bytes = made.to_le_bytes();
        }
    }

    fn entry(&mut self, parts: &[Low]) -> u32 {
        match parts {
            [] => return entry::emit(entry::CONSTANT, false, 1, 0),
            [(0, u16::MAX)] => return entry::emit(entry::CONSTANT, true, 1, 0),
            _ if parts.iter().all(|(first, last)| first & 255 == 0 && last & 255 == 255) => return self.coarse(parts),
            _ => (),
        }
        let points: usize = parts.iter().map(|(first, last)| usize::from(last - first) + 1).sum();
        let turns = turns(parts);
        if points <= MOST && blocks_of(points) <= blocks_of(turns.len()) {
            let points: Vec<u16> = parts.iter().flat_map(|&(first, last)| first..=last).collect();
            let padding = points.last().copied().unwrap_or(0);
            return self.lines(entry::POINTS, false, blocks_of(points.len()), blocks(&points, padding));
        }
        if turns.len() <= MOST {
            let has_zero = parts.first().is_some_and(|(first, _)| *first == 0);
            return self.lines(entry::TURNS, has_zero, blocks_of(turns.len()), blocks(&turns, u16::MAX));
        }
        let mut bits = vec![0; FINE_LINES * LINE];
        parts.iter().for_each(|&(first, last)| set_bits(&mut bits, first.into(), last.into()));
        self.lines(entry::FINE, false, 1, bits)
    }

    /// A bit for every 256 addresses.
    fn coarse(&mut self, parts: &[Low]) -> u32 {
        let mut bits = vec![0; LINE / 2];
        parts.iter().for_each(|(first, last)| set_bits(&mut bits, usize::from(first >> 8), usize::from(last >> 8)));
        if let Some(line) = self.half.take() {
            let start = INDEX + line as usize * LINE + LINE / 2;
            self.bytes[start..start + bits.len()].copy_from_slice(&bits);
            return entry::emit(entry::COARSE, true, 1, line);
        }
        bits.resize(LINE, 0);
        let made = self.lines(entry::COARSE, false, 1, bits);
        self.half = Some(made >> 9);
        made
    }

    fn lines(&mut self, kind: u32, flag: bool, blocks: usize, lines: Vec<u8>) -> u32 {
        let line = (self.bytes.len() - INDEX) / LINE;
        self.bytes.extend(lines);
        // 65,536 entries of at most 128 lines each: it fits.
        entry::emit(kind, flag, blocks as u32, line as u32)
    }
}

/// The values after which it changes whether a value is among them, but for the change before 0 and after 65,535.
fn turns(parts: &[Low]) -> Vec<u16> {
    let ends = parts.iter().flat_map(|&(first, last)| [first.checked_sub(1), (last < u16::MAX).then_some(last)]);
    ends.flatten().collect()
}

fn set_bits(bits: &mut [u8], first: usize, last: usize) {
    for number in first..=last {
        bits[number / 8] |= 1 << (number % 8);
    }
}
