//! What can be wrong with a configuration file, as data. `message.rs` has the words.
use super::property::PropertyFault;
use crate::diagnostic::Span;
use crate::packet;

/// Something that stops the file from being used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The value or the key it is about.
    pub span: Span,
    /// What is wrong.
    pub kind: ErrorKind,
}

impl Error {
    /// A value of the configuration that its user refuses, such as a port that cannot be forwarded.
    pub fn refused(span: Span, message: impl Into<String>, expected: impl Into<String>) -> Error {
        Error { span, kind: ErrorKind::Refused { message: message.into(), expected: expected.into() } }
    }
}

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The bytes are not UTF-8; true if they look like UTF-16.
    NotUtf8 {
        /// Whether the file begins with a byte order mark of UTF-16.
        utf16: bool,
    },
    /// Not JSON.
    Syntax {
        /// What the parser says.
        message: String,
    },
    /// Nothing in it.
    EmptyFile,
    /// Arrays and objects in one another without end.
    TooDeep,
    /// A raw control character in a string.
    ControlCharacter,
    /// U+0000 in a string that goes to the program.
    NulCharacter,
    /// A key that stands twice in an object.
    DuplicateKey {
        /// The key.
        key: String,
        /// Where it stands first.
        first: Span,
    },
    /// A key that nobody knows.
    UnknownKey {
        /// The key.
        key: String,
        /// The object: `` `RunConfig` ``, `a rule`.
        place: &'static str,
        /// All that may stand there.
        known: &'static [&'static str],
        /// What else `ops` knows there, which is not acted on.
        passed_over: &'static [&'static str],
    },
    /// A key that belongs elsewhere.
    Misplaced {
        /// The key.
        key: &'static str,
        /// The object it stands in.
        place: &'static str,
        /// The object it belongs in.
        belongs: &'static str,
    },
    /// A key that is nearly `firewall`, where a firewall that is not read would be a hole.
    NearFirewall {
        /// The key.
        key: String,
    },
    /// A value of another type.
    WrongType {
        /// Whose value: `` `Args` ``.
        what: String,
        /// `an array of strings`.
        expected: &'static str,
        /// `a number`.
        found: &'static str,
    },
    /// An extension that is described and not built.
    NotSupported {
        /// The extension: `` `limit` in a rule ``.
        what: String,
    },
    /// Two attributes that no packet satisfies together.
    Conflict {
        /// The one that stands first.
        first: &'static str,
        /// The other; the error's span is its key.
        second: &'static str,
    },
    /// A value of a rule or of the run that is none of its kind.
    Value {
        /// What kind of value is expected.
        expected: Expected,
        /// The value as written.
        text: String,
        /// What is wrong with it.
        fault: Fault,
    },
    /// The file of a list that cannot be read.
    ListFile {
        /// As written.
        path: String,
        /// Why not.
        reason: String,
    },
    /// A line of a list's file that is no address.
    ListLine {
        /// The file, as written.
        path: String,
        /// From 1.
        line: usize,
        /// What stands there, without its comment.
        text: String,
        /// What is wrong.
        fault: Fault,
    },
    /// More such lines.
    ListLines {
        /// The file, as written.
        path: String,
        /// How many.
        more: usize,
    },
    /// An array without members.
    EmptyArray {
        /// What its members would be.
        expected: Expected,
    },
    /// An array of which some members begin with `!` and some do not.
    MixedNegation,
    /// `Klibs` names the firewall and there is no policy.
    KlibWithoutPolicy,
    /// A test that says both what happens to a packet and a property, or neither.
    TestShape {
        /// Whether it has both.
        both: bool,
    },
    /// A test of a packet that expects nothing.
    ExpectsNothing,
    /// A test's `verdict` or `rule` beside a property, which has none.
    NotOfProperty {
        /// The key.
        key: &'static str,
    },
    /// A property that cannot be read; what it says of one value is [`Value`](Self::Value).
    Property {
        /// What is wrong.
        fault: PropertyFault,
    },
    /// A test's packet that cannot be read.
    Packet {
        /// What is wrong.
        error: packet::ErrorKind,
    },
    /// See [`Error::refused`].
    Refused {
        /// What is wrong.
        message: String,
        /// What would not be.
        expected: String,
    },
}

/// A kind of value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// `src`, `dest` of `ip`.
    Ipv4Prefix,
    /// `src`, `dest` of `ip6`.
    Ipv6Prefix,
    /// `src`, `dest` of `tcp` and `udp`.
    Port,
    /// `proto`.
    Protocol,
    /// `type` of `icmp` and `icmp6`.
    IcmpType,
    /// `code` of `icmp` and `icmp6`.
    IcmpCode,
    /// A member of a list.
    ListMember,
    /// A key of `lists`.
    ListName,
    /// `fragment`.
    Fragment,
    /// `action`.
    Action,
    /// `default`.
    Default,
    /// `allow`.
    Lint,
    /// `verdict` of a test.
    Verdict,
    /// `rule` of a test.
    RuleName,
    /// What follows `from` and `to` in a property.
    Host,
    /// `RunConfig.Memory`.
    Memory,
    /// `RunConfig.CPUs`.
    Cpus,
    /// `RunConfig.IPAddress`, `RunConfig.Gateway`.
    Ipv4Address,
    /// `RunConfig.NetMask`.
    NetMask,
    /// A key of `Env`.
    VariableName,
}

/// What is wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing there, or nothing after `!`.
    Empty,
    /// White space in it.
    Space,
    /// More than one `!`.
    NegatedTwice,
    /// Several values in one string.
    List,
    /// Not a number in decimal digits.
    NotDecimal,
    /// A decimal number that begins with a zero.
    LeadingZero,
    /// A number out of bounds.
    TooLarge {
        /// The largest that is in bounds.
        most: u64,
    },
    /// A range whose end is before its start.
    Reversed {
        /// Its start.
        from: u16,
        /// Its end.
        to: u16,
    },
    /// No address.
    NotAddress,
    /// An address of the other version.
    OtherVersion,
    /// An IPv6 zone (`%eth0`), which a packet does not carry.
    Zone,
    /// A mask that is no number from 0 to `most`.
    Mask {
        /// 32 or 128.
        most: u8,
    },
    /// A name from `lists` where no address stands.
    NamedList,
    /// A number that no rule has; they are counted from 1.
    NoSuchRule {
        /// How many there are.
        rules: usize,
    },
    /// A name that no rule has.
    UnknownRule {
        /// The one that was probably meant.
        meant: Option<String>,
    },
    /// A name that is not in `lists`.
    UnknownList {
        /// The one that was probably meant.
        meant: Option<String>,
    },
    /// A member of a list that begins with `!`.
    NegatedMember,
    /// A name with other characters in it than names have.
    NotName,
    /// A word that is none of the few allowed.
    NotOneOf,
    /// Zero, where that makes no sense.
    Zero,
    /// Ones after zeros in a network mask.
    NotContiguous,
    /// `=` in a variable's name.
    EqualsSign,
}

/// Something that is not acted on, and need not stop anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The key or value it is about.
    pub span: Span,
    /// What it says.
    pub kind: WarningKind,
}

/// What is not acted on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WarningKind {
    /// A key of `ops` that means nothing here.
    NotActedOn {
        /// The key.
        key: String,
        /// The object it stands in.
        place: &'static str,
    },
    /// A kernel library other than `firewall`.
    OtherKlib {
        /// Its name.
        name: String,
    },
    /// A list that no rule names.
    UnusedList {
        /// What it is called.
        name: String,
    },
    /// A policy that accepts all.
    AcceptsAll,
}
