//! `diff`: which packets a new policy treats otherwise than an old one.
use crate::args::Format;
use crate::config;
use crate::failure::Failure;
use crate::paint::Paint;
use crate::print;
use crate::rules::Rules;
use clap::Args;
use policy::diff::{Difference, Part};
use policy::packet::describe;
use policy::policy::Action;
use serde_json::{Value, json};
use std::fmt::Write;
use std::io::IsTerminal;
use std::path::PathBuf;

/// What is shown below the options.
pub const EXIT_CODE: &str = "\
The packets that change verdict are written in words like those of properties (docs/policy.md), as
regions that may overlap, each with one packet as `explain` takes it. Nothing is sampled: what is
not named has not changed.

Exit code: 0 if both policies are equal, 1 if they are not, 2 for errors.";

/// The command line as written.
#[derive(Debug, Args)]
pub struct Diff {
    /// The old configuration
    pub old: PathBuf,
    /// The new one
    pub new: PathBuf,
    /// How many regions to write out, of what is accepted now and of what is dropped now
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = crate::args::at_least_one())]
    pub most: usize,
    /// How to answer
    #[arg(long, default_value = "text")]
    pub format: Format,
}

/// Compares two configurations. The code is 1 if they are not equal.
pub fn diff(arguments: &Diff) -> Result<u8, Failure> {
    let (old, new) = (config::load_whole(&arguments.old)?, config::load_whole(&arguments.new)?);
    let (old, new) = (Rules::new(&old), Rules::new(&new));
    let found = policy::diff::diff(&old.policy, &new.policy, arguments.most)
        .map_err(|error| Failure::Usage(format!("{} and {}: {error}", old.file, new.file)))?;
    let told = match arguments.format {
        Format::Text => text(&old, &new, &found, Paint(std::io::stdout().is_terminal())),
        Format::Json => format!("{}\n", json(&old, &new, &found)),
    };
    print(told.as_bytes())?;
    Ok(u8::from(!found.is_none()))
}

fn text(old: &Rules, new: &Rules, found: &Difference, paint: Paint) -> String {
    if found.is_none() {
        return format!("{} and {} are equal: every packet has the same verdict\n", old.file, new.file);
    }
    let mut out = String::new();
    for (part, heading) in
        [(&found.accepted, "accepted now, dropped before"), (&found.dropped, "dropped now, accepted before")]
    {
        if part.regions.is_empty() && part.is_all {
            continue;
        }
        let gap = if out.is_empty() { "" } else { "\n" };
        // Writing to a string does not fail.
        let _ = writeln!(out, "{gap}{}", paint.verdict(part.action.into(), heading));
        tell(&mut out, part, old, new, paint);
    }
    out
}

fn tell(out: &mut String, part: &Part, old: &Rules, new: &Rules, paint: Paint) {
    let sign = if part.action == Action::Accept { '+' } else { '-' };
    for (region, packet) in &part.regions {
        let _ = writeln!(out, "{sign} {}", paint.bold(&region.to_string()));
        let _ = writeln!(out, "    such as  {}", describe(packet));
        let _ = writeln!(out, "    before   {}", old.decider(packet));
        let _ = writeln!(out, "    now      {}", new.decider(packet));
    }
    if !part.is_all {
        let _ = writeln!(out, "{sign} and more: --most {} shows twice as much", (part.regions.len() * 2).max(1));
    }
}

fn json(old: &Rules, new: &Rules, found: &Difference) -> Value {
    let regions = |part: &Part| -> Vec<Value> {
        let of = part.regions.iter().map(|(region, packet)| {
            json!({
                "packets": region.to_string(),
                "such_as": describe(packet),
                "before": old.decider_json(packet),
                "now": new.decider_json(packet),
            })
        });
        of.collect()
    };
    let part = |part: &Part| json!({"regions": regions(part), "complete": part.is_all});
    json!({"equal": found.is_none(), "accepted_now": part(&found.accepted), "dropped_now": part(&found.dropped)})
}
