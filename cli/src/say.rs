//! Messages to the user, on standard error: the program's own output has standard output to itself.
use std::fmt::Arguments;
use std::io::Write;

/// Prints one line. Nobody listening is no reason to stop.
pub fn say(line: Arguments<'_>) {
    let _ = writeln!(std::io::stderr().lock(), "portcullis: {line}");
}

/// Prints lines as they are.
pub fn say_plain(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}
