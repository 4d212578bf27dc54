//! Servers that people deploy, unmodified: those of `tests/servers`, built here, and Debian's.
use crate::launch::{project, target_folder};
use crate::{Result, ensure};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// A server, and how it is run: `portcullis run -c examples/CONFIG [PROGRAM]`.
#[derive(Clone, Copy, Debug)]
pub struct Server {
    /// Its name in tables.
    pub name: &'static str,
    /// Its configuration, in the folder `examples`.
    pub config: &'static str,
    /// Its port.
    pub port: u16,
    /// What speaks to it.
    pub client: Client,
    /// Builds the program; without it the configuration names one.
    build: Option<fn() -> Result<PathBuf>>,
}

/// What a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// HTTP/1.1.
    Http,
    /// The protocol of redis.
    Redis,
    /// The text protocol of memcached.
    Memcached,
}

/// All servers.
pub const SERVERS: [Server; 7] = [
    Server { name: "go", config: "tcp-8080-only.json", port: 8080, client: Client::Http, build: Some(go) },
    Server { name: "rust", config: "tcp-8080-only.json", port: 8080, client: Client::Http, build: Some(hyper) },
    Server { name: "nginx", config: "nginx.json", port: 8080, client: Client::Http, build: None },
    Server { name: "redis", config: "redis.json", port: 6379, client: Client::Redis, build: None },
    Server { name: "memcached", config: "memcached.json", port: 11211, client: Client::Memcached, build: None },
    Server { name: "python", config: "python.json", port: 8000, client: Client::Http, build: None },
    Server { name: "node", config: "node.json", port: 3000, client: Client::Http, build: None },
];

impl Server {
    /// The program, built if it is one of ours.
    pub fn program(&self) -> Result<Option<PathBuf>> {
        self.build.map(|build| build()).transpose()
    }
}

/// The server on Go's `net/http`, linked statically as Go does without cgo.
pub fn go() -> Result<PathBuf> {
    let program = target_folder()?.join("programs/go-server");
    let mut build = Command::new("go");
    build.args(["build", "-o"]).arg(&program).arg("main.go").current_dir(project().join("tests/servers/go"));
    build.envs([("CGO_ENABLED", "0"), ("GOFLAGS", ""), ("GOPROXY", "off"), ("GO111MODULE", "off")]);
    run(build)?;
    Ok(program)
}

/// The server on tokio and hyper, linked statically.
pub fn hyper() -> Result<PathBuf> {
    // The target folder of the bundled example, which is linked statically too.
    let target = target_folder()?.join("static");
    let mut build = Command::new(option_env!("CARGO").unwrap_or("cargo"));
    build.args(["build", "--quiet", "--release", "-p", "hyper-server"]).current_dir(project());
    build.env("RUSTFLAGS", "-C target-feature=+crt-static").env("CARGO_TARGET_DIR", &target);
    build.env("CARGO_PROFILE_RELEASE_STRIP", "true");
    run(build)?;
    Ok(target.join("release/hyper-server"))
}

/// Builds one thing at a time.
fn run(mut build: Command) -> Result {
    static BUILDING: Mutex<()> = Mutex::new(());
    let _building = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
    let output = build.output().map_err(|error| format!("{build:?}: {error}"))?;
    ensure!(output.status.success(), "{build:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
