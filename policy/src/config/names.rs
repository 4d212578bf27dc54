//! Names for kinds of errors and warnings, for programs that read what `check` says.
use super::error::{Error, ErrorKind, Warning, WarningKind};

impl Error {
    /// What it is called, in lower case with hyphens.
    pub fn name(&self) -> &'static str {
        match self.kind {
            ErrorKind::NotUtf8 { .. } => "not-utf8",
            ErrorKind::Syntax { .. } => "syntax",
            ErrorKind::EmptyFile => "empty-file",
            ErrorKind::TooDeep => "too-deep",
            ErrorKind::ControlCharacter => "control-character",
            ErrorKind::NulCharacter => "nul-character",
            ErrorKind::DuplicateKey { .. } => "duplicate-key",
            ErrorKind::UnknownKey { .. } => "unknown-key",
            ErrorKind::Misplaced { .. } => "misplaced-key",
            ErrorKind::NearFirewall { .. } => "near-firewall",
            ErrorKind::WrongType { .. } => "wrong-type",
            ErrorKind::NotSupported { .. } => "not-supported",
            ErrorKind::Conflict { .. } => "conflict",
            ErrorKind::Value { .. } => "wrong-value",
            ErrorKind::ListFile { .. } => "list-file",
            ErrorKind::ListLine { .. } | ErrorKind::ListLines { .. } => "list-line",
            ErrorKind::EmptyArray { .. } => "empty-array",
            ErrorKind::MixedNegation => "mixed-negation",
            ErrorKind::KlibWithoutPolicy => "klib-without-policy",
            ErrorKind::TestShape { .. } | ErrorKind::ExpectsNothing => "test",
            ErrorKind::NotOfProperty { .. } | ErrorKind::Property { .. } => "test-property",
            ErrorKind::Packet { .. } => "test-packet",
            ErrorKind::Refused { .. } => "refused",
        }
    }
}

impl Warning {
    /// What it is called, in lower case with hyphens.
    pub fn name(&self) -> &'static str {
        match self.kind {
            WarningKind::NotActedOn { .. } => "not-acted-on",
            WarningKind::OtherKlib { .. } => "other-klib",
            WarningKind::UnusedList { .. } => "unused-list",
            WarningKind::AcceptsAll => "accepts-all",
        }
    }
}
