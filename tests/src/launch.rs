//! A `run` of the command as a test writes it.
use crate::Result;
use crate::frame::{GATEWAY, VM_IPV4};
use crate::machine::Machine;
use crate::wire::Wire;
use std::ffi::OsStr;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The machines of QEMU that the kernel boots on.
pub const MACHINES: [&str; 2] = ["microvm", "q35"];

/// The command's binary: `PORTCULLIS`, or the one that was built into the target folder of this test.
pub fn command() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("PORTCULLIS") {
        return Ok(path.into());
    }
    let target = target_folder()?;
    let built = ["release", "debug"].map(|profile| target.join(profile).join("portcullis"));
    let found = built.iter().find(|path| path.is_file());
    found.cloned().ok_or_else(|| format!("no {} nor {}: build it first", built[0].display(), built[1].display()).into())
}

/// The target folder that this test was built in.
pub fn target_folder() -> Result<PathBuf> {
    let this = std::env::current_exe()?;
    let deps = this.ancestors().find(|path| path.join("deps").is_dir()).and_then(Path::parent);
    deps.map(Path::to_path_buf).ok_or_else(|| format!("{} is not in a target folder", this.display()).into())
}

/// The folder of the project.
pub fn project() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// A port of this host that nobody has: the kernel chose it a moment ago.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// A `run` of the command that has not begun.
pub struct Launch {
    command: Command,
    folder: tempfile::TempDir,
}

impl Launch {
    /// `run` on a machine of QEMU, emulated.
    pub fn new(machine: &str) -> Result<Launch> {
        Ok(Launch::bare()?.args(["run", "--machine", machine, "--accel", "tcg"]))
    }

    /// The command without any argument but what is added.
    pub fn bare() -> Result<Launch> {
        Launch::of(Command::new(command()?))
    }

    /// The command, called by `prefix` (such as `ip netns exec NAME`).
    pub fn within(prefix: &[&str]) -> Result<Launch> {
        let (first, rest) = prefix.split_first().ok_or("an empty prefix")?;
        let mut outer = Command::new(first);
        outer.args(rest).arg(command()?);
        Launch::of(outer)
    }

    /// A command of another name, such as the script that a person calls.
    pub fn of(command: Command) -> Result<Launch> {
        Ok(Launch { command, folder: tempfile::tempdir()? })
    }

    /// Adds arguments.
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Launch {
        self.command.args(args);
        self
    }

    /// A configuration with this text.
    pub fn config(self, text: &str) -> Result<Launch> {
        let path = self.folder.path().join("config.json");
        fs::write(&path, text)?;
        Ok(self.args([OsStr::new("-c"), path.as_os_str()]))
    }

    /// A configuration whose firewall has these rules.
    pub fn rules(self, rules: &str) -> Result<Launch> {
        self.config(&firewall(rules))
    }

    /// A configuration of the folder `examples`.
    pub fn example(self, name: &str) -> Launch {
        self.args([OsStr::new("-c"), project().join("examples").join(name).as_os_str()])
    }

    /// The network card on a wire, with a static address.
    pub fn wire(self, wire: &Wire) -> Launch {
        self.args(["--netdev", &wire.netdev()]).static_address()
    }

    /// The address that the wires' frames go to, instead of DHCP.
    pub fn static_address(self) -> Launch {
        let (address, gateway) = (VM_IPV4.to_string(), GATEWAY.to_string());
        self.args(["--ip-address", &address, "--netmask", "255.255.255.0", "--gateway", &gateway])
    }

    /// Starts it, `program` and its arguments last.
    pub fn start(self, program: impl AsRef<OsStr>, args: &[&str]) -> Result<Machine> {
        self.start_with([program.as_ref()].into_iter().chain(args.iter().map(OsStr::new)))
    }

    /// Starts it in the project's folder, with what its configuration names unless another program is given: the paths
    /// of the examples are relative to that folder.
    pub fn start_example(mut self, program: Option<&Path>) -> Result<Machine> {
        self.command.current_dir(project());
        self.start_with(program.map(Path::as_os_str))
    }

    fn start_with<'a>(mut self, last: impl IntoIterator<Item = &'a OsStr>) -> Result<Machine> {
        let report = self.folder.path().join("report");
        rustix::fs::mknodat(rustix::fs::CWD, &report, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0)?;
        self.command.arg("--report").arg(&report).args(last);
        Machine::start(self.command, &report, self.folder)
    }
}

/// A configuration whose firewall has these rules, as the article writes it.
pub fn firewall(rules: &str) -> String {
    format!(
        r#"{{"RunConfig": {{"Klibs": ["firewall"]}}, "ManifestPassthrough": {{"firewall": {{"rules": [{rules}]}}}}}}"#
    )
}
