//! `simplify`: a configuration whose policy is shorter, and proved to decide alike.
use crate::config::{self, Loaded};
use crate::failure::Failure;
use crate::print;
use crate::progress::Progress;
use crate::rules::Rules;
use crate::say::{self, counted};
use crate::whole;
use policy::diagnostic;
use policy::policy::Policy;
use policy::simplify::{Kept, Shorter, rewrite, shorten};
use policy::space::{Effect, Space, TooLarge};
use policy::test::{Outcome, run};
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::Path;

/// Writes it to a file or to standard output; what was done goes to standard error.
pub fn simplify(path: &Path, output: Option<&Path>) -> Result<u8, Failure> {
    let loaded = config::load_whole(path)?;
    let Some(policy) = &loaded.config.policy else {
        return Err(Failure::Usage(format!(
            "{}: there is no firewall in it, and so no policy to simplify",
            loaded.name
        )));
    };
    let mut progress = Progress::start();
    let plain = |rule: usize| loaded.config.plain_rules.get(rule).copied().unwrap_or(false);
    let shorter = shorten(policy, plain, &mut progress);
    drop(progress);
    let shorter = shorter.map_err(|error| Failure::Usage(format!("{}: {error}", loaded.name)))?;
    let text = rewrite(&loaded.text, policy, &shorter.kept);
    prove(&loaded, policy, &text, path)?;
    for line in told(&Rules::new(&loaded), &shorter) {
        say::say(format_args!("{line}"));
    }
    match output {
        Some(output) => {
            whole::write(output, text.as_bytes())
                .map_err(|error| Failure::Usage(format!("{}: {error}", output.display())))?;
            Ok(0)
        }
        None => print(text.as_bytes()),
    }
}

/// Reads what is to be written, as anybody will, and compares it with what was read.
fn prove(loaded: &Loaded, policy: &Policy, text: &str, path: &Path) -> Result<(), Failure> {
    let refuse = |why: String| Failure::Usage(format!("{}: nothing is written: {why}", loaded.name));
    let (again, _) = config::parse(path, text, &mut ()).map_err(|errors| {
        let drawn = diagnostic::render(&loaded.name, text, errors, std::io::stderr().is_terminal());
        refuse(format!(
            "the shorter configuration has errors, as where a test names a rule that changes nothing, or rules by numbers\n{drawn}"
        ))
    })?;
    let shorter = again.policy.as_ref().ok_or_else(|| refuse("the policy was lost".to_string()))?;
    let compare = || {
        let mut space = Space::new(&[policy])?;
        Ok(space.accepted(policy)? == space.accepted(shorter)?)
    };
    if !compare().map_err(|error: TooLarge| refuse(error.to_string()))? {
        return Err(refuse("the shorter configuration decides otherwise".to_string()));
    }
    let failed = |policy, tests| {
        let outcomes = run(policy, tests, &mut ()).map_err(|error| refuse(error.to_string()))?;
        Ok(outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Fails { .. })).count())
    };
    if failed(shorter, &again.tests)? > failed(policy, &loaded.config.tests)? {
        say::say(format_args!("tests that name rules by numbers fail now: the numbers have changed, and names do not"));
    }
    Ok(())
}

/// A line for each change, and one for all.
fn told(rules: &Rules, shorter: &Shorter) -> Vec<String> {
    let joined: BTreeMap<usize, &Kept> =
        shorter.kept.iter().flat_map(|kept| kept.numbers.iter().map(move |n| (*n, kept))).collect();
    let mut lines = Vec::new();
    for (number, effect) in shorter.effects.iter().enumerate() {
        let why = match (effect, joined.get(&number)) {
            (Effect::Empty, _) => "is gone: no packet can match it".to_string(),
            (Effect::Shadowed, _) => "is gone: earlier rules match all that it matches".to_string(),
            (Effect::Redundant, _) => "is gone: what comes after it does the same".to_string(),
            (Effect::Needed, Some(kept)) if kept.numbers.first() != Some(&number) => {
                format!("is now one with rule {}", kept.numbers.first().map_or(0, |first| first + 1))
            }
            (Effect::Needed, _) => continue,
        };
        lines.push(format!("{} {why}", rules.cite(number)));
    }
    let (before, after) = (shorter.effects.len(), shorter.kept.len());
    lines.push(match after == before {
        true => format!("no shorter policy was found: {}", counted(before, "rule")),
        false => format!("{} became {after}, proved to decide alike for every packet", counted(before, "rule")),
    });
    lines
}
