//! The command line as written. What it means is settled in `bundle.rs` and `host.rs`.
use crate::diff::{self, Diff};
use crate::explain::{self, Explain};
use crate::mac::Mac;
use crate::memory;
use crate::ports::{self, Protocol};
use crate::who::{self, Who};
use clap::{Args, Parser, Subcommand, ValueEnum};
use policy::export::Target;
use std::ffi::OsString;
use std::net::Ipv4Addr;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  portcullis run -c examples/tcp-8080-only.json -p 8080 g
  portcullis run -p 9000:8080 -e PORT=8080 ./server --quiet
  portcullis build examples/tcp-8080-only.json g -o g.img
  portcullis run g.img
  portcullis check config.json
  portcullis test config.json
  portcullis explain config.json tcp from 10.0.2.2 to :8080
  portcullis export config.json --to nftables";

const RUN_EXAMPLES: &str = "\
Ports:
  -p 8080            127.0.0.1:8080 of the host to port 8080 of the instance
  -p 80,443          several
  -p 8000-8010       a range
  -p 9000:8080       host port 9000 to port 8080
  -p 0.0.0.0:80:8080 listening on an address of the host; [::1]:80:8080 for IPv6

Exit code: the program's own; 128 and the signal's number if a signal ended it (139: a fault);
125 if the machine did not boot or failed, 126 if the program cannot run here, 127 if there is none.";

