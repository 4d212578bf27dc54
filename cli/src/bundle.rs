//! What goes into a machine: manifest, compiled policy and files, from a configuration or from an image.
use crate::args::{Accel, Run};
use crate::failure::Failure;
use crate::libraries::{self, Libraries};
use crate::program;
use crate::progress::Progress;
use crate::say::say;
use crate::tree::Tree;
use bytes::Bytes;
use clap::ValueEnum;
use image::archive::{self, Image, ImageError};
use image::manifest::{Host, Manifest, Network, VERSION};
use policy::compile::Strategy;
use policy::config::Config;
use policy::policy::Policy;
use std::fmt;
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::path::Path;

/// Everything that the kernel is given.
pub struct Bundle {
    /// What to run and how.
    pub manifest: Manifest,
    /// What was found of shared libraries; of an image nothing is told.
    pub libraries: Libraries,
    policy: Vec<u8>,
    tree: Tree,
}

/// Why there is no image.
#[derive(Debug)]
pub enum PackError {
    /// Something does not fit into one.
    Image(ImageError),
    /// It cannot be written where it should go.
    Write(io::Error),
}

impl From<ImageError> for PackError {
    fn from(error: ImageError) -> Self {
        PackError::Image(error)
    }
}

impl fmt::Display for PackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PackError::Image(error) => error.fmt(f),
            PackError::Write(error) => write!(f, "the image cannot be written: {error}"),
        }
    }
}

impl std::error::Error for PackError {}

impl Bundle {
    /// Gathers what a configuration and a program ask for, and the libraries that the program needs. `env` is what the
    /// command line adds to the environment.
    pub fn gather(config: &Config, env: &[String], program: &Path, examples: &Path) -> Result<Self, Failure> {
        let found = program::find(program, examples, std::env::var_os("PATH").as_deref())?;
        let bytes = program::read(&found.host)?;
        let mut tree = files(config)?;
        let guest = tree.add_program(&found.guest, bytes)?;
        let mut all: Vec<String> = config.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
        env.iter().for_each(|variable| set_variable(&mut all, variable));
        let libraries = libraries::add(&mut tree, &found.host, &guest, &all)?;
        let mut args = vec![program.display().to_string()];
        args.extend(config.args.iter().cloned());
        let run = &config.run;
        let manifest = Manifest {
            version: VERSION,
            program: guest,
            args,
            env: config.env.iter().map(|(name, value)| format!("{name}={value}")).collect(),
            network: network(run.ip_address, run.netmask, run.gateway)?,
            rules: config.rule_labels.clone(),
            trace: false,
            host: host_side(config),
        };
        let policy = compile(config.policy.as_ref().unwrap_or(&Policy::OPEN))?;
        if config.policy.is_none() {
            say(format_args!("no firewall is configured: everything is let in"));
        }
        Ok(Bundle { manifest, libraries, policy, tree })
    }

    /// Opens an image.
    pub fn open(bytes: Vec<u8>, name: &Path) -> Result<Self, Failure> {
        let refuse = |error| Failure::NotExecutable(format!("{}: {error}", name.display()));
        let bytes = Bytes::from(bytes);
        let image = Image::parse(&bytes).map_err(refuse)?;
        let tree = Tree::from_entries(&bytes, image.entries());
        Ok(Bundle { policy: image.policy.to_vec(), tree, libraries: Libraries::default(), manifest: image.manifest })
    }

    /// Writes the image; returns its length.
    pub fn pack(&self, out: &mut impl Write) -> Result<usize, PackError> {
        let write = |part: &[u8]| out.write_all(part).map_err(PackError::Write);
        archive::write(&self.manifest, &self.policy, self.tree.entries(), write)
    }

    /// What is of use once the image is written: the files are not, and may be large.
    pub fn without_files(self) -> (Manifest, Libraries) {
        (self.manifest, self.libraries)
    }

    /// Lets the command line have its way.
    pub fn apply(&mut self, run: &Run) -> Result<(), Failure> {
        let manifest = &mut self.manifest;
        let given = run.args.iter().chain(run.program.iter().skip(1));
        let args: Result<Vec<String>, _> = given.cloned().map(|arg| arg.into_string()).collect();
        let args = args.map_err(|arg| Failure::Usage(format!("the argument {} is not UTF-8", arg.display())))?;
        if !args.is_empty() {
            manifest.args.truncate(1);
            manifest.args.extend(args);
        }
        for variable in &run.env {
            set_variable(&mut manifest.env, variable);
        }
        if run.ip_address.is_some() {
            manifest.network = network(run.ip_address, run.netmask, run.gateway)?;
        }
        manifest.trace |= run.trace;
        apply_host(&mut manifest.host, run);
        Ok(())
    }
}

