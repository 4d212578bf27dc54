//! The arguments of `explain`.
use crate::args::Format;
use clap::Args;
use std::path::PathBuf;

/// What is shown below the options.
pub const EXAMPLES: &str = "\
Packets:
  tcp from 10.0.2.2:40000 to :8080 syn   in words; docs/policy.md has them all
  4500002800010000400622ba0a000202...    in hex: an Ethernet frame, or an IP packet
  capture.pcap                           a capture file, pcap or pcapng; or -r FILE whatever its
                                         name, -r - for standard input

Every packet is judged as if the instance received it; of a capture of both directions choose one
first, such as with `tcpdump -r both.pcap -w in.pcap dst host 10.0.2.15`.

Exit code: 0 whatever the verdict is; 2 if the configuration, the packet or the file cannot be read.";

/// The command line as written.
#[derive(Debug, Args)]
pub struct Explain {
    /// The configuration file
    pub config: PathBuf,
    /// A packet in words or in hex, or a capture file; see below
    #[arg(required_unless_present = "read")]
    pub packet: Vec<String>,
    /// Read a capture file; `-` is standard input
    #[arg(short, long, value_name = "FILE", conflicts_with = "packet")]
    pub read: Option<PathBuf>,
    /// Of a capture file: show every packet, each on a line; few are always shown
    #[arg(long)]
    pub list: bool,
    /// Of a capture file: write the packets that would be dropped to a file of the same format
    #[arg(long, value_name = "FILE")]
    pub drops: Option<PathBuf>,
    /// How to answer; in JSON an object a line, the summary of a capture file last
    #[arg(long, default_value = "text")]
    pub format: Format,
    /// Show all rules that do not match, or decided about no packet, however many they are
    #[arg(short, long)]
    pub verbose: bool,
}