const TEST_EXAMPLES: &str = "\
Tests stand in `tests` beside the policy's `rules`:
  {\"packet\": \"tcp from 10.0.2.2:40000 to :8080 syn\", \"verdict\": \"accept\", \"rule\": \"web\"}
  \"only tcp 8080 from anywhere, udp from 10.0.0.0/8\"    nothing else is accepted
  \"never from 169.254.0.0/16\"                          nothing of this is accepted
  \"always tcp 22 from 10.0.0.0/8\"                      all of this is accepted
The last three hold of every packet there is, or a packet is shown that breaks them.

Exit code: 0 if all hold or there are none, 1 if some do not, 2 for errors in the configuration.";

const EXPORT_EXAMPLES: &str = "\
Examples:
  portcullis export config.json --to nftables | nft -f -
  portcullis export config.json --to aws-security-group --approximate narrower
  portcullis export -p 8080 --to gcp-firewall

What is written is read back and compared with the policy, over every packet there is.

Exit code: 0, or 2 where the firewall cannot say the policy, and for errors.";

const SIMPLIFY_EXIT: &str = "\
What became of each rule that is gone stands on standard error.

Exit code: 0, also where no shorter policy was found; 2 for errors.";

const CHECK_EXIT: &str = "\
Exit code: 0 if there is nothing to say but warnings, 1 if a lint was found or the policy is too
large to look for all of them, 2 if the configuration is wrong.";

/// Runs one program in one virtual machine, and lets in only the packets that its policy accepts
#[derive(Debug, Parser)]
#[command(name = "portcullis", version, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a program, or an image, in a virtual machine
    #[command(after_help = RUN_EXAMPLES)]
    Run(Box<Run>),
    /// Check a configuration: every error in it, and what of its policy was probably not meant
    #[command(after_help = CHECK_EXIT)]
    Check(Check),
    /// Run the tests of a policy that stand in its configuration
    #[command(after_help = TEST_EXAMPLES)]
    Test {
        /// The configuration file
        config: PathBuf,
        /// How to tell what came of them
        #[arg(long, default_value = "text")]
        format: Format,
    },
    /// Say what a policy does with a packet, or with those of a capture file, and why
    #[command(after_help = explain::EXAMPLES)]
    Explain(Box<Explain>),
    /// Say which packets a new policy treats otherwise than an old one, over all packets there are
    #[command(after_help = diff::EXIT_CODE)]
    Diff(Diff),
    /// Say from where something of the instance can be reached
    #[command(after_help = who::EXAMPLES)]
    Who(Who),
    /// Write a configuration whose policy is shorter, and proved to decide alike
    #[command(after_help = SIMPLIFY_EXIT)]
    Simplify {
        /// The configuration file
        config: PathBuf,
        /// Where to write it, in place of standard output
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Build an image that `run` boots
    Build {
        /// The configuration file
        config: PathBuf,
        /// An x86-64 program for Linux, or the name of a bundled example; without it the configuration's `Program`
        program: Option<PathBuf>,
        /// Where to put the image
        #[arg(short, long, value_name = "IMAGE")]
        output: PathBuf,
    },
    /// Write the policy for the firewall in front, proved to let in the same
    #[command(after_help = EXPORT_EXAMPLES)]
    Export(Export),
    /// Print the completions for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

/// The arguments of `export`.
#[derive(Debug, Args)]
pub struct Export {
    /// The configuration file; without a policy in it, its `Ports` are opened
    pub config: Option<PathBuf>,
    /// For which firewall
    #[arg(long, value_name = "TARGET")]
    pub to: To,
    /// TCP ports to open from anywhere, where there is no policy: what `ops instance create -p` opens
    #[arg(short, long = "port", value_parser = tcp_ports)]
    pub port: Vec<String>,
    /// Where the firewall cannot say the policy, take the nearest that it can
    #[arg(long, value_name = "DIRECTION")]
    pub approximate: Option<Nearest>,
    /// Where to put it, in place of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// The firewalls that there are exports for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum To {
    /// A file for `nft -f`
    Nftables,
    /// JSON for `aws ec2 authorize-security-group-ingress --cli-input-json`
    AwsSecurityGroup,
    /// Entries, each for `aws ec2 create-network-acl-entry --cli-input-json`
    AwsNacl,
    /// Firewall rules of Compute Engine's API
    GcpFirewall,
    /// `securityRules` of a network security group
    AzureNsg,
}

impl To {
    /// What is written.
    pub fn target(self) -> Target {
        match self {
            To::Nftables => Target::Nftables,
            To::AwsSecurityGroup => Target::AwsSecurityGroup,
            To::AwsNacl => Target::AwsNacl,
            To::GcpFirewall => Target::GcpFirewall,
            To::AzureNsg => Target::AzureNsg,
        }
    }
}

/// In which direction an export may differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Nearest {
    /// All that the policy accepts, and more
    Wider,
    /// Nothing that the policy does not accept, and less
    Narrower,
}

/// The arguments of `check`.
#[derive(Debug, Args)]
pub struct Check {
    /// The configuration file
    pub config: PathBuf,
    /// TCP ports that `run` is to forward, in place of the configuration's
    #[arg(short, long = "port", value_parser = tcp_ports)]
    pub port: Vec<String>,
    /// UDP ports that `run` is to forward, in place of the configuration's
    #[arg(long, value_name = "PORT", value_parser = udp_ports)]
    pub udp: Vec<String>,
    /// How to tell what was found
    #[arg(long, default_value = "text")]
    pub format: CheckFormat,
    /// Say what its policy costs: how a rule is found, in how much memory, and with how many accesses to it at worst
    #[arg(short, long)]
    pub verbose: bool,
}

/// The arguments of `run`.
#[derive(Debug, Args)]
pub struct Run {
    /// Configuration file (JSON, as for `ops`)
    #[arg(short, long)]
    pub config: Option<PathBuf>,
    /// TCP ports to forward, in place of the configuration's; see below
    #[arg(short, long = "port", value_parser = tcp_ports)]
    pub port: Vec<String>,
    /// UDP ports to forward, in place of the configuration's
    #[arg(long, value_name = "PORT", value_parser = udp_ports)]
    pub udp: Vec<String>,
    /// Memory of the machine: 64M, 1G; a bare number is MiB
    #[arg(short, long, value_parser = memory::parse)]
    pub memory: Option<u64>,
    /// How many processors the machine has, 1 to 64
    #[arg(long, value_name = "CPUS", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub smp: Option<u32>,
    /// Use this TAP interface, which exists and is up, in place of user networking
    #[arg(short, long)]
    pub tap: Option<String>,
    /// IPv4 address of the instance, in place of DHCP
    #[arg(long, value_name = "A")]
    pub ip_address: Option<Ipv4Addr>,
    /// Its network mask
    #[arg(long, value_name = "M", requires = "ip_address")]
    pub netmask: Option<Ipv4Addr>,
    /// Its router
    #[arg(long, value_name = "G", requires = "ip_address")]
    pub gateway: Option<Ipv4Addr>,
    /// Hardware address of its network card
    #[arg(long, default_value_t = Mac::DEFAULT)]
    pub mac: Mac,
    /// Set a variable of the program's environment
    #[arg(short, long = "env", value_name = "K=V", value_parser = variable)]
    pub env: Vec<String>,
    /// An argument of the program, before those that follow it; in place of the configuration's
    #[arg(short, long = "arg", value_name = "ARG", allow_hyphen_values = true)]
    pub args: Vec<OsString>,
    /// How the machine is made: `auto` uses KVM where it is fit
    #[arg(long)]
    pub accel: Option<Accel>,
    /// Kind of machine
    #[arg(long, default_value = "microvm")]
    pub machine: Machine,
    /// Use this QEMU network backend (`-netdev` without its id) in place of user networking
    #[arg(long, value_name = "SPEC", conflicts_with = "tap")]
    pub netdev: Option<String>,
    /// Write every report of the machine to this file, one JSON object a line
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Show every system call of the program on standard error, as strace does
    #[arg(long)]
    pub trace: bool,
    /// Say more: the libraries, the kernel's log, and the QEMU command
    #[arg(short, long)]
    pub verbose: bool,
    /// An x86-64 program for Linux, an image, or the name of a bundled example; then the program's arguments
    #[arg(value_name = "PROGRAM|IMAGE [ARGS]", trailing_var_arg = true, allow_hyphen_values = true)]
    pub program: Vec<OsString>,
}

/// How something is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// To a reader.
    Text,
    /// To a program: a JSON object, or several, each on a line.
    Json,
}

