//! A set of rules: loaded, built by every contender, checked and measured.
use crate::acl::Acl;
use crate::burst::Burst;
use crate::check::check;
use crate::contender::{Contender, measure};
use crate::header::Family;
use crate::options::Options;
use crate::ours::{Compiled, suffix};
use crate::rule::policy;
use crate::sets::Source;
use crate::table::Section;
use crate::trace::{self, NAMES, Trace};
use tests::Result;

/// Measures one set.
pub fn set(source: &Source, options: &Options) -> Result<Section> {
    let filters = source.load()?;
    eprintln!("{}: {} rules: building", source.name, filters.len());
    let meant = policy(&filters, Family::V4);
    let ipv4 = Compiled::new(&meant)?;
    let ipv6 = Compiled::new(&policy(&filters, Family::V6))?;
    let (mut contenders, mut notes) = (Vec::<Box<dyn Contender<Trace>>>::new(), Vec::new());
    for (compiled, family) in [(&ipv4, Family::V4), (&ipv6, Family::V6)] {
        contenders.push(Box::new(compiled.single(family)?));
        match Burst::of(compiled, family) {
            Ok(burst) => contenders.push(Box::new(burst)),
            Err(reason) => notes.push(format!("Portcullis, bursts{}: skipped: {reason}", suffix(family))),
        }
    }
    match Acl::build(&filters, options) {
        Ok(ways) => contenders.extend(ways.into_iter().map(|way| Box::new(way) as Box<dyn Contender<Trace>>)),
        Err(reason) => notes.push(format!("DPDK rte_acl: skipped: {reason}")),
    }
    eprintln!("{}: checking", source.name);
    let traces = trace::of(&filters);
    let edges = trace::edges(&filters);
    let (interpreted, headers) = check(&filters, &meant, traces.iter().chain([&edges]), &mut contenders)?;
    notes.push(format!(
        "checked: {headers} headers with every engine against a scan of the rules, {interpreted} of them against the interpreter"
    ));
    eprintln!("{}: measuring", source.name);
    let rows = measure(&mut contenders, &traces, options.rounds)?;
    Ok(Section { title: format!("{}: {} rules", source.name, filters.len()), columns: NAMES.to_vec(), rows, notes })
}
