//! One thing that a configuration is told.
use policy::config::{Error, Warning};
use policy::diagnostic::{Diagnostic, Severity, Span};
use policy::lint::Finding;
use policy::packet::describe;
use policy::space::TooLarge;

/// One thing that a configuration is told.
pub struct Told {
    pub kind: Kind,
    /// What it is called.
    pub name: &'static str,
    pub diagnostic: Diagnostic,
    /// A packet that shows it, in words, and what is done to it.
    pub witness: Option<(String, &'static str)>,
}

/// What kind of thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The configuration cannot be used.
    Error,
    /// Something of it is not acted on.
    Warning,
    /// Something of its policy was probably not meant.
    Lint,
    /// Lints could not be looked for.
    NotDone,
}

impl Kind {
    /// What it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Error => "error",
            Kind::Warning => "warning",
            Kind::Lint => "lint",
            Kind::NotDone => "not-done",
        }
    }
}

impl Told {
    /// That lints could not be looked for.
    pub fn not_done(error: TooLarge, span: Span) -> Self {
        let diagnostic = Diagnostic {
            severity: Severity::Warning,
            span,
            title: "lints about all packets were not looked for".into(),
            label: error.to_string(),
            help: None,
            notes: Vec::new(),
        };
        Self { kind: Kind::NotDone, name: "not-done", diagnostic, witness: None }
    }
}

impl From<&Error> for Told {
    fn from(error: &Error) -> Self {
        Self { kind: Kind::Error, name: error.name(), diagnostic: error.into(), witness: None }
    }
}

impl From<&Warning> for Told {
    fn from(warning: &Warning) -> Self {
        Self { kind: Kind::Warning, name: warning.name(), diagnostic: warning.into(), witness: None }
    }
}

impl From<&Finding> for Told {
    fn from(finding: &Finding) -> Self {
        let verdict = |action| if action == firewall::Action::Accept { "accept" } else { "drop" };
        let witness = finding.witness.as_ref().map(|(packet, action)| (describe(packet), verdict(*action)));
        Self { kind: Kind::Lint, name: finding.lint.name(), diagnostic: finding.into(), witness }
    }
}