/// How what `check` finds is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CheckFormat {
    /// To a reader.
    Text,
    /// To a program: one JSON object.
    Json,
    /// To a program that knows SARIF 2.1.0, such as a code host.
    Sarif,
}

/// What runs the instructions of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Accel {
    /// KVM where a tiny guest proves that it works, TCG elsewhere.
    Auto,
    /// The processor.
    Kvm,
    /// QEMU's translator.
    Tcg,
}

/// The kinds of machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Machine {
    /// Small, with virtio-mmio; it boots fastest.
    Microvm,
    /// A PC, with virtio-pci.
    Q35,
}

fn tcp_ports(text: &str) -> Result<String, ports::PortError> {
    ports::parse(Protocol::Tcp, text).map(|_| text.to_string())
}

fn udp_ports(text: &str) -> Result<String, ports::PortError> {
    ports::parse(Protocol::Udp, text).map(|_| text.to_string())
}

/// Of a count that cannot be 0.
pub fn at_least_one() -> impl clap::builder::TypedValueParser<Value = usize> {
    clap::builder::RangedU64ValueParser::<usize>::new().range(1..)
}

fn variable(text: &str) -> Result<String, String> {
    match text.split_once('=') {
        Some((name, _)) if !name.is_empty() && !text.contains('\0') => Ok(text.to_string()),
        _ => Err("NAME=VALUE is expected".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn run(arguments: &[&str]) -> Run {
        let arguments = ["portcullis", "run"].iter().chain(arguments);
        match Cli::try_parse_from(arguments).unwrap().command {
            Command::Run(run) => *run,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_stands_below_the_options_is_not_wrapped_anew() {
        for command in Cli::command().get_subcommands() {
            let below = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            for line in below.lines() {
                assert!(line.chars().count() <= 100, "{}: {line}", command.get_name());
            }
        }
    }

    #[test]
    fn the_definition_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn what_follows_the_program_is_the_programs() {
        let run = run(&["-p", "80", "-p", "81:82", "busybox", "httpd", "-f", "-p", "8080", "--help", "-v"]);
        assert_eq!(run.port, ["80", "81:82"]);
        assert_eq!(run.program, ["busybox", "httpd", "-f", "-p", "8080", "--help", "-v"]);
        assert!(!run.verbose);
    }

    #[test]
    fn wrong_values_are_refused_by_name() {
        for (arguments, named) in [
            (&["-p", "80x", "g"][..], "80x"),
            (&["--udp", "0", "g"], "`0`"),
            (&["-m", "lots", "g"], "lots"),
            (&["--smp", "0", "g"], "1..=64"),
            (&["-e", "NAME", "g"], "NAME=VALUE"),
            (&["--mac", "01:00:5e:00:00:01", "g"], "group"),
            (&["--netmask", "255.0.0.0", "g"], "--ip-address"),
            (&["--tap", "tap0", "--netdev", "user", "g"], "--netdev"),
        ] {
            let arguments = ["portcullis", "run"].iter().chain(arguments);
            let error = Cli::try_parse_from(arguments).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }
}
