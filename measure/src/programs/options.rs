//! What is asked for: `[--runs N] [--seconds N] [--connections N] [SERVER]...`.
use std::path::PathBuf;
use std::str::FromStr;
use tests::Result;
use tests::server::SERVERS;

/// The command line.
pub struct Options {
    /// How often each guest is booted for its first answer.
    pub runs: usize,
    /// How long each is under load.
    pub seconds: u32,
    /// The folder with Debian's kernel.
    pub debian: PathBuf,
    connections: Option<u32>,
    servers: Vec<String>,
}

impl Options {
    /// Reads the command line; the folder of the kernel comes from the script.
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Options> {
        let debian = std::env::var_os("PORTCULLIS_CLOUD_KERNEL").unwrap_or_else(|| "/".into()).into();
        let mut options = Options { runs: 5, seconds: 5, debian, connections: None, servers: Vec::new() };
        while let Some(word) = words.next() {
            match word.as_str() {
                "--runs" => options.runs = number(&word, words.next())?,
                "--seconds" => options.seconds = number(&word, words.next())?,
                "--connections" => options.connections = Some(number(&word, words.next())?),
                name if SERVERS.iter().any(|server| server.name == name) => options.servers.push(word),
                _ => {
                    let names = SERVERS.map(|server| server.name).join(", ");
                    return Err(format!("{word}: --runs N, --seconds N, --connections N, or any of {names}").into());
                }
            }
        }
        Ok(options)
    }

    /// Whether this server is to be measured.
    pub fn wants(&self, name: &str) -> bool {
        self.servers.is_empty() || self.servers.iter().any(|server| server == name)
    }

    /// How many connections it is to serve: the Go server 32, as others were measured with it; the rest 64.
    pub fn connections(&self, name: &str) -> u32 {
        self.connections.unwrap_or(if name == "go" { 32 } else { 64 })
    }
}

fn number<T: FromStr<Err: std::fmt::Display>>(name: &str, word: Option<String>) -> Result<T> {
    let word = word.ok_or_else(|| format!("{name} needs a number"))?;
    word.parse().map_err(|error| format!("{name} {word}: {error}").into())
}
