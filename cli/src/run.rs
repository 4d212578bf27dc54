//! `run`: from the command line to the end of the machine.
use crate::accel;
use crate::args::Run;
use crate::bundle::Bundle;
use crate::config;
use crate::failure::Failure;
use crate::host::Settings;
use crate::libraries::Libraries;
use crate::locate;
use crate::memory;
use crate::qemu::{self, Accelerator, Launch};
use crate::ram::Ram;
use crate::say::{say, say_plain};
use crate::session::{self, Listener, Outcome, Remains};
use crate::summary;
use image::archive::MAGIC;
use image::manifest::Manifest;
use image::report::Report;
use policy::config::Config;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Runs a program or an image; returns the exit code. Once it is clear what to run, the codes under 125 are the program's.
pub fn run(run: &Run) -> Result<u8, Failure> {
    start(run).map_err(settle)
}

/// A wrong configuration has a code of its own here.
fn settle(failure: Failure) -> Failure {
    match failure {
        Failure::Usage(message) => Failure::CannotBoot(message),
        other => other,
    }
}

fn start(run: &Run) -> Result<u8, Failure> {
    let kernel = locate::kernel()?;
    let qemu = qemu::find().ok_or_else(|| cannot("qemu-system-x86_64 is not installed (Debian: qemu-system-x86)"))?;
    let mut bundle = gather(run)?;
    bundle.apply(run)?;
    let settings = Settings::resolve(&bundle.manifest.host, run)?;
    let choice = accel::choose(settings.accel, &qemu, &kernel)?;
    let ram = Ram::with_image(&bundle, settings.memory, run.machine).map_err(|error| cannot(error.to_string()))?;
    let (manifest, libraries) = bundle.without_files();
    let report = run.report.as_deref().map(create).transpose()?;
    let launch = Launch {
        kernel,
        image: Some(ram.place()),
        machine: run.machine,
        accelerator: choice.accelerator,
        memory: ram.size,
        cpus: settings.cpus,
        wire: settings.wire.clone(),
        mac: run.mac,
        network: manifest.network,
        epoch: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
    };
    let mut command = launch.command(&qemu);
    announce(&launch, &manifest, ram.length, &choice.reason);
    if settings.verbose {
        tell_libraries(&libraries);
        say(format_args!("{command:?}"));
    }
    let started = Instant::now();
    let mut on_report = |report: &Report| tell(report, started, &settings);
    let listener = Listener { started, verbose: settings.verbose, report, on_report: &mut on_report };
    let remains =
        session::run(&mut command, listener).map_err(|error| cannot(format!("QEMU does not start: {error}")))?;
    Ok(conclude(&remains, &manifest.rules, settings.verbose))
}

/// The bundle that the command line means: an image as it is, or a program with a configuration.
fn gather(run: &Run) -> Result<Bundle, Failure> {
    let program = run.program.first().map(Path::new);
    if let Some((path, bytes)) = program.and_then(|path| Some((path, read_image(path)?))) {
        return match &run.config {
            Some(_) => Err(Failure::CommandLine(format!(
                "{} is an image and has its configuration in it: leave out `-c`",
                path.display()
            ))),
            None => Bundle::open(bytes, path),
        };
    }
    let config = match &run.config {
        Some(path) => config::load(path)?,
        None => Config::default(),
    };
    gather_program(&config, &run.env, program)
}

/// The bundle of a configuration and a program; the configuration may name the program, and `env` adds to its environment.
pub fn gather_program(config: &Config, env: &[String], program: Option<&Path>) -> Result<Bundle, Failure> {
    let program = program.or(config.program.as_deref().map(Path::new));
    let program = program.ok_or_else(|| {
        Failure::CommandLine(
            "no program: name one, as in `portcullis run ./server`, or set `Program` in the configuration".into(),
        )
    })?;
    Bundle::gather(config, env, program, &locate::examples()?)
}

