//! Which kind of packet the command line gives.
use super::hex;
use crate::failure::Failure;
use firewall::Packet;
use policy::diagnostic::{self, Diagnostic, Span};
use policy::packet;
use std::path::{Path, PathBuf};

/// Names of capture files end so.
const CAPTURES: [&str; 3] = ["pcap", "pcapng", "cap"];

/// What is to be explained.
#[derive(Debug)]
pub enum Input {
    /// A packet that was said in words.
    Words(Packet),
    /// Bytes.
    Frame {
        /// As an Ethernet frame.
        frame: Vec<u8>,
        /// What they were taken for.
        taken_for: String,
    },
    /// A capture file.
    Capture(PathBuf),
}

/// What these arguments are. A name that ends as those of capture files do, or that is a file, is one; what begins with
/// hex digits is hex; all else is words.
pub fn of(arguments: &[String], coloured: bool) -> Result<Input, Failure> {
    if let [name] = arguments
        && is_capture(Path::new(name))
    {
        return Ok(Input::Capture(PathBuf::from(name)));
    }
    let text = arguments.join(" ");
    if hex::is_hex(&text) {
        let bytes = hex::parse(&text).map_err(|error| draw(&text, error, coloured))?;
        let (frame, taken_for) = hex::frame(&bytes).ok_or_else(|| draw(&text, hex::Error::none(&text), coloured))?;
        return Ok(Input::Frame { frame, taken_for });
    }
    packet::parse(&text).map(Input::Words).map_err(|error| draw(&text, error, coloured))
}

fn is_capture(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    CAPTURES.iter().any(|known| extension.eq_ignore_ascii_case(known)) || path.is_file()
}

/// The text with what is wrong in it marked.
fn draw(text: &str, error: impl Into<Diagnostic>, coloured: bool) -> Failure {
    // An empty text has no place to mark; a space has.
    let text = if text.is_empty() { " " } else { text };
    let mut drawn: Diagnostic = error.into();
    let end = drawn.span.end.max(drawn.span.start);
    drawn.span = Span { start: drawn.span.start, end };
    Failure::Usage(diagnostic::render("PACKET", text, [drawn], coloured))
}
