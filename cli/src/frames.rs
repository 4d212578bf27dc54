//! What the machine sends, taken apart: frames of `image::report`.
use image::report::{Report, kind};
use std::io::{self, Read};

/// One thing that the machine sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    /// The program's standard output.
    Stdout(Vec<u8>),
    /// The program's standard error.
    Stderr(Vec<u8>),
    /// A line of the kernel's log.
    Log(String),
    /// A piece of the trace of system calls.
    Trace(Vec<u8>),
    /// Something that happened.
    Report(Report),
    /// Something that this version does not know, in words.
    Unknown(String),
}

/// Reads the next frame; `None` when the machine is gone, also in the middle of a frame.
pub fn read(from: &mut impl Read) -> io::Result<Option<Frame>> {
    let mut header = [0; 3];
    if !fill(from, &mut header)? {
        return Ok(None);
    }
    let [kind, low, high] = header;
    let mut bytes = vec![0; usize::from(u16::from_le_bytes([low, high]))];
    Ok(fill(from, &mut bytes)?.then(|| decode(kind, bytes)))
}

fn fill(from: &mut impl Read, bytes: &mut [u8]) -> io::Result<bool> {
    match from.read_exact(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

fn decode(kind: u8, bytes: Vec<u8>) -> Frame {
    match kind {
        kind::STDOUT => Frame::Stdout(bytes),
        kind::STDERR => Frame::Stderr(bytes),
        kind::LOG => Frame::Log(String::from_utf8_lossy(&bytes).into_owned()),
        kind::TRACE => Frame::Trace(bytes),
        kind::REPORT => match postcard::from_bytes(&bytes) {
            Ok(report) => Frame::Report(report),
            Err(error) => Frame::Unknown(format!("a report of {} bytes does not decode: {error}", bytes.len())),
        },
        other => Frame::Unknown(format!("a frame of unknown kind {other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, bytes: &[u8]) -> Vec<u8> {
        let mut frame = vec![kind];
        frame.extend(u16::try_from(bytes.len()).unwrap().to_le_bytes());
        frame.extend(bytes);
        frame
    }

    /// Gives one byte a time, as a slow machine does.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = buffer.len().min(1);
            self.0.read(&mut buffer[..length])
        }
    }

    fn all(mut bytes: &[u8]) -> Vec<Frame> {
        let mut slow = Slow(bytes);
        let slowly: Vec<_> = std::iter::from_fn(|| read(&mut slow).unwrap()).collect();
        let fast: Vec<_> = std::iter::from_fn(|| read(&mut bytes).unwrap()).collect();
        assert_eq!(slowly, fast);
        fast
    }

    #[test]
    fn streams_and_reports_come_apart_in_order() {
        let report = Report::Killed(11, "wrote to 0x0".into());
        let wire = [
            frame(kind::STDOUT, b"\0\xff\n"),
            frame(kind::STDERR, b""),
            frame(kind::LOG, b"mapped"),
            frame(kind::TRACE, b"[pid 2] read("),
            frame(kind::REPORT, &postcard::to_allocvec(&report).unwrap()),
        ];
        let expected = [
            Frame::Stdout(b"\0\xff\n".to_vec()),
            Frame::Stderr(vec![]),
            Frame::Log("mapped".into()),
            Frame::Trace(b"[pid 2] read(".to_vec()),
            Frame::Report(report),
        ];
        assert_eq!(all(&wire.concat()), expected);
    }

    #[test]
    fn a_frame_of_the_greatest_length_is_whole() {
        let long = vec![7; 65535];
        assert_eq!(all(&frame(kind::STDOUT, &long)), [Frame::Stdout(long)]);
    }

    #[test]
    fn a_frame_cut_anywhere_is_the_end() {
        let wire = frame(kind::STDOUT, b"hello");
        for length in 0..wire.len() {
            assert_eq!(all(&wire[..length]), [], "{length}");
        }
    }

    #[test]
    fn what_is_not_known_is_told_and_passed_over() {
        let wire = [frame(99, b"abc"), frame(kind::REPORT, &[0xff; 4]), frame(kind::STDOUT, b"on")].concat();
        let frames = all(&wire);
        assert!(matches!(&frames[0], Frame::Unknown(text) if text.contains("99")));
        assert!(matches!(&frames[1], Frame::Unknown(text) if text.contains("4 bytes")));
        assert_eq!(frames[2], Frame::Stdout(b"on".to_vec()));
    }
}
