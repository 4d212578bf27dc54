//! Configuration files in the `ops` format: from bytes to a policy and to what one instance needs.
//!
//! `json` knows where each value stands, `written` what shape a policy has, `resolve` what it means; `ops` reads
//! everything around it. None of them stops at the first error, and none of them ignores what it does not know.
mod allow;
mod error;
mod escapes;
mod json;
mod keys;
mod label;
mod lists;
mod message;
mod names;
mod ops;
mod places;
mod property;
mod reader;
mod resolve;
mod suggest;
mod test;
mod value;
mod written;

use core::net::Ipv4Addr;

pub use error::{Error, ErrorKind, Expected, Fault, Warning, WarningKind};
pub use label::folded;
pub(crate) use message::quote;
pub use places::{HostBits, Line, Places};
pub use property::PropertyFault;
pub(crate) use suggest::nearest;
pub(crate) use value::named_protocol;

use crate::diagnostic::Span;
use crate::lint::Lint;
use crate::policy::{Policy, Rule};
use crate::progress::Observer;
use crate::test::Test;
use reader::Reader;

/// A configuration file, checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// What is let in; `None` where the file has no `firewall` object, and then everything is.
    pub policy: Option<Policy>,
    /// For each rule of the policy its name, or else its JSON on one line.
    pub rule_labels: Vec<String>,
    /// For each rule of the policy whether it has nothing but what it asks and its action: no name, no comment, no `allow`.
    pub plain_rules: Vec<bool>,
    /// For each rule of the policy the lints that are not to be told of it.
    pub rule_allows: Vec<Vec<Lint>>,
    /// The lints that are not to be told of the policy.
    pub allows: Vec<Lint>,
    /// What is expected of the policy.
    pub tests: Vec<Test>,
    /// Where the parts of the policy stand.
    pub places: Places,
    /// Arguments of the program.
    pub args: Vec<String>,
    /// Its environment, in the order of the file.
    pub env: Vec<(String, String)>,
    /// Files of the host that go into the image, under the same path.
    pub files: Vec<String>,
    /// Directories of the host that go into the image, under the same path.
    pub dirs: Vec<String>,
    /// Directories of the host, each with its path in the image.
    pub map_dirs: Vec<(String, String)>,
    /// The program, where the command names none.
    pub program: Option<String>,
    /// How to run it.
    pub run: RunConfig,
}

/// The object `RunConfig`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunConfig {
    /// TCP ports to forward, in the syntax of the command's `-p`, not yet looked at.
    pub ports: Vec<String>,
    /// Where each of `ports` stands, for [`Error::refused`].
    pub port_spans: Vec<Span>,
    /// UDP ports to forward, in the same syntax.
    pub udp_ports: Vec<String>,
    /// Where each of `udp_ports` stands.
    pub udp_port_spans: Vec<Span>,
    /// Memory of the machine in bytes.
    pub memory: Option<u64>,
    /// How many processors the machine has.
    pub cpus: Option<u32>,
    /// A static address.
    pub ip_address: Option<Ipv4Addr>,
    /// The mask of its network.
    pub netmask: Option<Ipv4Addr>,
    /// The router.
    pub gateway: Option<Ipv4Addr>,
    /// An interface of the host.
    pub tap_name: Option<String>,
    /// Whether to use the host's hardware acceleration.
    pub accel: Option<bool>,
    /// Whether to say more.
    pub verbose: bool,
}

/// Reads the file of a list, by its path as written; or says why it cannot.
pub type Load<'a> = dyn FnMut(&str) -> Result<Vec<u8>, String> + 'a;

/// Reads a configuration; or says all that is wrong with it, in the order of the file. A list in a file is refused.
pub fn parse(text: &str) -> Result<(Config, Vec<Warning>), Vec<Error>> {
    parse_with(text, &mut |_| Err("files are not read here".to_string()), |_| Vec::new())
}

/// As [`parse`], with lists in files that the caller reads, and with the errors that the caller finds in what could be
/// read: of values whose syntax is the caller's.
pub fn parse_with(
    text: &str,
    load: &mut Load,
    check: impl FnOnce(&Config) -> Vec<Error>,
) -> Result<(Config, Vec<Warning>), Vec<Error>> {
    parse_observed(text, load, check, &mut ())
}

/// As [`parse_with`], and tells how far it is.
pub fn parse_observed(
    text: &str,
    load: &mut Load,
    check: impl FnOnce(&Config) -> Vec<Error>,
    observer: &mut dyn Observer,
) -> Result<(Config, Vec<Warning>), Vec<Error>> {
    let mut reader = Reader::default();
    let config =
        json::parse(text, &mut reader.errors).map(|root| ops::config(&mut reader, text, &root, load, observer));
    reader.errors.extend(config.as_ref().map(check).unwrap_or_default());
    let Reader { mut errors, mut warnings, .. } = reader;
    errors.sort_by_key(|error| (error.span.start, error.span.end));
    warnings.sort_by_key(|warning| (warning.span.start, warning.span.end));
    match config {
        Some(config) if errors.is_empty() => Ok((config, warnings)),
        _ => Err(errors),
    }
}

/// Reads sets of packets in the words of properties, such as `tcp 8080, udp from 10.0.0.0/8`: rules that match them, whatever
/// their action. Lists are named as in the policy for which this is asked.
pub fn packets(text: &str, policy: &Policy) -> Result<Vec<Rule>, Error> {
    let mut lists = lists::Names::new(policy.lists.iter().map(|list| list.name.as_str()));
    property::packets(text, &mut lists).map_err(|property::Refused { span, kind }| Error { span, kind })
}

/// The text of a file, which must be UTF-8.
///
/// To show the error, draw it over `String::from_utf8_lossy(bytes)`: its place is before what that replaces.
pub fn decode(bytes: &[u8]) -> Result<&str, Error> {
    core::str::from_utf8(bytes).map_err(|error| {
        let utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
        let at = error.valid_up_to();
        Error { span: at..at + 1, kind: ErrorKind::NotUtf8 { utf16 } }
    })
}