fn files(config: &Config) -> Result<Tree, Failure> {
    let mut tree = Tree::new();
    for directory in &config.dirs {
        tree.add_directory(Path::new(directory), Path::new(directory)).map_err(of("Dirs"))?;
    }
    for (pattern, guest) in &config.map_dirs {
        tree.add_mapped(pattern, Path::new(guest)).map_err(of("MapDirs"))?;
    }
    for file in &config.files {
        tree.add_file(Path::new(file), Path::new(file)).map_err(of("Files"))?;
    }
    Ok(tree)
}

/// Names the key of the configuration that asked for what failed.
fn of(key: &str) -> impl Fn(Failure) -> Failure {
    move |failure| match failure {
        Failure::Usage(message) => Failure::Usage(format!("`{key}`: {message}")),
        other => other,
    }
}

/// What the kernel decodes.
pub fn compile(policy: &Policy) -> Result<Vec<u8>, Failure> {
    let compiled = policy::compile::compile_observed(policy, Strategy::Forest, &mut Progress::start());
    compiled.map_err(|error| Failure::Usage(format!("the policy does not compile: {error}")))
}

fn host_side(config: &Config) -> Host {
    let run = &config.run;
    let accel = |accel| if accel { "auto" } else { "tcg" };
    Host {
        ports: run.ports.clone(),
        udp_ports: run.udp_ports.clone(),
        memory: run.memory,
        cpus: run.cpus,
        tap: run.tap_name.clone(),
        accel: run.accel.map(|it| accel(it).to_string()),
        verbose: run.verbose,
    }
}

fn apply_host(host: &mut Host, run: &Run) {
    if !run.port.is_empty() {
        host.ports = run.port.clone();
    }
    if !run.udp.is_empty() {
        host.udp_ports = run.udp.clone();
    }
    host.memory = run.memory.or(host.memory);
    host.cpus = run.smp.or(host.cpus);
    host.tap = run.tap.clone().or_else(|| host.tap.take());
    let name = |accel: Accel| accel.to_possible_value().map(|value| value.get_name().to_string());
    host.accel = run.accel.and_then(name).or_else(|| host.accel.take());
    host.verbose |= run.verbose;
}

fn set_variable(env: &mut Vec<String>, variable: &str) {
    let name = |variable: &str| variable.split('=').next().map(str::to_string);
    env.retain(|other| name(other) != name(variable));
    env.push(variable.to_string());
}

