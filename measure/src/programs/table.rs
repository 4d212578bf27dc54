//! What was measured, as a table: for each server a row for each system, and their ratios.
use crate::{Boot, System, UnderLoad};
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use measure::host::mib;
use std::time::Duration;
use tests::Result;

/// All that was measured, in the order in which it came.
#[derive(Default)]
pub struct Results(Vec<Row>);

#[derive(Clone)]
struct Row {
    server: &'static str,
    system: System,
    boots: Vec<Boot>,
    load: Option<UnderLoad>,
    failures: Vec<String>,
}

impl Results {
    /// Adds a boot.
    pub fn add_boot(&mut self, server: &'static str, system: System, boot: Result<Boot>) {
        let row = self.row(server, system);
        match boot {
            Ok(boot) => row.boots.push(boot),
            Err(error) => row.failures.push(error.to_string()),
        }
    }

    /// Adds what came of a load.
    pub fn add_load(&mut self, server: &'static str, system: System, load: Result<UnderLoad>) {
        let row = self.row(server, system);
        match load {
            Ok(load) => row.load = Some(load),
            Err(error) => row.failures.push(error.to_string()),
        }
    }

    fn row(&mut self, server: &'static str, system: System) -> &mut Row {
        let found = self.0.iter().position(|row| row.server == server && row.system == system);
        let at = found.unwrap_or_else(|| {
            self.0.push(Row { server, system, boots: Vec::new(), load: None, failures: Vec::new() });
            self.0.len() - 1
        });
        &mut self.0[at]
    }

    /// The table.
    pub fn table(&self) -> Table {
        table(&self.0)
    }

    /// The table of one server.
    pub fn table_of(&self, server: &str) -> Table {
        let row = |row: &&Row| row.server == server;
        table(self.0.iter().filter(row).cloned().collect::<Vec<_>>().as_slice())
    }

    /// Says why values are missing, on standard error.
    pub fn complain(&self) {
        for row in &self.0 {
            if let Some(first) = row.failures.first() {
                eprintln!(
                    "{} in {} failed {} times; first: {first}",
                    row.server,
                    row.system.name(),
                    row.failures.len()
                );
            }
        }
    }
}

impl Row {
    /// Something of all boots, in order.
    fn sorted(&self, value: fn(&Boot) -> Duration) -> Vec<Duration> {
        let mut sorted: Vec<_> = self.boots.iter().map(value).collect();
        sorted.sort();
        sorted
    }

    fn median(&self, value: fn(&Boot) -> Duration) -> Option<Duration> {
        let sorted = self.sorted(value);
        sorted.get(sorted.len() / 2).copied()
    }

    fn range(&self) -> String {
        match &self.sorted(|boot| boot.time)[..] {
            [first, .., last] => format!("{} to {}", first.as_millis(), last.as_millis()),
            _ => String::new(),
        }
    }

    fn cells(&self) -> [String; 11] {
        let of_load = |show: fn(&UnderLoad) -> String| self.load.as_ref().map_or_else(|| "-".into(), show);
        [
            self.server.into(),
            self.system.name().into(),
            ms(self.median(|boot| boot.time)),
            self.range(),
            ms(self.median(|boot| boot.processor)),
            of_load(|it| format!("{:.0}", it.load.rate)),
            of_load(|it| format!("{:.1} ms", it.load.p99.as_secs_f64() * 1e3)),
            of_load(|it| format!("{} us", it.processor.as_micros())),
            if self.failures.is_empty() { of_load(|it| it.load.errors.to_string()) } else { "failed".into() },
            of_load(|it| mib(it.resident.0)),
            of_load(|it| mib(it.resident.1)),
        ]
    }
}

fn ms(time: Option<Duration>) -> String {
    time.map_or_else(|| "-".into(), |time| format!("{} ms", time.as_millis()))
}

/// The first as a part of the second.
fn ratios(portcullis: &Row, linux: &Row) -> [String; 11] {
    let ratio = |one: Option<f64>, of: Option<f64>| {
        one.zip(of).map_or_else(|| "-".into(), |(one, of)| format!("{:.2}", one / of))
    };
    let of_boots = |value: fn(&Boot) -> Duration| {
        let median = |row: &Row| row.median(value).map(|time| time.as_secs_f64());
        ratio(median(portcullis), median(linux))
    };
    let of_loads =
        |value: fn(&UnderLoad) -> f64| ratio(portcullis.load.as_ref().map(value), linux.load.as_ref().map(value));
    [
        String::new(),
        "ratio".into(),
        of_boots(|boot| boot.time),
        String::new(),
        of_boots(|boot| boot.processor),
        of_loads(|it| it.load.rate),
        of_loads(|it| it.load.p99.as_secs_f64()),
        of_loads(|it| it.processor.as_secs_f64()),
        String::new(),
        of_loads(|it| it.resident.0 as f64),
        of_loads(|it| it.resident.1 as f64),
    ]
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new();
    table.load_preset(NOTHING).set_header([
        "server",
        "system",
        "first answer: median",
        "min to max",
        "processor",
        "requests/s",
        "p99",
        "processor each",
        "errors",
        "resident before",
        "after load",
    ]);
    for pair in rows.chunk_by(|one, next| one.server == next.server) {
        for row in pair {
            table.add_row(row.cells());
        }
        if let [portcullis, linux] = pair {
            table.add_row(ratios(portcullis, linux));
        }
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
