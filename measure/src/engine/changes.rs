//! Changes to a large policy that is in force: how long each takes until a packet is decided by it, and what many of them cost the
//! packets after.
use crate::address::Address;
use crate::clock;
use crate::contender::{Built, Contender, measure};
use crate::entries::{self, HOSTS, Keys, Lengths, List, Plain, ROUTES_V4};
use crate::header::Family;
use crate::options::Options;
use crate::random::Random;
use crate::rule::policy;
use crate::sets::Source;
use crate::table::{Figure, Row, Section};
use crate::trace::{self, Trace};
use firewall::{Decision, Packet, Patched, Table};
use policy::change::{Applied, Change, Entry, Live};
use policy::compile::Strategy;
use policy::policy::{Action as Does, Network, Policy, Prefix, Rule};
use policy::reference;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::net::Ipv4Addr;
use std::time::Duration;
use tests::{Result, ensure};

/// What it is called.
pub const NAME: &str = "changes";
/// The smallest set that is changed.
const SMALLEST: usize = 10_000;
/// How many changes one after the other.
const CHANGES: usize = 256;
/// After so many it is measured what a packet costs.
const SEEN: [usize; 4] = [0, 1, 16, CHANGES];
/// How many rules the interpreter may go through to check one state.
const INTERPRETED: usize = 1 << 22;

/// A policy after some changes.
struct State {
    changes: usize,
    table: Vec<u8>,
    patch: Vec<u8>,
    policy: Policy,
}

/// What the changes took.
#[derive(Default)]
struct Times {
    /// By kind, in microseconds: to make the patch, to decode it and decide a packet by it, and both; and the largest patch.
    kinds: BTreeMap<&'static str, ([Figure; 3], usize)>,
    /// How many were over in less than a millisecond.
    quick: usize,
    /// Why it was compiled anew, how often, and how long that took at most.
    anew: BTreeMap<String, (usize, Duration)>,
}

/// Measures changes to rules, of this set if it is large enough, and what they cost.
pub fn of_set(source: &Source, options: &Options) -> Result<Vec<Section>> {
    if source.size < SMALLEST || source.size > options.largest {
        return Ok(Vec::new());
    }
    let filters = source.load()?;
    eprintln!("{NAME}, {}: {} rules", source.name, filters.len());
    let traces = trace::of(&filters);
    let packets = traces[1].packets(Family::V4).to_vec();
    let mut random = Random::new(filters.len() as u64);
    let (states, times) = run(policy(&filters, Family::V4), &packets, |number, live, policy| {
        let at = random.below(live.rules() as u64) as usize;
        let mut any = || policy.rules[random.below(policy.rules.len() as u64) as usize].clone();
        match number % 4 {
            0 => ("add a rule", Change::Add { at, rule: crossed(any(), any()) }),
            1 => ("take a rule", Change::Take { at }),
            2 => ("replace a rule", Change::Replace { at, rule: crossed(any(), any()) }),
            _ => match live.rule_at(at).cloned() {
                Some(rule) => ("reverse a rule", Change::Replace { at, rule: reversed(rule) }),
                None => ("add a rule", Change::Add { at, rule: crossed(any(), any()) }),
            },
        }
    })?;
    let title = format!("{}: {} rules", source.name, filters.len());
    let patched = states.iter().map(State::patched).collect::<Result<Vec<_>>>()?;
    let mut contenders: Vec<Box<dyn Contender<Trace> + '_>> = Vec::new();
    for (state, patched) in states.iter().zip(&patched) {
        contenders.push(Box::new(After { state, patched: *patched, position: 0 }));
    }
    let rows = measure(&mut contenders, &traces, options.rounds)?;
    Ok(sections(&title, trace::NAMES.to_vec(), rows, times))
}

/// Measures changes to long lists.
pub fn of_lists(options: &Options) -> Result<Vec<Section>> {
    let mut sections = Vec::new();
    for (name, lengths) in [("block list", HOSTS), ("prefixes, IPv4", ROUTES_V4)] {
        sections.extend(of_list(name, lengths, options)?);
    }
    Ok(sections)
}

