//! What the kernel tells the host.
use alloc::string::String;
use core::fmt;
use image::report::{Report, kind};

/// Sends a report.
pub fn report(report: &Report) {
    // Encoding to a growing vector fails only for lengths that cannot be: nothing to tell then.
    if let Ok(bytes) = postcard::to_allocvec(report) {
        machine::report::send(kind::REPORT, &bytes);
    }
}

/// Sends a line of the log; the host shows it with `-v`. Use it as `host::log(format_args!(...))`.
pub fn log(line: fmt::Arguments<'_>) {
    let mut text = String::new();
    if fmt::write(&mut text, line).is_ok() {
        machine::report::send(kind::LOG, text.as_bytes());
    }
}
