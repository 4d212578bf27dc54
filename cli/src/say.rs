//! Messages to the user, on standard error: the program's own output has standard output to itself.
use std::fmt::{Arguments, Display};
use std::io::Write;

/// Prints one line. Nobody listening is no reason to stop.
pub fn say(line: Arguments<'_>) {
    let _ = writeln!(std::io::stderr().lock(), "portcullis: {line}");
}

/// Prints lines as they are.
pub fn say_plain(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// So many of something: `1 rule`, `2 rules`.
pub fn counted<N: PartialEq + From<u8> + Display>(count: N, what: &str) -> String {
    if count == N::from(1) { format!("1 {what}") } else { format!("{count} {what}s") }
}
