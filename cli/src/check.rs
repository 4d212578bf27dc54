//! `check`: what is wrong with a configuration, what of its policy was probably not meant; and with `-v` what it costs.
mod costs;
mod json;
mod sarif;
mod setting;
mod text;
mod told;

use crate::args::{Check, CheckFormat};
use crate::config::{self, Read};
use crate::failure::Failure;
use crate::print;
use crate::progress::Progress;
use policy::lint::{Findings, examine};
use std::io::IsTerminal;
use told::{Kind, Told};

/// What a configuration is told, and what is said of it as a whole.
struct Report {
    name: String,
    text: String,
    /// In the order of the file.
    told: Vec<Told>,
    /// `None` without a policy, and after an error.
    rules: Option<usize>,
}

/// Reads a configuration and tells what is to be told of it. The code is 1 after lints, and 2 after errors.
pub fn check(arguments: &Check) -> Result<u8, Failure> {
    let mut progress = Progress::start();
    let Read { name, text, parsed } = config::read(&arguments.config, &mut progress)?;
    let (mut told, mut rules, mut policy) = (Vec::new(), None, None);
    match parsed {
        Err(errors) => told.extend(errors.iter().map(Told::from)),
        Ok((config, warnings)) => {
            let setting = setting::of(&config.run, arguments)?;
            let Findings { findings, not_done } = examine(&config, &text, &setting, &mut progress);
            told.extend(warnings.iter().map(Told::from));
            told.extend(findings.iter().map(Told::from));
            told.extend(not_done.map(|error| Told::not_done(error, config.places.firewall.clone())));
            told.sort_by_key(|one| (one.diagnostic.span.start, one.diagnostic.span.end));
            rules = config.policy.as_ref().map(|policy| policy.rules.len());
            policy = config.policy;
        }
    }
    drop(progress);
    let report = Report { name, text, told, rules };
    let mut out = match arguments.format {
        CheckFormat::Text => text::tell(&report, std::io::stdout().is_terminal()),
        CheckFormat::Json => json::tell(&report),
        CheckFormat::Sarif => sarif::tell(&report),
    };
    if let Some(policy) = policy.filter(|_| arguments.verbose && arguments.format == CheckFormat::Text) {
        out += &costs::costs(&policy)?;
    }
    print(out.as_bytes())?;
    Ok(report.code())
}

impl Report {
    fn count(&self, kind: Kind) -> usize {
        self.told.iter().filter(|told| told.kind == kind).count()
    }

    /// A policy that is too large for all lints is not said to be free of them.
    fn code(&self) -> u8 {
        if self.count(Kind::Error) > 0 {
            return 2;
        }
        u8::from(self.count(Kind::Lint) + self.count(Kind::NotDone) > 0)
    }
}
