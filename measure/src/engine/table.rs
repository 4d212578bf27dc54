//! What was measured, as tables.
use crate::contender::Built;
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use std::time::Duration;

/// A table with what belongs to it.
pub struct Section {
    /// What it is about.
    pub title: String,
    /// What its columns between the name and what was built are: nanoseconds each.
    pub columns: Vec<&'static str>,
    /// A row for each contender.
    pub rows: Vec<Row>,
    /// What is to be said below it.
    pub notes: Vec<String>,
}

/// What was measured of one contender.
pub struct Row {
    /// What it is called.
    pub name: String,
    /// What it took to build, and holds.
    pub built: Built,
    /// A figure for each column.
    pub figures: Vec<Figure>,
}

/// The same thing measured several times.
#[derive(Default)]
pub struct Figure(Vec<f64>);

impl Figure {
    /// Adds what a round measured.
    pub fn add(&mut self, nanoseconds: f64) {
        let at = self.0.partition_point(|other| *other < nanoseconds);
        self.0.insert(at, nanoseconds);
    }

    /// Median (min-max).
    fn show(&self) -> String {
        match &self.0[..] {
            [] => "-".into(),
            [first, .., last] => {
                format!("{} ({}-{})", nanoseconds(self.0[self.0.len() / 2]), nanoseconds(*first), nanoseconds(*last))
            }
            [only] => nanoseconds(*only),
        }
    }
}

fn nanoseconds(value: f64) -> String {
    match value {
        ..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

fn time(time: Duration) -> String {
    match time.as_micros() {
        ..1_000 => format!("{} us", time.as_micros()),
        1_000..1_000_000 => format!("{:.1} ms", time.as_secs_f64() * 1e3),
        _ => format!("{:.2} s", time.as_secs_f64()),
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        ..0x10_0000 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        _ => format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20)),
    }
}

impl Section {
    /// It as text.
    pub fn show(&self) -> String {
        let header =
            [&["ns each: median (min-max)"], &self.columns[..], &["build", "memory", "worst accesses"]].concat();
        let mut table = Table::new();
        table.load_preset(NOTHING).set_header(header);
        for row in &self.rows {
            let dash = || "-".to_string();
            let built = [
                row.built.time.map_or_else(dash, time),
                row.built.bytes.map_or_else(dash, size),
                row.built.accesses.clone().unwrap_or_else(dash),
            ];
            table.add_row([row.name.clone()].into_iter().chain(row.figures.iter().map(Figure::show)).chain(built));
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_string()).collect();
        let notes: String = self.notes.iter().map(|note| format!(" {note}\n")).collect();
        format!("{}\n{}\n{notes}", self.title, lines.join("\n"))
    }
}
