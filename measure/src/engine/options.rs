//! What is asked for: `[--quick] [--rounds N] [--sets FOLDER|none] [PART]...`.
use crate::contender::Rounds;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tests::{Result, ensure};

/// The command line.
pub struct Options {
    /// How long and how often to measure.
    pub rounds: Rounds,
    /// The folder with ClassBench's sets, where there is one.
    pub sets: Option<PathBuf>,
    /// The largest set to measure, and how long a list is.
    pub largest: usize,
    /// How long a peer may build.
    pub patience: Duration,
    parts: Vec<String>,
}

/// Names the folder with ClassBench's sets.
const FOLDER: &str = "PORTCULLIS_CLASSBENCH";

impl Options {
    /// Reads the command line.
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let rounds = Rounds { count: 9, least: Duration::from_millis(50) };
        let (mut options, mut folder, mut count) = (Self::new(rounds), std::env::var(FOLDER).ok(), None);
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match word.as_str() {
                "--quick" => {
                    options.rounds = Rounds { count: 3, least: Duration::from_millis(20) };
                    options.largest = 10_000;
                    options.patience = Duration::from_secs(20);
                }
                "--rounds" => count = Some(value()?.parse().map_err(|error| format!("--rounds: {error}"))?),
                "--sets" => folder = Some(value()?),
                option if option.starts_with('-') => {
                    return Err(format!("{option}: --quick, --rounds N, --sets FOLDER|none, or parts of names").into());
                }
                _ => options.parts.push(word),
            }
        }
        options.rounds.count = count.unwrap_or(options.rounds.count);
        ensure!(options.rounds.count > 0, "--rounds: at least 1");
        options.sets = match folder.as_deref() {
            Some("none") => None,
            Some(folder) => Some(folder.into()),
            None => beside().filter(|folder| folder.is_dir()),
        };
        Ok(options)
    }

    fn new(rounds: Rounds) -> Self {
        Self { rounds, sets: None, largest: usize::MAX, patience: Duration::from_secs(300), parts: Vec::new() }
    }

    /// Whether something of this name is to be measured.
    pub fn wants(&self, name: &str) -> bool {
        self.parts.is_empty() || self.parts.iter().any(|part| name.contains(part.as_str()))
    }
}

/// Where the sets are unless something else is said: beside the project.
fn beside() -> Option<PathBuf> {
    Some(Path::new(env!("CARGO_MANIFEST_DIR")).parent()?.parent()?.join("shared/classbench"))
}
