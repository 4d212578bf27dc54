//! What can be wrong with a packet in words, as data. `message.rs` has the words.
use crate::diagnostic::Span;
use core::net::IpAddr;

/// Why a text is no packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The word it is about; the end of the text where one is missing.
    pub span: Span,
    /// What is wrong.
    pub kind: ErrorKind,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// There is no word.
    Empty,
    /// The first word is no protocol.
    Protocol {
        /// As written.
        word: String,
        /// What was probably meant.
        meant: Option<&'static str>,
    },
    /// A word that means nothing for this protocol.
    Word {
        /// As written.
        word: String,
        /// What was probably meant.
        meant: Option<&'static str>,
        /// What may stand there.
        expected: &'static str,
    },
    /// The text ends where something must follow.
    Missing {
        /// The word that something must follow.
        after: String,
        /// What.
        expected: &'static str,
    },
    /// Something is said twice.
    Twice {
        /// What.
        what: &'static str,
    },
    /// What follows `from` or `to` is neither an address nor a port.
    Endpoint {
        /// As written.
        word: String,
    },
    /// No number, or one out of bounds.
    Number {
        /// What it should say: `a port`.
        what: &'static str,
        /// As written.
        word: String,
        /// The largest that is in bounds.
        most: u16,
    },
    /// An address of the version that the packet is not of.
    Versions {
        /// As written.
        address: IpAddr,
        /// What says the other version, as written.
        other: String,
    },
    /// What only packets of other protocols have.
    NotPart {
        /// What: `ports`.
        what: &'static str,
        /// The protocol, as written.
        protocol: String,
    },
    /// What a fragment other than the first does not carry.
    InFragment {
        /// What: `ports`.
        what: &'static str,
    },
    /// A header that IPv6 packets have before the protocol's, and that is no protocol.
    Extension {
        /// Its number.
        protocol: u8,
    },
}
