//! The command: runs one program in one virtual machine behind its own firewall.
//!
//! The way of a run: [`args`] is the command line as written; [`bundle`] gathers what goes into the machine, [`host`]
//! settles what the host does for it, [`accel`] what runs its instructions; [`qemu`] is the command that makes the
//! machine, and [`session`] follows it to its end.
#![forbid(unsafe_code)]

mod accel;
mod args;
mod backlog;
mod build;
mod bundle;
mod capture;
mod check;
mod config;
mod diff;
mod explain;
mod export;
mod failure;
mod frames;
mod host;
mod libraries;
mod linker_cache;
mod locate;
mod mac;
mod memory;
mod object;
mod paint;
mod ports;
mod program;
mod progress;
mod qemu;
mod ram;
mod relay;
mod rules;
mod run;
mod say;
mod session;
mod simplify;
mod summary;
mod test;
mod tree;
mod who;
mod whole;

use args::{Cli, Command};
use clap::{CommandFactory, Parser};
use failure::Failure;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Run(run) => run::run(&run),
        Command::Check(arguments) => check::check(&arguments),
        Command::Test { config, format } => test::test(&config, format),
        Command::Explain(arguments) => explain::explain(&arguments),
        Command::Diff(arguments) => diff::diff(&arguments),
        Command::Who(arguments) => who::who(&arguments),
        Command::Simplify { config, output } => simplify::simplify(&config, output.as_deref()),
        Command::Build { config, program, output } => build::build(&config, program.as_deref(), &output),
        Command::Export(options) => export::export(&options),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "portcullis", &mut script);
            print(&script)
        }
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            show(&failure);
            ExitCode::from(failure.code())
        }
    }
}

/// Drawn messages stand by themselves.
fn show(failure: &Failure) {
    match failure.to_string() {
        drawn if drawn.ends_with('\n') => say::say_plain(&drawn),
        line => say::say(format_args!("{line}")),
    }
}

/// Prints to standard output; a reader that has gone is its own decision.
fn print(bytes: &[u8]) -> Result<u8, Failure> {
    let mut output = std::io::stdout().lock();
    match output.write_all(bytes).and_then(|()| output.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::CannotBoot(format!("standard output cannot be written: {error}")))
        }
        _ => Ok(0),
    }
}
