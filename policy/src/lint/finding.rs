//! Something that a policy is told.
use super::Lint;
use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::packet;
use firewall::{Action, Packet};

/// Something that a policy is told.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Which lint.
    pub lint: Lint,
    /// The rules it is about, counted from 0: any of them can silence it.
    pub rules: Vec<usize>,
    /// The value that is marked.
    pub span: Span,
    /// What is so.
    pub title: String,
    /// What is said of the marked value.
    pub label: String,
    /// What to do.
    pub help: Option<String>,
    /// What else there is to know.
    pub notes: Vec<String>,
    /// A packet that shows it, and what the policy does to it.
    pub witness: Option<(Packet, Action)>,
}

impl Finding {
    /// One without help, notes and witness.
    pub(super) fn new(lint: Lint, span: Span, title: impl Into<String>, label: impl Into<String>) -> Self {
        let (title, label) = (title.into(), label.into());
        Self { lint, rules: Vec::new(), span, title, label, help: None, notes: Vec::new(), witness: None }
    }
}

/// What a policy does to a packet, in a word.
pub(super) fn done(action: Action) -> &'static str {
    match action {
        Action::Accept => "accepted",
        Action::Drop => "dropped",
    }
}

impl From<&Finding> for Diagnostic {
    fn from(finding: &Finding) -> Self {
        let name = finding.lint.name();
        let place = if finding.rules.is_empty() { "beside `rules`" } else { "in the rule or beside `rules`" };
        let witness = finding.witness.as_ref();
        let witness = witness.map(|(packet, action)| format!("{}: {}", done(*action), packet::describe(packet)));
        let silencer = format!("`{name}`, silenced by \"allow\": \"{name}\" {place}");
        Self {
            severity: Severity::Warning,
            span: finding.span.clone(),
            title: finding.title.clone(),
            label: finding.label.clone(),
            help: finding.help.clone(),
            notes: finding.notes.iter().cloned().chain(witness).chain([silencer]).collect(),
        }
    }
}

impl From<Finding> for Diagnostic {
    fn from(finding: Finding) -> Self {
        Self::from(&finding)
    }
}
