//! Finds out which format a file has.
use pcap_parser::traits::PcapReaderIterator;
use pcap_parser::{LegacyPcapReader, PcapError, PcapNGReader};
use std::fmt;
use std::io::{self, Read};

/// How much is read at once, in bytes.
pub(super) const CAPACITY: usize = 1 << 20;

/// Why a file is no capture file.
#[derive(Debug)]
pub enum CaptureError {
    /// There is nothing in it.
    Empty,
    /// It begins as no such file does.
    NotCapture,
    /// It begins as a compressed file does, with the tool that undoes it.
    Compressed(&'static str),
    /// It ends inside its first header.
    HeaderCutShort,
    /// The source cannot be read.
    Read(io::Error),
    /// The same, in the midst of it.
    Unreadable,
}

impl fmt::Display for CaptureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the file is empty; a capture file begins with a header"),
            Self::NotCapture => f.write_str("this is no capture file: it begins as neither pcap nor pcapng does"),
            Self::Compressed(tool) => write!(f, "this is a compressed file; undo that first, with `{tool}`"),
            Self::HeaderCutShort => f.write_str("the file ends inside its header: there is no packet in it"),
            Self::Read(error) => error.fmt(f),
            Self::Unreadable => f.write_str("the file cannot be read to its end"),
        }
    }
}

impl std::error::Error for CaptureError {}

/// What files begin with.
const PCAP: [[u8; 4]; 5] = [
    [0xd4, 0xc3, 0xb2, 0xa1],
    [0xa1, 0xb2, 0xc3, 0xd4],
    [0x4d, 0x3c, 0xb2, 0xa1],
    [0xa1, 0xb2, 0x3c, 0x4d],
    [0x34, 0xcd, 0xb2, 0xa1],
];
const PCAPNG: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];
const COMPRESSED: [(&[u8], &str); 4] = [
    (&[0x1f, 0x8b], "gunzip"),
    (&[0x28, 0xb5, 0x2f, 0xfd], "unzstd"),
    (&[0xfd, b'7', b'z', b'X'], "unxz"),
    (b"PK\x03\x04", "unzip"),
];

/// A reader for the format that the source begins with.
pub(super) fn open<'s>(source: &'s mut dyn Read) -> Result<Box<dyn PcapReaderIterator + 's>, CaptureError> {
    let mut magic = Vec::with_capacity(4);
    source.take(4).read_to_end(&mut magic).map_err(CaptureError::Read)?;
    let reader = Filling(io::Cursor::new(magic.clone()).chain(source));
    let cut_short = |error: PcapError<_>| match error {
        PcapError::Incomplete(_) => CaptureError::HeaderCutShort,
        PcapError::ReadError => CaptureError::Unreadable,
        _ => CaptureError::NotCapture,
    };
    match magic.as_slice() {
        [] => Err(CaptureError::Empty),
        magic if PCAP.iter().any(|known| known == magic) => {
            Ok(Box::new(LegacyPcapReader::new(CAPACITY, reader).map_err(cut_short)?))
        }
        magic if magic == PCAPNG => Ok(Box::new(PcapNGReader::new(CAPACITY, reader).map_err(cut_short)?)),
        magic => Err(match COMPRESSED.iter().find(|(known, _)| magic.starts_with(known)) {
            Some((_, tool)) => CaptureError::Compressed(tool),
            None => CaptureError::NotCapture,
        }),
    }
}

/// Reads as much as was asked for unless the source ends, however few bytes it gives at a time.
struct Filling<R>(R);

impl<R: Read> Read for Filling<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.0.read(rest) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }
}
