//! A rule that names a large list of addresses, beside tables that hold the same list.
use crate::address::Address;
use crate::burst::Burst;
use crate::clock;
use crate::contender::{Built, Contender, measure};
use crate::entries::{self, HOSTS, Keys, Lengths, List, Plain, ROUTES_V4, ROUTES_V6};
use crate::header::Family;
use crate::options::Options;
use crate::ours::Compiled;
use crate::peers;
use crate::routes::{self, Routes};
use crate::table::Section;
use firewall::{Action, Table};
use policy::policy::{Action as Does, Policy, Rule};
use policy::reference;
use std::hint::black_box;
use std::time::Duration;
use tests::{Result, ensure};

/// How many packets the interpreter decides about: it goes through the whole list for each.
const INTERPRETED: usize = 32;

/// What lists there are.
pub const NAMES: [&str; 3] = ["block list", "prefixes, IPv4", "prefixes, IPv6"];

/// Measures the list of this name.
pub fn section(name: &str, options: &Options) -> Result<Section> {
    match name {
        "block list" => of::<u32>(name, HOSTS, options),
        "prefixes, IPv4" => of::<u32>(name, ROUTES_V4, options),
        _ => of::<u128>(name, ROUTES_V6, options),
    }
}

/// A rule that drops what comes from the list.
struct Single<'a> {
    table: Table<'a>,
    built: Built,
    position: usize,
}

fn of<A: peers::Address>(name: &str, lengths: &Lengths, options: &Options) -> Result<Section> {
    eprintln!("{name}: building");
    let list: List<A> = entries::list(lengths);
    let rule = Rule { network: Some(A::network()), transport: None, action: Does::Drop, span: 0..0 };
    let meant = Policy { rules: vec![rule], default: Does::Accept, lists: vec![A::list(&list)] };
    let compiled = Compiled::new(&meant)?;
    let family = if A::BITS == 32 { Family::V4 } else { Family::V6 };
    let single = Single { table: compiled.table()?, built: compiled.built(family)?, position: 0 };
    let mut contenders: Vec<Box<dyn Contender<Keys<A>>>> = vec![Box::new(single)];
    let mut notes = Vec::new();
    match Burst::of(&compiled, family) {
        Ok(burst) => contenders.push(Box::new(burst)),
        Err(reason) => notes.push(format!("Portcullis, bursts: skipped: {reason}")),
    }
    let is_hosts = lengths == HOSTS;
    peers::add(&list, is_hosts, &mut contenders, &mut notes);
    if !is_hosts && A::BITS == 32 {
        for kind in routes::KINDS {
            match Routes::build(kind, &list, options) {
                Ok(ways) => contenders.extend(ways.into_iter().map(|way| Box::new(way) as _)),
                Err(reason) => notes.push(format!("DPDK {}: skipped: {reason}", kind.name())),
            }
        }
    }
    eprintln!("{name}: checking");
    let plain = Plain::new(&list);
    let keys = entries::keys(&list, &plain, is_hosts);
    notes.push(check(&meant, &plain, &keys, &mut contenders)?);
    eprintln!("{name}: measuring");
    let rows = measure(&mut contenders, &keys, options.rounds)?;
    let columns = keys.iter().map(|keys| keys.name).collect();
    Ok(Section { title: format!("{name}: {} entries, {}", list.len(), A::VERSION), columns, rows, notes })
}

/// Holds every contender against a plain search for every address, and that against the interpreter for some.
fn check<A: Address>(
    policy: &Policy,
    plain: &Plain<A>,
    keys: &[Keys<A>],
    contenders: &mut [Box<dyn Contender<Keys<A>> + '_>],
) -> Result<String> {
    let mut checked = 0;
    for keys in keys {
        let expected: Vec<u32> = keys.addresses.iter().map(|address| plain.contains(*address).into()).collect();
        for (address, expected) in keys.addresses.iter().zip(&expected).take(INTERPRETED) {
            let packet = address.packet();
            let meant = u32::from(reference::decide(policy, &packet).action == Action::Drop);
            ensure!(meant == *expected, "{packet:?}: the interpreter and the search disagree");
        }
        for contender in &mut *contenders {
            let answers = contender.answers(keys)?;
            ensure!(answers.len() == expected.len(), "{}: {} answers", contender.name(), answers.len());
            for ((address, answer), expected) in keys.addresses.iter().zip(answers).zip(&expected) {
                let address = address.address();
                ensure!(answer == *expected, "{}: {answer}, not {expected}, for {address}", contender.name());
            }
        }
        checked += expected.len();
    }
    let interpreted = INTERPRETED * keys.len();
    Ok(format!("checked: {checked} addresses with every table, {interpreted} of them against the interpreter"))
}

impl<A: Address> Contender<Keys<A>> for Single<'_> {
    fn name(&self) -> String {
        "Portcullis, single".into()
    }

    fn built(&self) -> Built {
        self.built.clone()
    }

    fn answers(&mut self, keys: &Keys<A>) -> Result<Vec<u32>> {
        let drops = |address: &A| self.table.decide(&address.packet()).action == Action::Drop;
        Ok(keys.addresses.iter().map(|address| drops(address).into()).collect())
    }

    fn round(&mut self, keys: &Keys<A>, least: Duration) -> Result<f64> {
        // Only the address changes, as the tables beside are given nothing else to read from far memory.
        let mut packet = A::narrow(1).packet();
        Ok(clock::rate(&keys.addresses, &mut self.position, 64, least, |addresses| {
            for address in addresses {
                packet.source = address.address();
                black_box(self.table.decide(black_box(&packet)));
            }
        }))
    }
}