/// A static address, under the mask 255.255.255.0 unless another is given; or DHCP.
fn network(address: Option<Ipv4Addr>, mask: Option<Ipv4Addr>, gateway: Option<Ipv4Addr>) -> Result<Network, Failure> {
    let Some(address) = address else {
        return match mask.or(gateway) {
            Some(_) => {
                Err(Failure::Usage("a network mask or a gateway needs an address besides: `--ip-address`".into()))
            }
            None => Ok(Network::Dhcp),
        };
    };
    let mask = mask.unwrap_or(Ipv4Addr::new(255, 255, 255, 0)).to_bits();
    if mask.leading_ones() + mask.trailing_zeros() < 32 {
        let mask = Ipv4Addr::from_bits(mask);
        return Err(Failure::Usage(format!("{mask} is no network mask: its ones are not all in front")));
    }
    // A network of one or two addresses has neither an address of its own nor one for all (RFC 3021).
    let host_part = address.to_bits() & !mask;
    if !mask > 1 && (host_part == 0 || host_part == !mask) {
        return Err(Failure::Usage(format!("{address} means the network itself or all of it, not an interface in it")));
    }
    if gateway == Some(address) {
        return Err(Failure::Usage(format!("{address} is the instance's own address: it cannot be the gateway too")));
    }
    if address.is_unspecified() || address.is_multicast() || address.is_broadcast() || address.is_loopback() {
        return Err(Failure::Usage(format!("{address} is no address that an interface can have")));
    }
    if let Some(gateway) = gateway.filter(|gateway| (gateway.to_bits() ^ address.to_bits()) & mask != 0) {
        return Err(Failure::Usage(format!("the gateway {gateway} is not in the network of {address}")));
    }
    Ok(Network::Static { address, prefix: u8::try_from(mask.leading_ones()).unwrap_or(32), gateway })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command};
    use clap::Parser;

    /// What the command line makes of an image.
    fn applied(manifest: Manifest, arguments: &[&str]) -> Result<Manifest, Failure> {
        let arguments = ["portcullis", "run"].iter().chain(arguments);
        let Command::Run(run) = Cli::try_parse_from(arguments).unwrap().command else { panic!("not run") };
        let (libraries, tree) = (Libraries::default(), Tree::new());
        let mut bundle = Bundle { manifest, libraries, policy: b"policy".to_vec(), tree };
        bundle.apply(&run)?;
        Ok(bundle.manifest)
    }

    fn packed(bundle: &Bundle) -> Vec<u8> {
        let mut bytes = Vec::new();
        assert_eq!(bundle.pack(&mut bytes).unwrap(), bytes.len());
        bytes
    }

    fn manifest() -> Manifest {
        Manifest {
            version: VERSION,
            program: "/g".into(),
            args: vec!["g".into(), "--quiet".into()],
            env: vec!["A=1".into(), "B=2".into()],
            network: Network::Dhcp,
            rules: vec![],
            trace: false,
            host: Host {
                ports: vec!["80".into()],
                udp_ports: vec!["53".into()],
                memory: Some(64 << 20),
                cpus: Some(1),
                tap: Some("tap0".into()),
                accel: Some("tcg".into()),
                verbose: false,
            },
        }
    }

    #[test]
    fn nothing_asked_for_changes_nothing() {
        assert_eq!(applied(manifest(), &["i"]), Ok(manifest()));
    }

    #[test]
    fn the_command_line_has_its_way() {
        let line = "-a a -p 81 -p 82:83 --udp 54 -m 32M --smp 4 -t tap1 --accel kvm -v -e A=3 -e C=4 \
            --ip-address 10.1.2.3 --netmask 255.255.0.0 --gateway 10.1.0.1 i -f x";
        let changed = applied(manifest(), &line.split_whitespace().collect::<Vec<_>>()).unwrap();
        assert_eq!(changed.args, ["g", "a", "-f", "x"]);
        assert_eq!(changed.env, ["B=2", "A=3", "C=4"]);
        let gateway = Some(Ipv4Addr::new(10, 1, 0, 1));
        assert_eq!(changed.network, Network::Static { address: Ipv4Addr::new(10, 1, 2, 3), prefix: 16, gateway });
        let host = Host {
            ports: vec!["81".into(), "82:83".into()],
            udp_ports: vec!["54".into()],
            memory: Some(32 << 20),
            cpus: Some(4),
            tap: Some("tap1".into()),
            accel: Some("kvm".into()),
            verbose: true,
        };
        assert_eq!(changed.host, host);
    }

    #[test]
    fn addresses_that_do_not_fit_each_other_are_refused() {
        for arguments in [
            &["--ip-address", "10.0.0.1", "--netmask", "255.0.255.0", "i"][..],
            &["--ip-address", "10.0.0.1", "--gateway", "10.0.1.1", "i"],
            &["--ip-address", "224.0.0.1", "i"],
            &["--ip-address", "0.0.0.0", "i"],
            &["--ip-address", "127.0.0.1", "i"],
            &["--ip-address", "10.0.2.0", "i"],
            &["--ip-address", "10.0.2.255", "i"],
            &["--ip-address", "10.0.2.15", "--gateway", "10.0.2.15", "i"],
        ] {
            assert!(applied(manifest(), arguments).is_err(), "{arguments:?}");
        }
        for arguments in [
            &["--ip-address", "10.0.2.255", "--netmask", "255.255.0.0", "i"][..],
            &["--ip-address", "10.0.2.0", "--netmask", "255.255.255.254", "i"],
            &["--ip-address", "10.0.2.0", "--netmask", "255.255.255.255", "i"],
        ] {
            assert!(applied(manifest(), arguments).is_ok(), "{arguments:?}");
        }
    }

    #[test]
    fn a_configuration_goes_into_the_image_and_comes_out_again() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("data");
        std::fs::write(&file, "data").unwrap();
        let text = format!(
            r#"{{"Args": ["x"], "Env": {{"K": "V"}}, "Files": ["{}"],
            "RunConfig": {{"Ports": ["8080"], "Memory": "64m", "CPUs": 2, "Accel": false}}}}"#,
            file.display()
        );
        let (config, _) = policy::config::parse(&text).unwrap();
        let tree = files(&config).unwrap();
        let host = host_side(&config);
        let (manifest, policy) = (Manifest { host, ..manifest() }, compile(&Policy::OPEN).unwrap());
        let bundle = Bundle { manifest, libraries: Libraries::default(), policy, tree };
        let packed = packed(&bundle);
        let opened = Bundle::open(packed.clone(), Path::new("i")).unwrap();
        assert_eq!(opened.manifest, bundle.manifest);
        assert_eq!(opened.policy, bundle.policy);
        assert_eq!(opened.manifest.host.accel.as_deref(), Some("tcg"));
        assert_eq!((opened.manifest.host.memory, opened.manifest.host.cpus), (Some(64 << 20), Some(2)));
        let data = opened.tree.entries().find(|entry| entry.path == file.to_str().unwrap()).unwrap().data.to_vec();
        assert_eq!(data, b"data");
        assert_eq!(self::packed(&opened), packed);
    }

    #[test]
    fn a_damaged_image_is_not_executable() {
        let error = Bundle::open(b"070701 and no more".to_vec(), Path::new("i")).err().unwrap();
        assert_eq!((error.code(), error.to_string().starts_with("i: ")), (126, true));
    }
}
