//! Measures how long a verdict takes: Portcullis's engines beside others, in one run, in turn, on the same headers.
//!
//! Every answer is checked before anything is measured; a wrong one ends the run.
mod acl;
mod address;
mod burst;
mod changes;
mod check;
mod classify;
mod clock;
mod contender;
mod entries;
mod filter;
mod generate;
mod header;
mod lists;
mod options;
mod ours;
mod peer;
mod peers;
mod routes;
mod rule;
mod sets;
mod table;
mod three;
mod trace;

use measure::host::processor;
use measure::random;
use options::Options;
use std::process::ExitCode;
use tests::{Result, ensure};

fn main() -> ExitCode {
    match Options::parse(std::env::args().skip(1)).and_then(|options| measure(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench engine: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(options: &Options) -> Result {
    let cpu = clock::pin()?;
    let mut sections = Vec::new();
    if options.wants(three::NAME) {
        sections.push(three::section(options)?);
    }
    for source in sets::find(options.sets.as_deref())? {
        if source.size <= options.largest && options.wants(&source.name) {
            sections.push(classify::set(&source, options).map_err(|error| format!("{}: {error}", source.name))?);
        }
    }
    for name in lists::NAMES {
        if options.wants(name) {
            sections.push(lists::section(name, options).map_err(|error| format!("{name}: {error}"))?);
        }
    }
    if options.wants(changes::NAME) {
        for source in sets::find(options.sets.as_deref())? {
            let set = changes::of_set(&source, options).map_err(|error| format!("{}: {error}", source.name))?;
            sections.extend(set);
        }
        sections.extend(changes::of_lists(options)?);
    }
    ensure!(!sections.is_empty(), "nothing that can be measured has such a name");
    println!("processor  {}; all on number {cpu}", processor()?);
    println!("rounds     {} of at least {} ms, in turn", options.rounds.count, options.rounds.least.as_millis());
    println!("sets       {}", options.sets.as_ref().map_or("generated".into(), |folder| folder.display().to_string()));
    for section in &sections {
        println!("\n{}", section.show().trim_end());
    }
    Ok(())
}