/// The file's bytes, if it is an image.
fn read_image(path: &Path) -> Option<Vec<u8>> {
    let mut file = File::open(path).ok()?;
    let mut bytes = vec![0; MAGIC.len()];
    file.read_exact(&mut bytes).ok()?;
    if bytes != MAGIC {
        return None;
    }
    file.read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn create(path: &Path) -> Result<File, Failure> {
    File::create(path).map_err(|error| cannot(format!("{}: {error}", path.display())))
}

fn announce(launch: &Launch, manifest: &Manifest, length: u64, reason: &str) {
    let accelerator = match launch.accelerator {
        Accelerator::Kvm => "KVM",
        Accelerator::Tcg => "TCG",
    };
    let (program, size, memory) = (&manifest.program, memory::show(length), memory::show(launch.memory));
    say(format_args!("booting {program} (image {size}, memory {memory}) with {accelerator}: {reason}"));
}

/// Tells the user what happens, in a line each.
fn tell(report: &Report, started: Instant, settings: &Settings) {
    match report {
        Report::PolicyInForce(0) => say(format_args!("policy in force: no rules")),
        Report::PolicyInForce(1) => say(format_args!("policy in force: 1 rule")),
        Report::PolicyInForce(rules) => say(format_args!("policy in force: {rules} rules")),
        Report::Address(address, prefix, Some(router)) => {
            say(format_args!("address {address}/{prefix}, router {router}"))
        }
        Report::Address(address, prefix, None) => say(format_args!("address {address}/{prefix}, no router")),
        Report::Started => {
            say(format_args!("started after {} ms", started.elapsed().as_millis()));
            tell_forwards(settings);
        }
        Report::Notice(text) => say(format_args!("{text}")),
        // Their meaning is told at the end.
        Report::BootFailed(_) | Report::Exited(_) | Report::Killed(..) | Report::Panicked(_) => {}
        Report::Counted(_) | Report::Memory(..) => {}
    }
}

/// Says what was put into the image for the program to run, and what other files of the image lack.
pub fn tell_libraries(libraries: &Libraries) {
    libraries.added.iter().for_each(|path| say(format_args!("library {path}")));
    for (name, path) in &libraries.missing {
        say(format_args!("no library {name}, which {path} needs"));
    }
}

fn tell_forwards(settings: &Settings) {
    /// More are counted, not listed.
    const SHOWN: usize = 8;
    let forwards = &settings.forwards;
    let shown: Vec<String> = forwards.iter().take(SHOWN).map(ToString::to_string).collect();
    match forwards.len() {
        0 => {}
        1..=SHOWN => say(format_args!("forwarding {}", shown.join(", "))),
        more => say(format_args!("forwarding {} and {} more", shown.join(", "), more - SHOWN)),
    }
}

/// Says how it ended and what the firewall counted; returns the exit code.
fn conclude(remains: &Remains, labels: &[String], verbose: bool) -> u8 {
    let code = match &remains.outcome {
        Outcome::Exited(code) => *code,
        Outcome::Killed(signal, what) => {
            say(format_args!("the program was ended by signal {signal}: {what}"));
            128_u8.saturating_add(*signal)
        }
        Outcome::Failed(why) => {
            say(format_args!("{why}"));
            // With -v it was shown as it came.
            if !verbose && !remains.text.is_empty() {
                say_plain(&remains.text);
            }
            125
        }
        Outcome::Interrupted(signal) => 128_u8.saturating_add(u8::try_from(*signal).unwrap_or(0)),
        // SIGPIPE is what ends a program so.
        Outcome::Unread => 141,
    };
    if let Some(counters) = &remains.counters {
        say_plain(&summary::draw(&counters.values().cloned().collect::<Vec<_>>(), labels));
    }
    if let Some((total, used)) = remains.memory.filter(|_| verbose) {
        say(format_args!("memory: {} of {} in use", memory::show(used), memory::show(total)));
    }
    code
}

fn cannot(message: impl Into<String>) -> Failure {
    Failure::CannotBoot(message.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command};
    use clap::Parser;

    #[test]
    fn a_command_line_that_does_not_say_what_to_run_is_a_usage_error() {
        let Command::Run(nothing) = Cli::parse_from(["portcullis", "run"]).command else { panic!("no run") };
        let Err(error) = gather(&nothing) else { panic!("nothing runs") };
        assert!(error.to_string().contains("no program"), "{error}");
        assert_eq!(settle(error).code(), 2);
        // What a configuration says wrong is no code of the program's.
        assert_eq!(settle(Failure::Usage("a wrong rule".into())).code(), 125);
    }
}
