//! Why nothing runs, and the exit code that says so.
use std::fmt;

/// A failure of ours, before or instead of the program's own end. The codes are those of docker-run(1) and chroot(1).
#[derive(Debug, PartialEq, Eq)]
pub enum Failure {
    /// The configuration or what an option says is wrong; the message is complete and may have many lines.
    Usage(String),
    /// The command line does not say what to run.
    CommandLine(String),
    /// The machine could not be made or did not boot.
    CannotBoot(String),
    /// The program is nothing that can run here.
    NotExecutable(String),
    /// There is no such program.
    NotFound(String),
}

impl Failure {
    /// The exit code of the command.
    pub fn code(&self) -> u8 {
        match self {
            Failure::Usage(_) | Failure::CommandLine(_) => 2,
            Failure::CannotBoot(_) => 125,
            Failure::NotExecutable(_) => 126,
            Failure::NotFound(_) => 127,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Usage(message)
            | Failure::CommandLine(message)
            | Failure::CannotBoot(message)
            | Failure::NotExecutable(message)
            | Failure::NotFound(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Failure {}
