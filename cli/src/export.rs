//! `export`: the policy for the firewall in front, proved.
use crate::args::{self, Nearest};
use crate::config;
use crate::failure::Failure;
use crate::ports::{self, Protocol};
use crate::print;
use crate::say::say;
use crate::whole;
use policy::config::Config;
use policy::diagnostic::{Diagnostic, Severity, render};
use policy::export::{self, Approximate, Exported, Proof, Target, Unsayable, opened};
use policy::packet::describe;
use policy::policy::Policy;
use std::io::IsTerminal;
use std::ops::RangeInclusive;
use std::path::Path;

/// Writes the policy of a configuration, or of ports alone, for a target.
pub fn export(options: &args::Export) -> Result<u8, Failure> {
    let config = options.config.as_deref().map(config::load).transpose()?.unwrap_or_default();
    let (policy, labels) = wanted(&config, &options.port)?;
    let target = options.to.target();
    let approximate = options.approximate.map(|nearest| match nearest {
        Nearest::Wider => Approximate::Wider,
        Nearest::Narrower => Approximate::Narrower,
    });
    let exported = export::export(&policy, &labels, target, approximate).map_err(|failure| match failure {
        export::Failure::Unsayable(target, rules) => refusal(options.config.as_deref(), target, &policy, &rules),
        other => Failure::Usage(other.to_string()),
    })?;
    match &options.output {
        Some(path) => {
            let failed = |error| Failure::Usage(format!("{}: {error}", path.display()));
            whole::write(path, exported.text.as_bytes()).map_err(failed)?;
        }
        None => {
            print(exported.text.as_bytes())?;
        }
    }
    if config.policy.is_none() && !target.is_stateful() {
        say(format_args!("warning: {target} lets in no answers to what the instance sends by itself"));
    }
    tell(&exported);
    Ok(0)
}

/// The policy, with what its rules are called; that of the ports where a configuration has none.
fn wanted(config: &Config, ports: &[String]) -> Result<(Policy, Vec<String>), Failure> {
    if let Some(policy) = &config.policy {
        if !ports.is_empty() {
            let message = "-p: the configuration has a policy, which says what is let in; leave one of them out";
            return Err(Failure::CommandLine(message.into()));
        }
        return Ok((policy.clone(), config.rule_labels.clone()));
    }
    let tcp = if ports.is_empty() { &config.run.ports } else { ports };
    let udp: &[String] = if ports.is_empty() { &config.run.udp_ports } else { &[] };
    if tcp.is_empty() && udp.is_empty() {
        let message = "there is nothing to export: neither a policy nor ports; name a configuration, or ports with -p";
        return Err(Failure::CommandLine(message.into()));
    }
    let (tcp, udp) = (instance_ports(Protocol::Tcp, tcp)?, instance_ports(Protocol::Udp, udp)?);
    let labels = [("tcp", &tcp), ("udp", &udp)].into_iter().filter(|(_, ports)| !ports.is_empty());
    let labels = labels.map(|(name, _)| format!("the {name} ports of -p, from anywhere")).collect();
    Ok((opened(&tcp, &udp), labels))
}

/// The instance's ports of arguments of `-p`, in order and without those that stand twice.
fn instance_ports(protocol: Protocol, texts: &[String]) -> Result<Vec<RangeInclusive<u16>>, Failure> {
    let mut all = Vec::new();
    for text in texts {
        let forwards = ports::parse(protocol, text).map_err(|error| Failure::Usage(error.to_string()))?;
        all.extend(forwards.iter().map(|forward| forward.guest));
    }
    all.sort_unstable();
    all.dedup();
    Ok(all
        .chunk_by(|one, next| one.checked_add(1) == Some(*next))
        .filter_map(|run| Some(*run.first()?..=*run.last()?))
        .collect())
}

/// The rules that a target cannot say, each with its line.
fn refusal(path: Option<&Path>, target: Target, policy: &Policy, rules: &[Unsayable]) -> Failure {
    let Some(path) = path else {
        return Failure::Usage(format!("{target} cannot say this policy"));
    };
    let text = std::fs::read(path).unwrap_or_default();
    let help = "`--approximate wider` lets in more, `--approximate narrower` leaves out what cannot be said";
    let drawn = rules.iter().map(|rule| Diagnostic {
        severity: Severity::Error,
        span: policy.rules.get(rule.rule).map(|rule| rule.span.clone()).unwrap_or_default(),
        title: format!("{target} cannot say this rule"),
        label: format!("it asks for {}", rule.asks),
        help: Some(help.to_string()),
        notes: Vec::new(),
    });
    let coloured = std::io::stderr().is_terminal();
    Failure::Usage(render(&path.display().to_string(), &String::from_utf8_lossy(&text), drawn, coloured))
}

/// Says what was proved, and what it does not speak about.
fn tell(exported: &Exported) {
    if let Some(warning) = &exported.warning {
        say(format_args!("warning: {warning}"));
    }
    let compared = match exported.compared {
        "" => String::new(),
        packets => format!(", for {packets}"),
    };
    match exported.proof {
        Proof::Equal => say(format_args!("proved equal to the policy{compared}")),
        Proof::Wider(packet) => {
            say(format_args!("proved wider than the policy{compared}; this is let in: {}", describe(&packet)))
        }
        Proof::Narrower(packet) => {
            say(format_args!("proved narrower than the policy{compared}; this is not let in: {}", describe(&packet)));
        }
    }
}
