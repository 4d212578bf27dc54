//! Why there is no export.
use super::target::Target;
use crate::space::TooLarge;
use core::fmt;

/// A rule that a target cannot say, and that cannot be said otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsayable {
    /// Its number, from 0.
    pub rule: usize,
    /// What it asks for that the target cannot ask for.
    pub asks: String,
}

/// Why there is no export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The target cannot say it: these rules.
    Unsayable(Target, Vec<Unsayable>),
    /// It takes more rules than the target has room for: how many there may be.
    TooMany(Target, usize),
    /// No form was found that is short enough to be written.
    NoForm(Target),
    /// The text is not what it should be, which is an error of this program: what shows it.
    NotProved(String),
    /// There are too many packets to tell apart.
    TooLarge(TooLarge),
}

impl From<TooLarge> for Failure {
    fn from(error: TooLarge) -> Self {
        Self::TooLarge(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsayable(target, rules) => {
                let rules: Vec<String> =
                    rules.iter().map(|rule| format!("rule {} asks for {}", rule.rule + 1, rule.asks)).collect();
                write!(f, "{target} cannot say this policy: {}", rules.join("; "))
            }
            Self::TooMany(target, most) => {
                write!(f, "this policy takes more rules than the {most} of {target}: name fewer separate addresses")
            }
            Self::NoForm(target) => {
                write!(f, "this policy takes too many rules or addresses of {target}: name fewer separate addresses")
            }
            Self::NotProved(what) => {
                write!(f, "the export does not mean what the policy means, which is an error of this program: {what}")
            }
            Self::TooLarge(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for Failure {}
