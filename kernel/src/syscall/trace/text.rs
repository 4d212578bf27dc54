//! Bytes of the program as text in quotes.
use alloc::string::String;
use core::fmt::Write;

/// How many bytes of a buffer are shown, and how many elements of an array.
pub const SHOWN: usize = 32;

/// All of it.
pub fn quote(bytes: &[u8]) -> String {
    let mut text = String::from("\"");
    for (index, byte) in bytes.iter().enumerate() {
        let digit_follows = bytes.get(index + 1).is_some_and(|next| (b'0'..=b'7').contains(next));
        push(&mut text, *byte, digit_follows);
    }
    text.push('"');
    text
}

/// Its beginning; dots say that there is more.
pub fn quote_start(bytes: &[u8]) -> String {
    let mut text = quote(bytes.get(..SHOWN).unwrap_or(bytes));
    if bytes.len() > SHOWN {
        text.push_str("...");
    }
    text
}

/// Its beginning in hexadecimal.
pub fn quote_hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::from("\"");
    for byte in bytes.iter().take(SHOWN) {
        // Writing to a string does not fail, here and below.
        let _ = write!(text, "\\x{byte:02x}");
    }
    text.push_str(if bytes.len() > SHOWN { "\"..." } else { "\"" });
    text
}

fn push(text: &mut String, byte: u8, digit_follows: bool) {
    match byte {
        b'\t' => text.push_str("\\t"),
        b'\n' => text.push_str("\\n"),
        0x0b => text.push_str("\\v"),
        0x0c => text.push_str("\\f"),
        b'\r' => text.push_str("\\r"),
        b'"' | b'\\' => text.extend(['\\', char::from(byte)]),
        b' '..=b'~' => text.push(char::from(byte)),
        _ if digit_follows => drop(write!(text, "\\{byte:03o}")),
        _ => drop(write!(text, "\\{byte:o}")),
    }
}
