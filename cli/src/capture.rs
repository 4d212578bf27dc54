//! Capture files, pcap (draft-ietf-opsawg-pcap) and pcapng (draft-ietf-opsawg-pcapng), read a packet at a time: a file may
//! be longer than memory, cut short, or damaged.
mod link;
mod source;
mod time;

pub use link::Link;
pub use source::CaptureError;

use crate::failure::Failure;
use pcap_parser::traits::{PcapNGPacketBlock, PcapReaderIterator};
use pcap_parser::{Block, PcapBlockOwned, PcapError};
use std::borrow::Cow;
use std::io::Read;
use time::Clock;

/// Blocks longer than this are taken for damage, in bytes. Packets are rarely longer than 256 KiB.
const LONGEST_BLOCK: usize = 16 << 20;

/// More interfaces than this in one section are taken for damage.
const MOST_INTERFACES: usize = 1 << 16;

/// What is read from a file, in its order.
pub enum Part<'c> {
    /// What a copy with some of the packets needs before them.
    Header(Cow<'c, [u8]>),
    /// A packet.
    Packet(Captured<'c>),
}

/// A packet of a file.
pub struct Captured<'c> {
    /// Counted from 1.
    pub number: u64,
    /// Nanoseconds since 1970, where the file says so.
    pub time: Option<i128>,
    /// The link type that the file says.
    pub link: u16,
    /// What was captured.
    pub data: &'c [u8],
    /// How many bytes the packet had; more than were captured if the capture was made so.
    pub length: usize,
    /// It and all that the file says of it, for a copy.
    pub record: &'c [u8],
}

/// How a file ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Behind a packet, as it should.
    Whole,
    /// Inside a packet, or what stands for one.
    CutShort,
    /// Something in it cannot be read, nor what follows it.
    Damaged,
}

/// An interface that packets were captured on.
#[derive(Clone, Copy)]
struct Interface {
    link: u16,
    /// For the packets that do not say how much of them was captured.
    snap_length: usize,
    clock: Clock,
}

/// A block, without the bytes that it lies in.
enum Found {
    Section,
    Interface(Interface),
    /// Of an interface by its number, with the ticks of its clock, the length of the packet, and where its bytes are.
    Packet {
        interface: usize,
        ticks: Option<u64>,
        length: usize,
        start: usize,
        captured: usize,
    },
    /// Nothing about packets.
    Other,
}

