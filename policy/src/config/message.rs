//! The words for what is wrong: a title, what was expected, and what to do.
use super::error::{Error, ErrorKind, Expected, Fault, Warning, WarningKind};
use super::{property, suggest, value};
use crate::diagnostic::{Diagnostic, Severity};
use crate::lint::Lint;
use crate::packet;

/// Longer values are cut in messages, in characters.
const LONGEST_QUOTE: usize = 60;

/// A label that lists more keys than this is too long for a line.
const MOST_IN_LABEL: usize = 7;

/// A title, a label and what to do.
pub(super) type Words = (String, String, Option<String>);

impl From<Error> for Diagnostic {
    fn from(error: Error) -> Diagnostic {
        let (title, label, help) = error_words(&error.kind);
        Diagnostic { severity: Severity::Error, span: error.span, title, label, help, notes: Vec::new() }
    }
}

impl From<&Error> for Diagnostic {
    fn from(error: &Error) -> Diagnostic {
        error.clone().into()
    }
}

impl From<Warning> for Diagnostic {
    fn from(warning: Warning) -> Diagnostic {
        let (title, label, help) = warning_words(&warning.kind);
        Diagnostic { severity: Severity::Warning, span: warning.span, title, label, help, notes: Vec::new() }
    }
}

impl From<&Warning> for Diagnostic {
    fn from(warning: &Warning) -> Diagnostic {
        warning.clone().into()
    }
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (title, label, _) = error_words(&self.kind);
        write!(f, "{title}: {label}")
    }
}

impl core::error::Error for Error {}

