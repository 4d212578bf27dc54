//! What is measured, in turn.
use crate::table::{Figure, Row};
use std::time::Duration;
use tests::Result;

/// Something that finds an answer for each item of a sequence: the rule that decides about a header, or whether an
/// address is in a list.
pub trait Contender<Items> {
    /// What it is called.
    fn name(&self) -> String;
    /// What it took to build, and holds.
    fn built(&self) -> Built;
    /// Every answer.
    fn answers(&mut self, items: &Items) -> Result<Vec<u32>>;
    /// Nanoseconds an item, taken over at least this time.
    fn round(&mut self, items: &Items, least: Duration) -> Result<f64>;
}

/// What was built to find answers.
#[derive(Clone, Default)]
pub struct Built {
    /// How much processor time it took.
    pub time: Option<Duration>,
    /// How many bytes it holds.
    pub bytes: Option<u64>,
    /// How often an item reads memory that depends on what it read before, at worst; as the table says it.
    pub accesses: Option<String>,
}

/// How long and how often to measure.
#[derive(Clone, Copy)]
pub struct Rounds {
    /// How many rounds.
    pub count: usize,
    /// How long each is at least.
    pub least: Duration,
}

/// Measures all contenders on all sequences: in each round each of them once.
pub fn measure<Items>(
    contenders: &mut [Box<dyn Contender<Items> + '_>],
    sequences: &[Items],
    rounds: Rounds,
) -> Result<Vec<Row>> {
    let figures = || sequences.iter().map(|_| Figure::default()).collect();
    let rows = contenders.iter().map(|it| Row { name: it.name(), built: it.built(), figures: figures() });
    let mut rows: Vec<Row> = rows.collect();
    for _ in 0..rounds.count {
        for (number, items) in sequences.iter().enumerate() {
            for (contender, row) in contenders.iter_mut().zip(&mut rows) {
                row.figures[number].add(contender.round(items, rounds.least)?);
            }
        }
    }
    Ok(rows)
}