/// Reads a file to its end, or to where it can be read; `each` is given every part, and the number of bytes read so far.
///
/// # Errors
/// When it is no capture file, or its source cannot be read; and what `each` returns.
pub fn read(
    source: &mut dyn Read,
    name: &str,
    each: &mut dyn FnMut(Part<'_>, usize) -> Result<(), Failure>,
) -> Result<End, Failure> {
    let failed = |error: CaptureError| Failure::Usage(format!("{name}: {error}"));
    let mut reader = source::open(source).map_err(failed)?;
    let mut interfaces: Vec<Interface> = Vec::new();
    let mut number = 0;
    let mut capacity = source::CAPACITY;
    loop {
        let next = match reader.next() {
            Ok((size, block)) => Next::Block(size, found(&block, size)),
            Err(error) => Next::of(&error),
        };
        let (size, found) = match next {
            Next::Block(size, found) => (size, found),
            Next::End(end) => return Ok(end),
            Next::Unreadable => return Err(failed(CaptureError::Unreadable)),
            Next::More => {
                let before = reader.data().len();
                reader.refill().map_err(|_| failed(CaptureError::Unreadable))?;
                if reader.data().len() == before && !reader.reader_exhausted() && !grow(reader.as_mut(), &mut capacity)
                {
                    return Ok(End::Damaged);
                }
                continue;
            }
            Next::Room if grow(reader.as_mut(), &mut capacity) => continue,
            Next::Room => return Ok(End::Damaged),
        };
        let Some(block) = reader.data().get(..size) else { return Ok(End::Damaged) };
        let done = reader.consumed() + size;
        match found {
            Found::Section => {
                interfaces.clear();
                each(Part::Header(Cow::Owned(without_length(block))), done)?;
            }
            Found::Interface(interface) => {
                if interfaces.len() == MOST_INTERFACES {
                    return Ok(End::Damaged);
                }
                interfaces.push(interface);
                each(Part::Header(Cow::Borrowed(block)), done)?;
            }
            Found::Packet { interface, ticks, length, start, captured } => {
                let Some(interface) = interfaces.get(interface) else { return Ok(End::Damaged) };
                let captured = if ticks.is_none() { captured.min(interface.snap_length) } else { captured };
                let Some(data) = block.get(start..start + captured) else { return Ok(End::Damaged) };
                number += 1;
                let time = ticks.and_then(|ticks| interface.clock.nanoseconds(ticks));
                let link = interface.link;
                each(Part::Packet(Captured { number, time, link, data, length, record: block }), done)?;
            }
            Found::Other => (),
        }
        reader.consume(size);
    }
}

/// What comes next in a file.
enum Next {
    /// A block of so many bytes.
    Block(usize, Found),
    /// More must be read first.
    More,
    /// There must be room for more first.
    Room,
    End(End),
    Unreadable,
}

impl Next {
    fn of(error: &PcapError<&[u8]>) -> Self {
        match error {
            PcapError::Eof => Self::End(End::Whole),
            PcapError::UnexpectedEof => Self::End(End::CutShort),
            PcapError::Incomplete(_) => Self::More,
            PcapError::BufferTooSmall => Self::Room,
            PcapError::ReadError => Self::Unreadable,
            _ => Self::End(End::Damaged),
        }
    }
}

/// Makes room for longer blocks; `false` if they would be too long.
fn grow(reader: &mut dyn PcapReaderIterator, capacity: &mut usize) -> bool {
    *capacity *= 2;
    *capacity <= LONGEST_BLOCK && reader.grow(*capacity)
}

/// What a block of this many bytes says.
fn found(block: &PcapBlockOwned, size: usize) -> Found {
    /// Bytes before the packet's, of the two kinds of blocks.
    const ENHANCED: usize = 28;
    const SIMPLE: usize = 12;
    let wide = |length: u32| usize::try_from(length).unwrap_or(usize::MAX);
    match block {
        PcapBlockOwned::LegacyHeader(header) => Found::Interface(Interface {
            link: (header.network.0 & 0xffff) as u16,
            snap_length: usize::MAX,
            clock: if header.is_nanosecond_precision() { Clock::NANOSECONDS } else { Clock::MICROSECONDS },
        }),
        PcapBlockOwned::Legacy(record) => Found::Packet {
            interface: 0,
            ticks: Some(time::joined(record.ts_sec, record.ts_usec)),
            length: wide(record.origlen),
            start: size - record.data.len().min(size),
            captured: record.data.len(),
        },
        PcapBlockOwned::NG(Block::SectionHeader(_)) => Found::Section,
        PcapBlockOwned::NG(Block::InterfaceDescription(interface)) => Found::Interface(Interface {
            link: (interface.linktype.0 & 0xffff) as u16,
            snap_length: match interface.snaplen {
                0 => usize::MAX,
                limit => wide(limit),
            },
            clock: Clock::counting(interface.if_tsresol, interface.if_tsoffset),
        }),
        PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => Found::Packet {
            interface: wide(packet.if_id),
            ticks: Some(u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low)),
            length: wide(packet.origlen),
            start: ENHANCED,
            captured: packet.packet_data().len(),
        },
        PcapBlockOwned::NG(Block::SimplePacket(packet)) => Found::Packet {
            interface: 0,
            ticks: None,
            length: wide(packet.origlen),
            start: SIMPLE,
            captured: packet.packet_data().len(),
        },
        PcapBlockOwned::NG(_) => Found::Other,
    }
}

/// A section header that does not say how long its section is: the copy's is shorter.
fn without_length(block: &[u8]) -> Vec<u8> {
    let mut copy = block.to_vec();
    if let Some(length) = copy.get_mut(16..24) {
        length.fill(0xff);
    }
    copy
}

#[cfg(test)]
mod made;
#[cfg(test)]
mod tests;
