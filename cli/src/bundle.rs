//! What goes into a machine: manifest, compiled policy and files, from a configuration or from an image.
use crate::args::{Accel, Run};
use crate::failure::Failure;
use crate::program;
use crate::tree::Tree;
use clap::ValueEnum;
use image::archive::{self, Image};
use image::manifest::{Host, Manifest, Network, VERSION};
use policy::config::Config;
use policy::policy::{Action, Policy};
use std::net::Ipv4Addr;
use std::path::Path;

/// Everything that the kernel is given.
pub struct Bundle {
    /// What to run and how.
    pub manifest: Manifest,
    policy: Vec<u8>,
    tree: Tree,
}

impl Bundle {
    /// Gathers what a configuration and a program ask for.
    pub fn gather(config: &Config, program: &Path, examples: &Path) -> Result<Self, Failure> {
        let host = program::find(program, examples)?;
        let bytes = program::read(&host)?;
        let mut tree = files(config)?;
        // A bundled example stands under its name, not where it was built.
        let guest = tree.add_program(program, bytes)?;
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
            host: host_side(config),
        };
        Ok(Bundle { manifest, policy: compile(config)?, tree })
    }

    /// Opens an image.
    pub fn open(bytes: &[u8], name: &Path) -> Result<Self, Failure> {
        let refuse = |error| Failure::NotExecutable(format!("{}: {error}", name.display()));
        let image = Image::parse(bytes).map_err(refuse)?;
        let tree = Tree::from_entries(image.entries());
        Ok(Bundle { policy: image.policy.to_vec(), tree, manifest: image.manifest })
    }

    /// The image.
    pub fn pack(&self) -> Result<Vec<u8>, Failure> {
        let packed = archive::write(&self.manifest, &self.policy, self.tree.entries());
        packed.map_err(|error| Failure::CannotBoot(error.to_string()))
    }

    /// Lets the command line have its way.
    pub fn apply(&mut self, run: &Run) -> Result<(), Failure> {
        let manifest = &mut self.manifest;
        let args: Result<Vec<String>, _> = run.program.iter().skip(1).cloned().map(|arg| arg.into_string()).collect();
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
        apply_host(&mut manifest.host, run);
        Ok(())
    }
}

fn files(config: &Config) -> Result<Tree, Failure> {
    let mut tree = Tree::new();
    for directory in &config.dirs {
        tree.add_directory(Path::new(directory), Path::new(directory))?;
    }
    for (pattern, guest) in &config.map_dirs {
        tree.add_mapped(pattern, Path::new(guest))?;
    }
    for file in &config.files {
        tree.add_file(Path::new(file), Path::new(file))?;
    }
    Ok(tree)
}

/// Without a `firewall` object everything is let in.
fn compile(config: &Config) -> Result<Vec<u8>, Failure> {
    let open = Policy { rules: Vec::new(), default: Action::Accept };
    let compiled = policy::compile::compile(config.policy.as_ref().unwrap_or(&open));
    compiled.map_err(|error| Failure::Usage(format!("the policy does not compile: {error}")))
}

fn host_side(config: &Config) -> Host {
    let run = &config.run;
    let accel = |accel| if accel { "auto" } else { "tcg" };
    Host {
        ports: run.ports.clone(),
        udp_ports: run.udp_ports.clone(),
        memory: run.memory,
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
    if address.is_unspecified() || address.is_multicast() || address.is_broadcast() || address.is_loopback() {
        return Err(Failure::Usage(format!("{address} is no address that an interface can have")));
    }
    if let Some(gateway) = gateway.filter(|gateway| (gateway.to_bits() ^ address.to_bits()) & mask != 0) {
        return Err(Failure::Usage(format!("the gateway {gateway} is not in the network of {address}")));
    }
    Ok(Network::Static { address, prefix: u8::try_from(mask.leading_ones()).unwrap_or(32), gateway })
}
