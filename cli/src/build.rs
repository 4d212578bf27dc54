//! `build`: an image that `run` boots.
use crate::config;
use crate::failure::Failure;
use crate::memory;
use crate::run::{gather_program, tell_libraries};
use crate::say::say;
use crate::whole;
use std::path::Path;

/// Builds an image of a configuration and a program.
pub fn build(config: &Path, program: Option<&Path>, output: &Path) -> Result<u8, Failure> {
    let config = config::load(config)?;
    let bundle = gather_program(&config, &[], program)?;
    if config.run.verbose {
        tell_libraries(&bundle.libraries);
    }
    let mut packed = Vec::new();
    bundle.pack(&mut packed).map_err(|error| Failure::CannotBoot(error.to_string()))?;
    let failed = |error| Failure::CannotBoot(format!("{}: {error}", output.display()));
    whole::write(output, &packed).map_err(failed)?;
    say(format_args!("{}: {}", output.display(), memory::show(packed.len() as u64)));
    Ok(0)
}
