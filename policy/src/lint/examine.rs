//! All lints of a configuration.
use super::subject::Subject;
use super::{Finding, Lint, Setting, forwards, host_bits, needed, open, unused};
use crate::config::Config;
use crate::progress::Observer;
use crate::space::TooLarge;

/// What a configuration is told.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// In the order of the file.
    pub findings: Vec<Finding>,
    /// Why not every lint was looked for.
    pub not_done: Option<TooLarge>,
}

/// Looks for every lint that the configuration, whose text this is, does not silence.
pub fn examine(config: &Config, text: &str, setting: &Setting, observer: &mut dyn Observer) -> Findings {
    let mut found = host_bits::find(config);
    let done = match &config.policy {
        Some(policy) => of_all_packets(Subject::new(config, policy, text, setting), &mut found, observer),
        None => Ok(()),
    };
    found.retain(|finding| !is_allowed(config, finding));
    found.sort_by_key(|finding| (finding.span.start, finding.span.end, finding.lint));
    Findings { findings: found, not_done: done.err() }
}

fn of_all_packets(
    subject: Result<Subject<'_>, TooLarge>,
    found: &mut Vec<Finding>,
    observer: &mut dyn Observer,
) -> Result<(), TooLarge> {
    let mut subject = subject?;
    let effects = unused::effects(&mut subject, observer)?;
    let (opened, has_end) = open::find(&mut subject, &effects)?;
    found.extend(opened);
    found.extend(unused::find(&mut subject, &effects, has_end)?);
    found.extend(needed::find(&mut subject)?);
    found.extend(forwards::find(&mut subject, &effects)?);
    Ok(())
}

fn is_allowed(config: &Config, finding: &Finding) -> bool {
    let of_rules = finding.rules.iter().filter_map(|rule| config.rule_allows.get(*rule));
    of_rules.chain([&config.allows]).any(|allowed: &Vec<Lint>| allowed.contains(&finding.lint))
}
