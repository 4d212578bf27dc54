//! The packets of a capture file, each on a line.
use super::told;
use crate::capture::Captured;
use crate::paint::Paint;
use crate::rules::Rules;
use firewall::{Cause, Verdict};
use policy::packet::describe;
use serde_json::{Value, json};
use std::fmt::Write;

/// Of a packet, what there is to say.
pub struct Line<'l> {
    /// As it was captured.
    pub captured: &'l Captured<'l>,
    /// The same as a frame.
    pub frame: &'l [u8],
    /// `None` where too little of it was captured, or its link type is not read.
    pub verdict: Option<&'l Verdict>,
    /// Nanoseconds since the first packet.
    pub since: Option<i128>,
}

/// What stands above the lines.
pub fn header(paint: Paint) -> String {
    paint
        .dim(&format!("{:>7} {:>14}  {:<7}  {:<10}  {}", "packet", "seconds", "verdict", "by", ""))
        .trim_end()
        .to_string()
        + "\n"
}

impl Line<'_> {
    /// For people.
    pub fn text(&self, paint: Paint) -> String {
        let since = self.since.map_or_else(|| "-".into(), seconds);
        let mut out = format!("{:>7} {since:>14}  ", self.captured.number);
        // Writing to a string does not fail.
        let _ = match self.verdict {
            Some(verdict) => {
                let action = paint.verdict(verdict.action, &format!("{:<7}", told::verdict(verdict.action)));
                writeln!(out, "{action}  {:<10}  {}", told::cause(verdict.cause), told::frame(self.frame, verdict))
            }
            None => writeln!(out, "{:<7}  {:<10}  {}", "-", "-", self.unknown()),
        };
        out
    }

    fn unknown(&self) -> String {
        match crate::capture::Link::of(self.captured.link) {
            Some(_) => format!("only {} of {} bytes captured", self.captured.data.len(), self.captured.length),
            None => format!("link type {}, which is not read", self.captured.link),
        }
    }

    /// For scripts.
    pub fn json(&self, rules: &Rules) -> String {
        let mut value = json!({
            "number": self.captured.number,
            "time": self.captured.time.map(decimal),
            "bytes": self.captured.length,
            "verdict": Value::Null,
        });
        match self.verdict {
            Some(verdict) => {
                value["packet"] = json!(verdict.packet.as_ref().map(describe));
                value["verdict"] = json!(told::verdict(verdict.action));
                value["cause"] = json!(told::kind(verdict.cause));
                if let Cause::Rule(number) = verdict.cause {
                    value["rule"] = json!(u64::from(number) + 1);
                    value["line"] = json!(rules.line(number as usize));
                } else if verdict.packet.is_none() {
                    value["explanation"] = json!(told::frame(self.frame, verdict));
                }
            }
            None => value["explanation"] = json!(self.unknown()),
        }
        format!("{value}\n")
    }
}

const NANOSECONDS: u128 = 1_000_000_000;

/// To the microsecond.
fn seconds(nanoseconds: i128) -> String {
    let (sign, size) = (if nanoseconds < 0 { "-" } else { "" }, nanoseconds.unsigned_abs());
    format!("{sign}{}.{:06}", size / NANOSECONDS, size % NANOSECONDS / 1000)
}

/// To the nanosecond.
fn decimal(nanoseconds: i128) -> String {
    let (sign, size) = (if nanoseconds < 0 { "-" } else { "" }, nanoseconds.unsigned_abs());
    format!("{sign}{}.{:09}", size / NANOSECONDS, size % NANOSECONDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_the_first_packet_have_a_sign() {
        assert_eq!(seconds(-1_000), "-0.000001");
        assert_eq!(seconds(61_000_000_000), "61.000000");
        assert_eq!(decimal(1_500_000_001), "1.500000001");
        assert_eq!(decimal(-1), "-0.000000001");
    }
}
