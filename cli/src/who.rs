//! `who`: from where something of the instance can be reached.
use crate::args::Format;
use crate::config;
use crate::failure::Failure;
use crate::paint::Paint;
use crate::print;
use crate::rules::Rules;
use clap::Args;
use policy::diagnostic;
use policy::policy::{Policy, Rule};
use policy::space::{Decider, Region, Space, TooLarge};
use serde_json::{Value, json};
use std::fmt::Write;
use std::io::IsTerminal;
use std::path::PathBuf;

/// What is shown below the options.
pub const EXAMPLES: &str = "\
Packets are written in the words of properties (docs/policy.md):
  portcullis who config.json --to tcp/8080
  portcullis who config.json --to 'udp 53, tcp 53'
  portcullis who config.json --to 'tcp 22 from 10.0.0.0/8'
  portcullis who config.json --to everything

Exit code: 0 if something reaches it, 1 if nothing does, 2 for errors.";

/// The command line as written.
#[derive(Debug, Args)]
pub struct Who {
    /// The configuration file
    pub config: PathBuf,
    /// What is reached: packets in words; see below
    #[arg(long, value_name = "PACKETS")]
    pub to: String,
    /// How many regions to write out
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = crate::args::at_least_one())]
    pub most: usize,
    /// How to answer
    #[arg(long, default_value = "text")]
    pub format: Format,
}

/// What reaches it.
struct Reached {
    /// Each with the rules that let it in.
    regions: Vec<(Region, Vec<Decider>)>,
    /// Whether the regions are all.
    is_all: bool,
    /// Whether nothing of what was asked is kept out.
    is_open: bool,
}

/// Tells from where. The code is 1 if from nowhere.
pub fn who(arguments: &Who) -> Result<u8, Failure> {
    let loaded = config::load_whole(&arguments.config)?;
    let rules = Rules::new(&loaded);
    let asked = packets(&arguments.to, &rules.policy)?;
    let reached =
        reached(&rules, &asked, arguments.most).map_err(|error| Failure::Usage(format!("{}: {error}", rules.file)))?;
    let told = match arguments.format {
        Format::Text => text(&rules, &arguments.to, &reached, Paint(std::io::stdout().is_terminal())),
        Format::Json => format!("{}\n", json(&rules, &reached)),
    };
    print(told.as_bytes())?;
    Ok(u8::from(reached.regions.is_empty()))
}

fn packets(text: &str, policy: &Policy) -> Result<Vec<Rule>, Failure> {
    policy::config::packets(text, policy)
        .map_err(|error| Failure::Usage(diagnostic::render("--to", text, [error], std::io::stderr().is_terminal())))
}

fn reached(rules: &Rules, asked: &[Rule], most: usize) -> Result<Reached, TooLarge> {
    let mut space = Space::new(&[&rules.policy])?;
    let mut wanted = space.none();
    for rule in asked {
        let matched = space.matched(rule, &rules.policy)?;
        wanted = space.or(wanted, matched)?;
    }
    let accepted = space.accepted(&rules.policy)?;
    let open = space.and(accepted, wanted)?;
    let found = space.regions(open, most)?;
    let mut regions = Vec::with_capacity(found.regions.len());
    for region in found.regions {
        let deciders = space.deciders(&rules.policy, region.set)?.into_iter().map(|(decider, _)| decider);
        regions.push((region.clone(), deciders.collect()));
    }
    Ok(Reached { regions, is_all: found.is_all, is_open: open == wanted })
}

fn text(rules: &Rules, to: &str, reached: &Reached, paint: Paint) -> String {
    if reached.regions.is_empty() {
        return format!("nothing that is accepted reaches {to}\n");
    }
    let mut out = String::new();
    for (region, deciders) in &reached.regions {
        // Writing to a string does not fail.
        let _ = writeln!(out, "{}", paint.bold(&words(region)));
        let _ = writeln!(out, "    let in by {}", let_in_by(rules, deciders));
    }
    if !reached.is_all {
        let _ = writeln!(out, "and more: --most {} shows twice as much", (reached.regions.len() * 2).max(1));
    }
    let rest = if reached.is_open { "nothing of it is dropped" } else { "the rest of it is dropped" };
    let _ = writeln!(out, "{rest}");
    out
}

fn words(region: &Region) -> String {
    let words = region.to_string();
    if region.source.is_none() && region.source_port_or_type.is_none() {
        format!("{words} from anywhere")
    } else {
        words
    }
}

/// As many rules as are named.
const MOST_NAMED: usize = 3;

fn let_in_by(rules: &Rules, deciders: &[Decider]) -> String {
    let named = deciders.iter().take(MOST_NAMED).map(|decider| match decider {
        Decider::Rule(number) => rules.cite(*number),
        Decider::Default => rules.default(),
    });
    let mut named = named.collect::<Vec<_>>().join(", ");
    if deciders.len() > MOST_NAMED {
        let _ = write!(named, " and {} more", deciders.len() - MOST_NAMED);
    }
    named
}

fn json(rules: &Rules, reached: &Reached) -> Value {
    let by = |decider: &Decider| match decider {
        Decider::Rule(number) => rules.cause_json(Some(*number)),
        Decider::Default => rules.cause_json(None),
    };
    let region = |(region, deciders): &(Region, Vec<Decider>)| json!({"packets": words(region), "let_in_by": deciders.iter().map(by).collect::<Vec<_>>()});
    json!({
        "reached_by": reached.regions.iter().map(region).collect::<Vec<_>>(),
        "complete": reached.is_all,
        "nothing_dropped": reached.is_open,
    })
}