fn of_list(name: &str, lengths: &Lengths, options: &Options) -> Result<Vec<Section>> {
    eprintln!("{NAME}, {name}");
    let list: List<u32> = entries::list(lengths);
    let keys = entries::keys(&list, &Plain::new(&list), false);
    let packets: Vec<Packet> =
        keys.iter().flat_map(|keys| keys.addresses.iter().take(4096)).map(|it| it.packet()).collect();
    let rule = Rule { network: Some(u32::network()), transport: None, action: Does::Drop, span: 0..0 };
    let meant = Policy { rules: vec![rule], default: Does::Accept, lists: vec![u32::list(&list)] };
    let mut random = Random::new(list.len() as u64);
    let (states, times) = run(meant, &packets, |number, _, policy| {
        let own = &policy.lists[0].ipv4;
        if number % 2 == 0 {
            let prefix = Prefix { address: Ipv4Addr::from_bits(u32::any(&mut random)), length: 32 };
            ("add an address", Change::AddEntry { list: 0, entry: Entry::Ipv4(prefix) })
        } else {
            // Each but once, from all over the list.
            let prefix = own[number * (own.len() / CHANGES)];
            ("take an entry", Change::TakeEntry { list: 0, entry: Entry::Ipv4(prefix) })
        }
    })?;
    let title = format!("{name}: {} entries", list.len());
    let patched = states.iter().map(State::patched).collect::<Result<Vec<_>>>()?;
    let mut contenders: Vec<Box<dyn Contender<Keys<u32>> + '_>> = Vec::new();
    for (state, patched) in states.iter().zip(&patched) {
        contenders.push(Box::new(After { state, patched: *patched, position: 0 }));
    }
    let rows = measure(&mut contenders, &keys, options.rounds)?;
    Ok(sections(&title, keys.iter().map(|keys| keys.name).collect(), rows, times))
}

/// Changes a policy, one change after the other. Each is over when the first packet is decided by it.
fn run(
    policy: Policy,
    packets: &[Packet],
    mut change: impl FnMut(usize, &Live, &Policy) -> (&'static str, Change),
) -> Result<(Vec<State>, Times)> {
    let mut live = Live::new(policy.clone(), Strategy::Forest)?;
    let (mut states, mut times) = (vec![State::new(0, &live, packets)?], Times::default());
    for number in 0..CHANGES {
        let packet = &packets[number % packets.len()];
        let (kind, asked) = change(number, &live, &policy);
        let table = Table::decode(live.table())?;
        let begun = clock::taken();
        // The table is decoded before it is changed; where it is another then, that is a part of the change.
        let checksum = table.checksum();
        let applied = live.apply(asked)?;
        let made = clock::taken();
        let patched = match applied {
            Applied::Patch => {
                let table = Table::decode(live.table())?;
                let decoding = clock::taken();
                let patched = Patched::decode(table, live.patch())?;
                black_box(patched.decide(black_box(packet)));
                times.add(kind, made - begun, clock::taken() - decoding, live.patch().len());
                ensure!(table.checksum() == checksum, "a patch with another table");
                patched
            }
            Applied::Anew(reason) => {
                let patched = Patched::decode(Table::decode(live.table())?, live.patch())?;
                black_box(patched.decide(black_box(packet)));
                let (count, most) = times.anew.entry(format!("{kind}: {reason}")).or_default();
                (*count, *most) = (*count + 1, (*most).max(clock::taken() - begun));
                patched
            }
        };
        black_box(patched);
        if SEEN.contains(&(number + 1)) {
            states.push(State::new(number + 1, &live, packets)?);
        }
    }
    Ok((states, times))
}

impl Times {
    fn add(&mut self, kind: &'static str, made: Duration, decided: Duration, bytes: usize) {
        let (figures, most) = self.kinds.entry(kind).or_default();
        for (figure, time) in figures.iter_mut().zip([made, decided, made + decided]) {
            figure.add(time.as_secs_f64() * 1e6);
        }
        *most = bytes.max(*most);
        self.quick += usize::from(made + decided < Duration::from_millis(1));
    }
}

impl State {
    /// How it is now; it decides as the changed rules read, about as many packets as the interpreter can do.
    fn new(changes: usize, live: &Live, packets: &[Packet]) -> Result<Self> {
        let state = Self { changes, table: live.table().to_vec(), patch: live.patch().to_vec(), policy: live.policy() };
        let patched = state.patched()?;
        let most = INTERPRETED / state.policy.rules.len().max(1);
        for packet in packets.iter().step_by(packets.len().div_ceil(most).max(1)) {
            let (found, meant) = (patched.decide(packet), reference::decide(&state.policy, packet));
            ensure!(found == meant, "after {changes} changes {found:?}, not {meant:?}, about {packet:?}");
        }
        Ok(state)
    }

    fn patched(&self) -> Result<Patched<'_>> {
        Ok(Patched::decode(Table::decode(&self.table)?, &self.patch)?)
    }
}

