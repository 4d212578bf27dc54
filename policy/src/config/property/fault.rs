//! What can be wrong with a property in words.
use super::super::message::{Words, did_you_mean, quote};

/// Why words are no property; of values in them the error is the same as in a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PropertyFault {
    /// There is no word.
    Empty,
    /// There are no packets before a comma, after it, or at all.
    NoPackets,
    /// The first word is no kind of property.
    Kind {
        /// As written.
        word: String,
        /// What was probably meant.
        meant: Option<&'static str>,
    },
    /// No set of packets where one must follow.
    EmptySet {
        /// What it must follow.
        after: String,
    },
    /// A word that means nothing where it stands.
    Word {
        /// As written.
        word: String,
        /// What was probably meant.
        meant: Option<String>,
    },
    /// What follows `from` or `to` is nothing of that kind.
    Host {
        /// As written.
        word: String,
        /// What was probably meant.
        meant: Option<String>,
    },
    /// The set ends where a value must follow.
    Missing {
        /// The word that it must follow.
        after: String,
        /// The value.
        expected: &'static str,
    },
    /// Something is said twice of one set.
    Twice {
        /// What.
        what: &'static str,
    },
    /// Parts that are of different versions of IP.
    Versions {
        /// The word that stands first.
        first: String,
        /// The other; the error's span is this word.
        second: String,
    },
    /// `everything` is not alone.
    MoreThanEverything,
    /// `not` before something that is not negated.
    NotNegated {
        /// What follows it.
        word: String,
    },
    /// A port, where no protocol with ports is said.
    NoPorts,
    /// A type or code, where ICMP is not said.
    NoMessage,
    /// A port, type or code together with `fragments`.
    InFragment,
}

/// Title, label and what to do.
pub(in super::super) fn words(fault: &PropertyFault) -> Words {
    const EXAMPLE: &str = "such as `only tcp 8080 from anywhere, udp from 10.0.0.0/8`";
    const SETS: &str = "such as `tcp 8080 from anywhere`, `from 10.0.0.0/8` or `everything`";
    let plain = |title: &str, label: &str, help: &str| (title.into(), label.into(), Some(help.into()));
    match fault {
        PropertyFault::Empty => plain("there is no property", "expected `only`, `never` or `always`", EXAMPLE),
        PropertyFault::NoPackets => plain("there are no packets", "expected packets, with a comma between sets", SETS),
        PropertyFault::Kind { word, meant } => (
            format!("{} is no property", quote(word)),
            "expected `only`, `never` or `always`".into(),
            Some(meant.map_or_else(|| EXAMPLE.into(), did_you_mean)),
        ),
        PropertyFault::EmptySet { after } => {
            (format!("no packets follow {}", quote(after)), "expected packets after this".into(), Some(SETS.into()))
        }
        PropertyFault::Word { word, meant } => {
            let is_number = word.starts_with(|first: char| first.is_ascii_digit());
            let help = match meant {
                Some(meant) => did_you_mean(meant),
                None if is_number => "each port has its protocol, and sets a comma between: `tcp 80, tcp 443`".into(),
                None => "a set of packets is said as in `tcp 8080 from 10.0.0.0/8 to 10.0.2.15`".into(),
            };
            let label = "expected a protocol, `from`, `to`, `port`, `type`, `code` or `fragments`";
            (format!("{} means nothing here", quote(word)), label.into(), Some(help))
        }
        PropertyFault::Host { word, meant } => (
            format!("{} is no address", quote(word)),
            "expected an address such as `10.0.0.0/8`, a list such as `@office`, or `anywhere`".into(),
            meant.as_deref().map(did_you_mean),
        ),
        PropertyFault::Missing { after, expected } => {
            (format!("nothing follows {}", quote(after)), format!("expected {expected} after this"), None)
        }
        PropertyFault::Twice { what } => (
            format!("{what} stands twice"),
            "the second".into(),
            Some("packets with one or the other are two sets, with a comma between".into()),
        ),
        PropertyFault::Versions { first, second } => (
            format!("{} and {} are of different versions of IP", quote(first), quote(second)),
            "no packet is both".into(),
            Some("packets with one or the other are two sets, with a comma between".into()),
        ),
        PropertyFault::MoreThanEverything => {
            plain("`everything` is every packet", "more than that is not said", "leave one of them out")
        }
        PropertyFault::NotNegated { word } => (
            format!("{} cannot be negated", quote(word)),
            "expected an address, a list or a port after `not`".into(),
            None,
        ),
        PropertyFault::NoPorts => {
            plain("a port without TCP or UDP", "no protocol with ports is said", "write `tcp` or `udp` before it")
        }
        PropertyFault::NoMessage => {
            plain("a type or code without ICMP", "no protocol with types is said", "write `icmp` or `icmp6` before it")
        }
        PropertyFault::InFragment => plain(
            "`fragments` are those other than the first, which carry no ports, types or codes",
            "no packet has this",
            "leave out this or `fragments`",
        ),
    }
}
