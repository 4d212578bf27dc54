//! `explain`: what a policy does with a packet, or with those of a capture file, and why.
mod args;
mod drops;
mod hex;
mod input;
mod list;
mod one;
mod survey;
mod tally;
mod told;

pub use args::{EXAMPLES, Explain};

use crate::config;
use crate::failure::Failure;
use crate::paint::Paint;
use crate::print;
use crate::rules::Rules;
use input::Input;
use std::io::IsTerminal;

/// Reads a configuration and a packet, and explains what becomes of it.
pub fn explain(arguments: &Explain) -> Result<u8, Failure> {
    let loaded = config::load_whole(&arguments.config)?;
    let rules = Rules::new(&loaded);
    let input = match &arguments.read {
        Some(path) => Input::Capture(path.clone()),
        None => input::of(&arguments.packet, std::io::stderr().is_terminal())?,
    };
    let paint = Paint(std::io::stdout().is_terminal());
    if let Input::Capture(path) = &input {
        return survey::survey(&rules, path, arguments, paint);
    }
    if arguments.list || arguments.drops.is_some() {
        return Err(Failure::CommandLine(
            "`--list` and `--drops` are for capture files, and this is one packet".into(),
        ));
    }
    print(one::explain(&rules, &input, arguments.format, arguments.verbose, paint).as_bytes())
}
