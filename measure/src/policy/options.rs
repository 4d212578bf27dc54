//! What is asked for: `[--rounds N] [--turns N] [--connections N] [g|go]`.
use std::ffi::OsString;
use std::str::FromStr;
use tests::{Result, server};

/// The command line.
pub struct Options {
    /// How often all machines are started anew.
    pub rounds: usize,
    /// How many bursts of requests each machine gets in a round.
    pub turns: usize,
    /// How many connections ask at once.
    pub connections: usize,
    /// The server.
    pub program: Program,
}

/// What answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// The bundled example.
    G,
    /// The server on Go's `net/http`.
    Go,
}

impl Program {
    /// As the command takes it.
    pub fn path(self) -> Result<OsString> {
        match self {
            Program::G => Ok("g".into()),
            Program::Go => Ok(server::go()?.into()),
        }
    }
}

impl Options {
    /// Reads the command line.
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Options> {
        let mut options = Options { rounds: 15, turns: 8, connections: 16, program: Program::G };
        while let Some(word) = words.next() {
            match word.as_str() {
                "--rounds" => options.rounds = number(&word, words.next())?,
                "--turns" => options.turns = number(&word, words.next())?,
                "--connections" => options.connections = number(&word, words.next())?,
                "g" => options.program = Program::G,
                "go" => options.program = Program::Go,
                _ => return Err(format!("{word}: --rounds N, --turns N, --connections N, g or go").into()),
            }
        }
        Ok(options)
    }
}

/// A number that is not 0.
fn number<T: FromStr<Err: std::fmt::Display> + Default + PartialEq>(name: &str, word: Option<String>) -> Result<T> {
    let word = word.ok_or_else(|| format!("{name} needs a number"))?;
    let number: T = word.parse().map_err(|error| format!("{name} {word}: {error}"))?;
    if number == T::default() { Err(format!("{name} 0: at least 1 is needed").into()) } else { Ok(number) }
}