fn error_words(kind: &ErrorKind) -> Words {
    match kind {
        ErrorKind::NotUtf8 { utf16: true } => {
            words("the file is UTF-16", "expected UTF-8", Some("save the file as UTF-8"))
        }
        ErrorKind::NotUtf8 { utf16: false } => {
            words("the file is not text", "this is not UTF-8", Some("save the file as UTF-8"))
        }
        ErrorKind::Syntax { message } => (
            format!("not JSON: {message}"),
            "here".into(),
            Some("the file must be JSON as RFC 8259 has it: no comments, no trailing commas, \"double quotes\"".into()),
        ),
        ErrorKind::EmptyFile => {
            words("the file is empty", "expected a JSON object", Some("the smallest configuration is `{}`"))
        }
        ErrorKind::TooDeep => words("too many arrays and objects in one another", "too deep here", None),
        ErrorKind::ControlCharacter => words(
            "a control character in a string",
            "must be escaped",
            Some("write a line feed as `\\n`, a tab as `\\t`"),
        ),
        ErrorKind::NulCharacter => {
            words("U+0000 in a string", "a program cannot be given this", Some("remove the `\\u0000`"))
        }
        ErrorKind::DuplicateKey { key, .. } => (
            format!("{} stands twice in the same object", quote(key)),
            "the second".into(),
            Some("which of them holds would be a guess: keep one".into()),
        ),
        ErrorKind::UnknownKey { key, place, known, passed_over } => (
            format!("unknown key {} in {place}", quote(key)),
            if known.len() > MOST_IN_LABEL { "no such key".into() } else { format!("expected {}", one_of(known)) },
            match suggest::nearest(key, &[*known, *passed_over].concat()) {
                Some(meant) => Some(did_you_mean(meant)),
                None => (known.len() > MOST_IN_LABEL).then(|| format!("expected {}", one_of(known))),
            },
        ),
        ErrorKind::Misplaced { key, place, belongs } => (
            format!("\"{key}\" does not belong in {place}"),
            format!("belongs in {belongs}"),
            Some(format!("move it into {belongs}")),
        ),
        ErrorKind::NearFirewall { key } => (
            format!("unknown key {} in `ManifestPassthrough`, nearly \"firewall\"", quote(key)),
            "no firewall would be read from here".into(),
            Some("did you mean \"firewall\"?".into()),
        ),
        ErrorKind::WrongType { what, expected, found } => {
            (format!("{what} is {found}"), format!("expected {expected}"), None)
        }
        ErrorKind::NotSupported { what } => (
            format!("{what} is not supported by this version"),
            "an extension that is not built yet".into(),
            Some("without it the policy would mean something else, so it is not ignored: remove it".into()),
        ),
        ErrorKind::Conflict { first, second } => (
            format!("a rule with both `{first}` and `{second}`"),
            "no packet is both".into(),
            Some("make two rules of it".into()),
        ),
        ErrorKind::Value { expected, text, fault } => value_words(*expected, text, fault),
        ErrorKind::ListFile { path, reason } => (
            format!("the list {} cannot be read: {}", quote(path), cut(reason)),
            "expected a text file with one address or prefix a line".into(),
            Some("its path starts from the folder of this configuration".into()),
        ),
        ErrorKind::ListLine { path, line, text, fault } => (
            format!("{}, line {line}: {} {}", cut(path), quote(text), complaint(Expected::ListMember, text, fault)),
            format!("expected {} there", describe(Expected::ListMember)),
            match fault {
                Fault::Space | Fault::List => Some("one a line; what follows `#` or `;` is a comment".into()),
                _ => advice(Expected::ListMember, text, fault),
            },
        ),
        ErrorKind::ListLines { path, more } => {
            let lines = if *more == 1 { "line is" } else { "lines are" };
            (format!("{}: {more} more {lines} wrong", cut(path)), "in this file".into(), None)
        }
        ErrorKind::EmptyArray { expected } => (
            "an array without members matches nothing".into(),
            format!("expected {}", describe(*expected)),
            Some("leave the key out to match any value".into()),
        ),
        ErrorKind::MixedNegation => words(
            "some members begin with `!` and some do not",
            "expected all or none of them with `!`",
            Some("make two rules of it: one for what must match, one for what must not"),
        ),
        ErrorKind::KlibWithoutPolicy => words(
            "`Klibs` names the firewall, and there is no policy",
            "asks for the object `firewall` in `ManifestPassthrough`",
            Some("add \"ManifestPassthrough\": {\"firewall\": {\"rules\": [...]}}, or remove it from `Klibs`"),
        ),
        ErrorKind::TestShape { both: true } => {
            words("a test with both `packet` and `property`", "expected one of them", Some("make two tests of it"))
        }
        ErrorKind::TestShape { both: false } => words(
            "a test without `packet` and `property`",
            "expected one of them",
            Some("such as {\"packet\": \"tcp from 10.0.2.2 to :8080\", \"verdict\": \"accept\"}"),
        ),
        ErrorKind::ExpectsNothing => words(
            "a test of a packet that expects nothing",
            "expected `verdict` or `rule` beside `packet`",
            Some("add \"verdict\": \"accept\" or \"verdict\": \"drop\""),
        ),
        ErrorKind::NotOfProperty { key } => (
            format!("`{key}` beside a property"),
            "a property says by itself what it expects".into(),
            Some("remove it, or test a `packet`".into()),
        ),
        ErrorKind::Property { fault } => property::words(fault),
        ErrorKind::Packet { error } => {
            let error = packet::Error { span: 0..0, kind: error.clone() };
            let Diagnostic { title, label, help, .. } = error.into();
            (title, label, help)
        }
        ErrorKind::Refused { message, expected } => (message.clone(), format!("expected {expected}"), None),
    }
}

fn warning_words(kind: &WarningKind) -> Words {
    match kind {
        WarningKind::NotActedOn { key, place } => {
            (format!("{} in {place} is not acted on", quote(key)), "has no effect here".into(), None)
        }
        WarningKind::OtherKlib { name } => {
            (format!("the klib {} is not acted on", quote(name)), "has no effect here".into(), None)
        }
        WarningKind::UnusedList { name } => {
            (format!("no rule names the list {}", quote(name)), "has no effect".into(), None)
        }
        WarningKind::AcceptsAll => words(
            "the policy has no rules and accepts every packet",
            "no rules",
            Some("add rules, or \"default\": \"drop\""),
        ),
    }
}

fn value_words(expected: Expected, text: &str, fault: &Fault) -> Words {
    let title = format!("{} {}", quote(text), complaint(expected, text, fault));
    (title, format!("expected {}", describe(expected)), advice(expected, text, fault))
}

