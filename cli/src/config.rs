//! Reads a configuration file, and shows what is wrong with it.
use crate::failure::Failure;
use crate::ports::{self, Protocol, Taken};
use crate::progress::Progress;
use policy::config::{self, Config, Error, Warning};
use policy::diagnostic;
use policy::progress::Observer;
use std::io::IsTerminal;
use std::path::Path;

/// A configuration that is right, and the file that it is from.
pub struct Loaded {
    /// What it says.
    pub config: Config,
    /// What the file is called on the command line.
    pub name: String,
    /// All of it.
    pub text: String,
}

/// Reads the file; warnings go to standard error.
pub fn load(path: &Path) -> Result<Config, Failure> {
    load_whole(path).map(|loaded| loaded.config)
}

/// As [`load`], and keeps the file.
pub fn load_whole(path: &Path) -> Result<Loaded, Failure> {
    let coloured = std::io::stderr().is_terminal();
    let mut progress = Progress::start();
    let loaded = load_quietly(path, coloured, &mut progress);
    drop(progress);
    let (loaded, warnings) = loaded?;
    eprint!("{warnings}");
    Ok(loaded)
}

/// Reads the file; returns it and the warnings, drawn.
fn load_quietly(path: &Path, coloured: bool, observer: &mut dyn Observer) -> Result<(Loaded, String), Failure> {
    let Read { name, text, parsed } = read(path, observer)?;
    match parsed {
        Ok((config, warnings)) => {
            let warnings = diagnostic::render(&name, &text, warnings, coloured);
            Ok((Loaded { config, name, text }, warnings))
        }
        Err(errors) => Err(Failure::Usage(diagnostic::render(&name, &text, errors, coloured))),
    }
}

/// A file that may be wrong.
pub struct Read {
    /// What the file is called on the command line.
    pub name: String,
    /// All of it; what is not UTF-8 is replaced.
    pub text: String,
    /// What it says, or what is wrong with it.
    pub parsed: Result<(Config, Vec<Warning>), Vec<Error>>,
}

/// Reads the file and says nothing.
pub fn read(path: &Path, observer: &mut dyn Observer) -> Result<Read, Failure> {
    let name = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| Failure::Usage(format!("{name}: {error}")))?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let parsed = match config::decode(&bytes) {
        Ok(_) => parse(path, &text, observer),
        Err(error) => Err(vec![error]),
    };
    Ok(Read { name, text, parsed })
}

/// Reads a text as if it stood in a file, whose lists it names.
pub fn parse(path: &Path, text: &str, observer: &mut dyn Observer) -> Result<(Config, Vec<Warning>), Vec<Error>> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut list = |name: &str| std::fs::read(folder.join(name)).map_err(|error| error.to_string());
    config::parse_observed(text, &mut list, port_errors, observer)
}

/// What is wrong with the ports, whose syntax is the command's.
fn port_errors(config: &Config) -> Vec<Error> {
    let run = &config.run;
    let tcp = run.ports.iter().zip(&run.port_spans).map(|(text, span)| (Protocol::Tcp, text, span));
    let udp = run.udp_ports.iter().zip(&run.udp_port_spans).map(|(text, span)| (Protocol::Udp, text, span));
    let mut taken = Taken::default();
    let refused = tcp.chain(udp).filter_map(|(protocol, text, span)| {
        let error = ports::parse(protocol, text).and_then(|forwards| taken.take(&forwards)).err()?;
        Some(Error::refused(span.clone(), error.to_string(), "a port such as `8080`, `8000-8010` or `9000:8080`"))
    });
    refused.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &[u8]) -> Result<(Loaded, String), Failure> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("c.json");
        std::fs::write(&path, text).unwrap();
        load_quietly(&path, false, &mut ())
    }

    #[test]
    fn a_file_that_is_missing_is_named() {
        let error = load_quietly(Path::new("/nowhere/c.json"), false, &mut ()).err().unwrap();
        assert_eq!((error.code(), error.to_string().contains("/nowhere/c.json")), (2, true));
    }

    #[test]
    fn a_port_that_cannot_be_forwarded_is_shown_where_it_stands() {
        let text =
            b"{\n  \"RunConfig\": {\"Ports\": [\"80\", \"8010-8000\"], \"UDPPorts\": [\"x\", \"80\", \"79-81\"], \"Accel\": 3}\n}";
        let error = load(text).err().unwrap().to_string();
        for part in [
            "c.json:2",
            "`8010-8000` ends before it begins",
            "`x` is no port",
            "udp port 127.0.0.1:80 is forwarded twice",
            "`Accel`",
        ] {
            assert!(error.contains(part), "{part} in {error}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        assert_eq!(load(b"{\"Args\": [\"\xff\"]}").err().unwrap().code(), 2);
    }
}