/// The tables of one set or list.
fn sections(title: &str, columns: Vec<&'static str>, rows: Vec<Row>, times: Times) -> Vec<Section> {
    let kinds = times.kinds.into_iter().map(|(name, (figures, most))| Row {
        name: name.into(),
        built: Built { bytes: Some(most as u64), ..Built::default() },
        figures: figures.into(),
    });
    let anew = times.anew.into_iter().map(|(reason, (count, most))| {
        format!("compiled anew {count} times, in at most {:.1} ms: {reason}", most.as_secs_f64() * 1e3)
    });
    let changes = Section {
        title: format!(
            "{NAME}, {title}: {CHANGES} one after the other, microseconds each; the size is the largest patch"
        ),
        columns: vec!["made", "decoded, first verdict", "both"],
        rows: kinds.collect(),
        notes: [format!("{} of {CHANGES} took less than a millisecond", times.quick)].into_iter().chain(anew).collect(),
    };
    let after = Section { title: format!("{NAME}, {title}: verdicts after them"), columns, rows, notes: Vec::new() };
    vec![changes, after]
}

/// A rule of what two ask: where packets of the one come from, and where those of the other go.
fn crossed(one: Rule, other: Rule) -> Rule {
    let network = match (one.network, other.network) {
        (Some(Network::Ipv4(mut one)), Some(Network::Ipv4(other))) => {
            one.destination = other.destination;
            Some(Network::Ipv4(one))
        }
        (network, _) => network,
    };
    Rule { network, transport: other.transport.or(one.transport), action: one.action, span: 0..0 }
}

fn reversed(rule: Rule) -> Rule {
    let action = if rule.action == Does::Accept { Does::Drop } else { Does::Accept };
    Rule { action, ..rule }
}

/// A table with a patch.
struct After<'a> {
    state: &'a State,
    patched: Patched<'a>,
    position: usize,
}

impl After<'_> {
    fn title(&self) -> String {
        match self.state.changes {
            0 => "before".into(),
            1 => "after 1 change".into(),
            changes => format!("after {changes} changes"),
        }
    }

    fn size(&self) -> Built {
        Built { bytes: Some((self.state.table.len() + self.state.patch.len()) as u64), ..Built::default() }
    }
}

/// The rule, or that there is none.
fn answer(decision: Decision) -> u32 {
    match decision.cause {
        firewall::Matched::Rule(rule) => rule,
        firewall::Matched::Default => trace::NONE,
    }
}

impl Contender<Trace> for After<'_> {
    fn name(&self) -> String {
        self.title()
    }

    fn built(&self) -> Built {
        self.size()
    }

    fn answers(&mut self, trace: &Trace) -> Result<Vec<u32>> {
        Ok(trace.packets(Family::V4).iter().map(|packet| answer(self.patched.decide(packet))).collect())
    }

    fn round(&mut self, trace: &Trace, least: Duration) -> Result<f64> {
        Ok(clock::rate(trace.packets(Family::V4), &mut self.position, 64, least, |packets| {
            for packet in packets {
                black_box(self.patched.decide(packet));
            }
        }))
    }
}

impl Contender<Keys<u32>> for After<'_> {
    fn name(&self) -> String {
        self.title()
    }

    fn built(&self) -> Built {
        self.size()
    }

    fn answers(&mut self, keys: &Keys<u32>) -> Result<Vec<u32>> {
        Ok(keys.addresses.iter().map(|address| answer(self.patched.decide(&address.packet()))).collect())
    }

    fn round(&mut self, keys: &Keys<u32>, least: Duration) -> Result<f64> {
        let mut packet = u32::narrow(1).packet();
        Ok(clock::rate(&keys.addresses, &mut self.position, 64, least, |addresses| {
            for address in addresses {
                packet.source = address.address();
                black_box(self.patched.decide(black_box(&packet)));
            }
        }))
    }
}