/// What is wrong, after the value.
fn complaint(expected: Expected, text: &str, fault: &Fault) -> String {
    match fault {
        Fault::Empty if text == "!" => "negates nothing".into(),
        Fault::Empty => "is empty".into(),
        Fault::Space => "has white space in it".into(),
        Fault::NegatedTwice => "is negated twice".into(),
        Fault::List => "is several values in one string".into(),
        Fault::NotDecimal => "is not a decimal number".into(),
        Fault::LeadingZero => "has a number with a leading zero, which some read as octal".into(),
        Fault::TooLarge { .. } if expected == Expected::Memory => "is more memory than there is anywhere".into(),
        Fault::TooLarge { most } => format!("is larger than {most}"),
        Fault::Reversed { .. } => "is a range that ends before it starts".into(),
        Fault::NotAddress if expected == Expected::Ipv6Prefix => "is no IPv6 address".into(),
        Fault::NotAddress if expected == Expected::ListMember => "is no address".into(),
        Fault::NotAddress => "is no IPv4 address".into(),
        Fault::OtherVersion if expected == Expected::Ipv6Prefix => "is an IPv4 address".into(),
        Fault::OtherVersion => "is an IPv6 address".into(),
        Fault::Zone => "names a zone, which no packet carries".into(),
        Fault::Mask { most } => format!("has a mask that is no number from 0 to {most}"),
        Fault::NamedList if expected == Expected::ListMember => "names a list, and a list has addresses only".into(),
        Fault::NamedList => "names a list, and lists are of addresses".into(),
        Fault::NoSuchRule { .. } => "is the number of no rule".into(),
        Fault::UnknownRule { .. } => "is the name of no rule".into(),
        Fault::UnknownList { .. } => "names a list that is not in `lists`".into(),
        Fault::NegatedMember => "is negated, and a list says what is in it".into(),
        Fault::NotName => "is no name of a list".into(),
        Fault::NotOneOf => match expected {
            Expected::Action | Expected::Default => "is no action".into(),
            Expected::Protocol => "is no protocol known by name".into(),
            Expected::Lint => "is no lint".into(),
            Expected::Verdict => "is no verdict".into(),
            _ => "is neither `y` nor `n`".into(),
        },
        Fault::Zero if expected == Expected::Cpus => "is no processor at all".into(),
        Fault::Zero => "is no memory at all".into(),
        Fault::NotContiguous => "is no network mask: ones after zeros".into(),
        Fault::EqualsSign => "is no name of a variable: it has `=` in it".into(),
    }
}

fn describe(expected: Expected) -> &'static str {
    match expected {
        Expected::Ipv4Prefix => "an IPv4 address such as \"10.0.2.2\", \"10.0.2.0/24\" or \"!10.0.2.2\"",
        Expected::Ipv6Prefix => "an IPv6 address such as \"fe80::1\", \"fe80::/10\" or \"!fe80::1\"",
        Expected::Port => "a port from 0 to 65535, or a range such as \"8000-8010\"",
        Expected::Protocol => "a protocol from 0 to 255, or a name such as \"tcp\", \"udp\", \"icmp\" or \"icmp6\"",
        Expected::IcmpType => "an ICMP type from 0 to 255",
        Expected::IcmpCode => "an ICMP code from 0 to 255",
        Expected::ListMember => "an address or prefix such as \"10.0.2.2\", \"10.0.2.0/24\" or \"fe80::/10\"",
        Expected::ListName => "a name of letters, digits, `-`, `_` and `.`",
        Expected::Fragment => "\"y\" or \"n\"",
        Expected::RuleName => "the name of a rule, its number from 1, or \"default\"",
        Expected::Host => "an address such as \"10.0.0.0/8\", a list such as \"@office\", or \"anywhere\"",
        Expected::Action | Expected::Default | Expected::Verdict => "\"accept\" or \"drop\"",
        Expected::Lint => "the name of a lint, as `check` shows it",
        Expected::Memory => "a size such as \"512M\" or \"2G\", or a number of mebibytes",
        Expected::Cpus => "a number of processors from 1 to 64",
        Expected::Ipv4Address => "an IPv4 address such as \"10.0.2.15\"",
        Expected::NetMask => "a network mask such as \"255.255.255.0\"",
        Expected::VariableName => "the name of an environment variable",
    }
}

