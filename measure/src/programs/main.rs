//! Measures servers that people deploy, each in Portcullis and in a Linux guest with the same policy, in turn, under the
//! same QEMU: from the start of the command to the first answer, under load, and what QEMU holds meanwhile.
//!
//! Nothing here passes or fails: it prints what it measured, with the processor and the versions it measured on.
mod linux;
mod options;
mod table;

use linux::{Guest, Linux};

use measure::host::{emulator, processor, processor_time, resident};
use options::Options;
use rustix::process::Pid;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};
use table::Results;
use tests::answer::answers;
use tests::launch::{Launch, free_port, project};
use tests::load::{Load, load};
use tests::machine::Machine;
use tests::server::{SERVERS, Server};
use tests::{Result, ensure};

/// How long a guest may take to its first answer: an emulated one with a large program is slow.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long it is under load before anything of that is measured, in seconds.
const WARM_UP: u32 = 1;
/// Without another word in the configuration.
const MEMORY: u64 = 128 << 20;
/// Both get at least so many times the size of the image, which Linux must hold packed and unpacked, the latter in a
/// file system that may take half of its memory.
const IMAGES: u64 = 6;

fn main() -> ExitCode {
    match Options::parse(std::env::args().skip(1)).and_then(|options| measure(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench programs: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(options: &Options) -> Result {
    println!("processor  {}", processor()?);
    println!("emulator   {}, TCG, one processor a guest", emulator()?);
    let mut version = None;
    let mut results = Results::default();
    for server in SERVERS.iter().filter(|server| options.wants(server.name)) {
        let subject = Subject::new(server, &options.debian)?;
        if version.is_none() {
            println!("Linux      {}, q35 with virtio-net-pci; Portcullis on microvm", subject.linux.version());
            version = Some(());
        }
        let connections = options.connections(server.name);
        for system in [System::Portcullis, System::Linux] {
            eprintln!("{} in {}: load", server.name, system.name());
            results.add_load(server.name, system, subject.under_load(system, connections, options.seconds));
        }
        // In turn, so that whatever else the host does meets both alike.
        for run in 0..options.runs {
            eprintln!("{}: boot {} of {}", server.name, run + 1, options.runs);
            for system in [System::Portcullis, System::Linux] {
                results.add_boot(server.name, system, subject.first_answer(system));
            }
        }
        // For those who wait, and for what comes of it when somebody ends it.
        eprintln!("{}", results.table_of(server.name));
    }
    println!("{}", results.table());
    println!("Each under load for {} s, after {WARM_UP} s to warm up; resident is QEMU's VmRSS.", options.seconds);
    println!("Processor: the time that the command and QEMU took of it, up to the first answer and for each request.");
    results.complain();
    Ok(())
}

/// What runs the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// The kernel of this project.
    Portcullis,
    /// Debian's.
    Linux,
}

impl System {
    /// Its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            System::Portcullis => "Portcullis",
            System::Linux => "Linux",
        }
    }
}

/// A guest up to its first answer.
#[derive(Clone, Copy)]
pub struct Boot {
    /// From the start of the command.
    pub time: Duration,
    /// What the command and QEMU took of the processors' time meanwhile.
    pub processor: Duration,
}

/// What a guest did under load.
#[derive(Clone, Copy)]
pub struct UnderLoad {
    /// What QEMU took of the processors' time for each request.
    pub processor: Duration,
    /// Memory that QEMU held before the load and after it, in bytes.
    pub resident: (u64, u64),
    /// What the client says.
    pub load: Load,
}

/// A server to measure, in an image for each system.
struct Subject {
    server: Server,
    image: PathBuf,
    linux: Linux,
    memory: u64,
    _folder: tempfile::TempDir,
}

/// A guest that runs.
enum Running {
    Portcullis(Box<Machine>),
    Linux(Guest),
}

impl Subject {
    fn new(server: &Server, debian: &Path) -> Result<Subject> {
        let folder = tempfile::tempdir()?;
        let image = folder.path().join("image");
        let mut build = Command::new(project().join("portcullis"));
        build.current_dir(project()).arg("build").arg(Path::new("examples").join(server.config));
        build.args(server.program()?).arg("-o").arg(&image);
        let output = build.output()?;
        ensure!(output.status.success(), "{build:?}: {}", String::from_utf8_lossy(&output.stderr));
        let bytes = std::fs::read(&image)?;
        let memory = image::archive::Image::parse(&bytes)?.manifest.host.memory.unwrap_or(MEMORY);
        let memory = memory.max((bytes.len() as u64 * IMAGES).next_multiple_of(16 << 20));
        let linux = Linux::new(debian, &image, server.port, memory)?;
        Ok(Subject { server: *server, image, linux, memory, _folder: folder })
    }

    /// Both take an image that was made before: what is measured is the guest.
    fn start(&self, system: System, port: u16) -> Result<Running> {
        if system == System::Linux {
            return Ok(Running::Linux(self.linux.start(port, self.server.port)?));
        }
        let launch = Launch::of(Command::new(project().join("portcullis")))?;
        let (forward, memory) = (format!("{port}:{}", self.server.port), format!("{}M", self.memory >> 20));
        let launch = launch.args(["run", "--accel", "tcg", "-p", &forward, "-m", &memory]);
        Ok(Running::Portcullis(Box::new(launch.start(&self.image, &[])?)))
    }

    fn first_answer(&self, system: System) -> Result<Boot> {
        let port = free_port()?;
        let begun = Instant::now();
        let running = self.start(system, port)?;
        if !answers(self.server.client, port, PATIENCE) {
            return self.silent(&running);
        }
        Ok(Boot { time: begun.elapsed(), processor: processor_time(&running.processes()?)? })
    }

    fn under_load(&self, system: System, connections: u32, seconds: u32) -> Result<UnderLoad> {
        let port = free_port()?;
        let running = self.start(system, port)?;
        if !answers(self.server.client, port, PATIENCE) {
            return self.silent(&running);
        }
        let go = |seconds| load(self.server.client, port, connections, seconds);
        let measured = || -> Result<UnderLoad> {
            go(WARM_UP)?;
            let processes = running.processes()?;
            let (before, taken) = (resident(&processes)?, processor_time(&processes)?);
            let load = go(seconds)?;
            let taken = processor_time(&processes)?.saturating_sub(taken);
            let processor = taken.div_f64((load.rate * f64::from(seconds)).max(1.0));
            Ok(UnderLoad { processor, resident: (before, resident(&processes)?), load })
        };
        measured().map_err(|error| format!("{error}\n{}", self.words(&running)).into())
    }

    fn silent<T>(&self, running: &Running) -> Result<T> {
        Err(format!("no answer\n{}", self.words(running)).into())
    }

    fn words(&self, running: &Running) -> String {
        match running {
            Running::Portcullis(machine) => machine.complain("It said:"),
            Running::Linux(_) => self.linux.last_words(),
        }
    }
}

impl Running {
    fn processes(&self) -> Result<Vec<Pid>> {
        match self {
            Running::Portcullis(machine) => machine.descendants(),
            Running::Linux(guest) => Ok(vec![guest.pid()]),
        }
    }
}
