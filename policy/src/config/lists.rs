//! Address lists: from an array of the configuration, or from the text of a file.
use super::error::{ErrorKind, Expected, Fault};
use super::places::{HostBits, Line};
use super::reader::Reader;
use super::written::{self, Scalar, Source};
use super::{Load, suggest, value};
use crate::diagnostic::Span;
use crate::policy::{List, Prefix, Prefixes};
use crate::progress::{Observer, Phase, Steps};
use core::net::{Ipv4Addr, Ipv6Addr};
use std::collections::HashMap;

/// No more wrong lines of a file are shown than these; the rest are counted.
const MOST_LINES: usize = 5;

/// Nothing is suggested for an unknown name where there are more lists than these.
const MOST_COMPARED: usize = 100;

/// Resolves every list; what is wrong with any of them is in `reader`.
pub(super) fn resolve(
    reader: &mut Reader,
    written: &[written::List],
    load: &mut Load,
    observer: &mut dyn Observer,
) -> Vec<List> {
    let mut steps = Steps::new(observer, Phase::ReadingLists, written.len());
    let resolved = written.iter().map(|list| {
        let resolved = one(reader, list, load);
        steps.add(1);
        resolved
    });
    resolved.collect()
}

fn one(reader: &mut Reader, written: &written::List, load: &mut Load) -> List {
    check_name(reader, written);
    let mut members = Members::default();
    match &written.source {
        None => (),
        Some(Source::Members(scalars)) => {
            for scalar in scalars {
                match value::list_member(&scalar.text) {
                    Ok(member) => reader.host_bits.extend(members.add(member, &scalar.text, &scalar.span)),
                    Err(fault) => {
                        let (expected, text) = (Expected::ListMember, scalar.text.clone());
                        reader.error(&scalar.span, ErrorKind::Value { expected, text, fault });
                    }
                }
            }
        }
        Some(Source::File(path)) => match load(&path.text) {
            Ok(bytes) => lines(reader, path, &bytes, &mut members),
            Err(reason) => reader.error(&path.span, ErrorKind::ListFile { path: path.text.clone(), reason }),
        },
    }
    let Members { ipv4, ipv6 } = members;
    List { name: written.name.clone(), ipv4: Prefixes::<Ipv4Addr>::new(ipv4), ipv6: Prefixes::<Ipv6Addr>::new(ipv6) }
}

fn check_name(reader: &mut Reader, written: &written::List) {
    let (expected, text) = (Expected::ListName, written.name.clone());
    if text.is_empty() {
        reader.error(&written.name_span, ErrorKind::Value { expected, text, fault: Fault::Empty });
    } else if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
        reader.error(&written.name_span, ErrorKind::Value { expected, text, fault: Fault::NotName });
    }
}

/// An address or prefix a line; `#` and `;` begin a comment, and a line may be empty.
fn lines(reader: &mut Reader, path: &Scalar, bytes: &[u8], members: &mut Members) {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut wrong = 0;
    let mut host_bits: Option<HostBits> = None;
    for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        let end = line.iter().position(|byte| matches!(byte, b'#' | b';')).unwrap_or(line.len());
        let text = line.get(..end).unwrap_or(line).trim_ascii();
        if text.is_empty() {
            continue;
        }
        let decoded = core::str::from_utf8(text).map_err(|_| Fault::NotAddress);
        match decoded.and_then(|text| Ok((value::list_member(text)?, text))) {
            Ok((member, text)) => {
                if let Some(found) = members.add(member, text, &path.span) {
                    let first = host_bits.get_or_insert(found);
                    let line = first.line.map(|line| Line { more: line.more + 1, ..line });
                    first.line = line.or(Some(Line { number, more: 0 }));
                }
            }
            Err(fault) => {
                wrong += 1;
                if wrong <= MOST_LINES {
                    let text = String::from_utf8_lossy(text.get(..text.len().min(200)).unwrap_or(text)).into_owned();
                    let kind = ErrorKind::ListLine { path: path.text.clone(), line: number, text, fault };
                    reader.error(&path.span, kind);
                }
            }
        }
    }
    reader.host_bits.extend(host_bits);
    if wrong > MOST_LINES {
        let more = wrong - MOST_LINES;
        reader.error(&path.span, ErrorKind::ListLines { path: path.text.clone(), more });
    }
}

/// What a list has, by the version of IP.
#[derive(Default)]
struct Members {
    ipv4: Vec<Prefix<Ipv4Addr>>,
    ipv6: Vec<Prefix<Ipv6Addr>>,
}

impl Members {
    /// Gives `text`, which is the member, back if its mask takes bits away.
    fn add(&mut self, member: value::ListMember, text: &str, span: &Span) -> Option<HostBits> {
        match member {
            value::ListMember::Ipv4(prefix) => {
                self.ipv4.push(prefix);
                HostBits::of(text, &prefix, span)
            }
            value::ListMember::Ipv6(prefix) => {
                self.ipv6.push(prefix);
                HostBits::of(text, &prefix, span)
            }
        }
    }
}

/// The lists by name, and which of them rules and tests have named.
pub(super) struct Names<'a> {
    names: Vec<&'a str>,
    numbers: HashMap<&'a str, usize>,
    used: Vec<bool>,
}

impl<'a> Names<'a> {
    /// None of them named yet.
    pub(super) fn new(names: impl IntoIterator<Item = &'a str>) -> Self {
        let names: Vec<&str> = names.into_iter().collect();
        let numbers = names.iter().enumerate().map(|(number, name)| (*name, number)).collect();
        let used = vec![false; names.len()];
        Self { names, numbers, used }
    }

    /// The number of the list that is called this.
    pub(super) fn find(&mut self, name: &str) -> Result<usize, Fault> {
        let Some(&number) = self.numbers.get(name) else {
            let meant = if self.names.len() > MOST_COMPARED { None } else { suggest::nearest(name, &self.names) };
            return Err(Fault::UnknownList { meant: meant.map(str::to_string) });
        };
        if let Some(used) = self.used.get_mut(number) {
            *used = true;
        }
        Ok(number)
    }

    /// The numbers of the lists that are not named.
    pub(super) fn unused(&self) -> impl Iterator<Item = usize> {
        self.used.iter().enumerate().filter(|(_, used)| !**used).map(|(number, _)| number)
    }
}