/// What to write instead, where that can be known.
fn advice(expected: Expected, text: &str, fault: &Fault) -> Option<String> {
    match fault {
        Fault::List => Some(format!("write an array: {}", cut(&as_array(text)))),
        Fault::Reversed { from, to } => Some(format!("did you mean \"{to}-{from}\"?")),
        Fault::NotOneOf => meant(expected, text).map(did_you_mean).or_else(|| all_of(expected)),
        Fault::Space => {
            let without: String = text.split_whitespace().collect();
            Some(format!("did you mean {}?", quote(&without)))
        }
        Fault::OtherVersion => match expected {
            Expected::Ipv4Prefix => Some("IPv6 addresses belong in `ip6`".into()),
            Expected::Ipv6Prefix => Some("IPv4 addresses belong in `ip`".into()),
            _ => None,
        },
        Fault::Zone => text.split_once('%').map(|(address, _)| format!("did you mean {}?", quote(address))),
        Fault::UnknownList { meant: Some(meant) } => {
            let negation = if text.starts_with('!') { "!" } else { "" };
            Some(did_you_mean(&format!("{negation}@{}", cut(meant))))
        }
        Fault::UnknownRule { meant: Some(meant) } => Some(format!("did you mean {}?", quote(meant))),
        Fault::NoSuchRule { rules: 0 } => Some("the policy has no rules".into()),
        Fault::NoSuchRule { rules } => Some(format!("rules are counted from 1; the last is {rules}")),
        Fault::NegatedMember => Some("negate the list where a rule names it: \"!@name\"".into()),
        _ => None,
    }
}

/// The word that was probably meant, of the few that may stand there.
fn meant(expected: Expected, text: &str) -> Option<&'static str> {
    match (expected, text.to_ascii_lowercase().as_str()) {
        (Expected::Fragment, "y" | "yes" | "true" | "1" | "!n") => Some("y"),
        (Expected::Fragment, "n" | "no" | "false" | "0" | "!y") => Some("n"),
        (Expected::Action | Expected::Default | Expected::Verdict, _) => suggest::nearest(text, &["accept", "drop"]),
        (Expected::Protocol, _) => {
            let names: Vec<&'static str> = value::PROTOCOLS.iter().map(|(name, _)| *name).collect();
            suggest::nearest(text, &names)
        }
        (Expected::Lint, _) => suggest::nearest(text, &Lint::ALL.map(Lint::name)),
        _ => None,
    }
}

/// Every word that may stand there, where the label does not say it.
fn all_of(expected: Expected) -> Option<String> {
    (expected == Expected::Lint).then(|| format!("expected {}", one_of(&Lint::ALL.map(Lint::name))))
}

pub(super) fn did_you_mean(meant: &str) -> String {
    format!("did you mean \"{meant}\"?")
}

/// `80,443` as a JSON array of strings.
fn as_array(text: &str) -> String {
    let negation = if text.starts_with('!') { "!" } else { "" };
    let members = text.split([',', ';']).map(|member| member.trim().trim_start_matches('!'));
    let quoted: Vec<String> = members.map(|member| format!("\"{negation}{member}\"")).collect();
    format!("[{}]", quoted.join(", "))
}

fn one_of(known: &[&str]) -> String {
    let quoted: Vec<String> = known.iter().map(|key| format!("\"{key}\"")).collect();
    match quoted.as_slice() {
        [] => "nothing".into(),
        [only] => only.clone(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

fn words(title: &str, label: &str, help: Option<&str>) -> Words {
    (title.into(), label.into(), help.map(Into::into))
}

/// A value in quotes: cut if long, and without what would move the cursor of a terminal.
pub(crate) fn quote(text: &str) -> String {
    format!("\"{}\"", cut(text))
}

fn cut(text: &str) -> String {
    let visible: String = text.chars().take(LONGEST_QUOTE).flat_map(visible).collect();
    let dots = if text.chars().nth(LONGEST_QUOTE).is_some() { "..." } else { "" };
    format!("{visible}{dots}")
}

fn visible(c: char) -> impl Iterator<Item = char> {
    let escaped = c.is_control().then(|| c.escape_default());
    let plain = (!c.is_control()).then_some(c);
    escaped.into_iter().flatten().chain(plain)
}
